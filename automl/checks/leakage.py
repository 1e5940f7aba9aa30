"""Findings on images that stand in a data set twice: near copies between splits and within one.

A near copy in val is an image whose answer the network has seen: the score flatters. See `near` for the copies that
are found, and for those that are not. Images of one path in two splits are no copies: another finding names them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from automl.checks.facts import Facts
from automl.checks.near import NEAR, Numbers, Pairs, near_pairs, plain
from automl.records import Finding, Place, Severity, Source
from automl.records.check import MOST_PLACES

MANY = 0.1  # share of a split's images that are copies within it: from here a warning
_MOST_EDGES = 2_000_000  # before they are reduced to those that hold the groups together


def findings(facts: Facts) -> Iterator[Finding]:
    """Findings on near copies; none where the pixels were not read."""
    compared = _compared(facts)
    yield from _on_plain(facts)
    if len(compared.images) < 2:
        return
    copies = _copies(compared)
    names = list(facts.splits)
    for later in range(1, len(names)):
        for earlier in range(later):
            yield from _across(compared, copies, earlier, later)
    for number in range(len(names)):
        yield from _within(compared, copies, number)


@dataclass(frozen=True, eq=False)
class _Compared:
    """Images that are compared, and their hashes, each hash once."""

    names: tuple[str, ...]  # of the splits
    totals: tuple[int, ...]  # images of each split
    images: tuple[str, ...]  # n
    split: Numbers  # n: number of the image's split
    hashes: NDArray[np.uint8]  # u x 32, all different
    hash_of: Numbers  # n: number of the image's hash
    first: Numbers  # u x splits: first image of a split with the hash; -1 without any


@dataclass(eq=False)
class _Copies:
    """Near copies: what each hash has beside it, and its group."""

    near: NDArray[np.bool_]  # u x splits: True if another hash near it is in that split
    group: Numbers  # u: number of its group of near copies
    closest: dict[tuple[int, int], _Closest] = field(default_factory=dict)  # pairs of images, by their splits


@dataclass(eq=False)
class _Closest:
    """The closest pairs of many, MOST_PLACES at most."""

    parts: list[Pairs] = field(default_factory=list)

    def add(self, left: Numbers, right: Numbers, distance: Numbers) -> None:
        if len(left):
            self.parts.append(Pairs(left, right, distance))
        if sum(len(part.left) for part in self.parts) > 8 * MOST_PLACES:
            self.parts = [self.best()]

    def best(self) -> Pairs:
        left, right, distance = (
            np.concatenate([getattr(part, name) for part in self.parts] or [np.zeros(0, dtype=np.int64)])
            for name in ("left", "right", "distance")
        )
        order = np.lexsort((right, left, distance))[:MOST_PLACES]
        return Pairs(left[order], right[order], distance[order])


def _compared(facts: Facts) -> _Compared:
    known: set[str] = set()
    images: list[str] = []
    splits: list[int] = []
    rows: list[NDArray[np.uint8]] = []
    for number, split in enumerate(facts.splits.values()):
        if not split.has_pixels:
            continue
        chosen = [
            image
            for image in np.flatnonzero(split.decoded & ~plain(split.hashes)).tolist()
            if split.images[image] not in known
        ]
        known.update(split.images)
        images += [split.images[image] for image in chosen]
        splits += [number] * len(chosen)
        rows.append(split.hashes[chosen])
    hashes = np.concatenate(rows) if rows else np.zeros((0, 32), dtype=np.uint8)
    owners = np.array(splits, dtype=np.int64)
    _, unique, hash_of = np.unique(_keys(hashes), return_index=True, return_inverse=True)
    first = np.full((len(unique), len(facts.splits)), -1, dtype=np.int64)
    backwards = np.arange(len(images))[::-1]  # so that the first image is written last
    first[hash_of[backwards], owners[backwards]] = backwards
    return _Compared(
        names=tuple(facts.splits),
        totals=tuple(len(split.images) for split in facts.splits.values()),
        images=tuple(images),
        split=owners,
        hashes=hashes[unique],
        hash_of=hash_of,
        first=first,
    )


def _keys(hashes: NDArray[np.uint8]) -> NDArray[np.void]:
    return np.ascontiguousarray(hashes).view(f"V{hashes.shape[1]}").ravel()


def _copies(compared: _Compared) -> _Copies:
    first, count = compared.first, len(compared.names)
    copies = _Copies(near=np.zeros(first.shape, dtype=np.bool_), group=np.arange(len(first)))
    edges = _Edges(len(first))
    _add_equal(compared, copies)
    for pairs in near_pairs(compared.hashes):
        edges.add(pairs.left, pairs.right)
        for one in range(count):
            for other in range(count):
                both = (first[pairs.left, one] >= 0) & (first[pairs.right, other] >= 0)
                left, right = pairs.left[both], pairs.right[both]
                copies.near[left, other] = True
                copies.near[right, one] = True
                sides = (
                    (first[left, one], first[right, other]) if one <= other else (first[right, other], first[left, one])
                )
                key = (min(one, other), max(one, other))
                copies.closest.setdefault(key, _Closest()).add(*sides, pairs.distance[both])
    copies.group = edges.groups()
    return copies


def _add_equal(compared: _Compared, copies: _Copies) -> None:
    """Add the pairs of equal hashes: each image with the first one of every split."""
    own = np.arange(len(compared.images))
    for number in range(len(compared.names)):
        partner = compared.first[compared.hash_of, number]
        for other in range(number, len(compared.names)):
            chosen = (partner >= 0) & (compared.split == other) & (partner != own)
            zeros = np.zeros(int(chosen.sum()), dtype=np.int64)
            copies.closest.setdefault((number, other), _Closest()).add(partner[chosen], own[chosen], zeros)


class _Edges:
    """Edges between hashes, reduced now and then so that millions of them take little memory."""

    def __init__(self, count: int) -> None:
        self._count, self._size = count, 0
        self._parts: list[tuple[Numbers, Numbers]] = []

    def add(self, left: Numbers, right: Numbers) -> None:
        self._parts.append((left, right))
        self._size += len(left)
        if self._size > _MOST_EDGES:
            groups = self.groups()
            _, roots = np.unique(groups, return_index=True)
            self._parts = [(np.arange(self._count), roots[groups])]
            self._size = 0

    def groups(self) -> Numbers:
        """(count,) number of the group of each hash."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        none = np.zeros(0, dtype=np.int64)
        left, right = (np.concatenate([none, *(part[side] for part in self._parts)]) for side in (0, 1))
        ones = np.ones(len(left), dtype=np.bool_)
        graph = coo_array((ones, (left, right)), shape=(self._count, self._count))
        return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _across(compared: _Compared, copies: _Copies, earlier: int, later: int) -> Iterator[Finding]:
    mine = compared.hash_of[compared.split == later]
    affected = int((copies.near[mine, earlier] | (compared.first[mine, earlier] >= 0)).sum())
    if not affected:
        return
    one, other, total = compared.names[earlier], compared.names[later], compared.totals[later]
    places = _places(compared, copies, earlier, later)
    yield Finding(
        code="leakage/across",
        severity=Severity.WARNING,
        title=f"{affected} of {total} {other} images ({affected / total:.1%}) are near copies of {one} images: scores "
        f"on {other} flatter.",
        advice=f"Keep all pictures of one scene in one split: move them, or leave the copies out of {one}.",
        split=other,
        count=affected,
        places=places,
        source=Source.MEASUREMENT,
        figures={"affected": affected, "images": total, "share": round(affected / total, 4), "most_bits": NEAR},
    )


def _within(compared: _Compared, copies: _Copies, number: int) -> Iterator[Finding]:
    groups = np.bincount(copies.group[compared.hash_of[compared.split == number]])
    larger = groups[groups > 1]
    if not len(larger):
        return
    name, total = compared.names[number], compared.totals[number]
    surplus = int(larger.sum() - len(larger))
    yield Finding(
        code="leakage/within",
        severity=Severity.WARNING if surplus > MANY * total else Severity.NOTE,
        title=f"{int(larger.sum())} of {total} {name} images are near copies of each other, in {len(larger)} "
        f"{'group' if len(larger) == 1 else 'groups'}: {name} has about {total - surplus} different images.",
        advice="Copies count more than other images. Keep one of each group, unless their labels differ on purpose.",
        split=name,
        count=surplus,
        places=_places(compared, copies, number, number),
        source=Source.MEASUREMENT,
        figures={
            "groups": len(larger),
            "images": int(larger.sum()),
            "largest_group": int(larger.max()),
            "different": total - surplus,
            "most_bits": NEAR,
        },
    )


def _places(compared: _Compared, copies: _Copies, one: int, other: int) -> tuple[Place, ...]:
    pairs = copies.closest.get((one, other), _Closest()).best()
    return tuple(
        Place(
            file=compared.images[right],
            other=compared.images[left],
            split=compared.names[other],
            text=f"near copy of an image of {compared.names[one]}, {distance} of 256 bits differ",
        )
        for left, right, distance in zip(
            pairs.left.tolist(), pairs.right.tolist(), pairs.distance.tolist(), strict=True
        )
    )


def _on_plain(facts: Facts) -> Iterator[Finding]:
    """Images that are too plain to be compared, each of them."""
    for name, split in facts.splits.items():
        images = np.flatnonzero(split.decoded & plain(split.hashes)) if split.has_pixels else np.zeros(0, dtype=int)
        if len(images):
            yield Finding(
                code="leakage/plain",
                severity=Severity.NOTE,
                title=f"{len(images)} of {len(split.images)} {name} images are almost of one colour: they are not "
                "compared with others.",
                advice="Look at them: a camera that was covered, or a file that was cut off, looks like this.",
                split=name,
                count=len(images),
                places=tuple(Place(file=split.images[number], split=name) for number in images[:MOST_PLACES]),
                source=Source.MEASUREMENT,
            )
