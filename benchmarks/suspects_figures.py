"""Precision and recall of suspicious labels against errors of known places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from automl.checks.suspects_matching import overlaps
from automl.records.check import Suspect, SuspectKind
from benchmarks.corruption import Injected

FIRST = 100
_SAME = 0.5  # IoU of a proposed box with a removed one


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One ranking against the errors of one kind."""

    kind: str
    ranking: str
    first: int  # suspects looked at
    hits: int  # errors among them
    low: float  # 95 % interval of the precision, Clopper and Pearson
    high: float
    errors: int  # that were made
    listed: int  # suspects of that kind in the whole list
    recall: float  # share of the errors in the whole list
    recall_first: float  # share of the errors among as many suspects as there are errors

    @property
    def precision(self) -> float:
        """Share of errors among the suspects looked at."""
        return self.hits / self.first if self.first else 0.0


def hits_of(suspects: Sequence[Suspect], errors: Sequence[Injected]) -> list[int]:
    """For each suspect of one kind the number of the error that it names, or -1; no error counts twice."""
    by_image: dict[str, list[int]] = defaultdict(list)
    for number, error in enumerate(errors):
        by_image[error.image].append(number)
    used: set[int] = set()
    named = []
    for suspect in suspects:
        waiting = [number for number in by_image[suspect.image] if number not in used]
        place = _named(suspect, [errors[other] for other in waiting])
        named.append(-1 if place is None else waiting[place])
        if place is not None:
            used.add(waiting[place])
    return named


def _named(suspect: Suspect, errors: Sequence[Injected]) -> int | None:
    if suspect.kind is not SuspectKind.MISSING:
        return next((number for number, error in enumerate(errors) if error.line == suspect.line), None)
    if not errors or suspect.proposed is None:
        return None
    fits = overlaps(np.array([suspect.proposed]), np.array([error.kept for error in errors]))[0]
    best = int(fits.argmax())
    return best if fits[best] >= _SAME else None


def figure(
    kind: SuspectKind, ranking: str, suspects: Sequence[Suspect], errors: Sequence[Injected], first: int = FIRST
) -> Figure:
    """Figure of a ranking of suspects of one kind, the most suspicious first."""
    own = [error for error in errors if error.kind is kind]
    ranked = [suspect for suspect in suspects if suspect.kind is kind]
    named = np.array(hits_of(ranked, own)) >= 0
    count = min(first, len(ranked))
    hits = int(named[:count].sum())
    low, high = interval(hits, count)
    return Figure(
        kind=kind.value,
        ranking=ranking,
        first=count,
        hits=hits,
        low=low,
        high=high,
        errors=len(own),
        listed=len(ranked),
        recall=float(named.sum() / max(1, len(own))),
        recall_first=float(named[: len(own)].sum() / max(1, len(own))),
    )


def interval(hits: int, count: int, share: float = 0.95) -> tuple[float, float]:
    """Interval of a share of hits, by Clopper and Pearson."""
    tail = (1 - share) / 2
    low = float(beta.ppf(tail, hits, count - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, count - hits)) if hits < count else 1.0
    return low, high


def shuffled(suspects: Sequence[Suspect], seed: int) -> list[Suspect]:
    """The suspects in a random order."""
    order = np.random.default_rng(seed).permutation(len(suspects))
    return [suspects[number] for number in order]
