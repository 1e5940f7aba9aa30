"""Near hashes: all pairs of images whose hashes differ in a few bits, without comparing each with each.

The bits of a hash are dealt out to BANDS bands. Of two hashes that differ in NEAR bits at most, one band differs in one
bit at most, because NEAR < 2 x BANDS. So the pairs are among those whose band is equal, or is so after one bit is
turned: they are looked up in the sorted bands.
Source: Norouzi, Punjani and Fleet, "Fast search in Hamming space with multi-index hashing", 2012.

On BCCD two different images differ in 24 bits or more, and the pair at 24 is alone: the next one differs in 86. A copy
as JPEG of quality 20, at a quarter of the size, in grey, 40 % darker or stretched differs in 12 at most. Of crops by
1 % a side 91 % are found, of crops by 2 % a side 1 %. Mirrored, turned and padded copies are not found.

200,000 hashes take 4 s of one core and 0.4 GB; as 50 films of 4,000 images 17 s and 0.5 GB.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEAR = 20  # bits of 256: up to here two images are near copies
PLAIN = 24  # bits: a hash with fewer set, or unset, is of an image too plain to be compared
BANDS = 11  # of 23 or 24 bits: 2 * BANDS > NEAR
CROWD = 200  # equal bands of more images than that are compared with their neighbours alone
NEIGHBOURS = 8  # in the order of the whole hashes
_STEP = 500_000  # pairs compared at once: some 50 MB

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of numbers of hashes, and the bits in which the two differ."""

    left: Numbers
    right: Numbers  # greater than left
    distance: Numbers


def plain(hashes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) True if a hash (n, 32) says too little, as that of an image of one colour."""
    ones = np.bitwise_count(_words(hashes)).sum(axis=1, dtype=np.int64)
    return np.asarray(np.minimum(ones, hashes.shape[1] * 8 - ones) < PLAIN)


def near_pairs(hashes: NDArray[np.uint8]) -> Iterator[Pairs]:
    """All pairs of different hashes (n, 32) that differ in NEAR bits at most, each of them once.

    Exact while no band is equal in more than CROWD hashes: of those only neighbours are compared.
    """
    words = _words(hashes)
    bands = _bands(hashes)
    for band in range(BANDS):
        for left, right in _alike(bands[:, band]):
            distance = np.bitwise_count(words[left] ^ words[right]).sum(axis=1, dtype=np.int64)
            near = distance <= NEAR
            left, right, distance = left[near], right[near], distance[near]
            new = ~_seen(bands, band, left, right)
            low, high = np.minimum(left[new], right[new]), np.maximum(left[new], right[new])
            yield Pairs(low, high, distance[new])


def _words(hashes: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(hashes).view(np.uint64)


def _bands(hashes: NDArray[np.uint8]) -> NDArray[np.int32]:
    """(n, BANDS) numbers of the bands' bits. Every BANDS-th bit is of one band: bits side by side are alike."""
    bands = np.zeros((len(hashes), BANDS), dtype=np.int32)
    for bit in range(hashes.shape[1] * 8):
        value = (hashes[:, bit // 8] >> (7 - bit % 8)) & 1
        bands[:, bit % BANDS] |= value.astype(np.int32) << (bit // BANDS)
    return bands


def _seen(bands: NDArray[np.int32], band: int, left: Numbers, right: Numbers) -> NDArray[np.bool_]:
    """True for pairs that an earlier band has brought already."""
    turned = np.bitwise_count(bands[left, :band] ^ bands[right, :band])
    return np.asarray((turned <= 1).any(axis=1))


def _alike(keys: NDArray[np.int32]) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs whose keys are equal or differ in one bit, in parts of `_STEP` pairs."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    ends = np.searchsorted(ordered, ordered, side="right")
    own = np.arange(len(keys))
    begins = np.searchsorted(ordered, ordered, side="left")
    crowded = ends - begins > CROWD
    near_ends = np.where(crowded, np.minimum(ends, own + 1 + NEIGHBOURS), ends)
    yield from _expanded(order, own, own + 1, near_ends)
    for bit in range(24):
        low = np.flatnonzero(((ordered >> bit) & 1 == 0) & ~crowded)
        others = ordered[low] | (1 << bit)
        first, last = np.searchsorted(ordered, others, side="left"), np.searchsorted(ordered, others, side="right")
        last = np.where(last - first > CROWD, np.minimum(last, first + NEIGHBOURS), last)
        yield from _expanded(order, low, first, last)


def _expanded(order: Numbers, own: Numbers, first: Numbers, last: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs of each own place with the places from first to last, in parts."""
    counts = np.maximum(last - first, 0)
    some = counts > 0
    own, first, counts = own[some], first[some], counts[some]
    sums = np.cumsum(counts)
    start = 0
    while start < len(own):
        before = sums[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(sums, before + _STEP)))
        part = counts[start:stop]
        offsets = np.arange(part.sum()) - np.repeat(np.cumsum(part) - part, part)
        yield order[np.repeat(own[start:stop], part)], order[np.repeat(first[start:stop], part) + offsets]
        start = stop
