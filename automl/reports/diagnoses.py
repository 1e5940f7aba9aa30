"""Diagnoses of a study's trials: from the stored curves, and what was kept of their predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.diagnosis.curves import Curves, curves_of
from automl.diagnosis.of_curves import symptoms
from automl.records import StudyRow, TrialRow, model_of
from automl.records.diagnosis import Diagnosis, TrialDiagnoses
from automl.records.document import DocumentKind
from automl.reports.report import report_of
from automl.store import documents, read

if TYPE_CHECKING:
    from sqlalchemy import Engine


def diagnoses_of(engine: Engine, study_row: StudyRow, trial: int | None = None) -> list[Diagnosis]:
    """Symptoms of one trial, the most telling first; of the defaults and of the handed-over training without a number.

    Nothing is predicted here: classes, pairs and small objects stand in it once `automl diagnose` has looked at them.
    Raises UnknownName if there is no such trial.
    """
    rows = subjects(engine, study_row) if trial is None else [read.trial(engine, study_row.name, trial)]
    kept = documents.records(engine, study_row.name, DocumentKind.DIAGNOSIS, TrialDiagnoses).records
    by_trial = {record.trial: record.diagnoses for record in kept}
    return [
        diagnosis
        for row in rows
        for diagnosis in (*symptoms(curves_of_trial(engine, study_row, row)), *by_trial.get(row.number, ()))
    ]


def subjects(engine: Engine, study: StudyRow) -> list[TrialRow]:
    """Trainings that a diagnosis of a study is about: the handed-over one, then that of the defaults."""
    report = report_of(engine, study)
    if report.answer is None:
        return [row for row in (report.winner, report.baseline) if row is not None][:1]
    rows = [report.answer.handed_over.trained, report.answer.defaults.trained]
    return list({row.number: row for row in rows}.values())


def curves_of_trial(engine: Engine, study: StudyRow, row: TrialRow) -> Curves:
    """Curves of a stored trial with its schedule."""
    every = {**study.spec.fixed, **row.params, **(row.applied or {})}
    mosaic = float(every.get("mosaic") or 0)
    return curves_of(
        read.epochs(engine, study.name, row.number),
        row.epochs,
        state=row.state,
        closed=int(every.get("close_mosaic") or 0) if mosaic else 0,
        cosine=bool(every.get("cos_lr")),
        lrf=float(every.get("lrf") or 0.01),
        arguments={**every, "model": model_of(study.spec, row.params)},
    )
