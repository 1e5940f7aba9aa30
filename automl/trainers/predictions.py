"""Predictions of a network on a list of images, as a small file. Nothing is pickled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.files.archives import DAMAGED
from automl.files.atomic import replacing
from automl.scores.boxes import ImagePredictions, Predictions

__all__ = ["ImagePredictions", "Predictions", "gathered", "load", "save"]

_FORMAT = 1


def gathered(
    images: Sequence[str],
    predicted: Sequence[ImagePredictions],
    sizes: Sequence[tuple[int, int]],
    *,
    names: Sequence[str],
    imgsz: int,
    least: float,
    weights: str = "",
) -> Predictions:
    """The record of the predictions on each of the images."""
    ordered = [_ordered(single) for single in predicted]
    return Predictions(
        images=tuple(images),
        names=tuple(names),
        sizes=np.asarray(sizes, dtype=np.int32).reshape(-1, 2),
        counts=np.array([len(single) for single in ordered], dtype=np.int32),
        boxes=np.concatenate([np.zeros((0, 4), np.float32), *(single.boxes for single in ordered)]),
        confidence=np.concatenate([np.zeros(0, np.float32), *(single.confidence for single in ordered)]),
        classes=np.concatenate([np.zeros(0, np.int32), *(single.classes for single in ordered)]),
        imgsz=imgsz,
        least=least,
        weights=weights,
    )


def _ordered(single: ImagePredictions) -> ImagePredictions:
    order = np.argsort(-single.confidence, kind="stable")
    return ImagePredictions(
        boxes=single.boxes[order], confidence=single.confidence[order], classes=single.classes[order]
    )


def save(predictions: Predictions, file: Path) -> None:
    """Write the predictions, whole or not at all: about 15 bytes for each one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as part, part.open("wb") as stream:
        np.savez_compressed(
            stream,
            format=np.int32(_FORMAT),
            images=_text(predictions.images),
            names=_text(predictions.names),
            sizes=predictions.sizes,
            counts=predictions.counts,
            boxes=predictions.boxes,
            confidence=predictions.confidence,
            classes=predictions.classes,
            imgsz=np.int32(predictions.imgsz),
            least=np.float64(predictions.least),
            weights=_text([predictions.weights]),
        )


def load(file: Path) -> Predictions | None:
    """Predictions from a file of `save`; None if there is none, or if it is damaged or of another version."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays: dict[str, Any] = {name: archive[name] for name in archive.files}
        if int(arrays.pop("format")) != _FORMAT:
            return None
        texts = {name: _words(arrays[name]) for name in ("images", "names", "weights")}
        known: dict[str, Any] = {name: arrays[name] for name in ("sizes", "counts", "boxes", "confidence", "classes")}
        known |= {"imgsz": int(arrays["imgsz"]), "least": float(arrays["least"]), "weights": texts["weights"][0]}
        return Predictions(images=texts["images"], names=texts["names"], **known)
    except DAMAGED:
        return None


def _text(words: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Texts as bytes: names of files may hold anything but a zero byte, and need not be valid Unicode."""
    return np.frombuffer("\0".join(words).encode("utf-8", "surrogateescape") + b"\1", dtype=np.uint8)


def _words(content: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    text = content.tobytes().removesuffix(b"\1").decode("utf-8", "surrogateescape")
    return tuple(text.split("\0")) if text else ()
