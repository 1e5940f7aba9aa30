"""A study at a glance: the record that the page, the terminal and the Python API share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

from automl.costs.budget import Ledger, limits_of
from automl.records import EvaluationRow, Purpose, StudyRow, TrialPoint, TrialRow, TrialState
from automl.scores import leaderboard
from automl.scores.answer import Answer, Side, answer_of
from automl.scores.leaderboard import Verdict
from automl.scores.trust import Estimate


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Winner, defaults, verdict and cost of a study."""

    study: StudyRow
    alive: bool  # the study process has lately been heard of
    running: tuple[TrialRow, ...]
    baseline: TrialRow | None
    winner: TrialRow | None  # as the answer names it and `automl export` writes it
    verdict: Verdict | None  # of all completed trials; None where there is nothing to compare
    production: TrialRow | None  # training for production of the winner, else the latest one; None without one
    answer: Answer | None  # the recipe found against the defaults; None before the defaults have a score
    evaluations: tuple[EvaluationRow, ...]  # on images that the search never saw
    share_spent: float  # of the budget that is nearest to its end
    spent_s: Mapping[str, float]  # slot-seconds by purpose; their sum is what was charged
    planned_s: Mapping[str, float]  # slot-seconds by purpose; empty without a plan
    waiting: str = ""  # sentence on rows that the database has not got yet; empty without any
    db_words: str = field(default="", compare=False)  # the `--db` option with which commands reach its database

    def __repr__(self) -> str:
        winner = "no score yet" if self.winner is None else f"trial {self.winner.number}"
        return f"<{type(self).__name__} '{self.study.name}': {self.study.state}, {winner}>"

    @classmethod
    def extend(cls, overview: Overview, **more: Any) -> Self:
        """A record of this class with the fields of an overview and its own."""
        return cls(**{known.name: getattr(overview, known.name) for known in fields(Overview)}, **more)

    def production_for(self, row: TrialRow) -> TrialRow | None:
        """The production training of a searched trial that its recipe refers to; the latest of any without an own."""
        sides = [] if self.answer is None else [self.answer.defaults, self.answer.recipe]
        own = [side.trained for side in sides if side is not None and side.trained.repeats == row.number]
        return next((trained for trained in own if trained.purpose is Purpose.PRODUCTION), self.production)

    def _side(self, row: TrialRow | None) -> Side | None:
        """Side of the answer that a searched trial stands for; trial 0 stands for the defaults of any point."""
        if self.answer is None or row is None:
            return None
        if row.number in (0, self.answer.defaults.trial.number):
            return self.answer.defaults
        recipe = self.answer.recipe
        return recipe if recipe is not None and recipe.trial.number == row.number else None

    def estimate(self, row: TrialRow | None) -> Estimate | None:
        """Estimate of a trial by its runs with several seeds; None for one of a single run."""
        estimate = self.verdict.of(row.number) if self.verdict is not None and row is not None else None
        return estimate if estimate is not None and estimate.new_seeds else None

    def figure(self, row: TrialRow | None) -> float | None:
        """mAP50-95 on val that stands for a trial: that of the answer, else the mean of its runs or its only score."""
        side = self._side(row)
        if side is not None:
            return side.mean
        estimate = self.estimate(row)
        return estimate.observed if estimate is not None else row.score if row is not None else None

    def seeds(self, row: TrialRow) -> int:
        """Number of runs behind that figure."""
        side = self._side(row)
        if side is not None:
            return len(side.scores)
        estimate = self.estimate(row)
        return 1 if estimate is None else estimate.seeds

    @property
    def gain(self) -> float | None:
        """mAP50-95 by which the winner is expected above the defaults; None where the defaults win."""
        winner, baseline = self.winner, self.baseline
        answer = self.answer
        if winner is None or baseline is None or winner.number == 0:
            return None
        if answer is not None and answer.recipe is not None and answer.recipe.trial.number == winner.number:
            return None if answer.gain is None else answer.gain.mean
        estimate = self.verdict.of(winner.number) if self.verdict is not None else None
        if estimate is not None and estimate.gain is not None:
            return estimate.gain.mean
        return leaderboard.gain_shown(winner, baseline)


def overview_of(
    study: StudyRow,
    *,
    alive: bool,
    trials: Sequence[TrialRow | TrialPoint],
    finalists: Sequence[TrialRow],
    running: Sequence[TrialRow],
    evaluations: Sequence[EvaluationRow],
    waiting: str = "",
) -> Overview:
    """The overview of a study, from its rows.

    trials     all, by number
    finalists  those of `leaderboard.finalists`, by number
    """
    ledger = Ledger(limits_of(study.spec))
    number, verdict = leaderboard.winning(trials), leaderboard.verdict(trials)
    winner = next((row for row in finalists if row.number == number), None)
    answer = answer_of(finalists, evaluations, study.spec, verdict)
    if answer is not None and answer.defaults.trial.state is TrialState.COMPLETED:
        winner = answer.handed_over.trial
    ledger.charge(None, study.slot_s)
    return Overview(
        study=study,
        alive=alive,
        running=tuple(running),
        baseline=leaderboard.baseline_of(finalists),
        winner=winner,
        verdict=verdict,
        production=leaderboard.production_of(finalists, winner),
        answer=answer,
        evaluations=tuple(evaluations),
        waiting=waiting,
        share_spent=ledger.share_spent(study.wall_s, len(trials)),
        spent_s=spent_by_purpose(study, trials, evaluations),
        planned_s=study.spec.plan.get("shares", {}),
    )


def spent_by_purpose(
    study: StudyRow, trials: Iterable[TrialRow | TrialPoint], evaluations: Iterable[EvaluationRow]
) -> dict[str, float]:
    """Slot-seconds by purpose; their sum is what was charged."""
    spent_s = {Purpose.PROBE: study.spec.probe_s}
    for trial in trials:
        spent_s[trial.purpose] = spent_s.get(trial.purpose, 0.0) + trial.slot_s
    for evaluation in evaluations:
        spent_s[Purpose.CONFIRMATION] = spent_s.get(Purpose.CONFIRMATION, 0.0) + evaluation.slot_s
    return {purpose.value: slot_s for purpose, slot_s in spent_s.items()}
