"""Chances that suspicious labels are errors, from errors that are made on purpose in the same data set.

Nobody knows which labels of a data set are wrong. So labels of copies are removed, moved, re-classed and added at
random, and their raw suspicions are compared with those of the data set itself, at no cost but seconds: the
predictions stay as they are. The ratio of both densities rises with the suspicion. It becomes a chance by the
assumption that at its highest nearly all candidates are errors (Elkan and Noto, "Learning classifiers from only
positive and unlabeled data", 2008).

Limits: errors of people are not drawn at random. A model that has learnt a systematic error agrees with it. In a data
set without errors the first suspects still get chances, of the objects that the model takes for others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from automl.checks.suspects_matching import Boxes, Floats, Objects, overlaps
from automl.checks.suspects_scores import Suspicions, Usual, suspicions_of
from automl.records.check import SuspectKind

ROUNDS = 4  # copies of each image with errors
MOST_IMAGES = 1000  # that are copied: chances are then known well enough
SHARES = {SuspectKind.MISSING: 0.08, SuspectKind.LOOSE: 0.08, SuspectKind.CLASS: 0.08, SuspectKind.SUPERFLUOUS: 0.08}
_SHIFT = (0.15, 0.4)  # of a box's size
_SAME = 0.5  # IoU of a removed label with the object that is then unlabelled
_TOP = 0.3  # share of the injected errors that is compared at the highest suspicions, at least
_MOST = 0.97  # no chance is higher
# Errors of a kind that there may be, in labels. The worst of ten well-known test sets has 10 % (Northcutt, Athalye and
# Mueller, "Pervasive label errors in test sets destabilize machine learning benchmarks", 2021). A box on nothing is
# drawn far more rarely than one is forgotten: .02 is a guess.
_WORST, _RARE = 0.1, 0.02
_FEWEST = 20  # injected errors of a kind below which its chances are no better than guesses


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Chance of an error by raw suspicion."""

    raw: Floats  # ascending
    chance: Floats  # not falling

    def __call__(self, raw: Floats) -> Floats:
        """Chances, in [0, 1]. They keep the order of the suspicions, ties apart."""
        return np.clip(np.interp(raw, self.raw, self.chance), 0, 1)


def curves(
    cases: Sequence[tuple[Boxes, Objects]], own: Sequence[Suspicions], standard: Usual, seed: int
) -> Mapping[SuspectKind, Curve]:
    """Curve of each kind.

    cases  labels and objects of each image
    own    raw suspicions of each image
    """
    injected = _injected(cases, standard, np.random.default_rng(seed))
    present = {
        SuspectKind.MISSING: _all([image.missing for image in own]),
        SuspectKind.SUPERFLUOUS: _all([image.superfluous for image in own]),
        SuspectKind.LOOSE: _all([image.loose for image in own]),
        SuspectKind.CLASS: _all([image.wrong for image in own]),
    }
    labels = sum(len(image.matched.labels) for image in own)
    return {
        kind: curve(
            np.array(injected[kind]), present[kind], labels * (_RARE if kind is SuspectKind.SUPERFLUOUS else _WORST)
        )
        for kind in SuspectKind
    }


def _all(parts: Sequence[Floats]) -> Floats:
    return np.concatenate([np.zeros(0), *parts])


def curve(injected: Floats, present: Floats, most: float | None = None) -> Curve:
    """Chance of an error by raw suspicion.

    injected  suspicions of injected errors
    present   suspicions in the data set itself
    most      errors that there may be in it
    """
    injected, present = injected[injected > 0], present[present > 0]
    if len(injected) < _FEWEST or not len(present):
        return Curve(raw=np.array([0.0, 1.0]), chance=np.array([0.0, 0.5]))
    edges = np.unique(np.quantile(injected, np.linspace(0, 1, min(20, len(injected) // 10) + 1)))
    edges[0], edges[-1] = 0.0, np.inf
    wrong = np.histogram(injected, edges)[0].astype(float)
    every = np.histogram(present, edges)[0].astype(float)
    ratio = _rising(wrong / (every + 0.5), every + 0.5)
    centres = np.array([_centre(injected, low, high) for low, high in pairwise(edges)])
    chance = np.minimum(_MOST, _prior(wrong, every, most) * ratio)
    # A slope within steps, so that no two suspicions get one chance.
    chance = np.clip(chance + 1e-3 * np.linspace(-1, 0, len(chance)), 0, 1)
    raw = np.concatenate([[0.0], centres, [1.0 + 1e-9]])
    return Curve(raw=raw, chance=np.concatenate([[0.0], chance, [chance[-1] + 1e-3]]))


def _prior(wrong: Floats, every: Floats, most: float | None) -> float:
    """Errors in the data set for each injected one: at most as many as it has candidates at the highest suspicions.

    Each of several highest parts bounds the number; of small parts the bound is uncertain, and is taken as high.
    """
    injected, there = np.cumsum(wrong[::-1]), np.cumsum(every[::-1])
    parts = injected >= _TOP * injected[-1]
    bounds = (there + np.sqrt(there) + 0.5) / np.maximum(injected, 1)
    bound = float(bounds[parts].min())
    return bound if most is None else min(bound, most / max(float(injected[-1]), 1.0))


def _centre(values: Floats, low: float, high: float) -> float:
    inside = values[(values >= low) & (values < high)]
    return float(np.median(inside)) if len(inside) else float(low)


def _rising(values: Floats, weights: Floats) -> Floats:
    """The nearest rising sequence, by weighted squares: pool adjacent violators."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append((float(value), float(weight), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, u, m), (b, v, n) = blocks[-2:]
            blocks[-2:] = [((a * u + b * v) / (u + v), u + v, m + n)]
    return np.repeat([block[0] for block in blocks], [block[2] for block in blocks])


def _injected(
    cases: Sequence[tuple[Boxes, Objects]], standard: Usual, rng: np.random.Generator
) -> dict[SuspectKind, list[float]]:
    """Raw suspicions of errors that are injected at random in copies of the labels."""
    injected: dict[SuspectKind, list[float]] = {kind: [] for kind in SuspectKind}
    if len(cases) > MOST_IMAGES:
        cases = [cases[number] for number in np.sort(rng.choice(len(cases), MOST_IMAGES, replace=False))]
    labelled = [number for number, (labels, _) in enumerate(cases) if len(labels)]
    for _ in range(ROUNDS if labelled else 0):
        for labels, objects in cases:
            strange = cases[labelled[rng.integers(len(labelled))]][0]
            for kind, raw in _of_image(labels, objects, strange, standard, rng):
                injected[kind].append(raw)
    return injected


def _of_image(
    labels: Boxes, objects: Objects, strange: Boxes, standard: Usual, rng: np.random.Generator
) -> list[tuple[SuspectKind, float]]:
    """Raw suspicions of the errors in one copy of an image's labels.

    strange  labels of another image, some of which are added
    """
    count, classes = len(labels), objects.chances.shape[1]
    steps = np.cumsum([SHARES[SuspectKind.MISSING], SHARES[SuspectKind.LOOSE], SHARES[SuspectKind.CLASS]])
    error = np.searchsorted(steps, rng.random(count), side="right")  # 0 removed, 1 moved, 2 re-classed, 3 kept
    boxes, kinds = labels.boxes.copy(), labels.classes.copy()
    angle, size = rng.uniform(0, 2 * np.pi, count), rng.uniform(*_SHIFT, count)
    moves = np.stack([np.cos(angle), np.sin(angle)], axis=1) * size[:, None] * boxes[:, 2:]
    boxes[error == 1, :2] += moves[error == 1]
    others = (kinds + rng.integers(1, max(2, classes), count)) % classes if classes > 1 else kinds
    kinds = np.where(error == 2, others, kinds) if classes > 1 else kinds
    added = rng.random(len(strange)) < SHARES[SuspectKind.SUPERFLUOUS]
    added &= overlaps(strange.boxes, labels.boxes).max(axis=1, initial=0.0) < _SAME
    stay = error != 0
    copy = Boxes(
        boxes=np.concatenate([boxes[stay], strange.boxes[added]]),
        classes=np.concatenate([kinds[stay], strange.classes[added]]),
        confidence=np.ones(int(stay.sum() + added.sum())),
    )
    raw = suspicions_of(copy, objects, standard)
    result = [(SuspectKind.MISSING, value) for value in _at(labels.boxes[~stay], objects, raw.missing)]
    result += [(SuspectKind.LOOSE, float(value)) for value in raw.loose[: stay.sum()][error[stay] == 1]]
    if classes > 1:
        result += [(SuspectKind.CLASS, float(value)) for value in raw.wrong[: stay.sum()][error[stay] == 2]]
    return result + [(SuspectKind.SUPERFLUOUS, float(value)) for value in raw.superfluous[stay.sum() :]]


def _at(removed: Floats, objects: Objects, missing: Floats) -> list[float]:
    """Suspicion of the object on each removed label."""
    near = overlaps(removed, objects.boxes) >= _SAME
    return [float(value) for value in (near * missing[None]).max(axis=1, initial=0.0)]
