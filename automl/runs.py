"""What a search remembers of its trials, and who leads: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from automl import leaderboard
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
    def score(self) -> float | None:
        """By which it is compared with others; None before its first epoch."""
        return leaderboard.score(self.scores)

    @property
    def completed(self) -> bool:
        """Whether it reached its last epoch."""
        return self.outcome is not None and self.outcome.state is TrialState.COMPLETED

    @property
    def failed(self) -> bool:
        """Whether its training failed."""
        return self.outcome is not None and self.outcome.state is TrialState.FAILED


def leader(runs: Mapping[int, Run]) -> int | None:
    """The trial that would be taken home now; None before the first epoch."""
    return leaderboard.choose(
        leaderboard.Contender(
            number=number, score=run.score, best=run.best, completed=run.completed, repeats=run.trial.repeats
        )
        for number, run in runs.items()
        if run.score is not None and run.best is not None and not run.failed
    )


def met(runs: Mapping[int, Run], target: float | None) -> str | None:
    """That the trial which would be taken home reaches what the user asked for, in words; None while it does not."""
    number = leader(runs) if target is not None else None
    run = runs[number] if number is not None else None
    if run is None or target is None or run.score is None or not run.completed or run.score < target:
        return None
    return f"trial {number} reached mAP50-95 {run.score:.3f}: the target {target:g} is met"


def best_epoch(runs: Mapping[int, Run]) -> tuple[float, int] | None:
    """Best mAP50-95 of a single epoch and its trial, of those that are no repeats and did not fail."""
    scored = [
        (run.best, -number)
        for number, run in runs.items()
        if run.best is not None and run.trial.repeats is None and not run.failed
    ]
    return (max(scored)[0], -max(scored)[1]) if scored else None
