"""Ranking of trials: pure functions over stored rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from automl.records import Params, ParamValue, TrialRow, TrialState


def rank(rows: Iterable[TrialRow]) -> list[TrialRow]:
    """Trials with a score, best mAP50-95 on val first; ties: full trainings first, then by number."""
    scored = [row for row in rows if row.best_map50_95 is not None and row.state is not TrialState.FAILED]
    return sorted(
        scored, key=lambda row: (-(row.best_map50_95 or 0.0), row.state is not TrialState.COMPLETED, row.number)
    )


def baseline_of(rows: Iterable[TrialRow]) -> TrialRow | None:
    """Trial 0, when it has begun."""
    return next((row for row in rows if row.number == 0), None)


def gain(row: TrialRow, baseline: TrialRow | None) -> float | None:
    """mAP50-95 above the baseline's, as a difference of fractions; None before the baseline has scored."""
    if baseline is None or baseline.best_map50_95 is None or row.best_map50_95 is None:
        return None
    return row.best_map50_95 - baseline.best_map50_95


def changed(row: TrialRow, baseline: TrialRow | None) -> dict[str, ParamValue]:
    """The parameters in which a trial differs from the baseline."""
    before: Params = baseline.params if baseline is not None else {}
    return {key: value for key, value in row.params.items() if key not in before or before[key] != value}


def best_so_far(scores: Sequence[float]) -> list[float]:
    """The running maximum of scores in their order; NaN counts for nothing."""
    found: list[float] = []
    for score in scores:
        top = found[-1] if found else float("-inf")
        found.append(score if score > top else top)
    return found
