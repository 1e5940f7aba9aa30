"""Facts of images that have not changed since the last check: a file for each split, beside the studies."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.checks.facts import RowProblem
from automl.checks.reading import OF_ROWS, Part, Reading
from automl.data.labels import RowFault, label_path
from automl.data.pixels import Fault, Flaw
from automl.files.archives import DAMAGED
from automl.files.atomic import replacing
from automl.files.regular import open_regular

_FORMAT = 1
_UNREADABLE = (*DAMAGED, AttributeError)
Marks = NDArray[np.int64]  # n x 4: size and time of change (ns) of image and label file; -1 for none


@dataclass(frozen=True, eq=False, kw_only=True)
class Memory:
    """Facts of the last check of one split; of no images without such a file, or with one of another state."""

    file: Path | None  # None: nothing is kept
    state: str  # everything else that facts depend on
    images: tuple[str, ...]
    marks: Marks
    part: Part

    @classmethod
    def of(cls, home: Path | None, data: Path, split: str, reading: Reading) -> Memory:
        """The memory of a split of a data.yaml. One that is damaged is passed over."""
        own = {**asdict(reading.rules), "channels": reading.channels, "pixels": reading.pixels, "format": _FORMAT}
        versions = [version(name) for name in ("pillow", "ultralytics", "numpy")]
        state = json.dumps([own, *versions], sort_keys=True)
        file = _place(home, data, split, reading)
        if file is not None:
            with suppress(*_UNREADABLE):
                return cls(file=file, state=state, **_read(file, state, reading.rules.nc))
        return cls(file=file, state=state, images=(), marks=np.zeros((0, 4), np.int64), part=Part.empty(0))

    def known(self, images: Sequence[str], marks: Marks) -> NDArray[np.int64]:
        """Index in the memory of each image; -1 of one that is new, or whose files have changed."""
        if tuple(images) == self.images:
            return np.where((marks == self.marks).all(axis=1), np.arange(len(images)), -1)
        places = {image: number for number, image in enumerate(self.images)}
        numbers = np.fromiter((places.get(image, -1) for image in images), np.int64, len(images))
        if len(self.images):
            numbers[~(marks == self.marks[numbers]).all(axis=1)] = -1
        return numbers

    def keep(self, images: Sequence[str], marks: Marks, part: Part) -> None:
        """Write the facts down for the next check; a check goes on without where that is not possible."""
        if self.file is None:
            return
        arrays: dict[str, Any] = {name: value for name, value in vars(part).items() if isinstance(value, np.ndarray)}
        head = {
            "state": self.state,
            "flaws": {number: [flaw.fault.name, flaw.words] for number, flaw in part.flaws.items()},
            "problems": [[problem.image, problem.line, problem.text, problem.fault] for problem in part.problems],
        }
        with suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.file) as place, place.open("wb") as stream:
                paths = _bytes(b"\0".join(map(os.fsencode, images)))
                np.savez(stream, head=_bytes(json.dumps(head).encode()), paths=paths, marks=marks, **arrays)


def marks_of(images: Sequence[str]) -> Marks:
    """Size and time of change of each image and of its label file."""
    marks = np.full((len(images), 4), -1, dtype=np.int64)
    for number, image in enumerate(images):
        marks[number, :2] = _mark(image)
        marks[number, 2:] = _mark(label_path(image))
    return marks


def _mark(file: str) -> tuple[int, int]:
    try:
        status = os.stat(file)  # noqa: PTH116 - there may be very many
    except (OSError, ValueError):
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _place(home: Path | None, data: Path, split: str, reading: Reading) -> Path | None:
    if home is None:
        return None
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return home / "checks" / f"{name}-{split}-{'pixels' if reading.pixels else 'labels'}.npz"


def _read(file: Path, state: str, nc: int) -> dict[str, Any]:
    """Images, marks and facts in a file. Raises one of _UNREADABLE if it is damaged, altered or of another state."""
    with open_regular(file) as stream, np.load(stream, allow_pickle=False) as arrays:
        head = json.loads(arrays["head"].tobytes())
        if head["state"] != state:
            raise ValueError(head["state"])
        paths = arrays["paths"].tobytes()
        images = tuple(map(os.fsdecode, paths.split(b"\0"))) if paths else ()
        part = Part.empty(len(images))
        for name, value in list(vars(part).items()):
            if isinstance(value, np.ndarray):
                setattr(part, name, _same_kind(arrays[name], value, name in OF_ROWS))
        marks = _same_kind(arrays["marks"], np.zeros((len(images), 4), np.int64), False)
    if {len(getattr(part, name)) for name in OF_ROWS} != {int(part.counts.sum())}:
        raise ValueError("rows")
    part.flaws = {int(number): Flaw(Fault[fault], words) for number, (fault, words) in head["flaws"].items()}
    part.problems = [
        RowProblem(image=image, line=line, text=text, fault=RowFault(fault))
        for image, line, text, fault in head["problems"]
    ]
    if not _is_possible(part, nc):
        raise ValueError("facts")
    return {"images": images, "marks": marks, "part": part}


def _is_possible(part: Part, nc: int) -> bool:
    """False for facts that no data can have, as in a file that somebody altered."""
    numbers = range(len(part.counts))
    sizes = (part.counts, part.width, part.height, part.boxes[:, 2:])
    return (
        all((array >= 0).all() for array in sizes)
        and bool(np.isfinite(part.boxes).all())
        and bool(((part.box_class >= 0) & (part.box_class < nc)).all() and (part.box_line >= 1).all())
        and all(number in numbers for number in part.flaws)
        and all(problem.image in numbers for problem in part.problems)
    )


def _same_kind(array: NDArray[Any], model: NDArray[Any], any_length: bool) -> NDArray[Any]:
    """The array, if it has the type and shape of another one. Raises ValueError."""
    fits = array.shape[1:] == model.shape[1:] and (any_length or len(array) == len(model))
    if array.dtype != model.dtype or not fits:
        raise ValueError("shape")
    return array


def _bytes(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8)
