"""A trial with the facts that its recipe states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from automl.records import PRODUCTION_EPOCHS, EvaluationRow, Purpose, StudyRow, TrialRow, TrialState
from automl.scores.answer import Answer
from automl.scores.leaderboard import Verdict
from automl.store import read

if TYPE_CHECKING:
    from sqlalchemy import Engine

LONG = PRODUCTION_EPOCHS


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A trial with the facts that its recipe states."""

    study: StudyRow
    trial: TrialRow
    baseline: TrialRow | None
    evaluations: Sequence[EvaluationRow] = ()
    verdict: Verdict | None = None
    production: TrialRow | None = None  # production training, perhaps of another trial
    epochs: int | None = None  # of the training that the recipe is for; None: those of production
    answer: Sequence[tuple[str, str]] = ()  # labelled lines of the study's answer
    long_scores: tuple[float, ...] = ()  # of its whole production trainings, one for each seed

    @property
    def produced(self) -> TrialRow | None:
        """The ended production training of this very trial; None where there is none, or of another trial."""
        production = self.production
        if production is None or production.repeats != self.trial.number:
            return None
        return production if production.state in (TrialState.COMPLETED, TrialState.CUT) else None

    @property
    def length(self) -> int:
        """Epochs of the training that the recipe is for."""
        spec, production = self.study.spec, self.produced
        if self.epochs is not None:
            return self.epochs
        return production.epochs if production is not None else max(self.trial.epochs, spec.train or LONG)


class Answered(Protocol):
    """A study with its answer, as an overview has it."""

    @property
    def study(self) -> StudyRow: ...
    @property
    def baseline(self) -> TrialRow | None: ...
    @property
    def evaluations(self) -> Sequence[EvaluationRow]: ...
    @property
    def verdict(self) -> Verdict | None: ...
    @property
    def answer(self) -> Answer | None: ...
    def production_for(self, row: TrialRow) -> TrialRow | None: ...


def subject_of(
    engine: Engine,
    answered: Answered,
    trial: TrialRow,
    *,
    epochs: int | None = None,
    answer: Sequence[tuple[str, str]] = (),
) -> Subject:
    """The subject of a trial's recipe. A production training has the recipe of the trial that it trains for longer."""
    study, production = answered.study, answered.production_for(trial)
    if trial.purpose is Purpose.PRODUCTION and trial.repeats is not None:
        trial, production = read.trial(engine, study.name, trial.repeats), trial
    known = answered.answer if answered.answer is not None and answered.answer.at_length else None
    sides = [] if known is None else [side for side in (known.defaults, known.recipe) if side is not None]
    return Subject(
        study=study,
        trial=trial,
        baseline=answered.baseline,
        evaluations=answered.evaluations,
        verdict=answered.verdict,
        production=production,
        epochs=epochs,
        answer=answer,
        long_scores=next((side.scores for side in sides if side.trial.number == trial.number), ()),
    )
