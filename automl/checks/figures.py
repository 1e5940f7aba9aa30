"""Figures of a split, as arrays for findings and as plain values for reports. Nothing is judged here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.checks.facts import Facts, SplitFacts

SIZES = (640, 1280)  # image sizes at which boxes are measured
SMALL = (8, 16, 32)  # px: sides under which boxes are counted
COCO_SMALL, COCO_MEDIUM = 32, 96  # px of the image as it is: small, medium and large of COCO
LONGEST_NAME = 40  # characters of a class in a sentence
_QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)


def instances(split: SplitFacts, nc: int) -> NDArray[np.int64]:
    """(nc,) boxes of each class."""
    return np.bincount(split.box_class, minlength=nc)[:nc]


def images_of(split: SplitFacts, nc: int) -> NDArray[np.int64]:
    """(nc,) images with a box of each class."""
    known = split.box_class < nc
    pairs = np.unique(split.box_image[known].astype(np.int64) * nc + split.box_class[known])
    return np.bincount(pairs % nc, minlength=nc) if len(pairs) else np.zeros(nc, dtype=np.int64)


def pixel_sides(split: SplitFacts, at: int | None) -> NDArray[np.float64]:
    """Roots of the boxes' areas, in pixels, of the images whose size is known.

    at  longer side to which images are scaled; None: the image as it is
    """
    width, height = split.width[split.box_image].astype(float), split.height[split.box_image].astype(float)
    known = (width > 0) & (height > 0)
    longer = np.maximum(width, height)[known]
    scale = 1.0 if at is None else at / longer
    fractions = split.boxes[known, 2].astype(float) * split.boxes[known, 3]
    return np.asarray(np.sqrt(np.maximum(fractions, 0) * width[known] * height[known]) * scale)


def share_under(sides: NDArray[np.float64], pixels: float) -> float:
    """Share of the boxes whose side is shorter than so many pixels; 0 without boxes."""
    return float(np.mean(sides < pixels)) if len(sides) else 0.0


def split_figures(split: SplitFacts, nc: int) -> dict[str, Any]:
    """Figures of a split, as JSON values."""
    per_image, sides = split.per_image, pixel_sides(split, None)
    return {
        "images": len(split.images),
        "labelled": int(split.labelled.sum()),
        "unlabelled": int((~split.labelled).sum()),
        "backgrounds": int(((per_image == 0) & split.whole).sum()),
        "unusable_images": len(split.flaws),
        "unusable_rows": len(split.problems),
        "turned": int(split.turned.sum()),
        "boxes": len(split.boxes),
        "polygons": int(split.polygon.sum()),
        "boxes_by_class": instances(split, nc).tolist(),
        "images_by_class": images_of(split, nc).tolist(),
        "boxes_per_image": quantiles(per_image),
        "width": quantiles(split.width[split.width > 0]),
        "height": quantiles(split.height[split.height > 0]),
        "box_px": quantiles(sides),
        "small": _rounded(share_under(sides, COCO_SMALL)),
        "medium": _rounded(share_under(sides, COCO_MEDIUM) - share_under(sides, COCO_SMALL)),
        "large": _rounded(1 - share_under(sides, COCO_MEDIUM)) if len(sides) else 0.0,
        "under_px": {str(at): _shares(pixel_sides(split, at)) for at in SIZES},
        "brightness": quantiles(split.brightness),
        "contrast": quantiles(split.contrast),
    }


def figures_of(facts: Facts) -> dict[str, dict[str, Any]]:
    """Figures of each split, by its name."""
    return {name: split_figures(split, facts.nc) for name, split in facts.splits.items()}


def quantiles(values: NDArray[Any]) -> list[float]:
    """Least, 5 %, median, 95 % and greatest of the numbers; empty without any."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    return [_rounded(number) for number in np.quantile(known, _QUANTILES)] if len(known) else []


def class_name(facts: Facts, number: int) -> str:
    """Name of a class for a sentence, in one short line; its number if it has no name."""
    printed = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in facts.names[number])
    short = printed if len(printed) <= LONGEST_NAME else f"{printed[: LONGEST_NAME - 1]}…"
    return short or str(number)


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few names of many, and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _shares(sides: NDArray[np.float64]) -> dict[str, float]:
    return {str(pixels): _rounded(share_under(sides, pixels)) for pixels in SMALL}


def _rounded(number: float) -> float:
    return round(float(number), 4)
