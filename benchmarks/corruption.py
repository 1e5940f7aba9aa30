"""Label errors of known places in a copy of a data set, for `python -m benchmarks suspects`."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import yaml

from automl.data import Dataset
from automl.data.labels import label_path
from automl.records.check import Box, SuspectKind

SPLITS = ("train", "val")
SHIFT = (0.2, 0.4)  # of a box's size, in a direction drawn at random


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Shares of the boxes that get an error of each kind; no box gets two."""

    missing: float = 0.10
    loose: float = 0.05
    wrong: float = 0.03


@dataclass(frozen=True, kw_only=True)
class Injected:
    """One label error that was made."""

    kind: SuspectKind
    split: str
    image: str  # absolute path in the copy
    line: int | None  # in the copy's label file; None for a removed box
    kept: Box  # box of the object as it was labelled
    kept_class: int


@dataclass(frozen=True)
class _Row:
    kind: int
    box: Box
    error: SuspectKind | None = None


def corrupt(dataset: Dataset, folder: Path, seed: int, shares: Shares | None = None) -> tuple[Path, list[Injected]]:
    """Copy train and val into `folder` with errors in their labels; the copy's data.yaml and the errors.

    Only boxes are known here: a polygon is copied as the box around it.
    """
    rng = np.random.default_rng(seed)
    injected: list[Injected] = []
    for name in SPLITS:
        split = dataset.splits[name]
        images = [_copied(image, folder / "images" / name, number) for number, image in enumerate(split.images)]
        rows = [_rows(label_path(str(image))) for image in split.images]
        changed = _changed(rows, shares or Shares(), dataset.nc, rng)
        for image, before, after in zip(images, rows, changed, strict=True):
            injected += _written(name, image, before, after)
    file = folder / "data.yaml"
    document = {**{name: f"images/{name}" for name in SPLITS}, "names": dict(enumerate(dataset.names))}
    file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return file, injected


def _copied(image: Path, folder: Path, number: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{number:06d}{image.suffix}"
    shutil.copyfile(image, target)
    return target


def _rows(file: str) -> list[_Row]:
    path = Path(file)
    lines = path.read_text(encoding="utf-8-sig").splitlines() if path.exists() else []
    return [_row(line.split()) for line in lines if line.strip()]


def _row(words: Sequence[str]) -> _Row:
    kind, *numbers = map(float, words)
    if len(numbers) != 4:
        xs, ys = numbers[::2], numbers[1::2]
        numbers = [(min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2, max(xs) - min(xs), max(ys) - min(ys)]
    x, y, width, height = numbers
    return _Row(int(kind), (x, y, width, height))


def _changed(rows: list[list[_Row]], shares: Shares, nc: int, rng: np.random.Generator) -> list[list[_Row]]:
    """The rows of every image, those with an error marked."""
    places = [(image, row) for image, own in enumerate(rows) for row in range(len(own))]
    order = [places[place] for place in rng.permutation(len(places))]
    changed = [list(own) for own in rows]
    wrong = shares.wrong if nc > 1 else 0.0
    for kind, share in (
        (SuspectKind.MISSING, shares.missing),
        (SuspectKind.LOOSE, shares.loose),
        (SuspectKind.CLASS, wrong),
    ):
        count = round(share * len(places))
        for image, row in order[:count]:
            changed[image][row] = _with_error(changed[image][row], kind, nc, rng)
        order = order[count:]
    return changed


def _with_error(row: _Row, kind: SuspectKind, nc: int, rng: np.random.Generator) -> _Row:
    if kind is SuspectKind.LOOSE:
        return replace(row, box=_shifted(row.box, rng), error=kind)
    if kind is SuspectKind.CLASS:
        return replace(row, kind=int((row.kind + rng.integers(1, nc)) % nc), error=kind)
    return replace(row, error=kind)


def _shifted(box: Box, rng: np.random.Generator) -> Box:
    """The box moved by a part of its size, and cut at the border of the image."""
    x, y, width, height = box
    angle, size = rng.uniform(0, 2 * np.pi), rng.uniform(*SHIFT)
    dx, dy = size * width * np.cos(angle), size * height * np.sin(angle)
    left, right = np.clip([x + dx - width / 2, x + dx + width / 2], 0, 1)
    top, bottom = np.clip([y + dy - height / 2, y + dy + height / 2], 0, 1)
    if right - left < width / 4 or bottom - top < height / 4:  # moved out of the image: the other way then
        return _shifted(box, rng)
    return float((left + right) / 2), float((top + bottom) / 2), float(right - left), float(bottom - top)


def _written(split: str, image: Path, before: list[_Row], after: list[_Row]) -> list[Injected]:
    lines: list[str] = []
    injected = []
    for old, new in zip(before, after, strict=True):
        if new.error is not SuspectKind.MISSING:
            lines.append(" ".join([str(new.kind), *(f"{value:.6f}" for value in new.box)]))
        if new.error is not None:
            line = None if new.error is SuspectKind.MISSING else len(lines)
            injected.append(
                Injected(kind=new.error, split=split, image=str(image), line=line, kept=old.box, kept_class=old.kind)
            )
    file = Path(label_path(str(image)))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return injected
