"""Everything that the report on a study shows, read from the store. Pictures and files come from `setup.reporting`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from automl.errors import BadReport, EngineMismatch, StudyConflict
from automl.host.guest import log_levels
from automl.records import DataReport, EpochRow, EvaluationRow, StudyRow, TrialRow
from automl.records.diagnosis import Diagnosis
from automl.records.document import DocumentKind
from automl.records.ensemble import EnsembleResult
from automl.records.latency import Latency
from automl.records.verification import Verification
from automl.reports.board import leading
from automl.reports.diagnoses import diagnoses_of
from automl.reports.watch import StudyProgress, Watch
from automl.space import SearchSpace
from automl.store import checked, documents, read

if TYPE_CHECKING:
    from sqlalchemy import Engine

TOP = 20  # rows of the leaderboard
SAMPLE = 1000  # trials that importances are measured on; of a larger study every nth
PARAMETERS = 12  # importances that are shown


@dataclass(frozen=True, kw_only=True)
class ShownTraining:
    """A training that the report shows from its curves to its recipe."""

    role: str  # "defaults", "winner" or "best found"
    row: TrialRow  # the training, perhaps one for production
    searched: TrialRow  # the trial whose recipe it has
    epochs: tuple[EpochRow, ...]
    evaluations: tuple[EvaluationRow, ...] = ()

    @property
    def name(self) -> str:
        """As in 'winner, trial 14' or 'defaults'."""
        if self.row.number == 0:
            return "defaults"
        number = f"trial {self.searched.number}" if self.searched.number else ""
        return ", ".join(filter(None, (self.role, number)))


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """The newest check of the study's data."""

    report: DataReport
    folder: str | None  # with its pictures; None where it has none


@dataclass(frozen=True, kw_only=True)
class StudyContent:
    """A study as its report shows it."""

    progress: StudyProgress
    trainings: tuple[ShownTraining, ...]  # the defaults, then the best recipe found
    board: tuple[TrialRow, ...]  # best first, and the defaults
    importances: Mapping[str, float] = field(default_factory=dict)
    sampled: int = 0  # trials behind the importances
    no_importances: str = ""  # sentence why there are none
    data: DataFacts | None = None
    diagnoses: Mapping[int, Sequence[Diagnosis]] = field(default_factory=dict)  # by trial
    ensembles: tuple[EnsembleResult, ...] = ()
    soups: tuple[EnsembleResult, ...] = ()
    latencies: tuple[Latency, ...] = ()
    verifications: tuple[Verification, ...] = ()
    unread: int = 0  # results that only another version of automl can read

    @property
    def study(self) -> StudyRow:
        """The study's own row."""
        return self.progress.study


def content_of(engine: Engine, study: StudyRow) -> StudyContent:
    """The content of a study's report. Raises StudyConflict before the defaults have a score."""
    progress = Watch().look(engine, study)
    trainings = trainings_of(engine, progress)
    if not trainings:
        raise StudyConflict(
            f"study '{study.name}' has nothing to report yet: the defaults have no score. Wait for their first epoch."
        )
    return replace(
        _with_results(
            engine, study, StudyContent(progress=progress, trainings=trainings, board=_board(engine, progress))
        ),
        data=_data(engine, study),
        diagnoses=_diagnoses(engine, study, trainings),
        **_importance(engine, study),
    )


def trainings_of(engine: Engine, progress: StudyProgress) -> tuple[ShownTraining, ...]:
    """The training of the defaults and that of the best recipe found; none before the defaults have a score."""
    answer = progress.answer
    if answer is None:
        return ()
    sides = [("defaults", answer.defaults)]
    sides += [("winner" if answer.delivers else "best found", answer.recipe)] if answer.recipe is not None else []
    numbers = [side.trained.number for _, side in sides]
    curves: dict[int, list[EpochRow]] = {number: [] for number in numbers}
    for epoch in read.epochs_of(engine, progress.study.name, numbers):
        curves[epoch.trial].append(epoch)
    return tuple(
        ShownTraining(
            role=role,
            row=side.trained,
            searched=side.trial,
            epochs=tuple(curves[side.trained.number]),
            evaluations=tuple(row for row in progress.evaluations if row.trial == side.trained.number),
        )
        for role, side in sides
    )


def _board(engine: Engine, progress: StudyProgress) -> tuple[TrialRow, ...]:
    best = [row for row in read.best_trials(engine, progress.study.name, limit=TOP * 3) if row.repeats is None]
    known = {row.number for row in best}
    extra = [row for row in (progress.baseline,) if row is not None and row.number not in known]
    return tuple(leading(progress, [*best, *extra], TOP))


def _importance(engine: Engine, study: StudyRow) -> dict[str, Any]:
    """Importances as the page has them, and why there are none."""
    from automl.sampler.importance import FEWEST, importances

    rows = read.sample(engine, study.name, SAMPLE)
    space = SearchSpace.from_document(study.spec.space).at_horizon(study.spec.epochs)
    scored = [(space.values(row.params), row.score) for row in rows if row.score is not None]
    parameters = [p for p in space.parameters if any(p.name in params for params, _ in scored)]
    try:
        with log_levels(("optuna",), logging.WARNING):
            shares = importances(scored, parameters)
    except EngineMismatch as error:
        return {"no_importances": f"Importances cannot be computed: {error}"}
    none = f"Importances need {FEWEST} trials in which the searched parameters vary."
    return {
        "importances": dict(list(shares.items())[:PARAMETERS]),
        "sampled": len(scored),
        "no_importances": "" if shares else none,
    }


def _data(engine: Engine, study: StudyRow) -> DataFacts | None:
    row = checked.report_of_study(engine, study.name)
    if row is None:
        return None
    try:
        return DataFacts(report=checked.whole_report(engine, row.id).report, folder=row.folder)
    except BadReport:
        return None


def _diagnoses(engine: Engine, study: StudyRow, trainings: Sequence[ShownTraining]) -> dict[int, Sequence[Diagnosis]]:
    """Symptoms of the shown trainings that have any, by trial."""
    known = {
        training.row.number: diagnoses_of(engine, study, training.row.number)
        for training in trainings
        if training.epochs
    }
    return {number: diagnoses for number, diagnoses in known.items() if diagnoses}


def _with_results(engine: Engine, study: StudyRow, content: StudyContent) -> StudyContent:
    """The content with the kept results about trained networks."""
    ensembles = documents.records(engine, study.name, DocumentKind.ENSEMBLE, EnsembleResult)
    soups = documents.records(engine, study.name, DocumentKind.SOUP, EnsembleResult)
    latencies = documents.records(engine, study.name, DocumentKind.LATENCY, Latency)
    verifications = documents.records(engine, study.name, DocumentKind.VERIFICATION, Verification)
    return replace(
        content,
        ensembles=ensembles.records,
        soups=soups.records,
        latencies=latencies.records,
        verifications=verifications.records,
        unread=sum(kept.unread for kept in (ensembles, soups, latencies, verifications)),
    )
