"""Detections of each image of a split, as a small file beside a trial's weights. Nothing is pickled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from automl.files.archives import DAMAGED
from automl.files.atomic import replacing
from automl.scores.evaluator import digest
from automl.scores.resample import LEVELS, Detections


def file_of(directory: Path | str, split: str) -> Path:
    """The file of a trial's detections on a split, in the folder of its weights."""
    return Path(directory) / f"{split}.npz"


def gathered(stats: Mapping[str, Sequence[Any]], names: Iterable[str]) -> Detections:
    """Detections from the statistics of Ultralytics' validator.

    stats  arrays of each image by statistic
    names  files of the images, in the same order
    """
    return Detections(
        images=digest(names),
        found=np.array([len(image) for image in stats["conf"]], dtype=np.int32),
        correct=np.concatenate(stats["tp"]).astype(bool),
        confidence=np.concatenate(stats["conf"]).astype(np.float32),
        classes=np.concatenate(stats["pred_cls"]).astype(np.int32),
        present=np.array([len(image) for image in stats["target_cls"]], dtype=np.int32),
        objects=np.concatenate(stats["target_cls"]).astype(np.int32),
    )


def save(detections: Detections, file: Path) -> None:
    """Write the detections, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as part, part.open("wb") as stream:
        packed = np.packbits(detections.correct, axis=1)
        np.savez_compressed(stream, **{**asdict(detections), "correct": packed})


def load(file: Path) -> Detections | None:
    """Detections from a file of `save`; None if there is none or it is damaged."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays: dict[str, Any] = {name: archive[name] for name in Detections.__dataclass_fields__}
    except DAMAGED:
        return None
    correct = np.unpackbits(arrays["correct"], axis=1, count=LEVELS).astype(bool)
    return Detections(**{**arrays, "images": str(arrays["images"]), "correct": correct})
