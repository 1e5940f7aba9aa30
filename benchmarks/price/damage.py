"""Wrong labels made on purpose, as a seed chooses them."""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from pathlib import Path

import numpy as np

from automl.data.corrected import Rows, rows_of
from automl.data.dataset import Dataset
from automl.records import SuspectKind

SHIFT = (0.2, 0.4)  # of a box's size
_KEPT = 5  # columns of a box's row


class Damage(StrEnum):
    """Kinds of wrong labels, and the kind of suspect that each is."""

    REMOVED = "removed"
    SHIFTED = "shifted"
    RECLASSED = "re-classed"
    ADDED = "added"

    @property
    def suspect(self) -> SuspectKind:
        """The suspects that such labels are."""
        return _SUSPECTS[self]


_SUSPECTS = {
    Damage.REMOVED: SuspectKind.MISSING,
    Damage.SHIFTED: SuspectKind.LOOSE,
    Damage.RECLASSED: SuspectKind.CLASS,
    Damage.ADDED: SuspectKind.SUPERFLUOUS,
}


def damaged(dataset: Dataset, damage: Damage, share: float, seed: int) -> dict[Path, Rows]:
    """New label rows of the train images in which a share of all boxes is made wrong."""
    rng = np.random.default_rng([seed, list(Damage).index(damage)])
    rows = {image: rows_of(image) for image in dataset.train.images}
    places = [(image, number) for image, texts in rows.items() for number, text in enumerate(texts) if text.strip()]
    chosen = rng.choice(len(places), round(share * len(places)), replace=False)
    by_image: dict[Path, list[int]] = defaultdict(list)
    for index in sorted(chosen):
        image, number = places[index]
        by_image[image].append(number)
    return {image: _wrong(rows[image], numbers, damage, dataset.nc, rng) for image, numbers in by_image.items()}


def _wrong(rows: Rows, numbers: list[int], damage: Damage, nc: int, rng: np.random.Generator) -> Rows:
    if damage is Damage.REMOVED:
        return [row for number, row in enumerate(rows) if number not in numbers]
    if damage is Damage.ADDED:
        return rows + [_elsewhere(rows[number], rng) for number in numbers]
    change = _shifted if damage is Damage.SHIFTED else _reclassed
    return [change(row, nc, rng) if number in numbers else row for number, row in enumerate(rows)]


def _elsewhere(row: str, rng: np.random.Generator) -> str:
    """A box of the same class and size at any other place of the image."""
    kind, _, _, width, height = row.split()[:_KEPT]
    x, y = (rng.uniform(float(side) / 2, 1 - float(side) / 2) for side in (width, height))
    return f"{kind} {x:.6f} {y:.6f} {width} {height}"


def _shifted(row: str, nc: int, rng: np.random.Generator) -> str:
    """The box, moved by 20 to 40 % of its size in any direction, and cut at the image."""
    kind, *numbers = row.split()[:_KEPT]
    x, y, width, height = map(float, numbers)
    angle, part = rng.uniform(0, 2 * np.pi), rng.uniform(*SHIFT)
    x, y = x + part * width * np.cos(angle), y + part * height * np.sin(angle)
    left, right = max(0.0, x - width / 2), min(1.0, x + width / 2)
    top, bottom = max(0.0, y - height / 2), min(1.0, y + height / 2)
    return f"{kind} {(left + right) / 2:.6f} {(top + bottom) / 2:.6f} {right - left:.6f} {bottom - top:.6f}"


def _reclassed(row: str, nc: int, rng: np.random.Generator) -> str:
    kind, rest = row.split(maxsplit=1)
    other = int(rng.integers(nc - 1))
    return f"{other + (other >= int(float(kind)))} {rest}"
