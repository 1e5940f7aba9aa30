"""Each image's detections on a split, kept as a small file beside a trial's weights. Nothing is pickled."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from automl.files.atomic import replacing
from automl.scores.resample import LEVELS, Detections


def file_of(directory: Path | str, split: str) -> Path:
    """Where the detections of a trial lie, in the folder of its weights."""
    return Path(directory) / f"{split}.npz"


def digest(names: Iterable[str]) -> str:
    """What tells whether two networks saw the same images in the same order."""
    return hashlib.sha256("\n".join(Path(name).name for name in names).encode()).hexdigest()


def gathered(stats: Mapping[str, Sequence[Any]], names: Iterable[str]) -> Detections:
    """The detections from what Ultralytics' validator gathers of each image, in the order of the names."""
    return Detections(
        images=digest(names),
        found=np.array([len(each) for each in stats["conf"]], dtype=np.int32),
        correct=np.concatenate(stats["tp"]).astype(bool),
        confidence=np.concatenate(stats["conf"]).astype(np.float32),
        classes=np.concatenate(stats["pred_cls"]).astype(np.int32),
        present=np.array([len(each) for each in stats["target_cls"]], dtype=np.int32),
        objects=np.concatenate(stats["target_cls"]).astype(np.int32),
    )


def save(found: Detections, file: Path) -> None:
    """Writes them, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as part, part.open("wb") as stream:
        np.savez_compressed(stream, **{**asdict(found), "correct": np.packbits(found.correct, axis=1)})


def load(file: Path) -> Detections | None:
    """What `save` wrote; None where no such file lies there."""
    try:
        with np.load(file, allow_pickle=False) as kept:
            arrays: dict[str, Any] = {name: kept[name] for name in Detections.__dataclass_fields__}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    correct = np.unpackbits(arrays["correct"], axis=1, count=LEVELS).astype(bool)
    return Detections(**{**arrays, "images": str(arrays["images"]), "correct": correct})
