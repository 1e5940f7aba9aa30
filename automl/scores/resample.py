"""Intervals of a score over the images of a split, by the bootstrap. Pure; numpy only.

The images of a split are a sample, and other images would have given another mAP. The bootstrap draws as many
images as there are, with replacement, many times. The spread of the mAP over these draws stands for its spread
over other samples of images. Two networks that were measured on the same images are compared on the same draws:
the effect of an image on both of them cancels out.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993: percentile interval, chapter 13. The
average precision is that of Ultralytics 8.4 (`utils/metrics.py`, `ap_per_class` and `compute_ap`): 101 points,
interpolated linearly. An image that is drawn w times counts with w copies of each of its detections and objects.

The interval holds the noise of the images only: the same recipe trained with another seed gives other weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.errors import AutoMLError

MOST, FEWEST = 1000, 200  # draws
PER_DRAW = 4_000_000  # images and objects times draws: limits the time to seconds of one core
CELLS = 1_000_000  # detections times draws in one step: limits memory to some 50 MB
WITHIN = 0.9  # share of the draws that an interval holds
LEVELS = 10  # IoU thresholds .50, .55 ... .95
_GRID = np.linspace(0, 1, 101)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """Detections of a network on a split, matched with its objects; images in the split's order."""

    images: str  # digest of the images' names in their order
    found: Ints  # (I,) detections of each image
    correct: npt.NDArray[np.bool_]  # (N, 10) True for a right detection, at each IoU threshold
    confidence: npt.NDArray[np.floating]  # (N,)
    classes: Ints  # (N,) of the detections
    present: Ints  # (I,) objects of each image
    objects: Ints  # (T,) classes of the objects

    def same_images(self, other: Detections) -> bool:
        """True if both were measured on the same images with the same objects."""
        same = self.images == other.images and np.array_equal(self.present, other.present)
        return same and np.array_equal(self.objects, other.objects)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A figure on the images as they are, and the middle 90 % of its draws."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Gain(Spread):
    """Difference of mAP50-95 on the same images."""

    chance: float  # share of draws in which it is above zero; a draw without difference counts half


def spread(detections: Detections, seed: int) -> Spread:
    """mAP50-95 with its interval."""
    return Spread(**_spread(map50_95(detections), scores(detections, draws(detections, seed))))


def gain(detections: Detections, base: Detections, seed: int) -> Gain:
    """mAP50-95 less that of `base`. Raises AutoMLError if the two were measured on different images."""
    if not detections.same_images(base):
        raise AutoMLError("the two were not measured on the same images and objects.")
    counts = draws(detections, seed)
    differences = np.round(scores(detections, counts) - scores(base, counts), 12)  # beyond that it is rounding
    chance = float(np.mean(differences > 0) + np.mean(differences == 0) / 2)
    return Gain(**_spread(map50_95(detections) - map50_95(base), differences), chance=chance)


def _spread(value: float, figures: Floats) -> dict[str, float]:
    low, high = np.quantile(figures, [(1 - WITHIN) / 2, (1 + WITHIN) / 2])
    return {"value": value, "low": float(low), "high": float(high)}


def draws(detections: Detections, seed: int) -> Ints:
    """(I, R) copies of each image in each draw: MOST draws, fewer of a large split, FEWEST at least.

    The same for all networks that were measured on the split.
    """
    images = len(detections.present)
    count = max(FEWEST, min(MOST, PER_DRAW // max(1, images + len(detections.objects))))
    copies = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=count)
    return np.ascontiguousarray(copies.T, dtype=np.int16)


def map50_95(detections: Detections) -> float:
    """mAP50-95 as Ultralytics computes it: every image counts once."""
    return float(scores(detections, np.ones((len(detections.present), 1), dtype=np.int16))[0])


def scores(detections: Detections, counts: Ints) -> Floats:
    """(R,) mAP50-95 of each draw, over the classes that have objects in it; 0 without objects.

    counts  (I, R) copies of each image in each draw
    """
    order = np.argsort(-detections.confidence)
    owners = np.repeat(np.arange(len(detections.found)), detections.found)[order]
    homes = np.repeat(np.arange(len(detections.present)), detections.present)
    classes, correct = detections.classes[order], detections.correct[order]
    precision, present = np.zeros(counts.shape[1]), np.zeros(counts.shape[1])
    for label in np.unique(detections.objects):
        objects = np.bincount(homes[detections.objects == label], minlength=len(counts)) @ counts
        own = np.flatnonzero(classes == label)
        precision += _precisions(correct[own], owners[own], objects, counts)
        present += objects > 0
    return precision / np.maximum(present, 1)


def _precisions(correct: npt.NDArray[np.bool_], owners: Ints, objects: Ints, counts: Ints) -> Floats:
    """(R,) average precision of one class, the mean over the IoU thresholds.

    correct  (n, 10) right detections of the class at each threshold, the most confident first
    owners   (n,) their images
    objects  (R,) objects of the class in each draw
    counts   (I, R) copies of each image in each draw

    Precision has its peaks at right detections, so wrong ones are only counted between them.
    """
    right = np.flatnonzero(correct.any(axis=1))
    total = np.zeros(len(objects))
    if not len(right):
        return total
    begins = np.concatenate(([0], right[:-1] + 1))
    levels = [at for at in map(np.flatnonzero, correct[right].T) if len(at)]
    owners = owners[: right[-1] + 1]
    step = max(1, CELLS // len(owners))
    for first in range(0, len(objects), step):
        part = slice(first, first + step)
        some = np.ascontiguousarray(counts[:, part])
        passed = np.add.reduceat(some[owners], begins, axis=0, dtype=np.int32).cumsum(axis=0)
        copies = some[owners[right]]
        for at in levels:
            total[part] += _precision(passed[at], copies[at], objects[part])
    return total / LEVELS


def _precision(passed: Ints, copies: Ints, objects: Ints) -> Floats:
    """(R,) average precision at one threshold, from its M right detections alone.

    passed   (M, R) detections down to each of them, itself included
    copies   (M, R) copies of each
    objects  (R,) objects of the class

    Between two right detections the curve falls linearly within one object's worth of recall, and then stays.
    It falls to the next peak from the precision after the last wrong detection, or from that peak if it is higher.
    """
    total = np.maximum(objects, 1).astype(np.float64)
    hits = copies.cumsum(axis=0, dtype=np.int32)
    before = hits - copies
    peak = np.maximum.accumulate((hits / np.maximum(passed, 1))[::-1], axis=0)[::-1]
    start = np.maximum(before / np.maximum(passed - copies, 1), peak)
    end = _grid_below(hits / total)
    begin = np.concatenate((np.zeros_like(end[:1]), end[:-1]))
    bend = _grid_below(np.minimum(before + 1, hits) / total)
    sloped = bend - begin
    along = total * (sloped * (begin + bend - 1) / 200) - sloped * before  # sum of positions on the slope, in objects
    sums = sloped * start + (peak - start) * along + (end - bend) * peak
    area: Floats = (sums.sum(axis=0) - peak[0] / 2) / 100  # trapezoids: the first point counts half, the last is 0
    return area


def _grid_below(recall: Floats) -> Ints:
    """Number of the 101 points below a recall, by the very floats that Ultralytics compares."""
    whole = (recall * 100 + 1e-9).astype(np.int32)
    points: Ints = whole + (_GRID[whole] < recall)
    return points
