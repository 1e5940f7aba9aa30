"""Diagnosis of a study's trials: curves from the store, predictions of kept networks, and the search that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from automl.diagnosis.of_predictions import symptoms
from automl.errors import AutoMLError, StudyConflict
from automl.records import StudyRow, TrialRow
from automl.records.diagnosis import DiagnosisReport, TrialDiagnoses
from automl.records.document import DocumentKind
from automl.reports.diagnoses import diagnoses_of, subjects
from automl.scores.boxes import Truth
from automl.setup.following_up import check_space_file, command_of, follow_up, write_space
from automl.setup.halves import Place
from automl.setup.networks import Network, Say, data_of, kept_networks, predictions_of, truth_of
from automl.setup.slots import find_slots
from automl.store import documents, read
from automl.store.address import db_words

if TYPE_CHECKING:
    from sqlalchemy import Engine


def diagnosed(
    engine: Engine, study: StudyRow, trial: int | None, file: Path | None, device: str | None, db: str | None, say: Say
) -> DiagnosisReport:
    """The symptoms, and with a file for its space the search that follows from those of the first trial.

    Raises as `diagnose` and `follow_up` do.
    """
    if file is not None:
        check_space_file(file)
    place = Place.of(find_slots(device, None, say))
    report = diagnose(engine, study, trial, place, say)
    if file is None:
        return report
    row = read.trial(engine, study.name, report.trials[0])
    follow = follow_up(engine, study, row, report.of(row.number))
    if write_space(follow, file) is not None:
        follow = replace(follow, options={**follow.options, "space": str(file)})
    return replace(report, follow_up=follow, command=command_of(follow, db_words(db)))


def diagnose(
    engine: Engine, study: StudyRow, trial: int | None, place: Place, say: Say = lambda text: None
) -> DiagnosisReport:
    """Symptoms of one trial, or of the handed-over training and the defaults', with those of their predictions.

    Raises StudyConflict where there is nothing to look at, UnknownName if there is no such trial.
    """
    rows = subjects(engine, study) if trial is None else [read.trial(engine, study.name, trial)]
    rows = [row for row in rows if row.done_epochs]
    if not rows:
        which = "no trial" if trial is None else f"trial {trial}"
        ended = "has finished an epoch" if trial is None else "has not finished an epoch"
        raise StudyConflict(f"{which} of study '{study.name}' {ended}: there is no curve to look at yet.")
    notes = list(_predicted(engine, study, rows, place, say))
    found = [diagnosis for row in rows for diagnosis in diagnoses_of(engine, study, row.number)]
    return DiagnosisReport(
        study=study.name,
        trials=tuple(row.number for row in rows),
        diagnoses=tuple(found),
        notes=tuple(notes),
    )


def _predicted(engine: Engine, study: StudyRow, rows: Sequence[TrialRow], place: Place, say: Say) -> Iterator[str]:
    """Keep the symptoms of the trials' predictions; yield a sentence on each that cannot be looked at."""
    if study.spec.trainer != "ultralytics":
        yield f"The trainer '{study.spec.trainer}' has no networks: only curves were looked at."
        return
    networks, notes = _networks(engine, study, rows)
    yield from notes
    if not networks:
        return
    try:
        data = data_of(study)
        truth, train = truth_of(data, "val"), counts_of(truth_of(data, "train"))
    except AutoMLError as error:
        yield f"Only curves were looked at, since the data set cannot be read: {error}"
        return
    for network in networks:
        predictions = predictions_of(network, truth.images, place, say=say)
        gain = float({**study.spec.fixed, **network.row.params}.get("cls") or 0.5)
        record = TrialDiagnoses(
            trial=network.row.number,
            sha256=network.sha256,
            images=len(truth),
            diagnoses=tuple(symptoms(network.row.number, predictions, truth, train, gain)),
        )
        documents.keep(engine, study.name, DocumentKind.DIAGNOSIS, str(network.row.number), record)


def _networks(engine: Engine, study: StudyRow, rows: Sequence[TrialRow]) -> tuple[list[Network], list[str]]:
    """Networks of the trials, and a sentence on those that have none."""
    try:
        kept = {network.row.number: network for network in kept_networks(engine, study)}
    except StudyConflict:
        kept = {}
    networks = [kept[row.number] for row in rows if row.number in kept]
    gone = [str(row.number) for row in rows if row.number not in kept]
    if not gone:
        return networks, []
    which = f"trial {gone[0]}" if len(gone) == 1 else f"trials {' and '.join(gone)}"
    return networks, [
        f"No weights of {which} are kept, so classes, confused pairs and small objects were not looked at: "
        "only curves were."
    ]


def counts_of(truth: Truth) -> Mapping[int, int]:
    """Objects of each class; 0 for a class that has none."""
    counts = Counter(truth.classes.tolist())
    return {label: counts.get(label, 0) for label in range(len(truth.names))}
