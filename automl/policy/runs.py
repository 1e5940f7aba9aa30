"""What a search remembers of its trials, and who leads: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from automl.records import Outcome, Params, Purpose, Trial, TrialState
from automl.scores import leaderboard

FAILURES_IN_A_ROW = 5  # so many failed trials one after the other end the search


@dataclass
class Run:
    """One trial's memory."""

    trial: Trial
    scores: list[float] = field(default_factory=list)
    best: float | None = None
    outcome: Outcome | None = None
    told: float | None = None  # what the sampler was told at its end
    trained_s: float = 0.0  # seconds of its epochs, without its start
    diverged: bool = False  # its score was not a number

    @property
    def score(self) -> float | None:
        """By which it is compared with others; None before its first epoch."""
        return leaderboard.score(self.scores, self.trial.epochs)

    @property
    def completed(self) -> bool:
        """Whether it reached its last epoch."""
        return self.outcome is not None and self.outcome.state is TrialState.COMPLETED

    @property
    def failed(self) -> bool:
        """Whether its training failed."""
        return self.outcome is not None and self.outcome.state is TrialState.FAILED


class Failures:
    """Counts failed trials and says when they end a search: at once for the baseline, else after several in a row."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.final = False  # the baseline failed: nothing that has been trained can be gone on with
        self._in_a_row = 0

    def take(self, trial: int, outcome: Outcome) -> None:
        """A trial has ended."""
        if outcome.state is not TrialState.FAILED:
            self._in_a_row = 0
            return
        self._in_a_row += 1
        why = (outcome.error or outcome.reason).strip().splitlines()[-1]
        if trial == 0:
            self.reason, self.final = f"the baseline training failed: {why}", True
        elif self._in_a_row >= FAILURES_IN_A_ROW:
            self.reason = f"{self._in_a_row} trials failed one after the other, the last with: {why}"

    def give_reason(self, reason: str) -> None:
        """What is not a trial of the search failed; the study can be resumed."""
        self.reason = self.reason or reason

    def forgive(self) -> None:
        """A study that is resumed tries again: what made its trials fail may have been mended."""
        if not self.final:
            self.reason, self._in_a_row = None, 0


def leader(runs: Mapping[int, Run]) -> int | None:
    """The trial that would be taken home now; None before the first epoch."""
    return leaderboard.choose(
        leaderboard.Contender(
            number=number, score=run.score, best=run.best, completed=run.completed, repeats=run.trial.repeats
        )
        for number, run in runs.items()
        if run.score is not None and run.best is not None and not run.failed
        if run.trial.purpose is not Purpose.PRODUCTION  # of another length: it tells nothing of the choice
    )


def dearest(runs: Iterable[Run], planned_s: Callable[[Params], float]) -> float:
    """Measured by planned seconds of an epoch, of the trial of which they differ most; 1 before the first epoch."""
    epochs = [(run.trained_s / len(run.scores), planned_s(run.trial.params)) for run in runs if run.scores]
    return max((own_s / known_s for own_s, known_s in epochs if known_s > 0), default=1.0)


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
