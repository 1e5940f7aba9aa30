"""Kept results of a study for the page: ensembles, soups, latencies, verifications, diagnoses."""

from __future__ import annotations

from typing import TypeVar

from automl.errors import AutoMLError
from automl.records import StudyRow
from automl.records.diagnosis import Diagnosis
from automl.records.document import DocumentKind
from automl.records.ensemble import EnsembleResult
from automl.records.latency import Latency
from automl.records.verification import Verification
from automl.reports.diagnoses import diagnoses_of
from automl.store import documents
from automl.store.documents import Kept
from dashboards import context

R = TypeVar("R")


def combinations(study: StudyRow) -> Kept[EnsembleResult]:
    """Ensembles and soups, newest first."""
    kept = [_kept(study, kind, EnsembleResult) for kind in (DocumentKind.ENSEMBLE, DocumentKind.SOUP)]
    records = sorted((record for one in kept for record in one.records), key=lambda record: -record.at)
    return Kept(records=tuple(records), unread=sum(one.unread for one in kept))


def latencies(study: StudyRow) -> tuple[Latency, ...]:
    """Measured latencies, newest first."""
    return _kept(study, DocumentKind.LATENCY, Latency).records


def verifications(study: StudyRow) -> tuple[Verification, ...]:
    """Verifications, newest first."""
    return _kept(study, DocumentKind.VERIFICATION, Verification).records


def diagnoses(study: StudyRow, trial: int | None = None) -> list[Diagnosis]:
    """Symptoms of a trial; of the winner and the defaults without a number. None where they cannot be told."""
    try:
        return diagnoses_of(context.engine(), study, trial)
    except AutoMLError:
        return []


def _kept(study: StudyRow, kind: DocumentKind, record: type[R]) -> Kept[R]:
    return documents.records(context.engine(), study.name, kind, record)
