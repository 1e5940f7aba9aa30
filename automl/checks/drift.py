"""Drift between two splits: how far apart their values lie, and how far chance alone would bring them.

The distance of two samples is that of Kolmogorov and Smirnov, the greatest gap of their distributions; of classes it is
half the sum of the gaps of their shares. What chance brings is measured by dealing all images out anew, 200 times: the
boxes of one image stay together, because they are alike. A property has drifted if its distance is LEAST at least and
stands out of what chance brings to any of the properties (the maximum over them: Westfall and Young, 1993).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST, LARGE = 0.15, 0.3  # distances: from the first a drift, from the second a large one
DEALS = 200
LEVEL = 0.99  # of the deals that stay below
MOST_IMAGES = 1000  # of each split, evenly spread: by chance they lie .07 apart, half of LEAST
FEWEST = 5  # images of each split with such a value

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Values:
    """Values of one property in one split."""

    value: Floats  # m
    image: Ints  # m: index of the image
    images: int
    kinds: int = 0  # number of classes where values are classes; 0 for an amount

    def thinned(self, most: int = MOST_IMAGES) -> Values:
        """Those of so many images at most, which are numbered anew."""
        if self.images <= most:
            return self
        chosen = np.arange(most) * self.images // most
        place = np.full(self.images, -1)
        place[chosen] = np.arange(most)
        kept = place[self.image] >= 0
        return Values(self.value[kept], place[self.image[kept]], most, self.kinds)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One property that has drifted."""

    name: str
    distance: float  # 0 to 1
    chance: float  # the distance that LEVEL of all deals stay below, for this property alone
    first: float  # median in the first split; of classes: share of the one that has drifted most
    second: float
    kind: int = -1  # that class


def drifts(first: Mapping[str, Values], second: Mapping[str, Values], seed: int = 0) -> Iterator[Drift]:
    """Properties of the second split that have drifted from the first, in their order."""
    pairs = {
        name: (first[name].thinned(), second[name].thinned())
        for name in first
        if name in second and all(len(np.unique(side.image)) >= FEWEST for side in (first[name], second[name]))
    }
    if not pairs:
        return
    sizes = next((one.images, other.images) for one, other in pairs.values())
    deals = _deals(*sizes, seed)
    distances = {name: _distances(one, other, deals) for name, (one, other) in pairs.items()}
    moved = {name: part[0] >= LEAST for name, part in distances.items()}
    scales = {name: max(float(np.mean(part[1:])), 1e-9) for name, part in distances.items()}
    greatest = np.max([part[1:] / scales[name] for name, part in distances.items()], axis=0)
    limit = float(np.quantile(greatest, LEVEL))
    for name, part in distances.items():
        if moved[name] and part[0] / scales[name] > limit:
            chance = float(np.quantile(part[1:], LEVEL))
            yield _drift(name, *pairs[name], float(part[0]), chance)


def _deals(first: int, second: int, seed: int) -> NDArray[np.bool_]:
    """(1 + DEALS, images) True for images of the first split: as they are, then dealt out anew."""
    own = np.arange(first + second) < first
    chance = np.random.default_rng(seed)
    return np.stack([own, *(chance.permutation(own) for _ in range(DEALS))])


def _distances(first: Values, second: Values, deals: NDArray[np.bool_]) -> Floats:
    """(1 + DEALS,) distances of the two sides in each deal."""
    values = np.concatenate([first.value, second.value])
    owners = np.concatenate([first.image, second.image + first.images])
    kinds = max(first.kinds, second.kinds)
    if kinds:
        table = np.zeros((deals.shape[1], kinds))
        np.add.at(table, (owners, values.astype(np.int64)), 1)
        return _of_shares(table, deals)
    order = np.argsort(values, kind="stable")
    last = np.flatnonzero(np.append(np.diff(values[order]) > 0, True))  # of equal values the last one
    owners = owners[order]
    return np.array([_gap(deal[owners], last) for deal in deals])


def _of_shares(table: Floats, deals: NDArray[np.bool_]) -> Floats:
    one = deals.astype(float) @ table
    other = table.sum(axis=0) - one
    shares = [side / np.maximum(side.sum(axis=1, keepdims=True), 1) for side in (one, other)]
    return np.asarray(np.abs(shares[0] - shares[1]).sum(axis=1) / 2)


def _gap(mine: NDArray[np.bool_], last: NDArray[np.intp]) -> float:
    """Greatest gap of the two distributions, at the last of equal values."""
    count = int(mine.sum())
    if not 0 < count < len(mine):
        return 0.0
    sums = np.cumsum(mine)[last]
    return float(np.abs(sums / count - (last + 1 - sums) / (len(mine) - count)).max())


def _drift(name: str, first: Values, second: Values, distance: float, chance: float) -> Drift:
    kinds = max(first.kinds, second.kinds)
    if not kinds:
        medians = float(np.median(first.value)), float(np.median(second.value))
        return Drift(name=name, distance=distance, chance=chance, first=medians[0], second=medians[1])
    shares = [np.bincount(side.value.astype(np.int64), minlength=kinds) / len(side.value) for side in (first, second)]
    kind = int(np.argmax(np.abs(shares[0] - shares[1])))
    one, other = float(shares[0][kind]), float(shares[1][kind])
    return Drift(name=name, distance=distance, chance=chance, first=one, second=other, kind=kind)
