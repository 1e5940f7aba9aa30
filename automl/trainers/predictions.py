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

_FORMAT = 2
_CODES = 65535  # of two bytes
_SPAN, _BEFORE = 2.0, np.array([0.5, 0.5, 0, 0])  # range of the numbers of a box, and its part below zero


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
    """Write the predictions, whole or not at all: eight bytes or so for each one.

    A number of a box takes two bytes: steps of 1/32767 of the image, from half an image before its border on. So does
    the root of a confidence, whose steps are finest near zero.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as part, part.open("wb") as stream:
        np.savez_compressed(
            stream,
            format=np.int32(_FORMAT),
            images=_text(predictions.images),
            names=_text(predictions.names),
            sizes=predictions.sizes,
            counts=predictions.counts,
            boxes=_bytes(_coded((predictions.boxes + _BEFORE) / _SPAN).T),
            confidence=_bytes(_coded(np.sqrt(predictions.confidence))),
            classes=predictions.classes.astype(np.min_scalar_type(max(len(predictions.names) - 1, 0))),
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
        known: dict[str, Any] = {"sizes": arrays["sizes"], "counts": arrays["counts"]}
        known["boxes"] = (_fractions(arrays["boxes"]).reshape(4, -1).T * _SPAN - _BEFORE).astype(np.float32)
        known["confidence"] = (_fractions(arrays["confidence"]) ** 2).astype(np.float32)
        known["classes"] = arrays["classes"].astype(np.int32)
        known |= {"imgsz": int(arrays["imgsz"]), "least": float(arrays["least"]), "weights": "".join(texts["weights"])}
        return Predictions(images=texts["images"], names=texts["names"], **known)
    except DAMAGED:
        return None


def _coded(fractions: npt.NDArray[np.floating]) -> npt.NDArray[np.uint16]:
    codes: npt.NDArray[np.uint16] = np.round(np.clip(fractions, 0, 1).astype(np.float64) * _CODES).astype("<u2")
    return codes


def _bytes(codes: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """(2, n) low and high bytes apart: the high ones pack well."""
    return np.ascontiguousarray(np.ascontiguousarray(codes).reshape(-1, 1).view(np.uint8).T)


def _fractions(content: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Numbers in [0, 1] of what `_bytes` has written. Raises ValueError for anything else."""
    if content.dtype != np.uint8 or content.ndim != 2 or len(content) != 2:
        raise ValueError("bytes are missing")
    fractions: npt.NDArray[np.float64] = (content[0].astype(np.float64) + 256.0 * content[1]) / _CODES
    return fractions


def _text(words: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Texts as bytes: names of files may hold anything but a zero byte, and need not be valid Unicode."""
    return np.frombuffer("\0".join(words).encode("utf-8", "surrogateescape") + b"\1", dtype=np.uint8)


def _words(content: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    text = content.tobytes().removesuffix(b"\1").decode("utf-8", "surrogateescape")
    return tuple(text.split("\0")) if text else ()
