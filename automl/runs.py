"""What a search remembers of its trials, and who leads: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from automl import trust
from automl.halving import smoothed
from automl.records import Outcome, Trial, TrialState


@dataclass
class Run:
    """One trial's memory."""

    trial: Trial
    scores: list[float] = field(default_factory=list)
    best: float | None = None
    outcome: Outcome | None = None
    told: float | None = None  # what the sampler was told at its end

    @property
    def completed(self) -> bool:
        """Whether it reached its last epoch."""
        return self.outcome is not None and self.outcome.state is TrialState.COMPLETED

    @property
    def failed(self) -> bool:
        """Whether its training failed."""
        return self.outcome is not None and self.outcome.state is TrialState.FAILED


def leader(runs: Mapping[int, Run], incumbent: tuple[float, int] | None) -> int | None:
    """The trial that would be taken home now; None before the first epoch.

    What repeats with other seeds decided. Else the completed trial with the best mean of its last epochs,
    since a single best epoch is mostly luck; or the defaults, where that is a tie with them. The incumbent
    while no trial is completed.
    """
    done = {number: run for number, run in runs.items() if run.completed}
    repeated: dict[int, list[float]] = {}
    for number, run in done.items():
        of = run.trial.repeats if number else 0
        if of is not None and run.best is not None:
            repeated.setdefault(of, []).append(run.best)
    if 0 in repeated and len(repeated) > 1:
        return trust.winner(trust.estimates(repeated))
    first = [(smoothed(run.scores), -number) for number, run in done.items() if run.trial.repeats is None]
    if first:
        best, number = max(first)
        tied = 0 in done and best < smoothed(runs[0].scores) + trust.TIE
        return 0 if tied else -number
    return incumbent[1] if incumbent is not None else None


def incumbent(runs: Mapping[int, Run]) -> tuple[float, int] | None:
    """Best mAP50-95 of a single epoch and its trial, of those that are no repeats and did not fail."""
    scored = [
        (run.best, -number)
        for number, run in runs.items()
        if run.best is not None and run.trial.repeats is None and not run.failed
    ]
    return (max(scored)[0], -max(scored)[1]) if scored else None
