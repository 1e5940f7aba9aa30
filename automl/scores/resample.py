"""What the choice of images does to a score: a bootstrap over the images of a split. Pure; numpy only.

The images of a split are a sample, and other images would have given another mAP. The bootstrap draws as many
images as there are from those at hand, with replacement, many times over, and takes the spread of the mAP over
these draws for the spread over other samples of images. Two networks that were measured on the same images are
compared on the same draws: what an image does to both of them cancels out.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993: percentile interval, chapter 13; many
detectors' papers do the same. The average precision is the one of Ultralytics 8.4 (`utils/metrics.py`,
`ap_per_class` and `compute_ap`): 101 points, interpolated linearly. An image that is drawn w times stands there
with w copies of each of its detections and objects.

It tells the noise of the images only: the same recipe trained with another seed gives other weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.errors import AutoMLError

MOST, FEWEST = 1000, 200  # draws
PER_DRAW = 4_000_000  # images and objects times draws that are enough: seconds of one core
CELLS = 1_000_000  # detections times draws that are worked on at once: some 50 MB
WITHIN = 0.9  # share of the draws that an interval holds
LEVELS = 10  # IoU thresholds .50, .55 ... .95
_GRID = np.linspace(0, 1, 101)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """What a network found on each image of a split, held against what is there; images in the split's order."""

    images: str  # digest of the images' names in their order
    found: Ints  # (I,) detections of each image
    correct: npt.NDArray[np.bool_]  # (N, 10) whether a detection is right at each IoU threshold
    confidence: npt.NDArray[np.floating]  # (N,)
    classes: Ints  # (N,) of the detections
    present: Ints  # (I,) objects of each image
    objects: Ints  # (T,) classes of the objects

    def same_images(self, other: Detections) -> bool:
        """Whether both were measured on the same images with the same objects."""
        same = self.images == other.images and np.array_equal(self.present, other.present)
        return same and np.array_equal(self.objects, other.objects)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A figure on the images as they are, and the middle 90 % of what the draws gave."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Gain(Spread):
    """A difference of mAP50-95 on the same images."""

    chance: float  # share of the draws in which it is above zero; a draw with none counts half


def spread(found: Detections, seed: int) -> Spread:
    """mAP50-95 with its interval."""
    return Spread(**_spread(map50_95(found), scores(found, draws(found, seed))))


def gain(found: Detections, base: Detections, seed: int) -> Gain:
    """mAP50-95 above the base's. Raises AutoMLError where the two saw different images."""
    if not found.same_images(base):
        raise AutoMLError("the two were not measured on the same images and objects.")
    drawn = draws(found, seed)
    above = np.round(scores(found, drawn) - scores(base, drawn), 12)  # what is left of equals is rounding
    chance = float(np.mean(above > 0) + np.mean(above == 0) / 2)
    return Gain(**_spread(map50_95(found) - map50_95(base), above), chance=chance)


def _spread(value: float, drawn: Floats) -> dict[str, float]:
    low, high = np.quantile(drawn, [(1 - WITHIN) / 2, (1 + WITHIN) / 2])
    return {"value": value, "low": float(low), "high": float(high)}


def draws(found: Detections, seed: int) -> Ints:
    """(I, R) how often each draw takes each image: MOST draws, fewer of a large split, FEWEST at least.

    The same for all networks that were measured on the split.
    """
    images = len(found.present)
    count = max(FEWEST, min(MOST, PER_DRAW // max(1, images + len(found.objects))))
    taken = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=count)
    return np.ascontiguousarray(taken.T, dtype=np.int16)


def map50_95(found: Detections) -> float:
    """Ultralytics' figure: every image counts once."""
    return float(scores(found, np.ones((len(found.present), 1), dtype=np.int16))[0])


def scores(found: Detections, drawn: Ints) -> Floats:
    """(R,) mAP50-95 of each draw, over the classes that have objects in it; 0 where none has.

    drawn  (I, R) how often each draw takes each image
    """
    order = np.argsort(-found.confidence)
    owners = np.repeat(np.arange(len(found.found)), found.found)[order]
    homes = np.repeat(np.arange(len(found.present)), found.present)
    classes, correct = found.classes[order], found.correct[order]
    summed, counted = np.zeros(drawn.shape[1]), np.zeros(drawn.shape[1])
    for each in np.unique(found.objects):
        there = np.bincount(homes[found.objects == each], minlength=len(drawn)) @ drawn
        mine = np.flatnonzero(classes == each)
        summed += _precisions(correct[mine], owners[mine], there, drawn)
        counted += there > 0
    return summed / np.maximum(counted, 1)


def _precisions(correct: npt.NDArray[np.bool_], owners: Ints, there: Ints, drawn: Ints) -> Floats:
    """(R,) average precision of one class, the mean over the IoU thresholds.

    correct, owners  (n, 10) and (n,) of the class's detections, the most confident first; owners are images
    there            (R,) objects of the class in each draw

    Precision has its peaks at right detections, so that the wrong ones are only counted between them.
    """
    right = np.flatnonzero(correct.any(axis=1))
    summed = np.zeros(len(there))
    if not len(right):
        return summed
    begins = np.concatenate(([0], right[:-1] + 1))
    levels = [at for at in map(np.flatnonzero, correct[right].T) if len(at)]
    owners = owners[: right[-1] + 1]
    step = max(1, CELLS // len(owners))
    for first in range(0, len(there), step):
        part = slice(first, first + step)
        some = np.ascontiguousarray(drawn[:, part])
        passed = np.add.reduceat(some[owners], begins, axis=0, dtype=np.int32).cumsum(axis=0)
        copies = some[owners[right]]
        for at in levels:
            summed[part] += _precision(passed[at], copies[at], there[part])
    return summed / LEVELS


def _precision(passed: Ints, copies: Ints, there: Ints) -> Floats:
    """(R,) average precision at one threshold, from its M right detections alone.

    passed  (M, R) detections down to each of them, itself included
    copies  (M, R) how often it stands there

    Between two right detections the curve falls linearly within one object's worth of recall, from the
    precision after the last wrong detection (or the peak to come) to the peak to come, and then stays.
    """
    total = np.maximum(there, 1).astype(np.float64)
    hits = copies.cumsum(axis=0, dtype=np.int32)
    before = hits - copies
    peak = np.maximum.accumulate((hits / np.maximum(passed, 1))[::-1], axis=0)[::-1]
    start = np.maximum(before / np.maximum(passed - copies, 1), peak)
    end = _grid_below(hits / total)
    begin = np.concatenate((np.zeros_like(end[:1]), end[:-1]))
    bend = _grid_below(np.minimum(before + 1, hits) / total)
    sloped = bend - begin
    along = total * (sloped * (begin + bend - 1) / 200) - sloped * before  # summed way down the slope, in objects
    sums = sloped * start + (peak - start) * along + (end - bend) * peak
    area: Floats = (sums.sum(axis=0) - peak[0] / 2) / 100  # trapezoids: the first point counts half, the last is 0
    return area


def _grid_below(recall: Floats) -> Ints:
    """How many of the 101 points lie below a recall, by the very floats that Ultralytics compares."""
    whole = (recall * 100 + 1e-9).astype(np.int32)
    found: Ints = whole + (_GRID[whole] < recall)
    return found
