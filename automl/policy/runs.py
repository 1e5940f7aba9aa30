"""Memory of a search's trials, and who would win now. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from automl.records import Outcome, Purpose, Trial, TrialState
from automl.scores import leaderboard
from automl.scores.trust import Estimate

FAILURES_IN_A_ROW = 5  # so many failed trials one after the other end the search


@dataclass
class Run:
    """Memory of one trial."""

    trial: Trial
    scores: list[float] = field(default_factory=list)  # mAP50-95 by epoch
    best: float | None = None
    outcome: Outcome | None = None
    told: float | None = None  # score that the sampler was told at its end
    trained_s: float = 0.0  # seconds of its epochs, without its start-up
    diverged: bool = False  # its score was not a number
    lost: int = 0  # workers that were lost in a row, without a new epoch between them
    given_up: bool = False  # too many of them

    @property
    def score(self) -> float | None:
        """The score by which it is compared with others; None before its first epoch."""
        return leaderboard.score(self.scores, self.trial.epochs)

    @property
    def completed(self) -> bool:
        """True once it has reached its last epoch."""
        return self.outcome is not None and self.outcome.state is TrialState.COMPLETED

    @property
    def interrupted(self) -> bool:
        """True while it waits to be resumed by a later session."""
        return self.outcome is not None and self.outcome.state is TrialState.INTERRUPTED

    @property
    def failed(self) -> bool:
        """True once its training has failed."""
        return self.outcome is not None and self.outcome.state is TrialState.FAILED


class Failures:
    """Count of failed trials. The baseline's failure ends a search at once, others after several in a row."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.final = False  # the baseline failed: nothing that was trained can be continued
        self._in_a_row = 0

    def trial_ended(self, trial: int, outcome: Outcome) -> None:
        """A trial of the search has ended."""
        if outcome.state is not TrialState.FAILED:
            self._in_a_row = 0
            return
        self._in_a_row += 1
        cause = (outcome.error or outcome.reason).strip().splitlines()[-1]
        if trial == 0:
            self.reason, self.final = f"the baseline training failed: {cause}", True
        elif self._in_a_row >= FAILURES_IN_A_ROW:
            self.reason = f"{self._in_a_row} trials failed one after the other, the last with: {cause}"

    def production_failed(self, reason: str) -> None:
        """The production training failed; the study can be resumed."""
        self.reason = self.reason or f"the production training failed: {reason}"

    def baseline_lost(self, reason: str) -> None:
        """The baseline's workers were lost again and again; the study can be resumed."""
        self.reason = self.reason or f"the baseline training was interrupted: {reason}"

    def resumed(self) -> None:
        """The study is resumed, so the cause of its failures may have been mended."""
        if not self.final:
            self.reason, self._in_a_row = None, 0


class Runs(dict[int, Run]):
    """Runs of a study by trial number."""

    def __init__(self) -> None:
        super().__init__()
        self._best_epoch: tuple[float, int] | None = None

    def add(self, run: Run, score: float) -> None:
        """An epoch of the run has ended.

        score  its mAP50-95, a finite number
        """
        run.scores.append(score)
        if run.best is None or score > run.best:
            run.best = score
            if run.trial.purpose.searched and (self._best_epoch is None or score > self._best_epoch[0]):
                self._best_epoch = (score, run.trial.number)

    @property
    def searched(self) -> int:
        """Number of trials of the search that have begun."""
        return sum(run.trial.purpose.searched for run in self.values())

    @property
    def baseline(self) -> float | None:
        """Best mAP50-95 of trial 0 so far."""
        return self[0].best if 0 in self else None

    @property
    def best_epoch(self) -> tuple[float, int] | None:
        """Best mAP50-95 of a single epoch on val so far and its trial; repeats and failed trials do not count."""
        if self._best_epoch is not None and self[self._best_epoch[1]].failed:
            scores = [
                (run.best, -number)
                for number, run in self.items()
                if run.best is not None and run.trial.purpose.searched and not run.failed
            ]
            self._best_epoch = (max(scores)[0], -max(scores)[1]) if scores else None
        return self._best_epoch

    @property
    def epochs(self) -> int:
        """Number of epochs that were reported, over all trials."""
        return sum(len(run.scores) for run in self.values())

    @property
    def winner(self) -> int | None:
        """The trial that would be handed over now, by the rule of `leaderboard.choose`; None before the first epoch."""
        return leaderboard.choose(self._contenders())

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """Estimates by `leaderboard.estimates_of`, best mean first; empty before a trial can be compared."""
        return leaderboard.estimates_of(self._contenders())

    def _contenders(self) -> list[leaderboard.Contender]:
        return [
            leaderboard.Contender(
                number=number,
                score=run.score,
                last=run.scores[-1],
                epochs=len(run.scores),
                completed=run.completed,
                repeats=run.trial.repeats,
            )
            for number, run in self.items()
            if run.score is not None and not run.failed
            if run.trial.purpose is not Purpose.PRODUCTION  # of another length: it tells nothing of the choice
        ]

    def challenger(self, defaults: int) -> int | None:
        """The trial with the best expected score; None where none is expected above the defaults.

        defaults  the trial of the defaults at the operating point that is tuned at
        """
        ranked = self.estimates
        base = max((row.score.mean for row in ranked if row.trial in (0, defaults)), default=1.0)
        best = next((row for row in ranked if row.trial not in (0, defaults)), None)
        return best.trial if best is not None and best.score.mean > base else None

    def target_met(self, target: float | None) -> str | None:
        """Sentence once the current winner has reached the target, else None.

        target  mAP50-95; None if the user named none
        """
        number = self.winner if target is not None else None
        run = self[number] if number is not None else None
        if run is None or target is None or run.score is None or not run.completed or run.score < target:
            return None
        return f"trial {number} reached mAP50-95 {run.score:.3f}: the target {target:g} is met"
