"""Run of one study under Ray Tune, from the state in its rows to its end or an interruption."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from automl.costs.budget import Ledger, limits_of
from automl.drivers import final_evaluation
from automl.drivers.clock import posix_offset_s
from automl.drivers.deadlines import Patience
from automl.drivers.ends import ending_of, state_after
from automl.drivers.place import Place, place
from automl.drivers.ray_session import SessionGone
from automl.drivers.ray_tune import RAY_ENDED, RayTuneDriver
from automl.drivers.session import Session
from automl.errors import AutoMLError, RowsWait, SearchFailed
from automl.files import folders
from automl.files.disk import bytes_of_a_trial
from automl.files.kept import BestFiles
from automl.host import identity
from automl.host.shortage import in_words
from automl.policy import Search, remembered
from automl.policy.history import RESUMABLE
from automl.records import (
    EndedBy,
    Ending,
    Listener,
    Notice,
    Outcome,
    StudyRow,
    StudySpec,
    StudyState,
    TrialRow,
    TrialState,
)
from automl.sampler import open_sampler
from automl.space import SearchSpace
from automl.store import read, write

if TYPE_CHECKING:
    from sqlalchemy import Engine

CLUSTER_START_S = 900.0  # that a worker may wait for a machine of a cluster, as one that grows has to be started
Ends = Sequence[tuple[int, Outcome]]  # trials that had reported their last epoch when the study process ended


@dataclass(frozen=True)
class Unstored:
    """A study as its search remembers it, where the database did not take the last rows."""

    study: StudyRow
    trials: list[TrialRow]
    sentence: str  # where the rows wait, and how to store them


@dataclass(frozen=True)
class Ended:
    """End of a session."""

    by: EndedBy
    unstored: Unstored | None = None


def run_study(engine: Engine, spec: StudySpec, *, listener: Listener, resume_command: str) -> Ended:
    """Run the study's driver until the search ends or is interrupted; what ended it.

    resume_command  the command line that continues the study, for messages

    Raises SearchFailed if the search ended without an answer.
    """
    stored = read.study(engine, spec.name)
    rows = read.trials(engine, spec.name)
    ledger = _ledger(engine, spec)
    search = Search(spec, open_sampler(spec.sampler, SearchSpace.from_document(spec.space), spec.seed), ledger)
    epochs = read.epochs(engine, spec.name)
    ends = search.replay(rows, epochs)
    folders.pause(spec.directory).unlink(missing_ok=True)
    recorder = write.Recorder(
        engine,
        spec.name,
        claimed=write.Claimed(os.getpid(), identity.own()),
        journals=folders.journals(spec.directory),
        say=lambda text: _say(listener, f"{text} Ctrl-C leaves them there for: {resume_command}", driver.at()),
    )
    files = _files(spec, recorder, rows, ends)
    files.pin(search.at_stake)
    offset_s = posix_offset_s(time.time(), stored.wall_s, rows, epochs)
    patience = Patience(start_s=CLUSTER_START_S) if place() is Place.CLUSTER else Patience()
    session = Session(search, recorder, posix_offset_s=offset_s, listener=listener, keeper=files, patience=patience)
    driver = RayTuneDriver(session, spec.trainer, spec.slots, wall_s=stored.wall_s)
    session.settle(ends, stored.wall_s)
    ended = sum(row.state not in RESUMABLE for row in rows) + len(ends)
    session.begin(stored.wall_s, begun=len(rows), ended=ended)
    ending = Ending(EndedBy.ERROR, "ended by an error; see what was printed")
    try:
        ending = ending_of(search, interrupted=driver.run())
        if state_after(search, ending) is StudyState.FINISHED:
            ending = _measured(engine, session, recorder, driver) or ending
    except Exception as error:
        words = str(error) if isinstance(error, AutoMLError) else in_words(error)
        ending = ending if words is None else Ending(EndedBy.ERROR, f"ended by an error: {words}"[:500])
        raise
    finally:
        files.finish()
        state, wall_s = state_after(search, ending), driver.at()
        figures = {"at": time.time(), "slot_s": ledger.spent_s(), "wall_s": wall_s}
        recorder.study_closed(state, ending.sentence, ended_by=ending.by, **figures)
        unstored = _close(recorder, resume_command)
        if unstored and sys.exc_info()[0] is not None:  # else the report says so
            _say(listener, unstored, wall_s)
    if search.failure is not None:
        way_out = "" if search.failures.final else f". Once that is mended, go on with: {resume_command}"
        raise SearchFailed(f"{search.failure}{way_out}{f'. {unstored}' if unstored else ''}")
    if not unstored:
        return Ended(ending.by)
    row = remembered.study_of(search, stored, state, ending, at=wall_s)
    return Ended(ending.by, Unstored(row, remembered.trials_of(search, rows), unstored))


def _close(recorder: write.Recorder, resume_command: str) -> str:
    """Close the record; a sentence on rows that the database did not take, empty without any."""
    try:
        recorder.close()
    except RowsWait as error:
        return f"{error} Once the database answers, go on with: {resume_command}"
    return ""


def _say(listener: Listener, text: str, at: float) -> None:
    listener(Notice(kind="note", at=at, values={"text": text}))


def _measured(engine: Engine, session: Session, recorder: write.Recorder, driver: RayTuneDriver) -> Ending | None:
    """Measure on unseen images; cause of the end if that was interrupted."""
    try:
        return final_evaluation.measure(engine, session, recorder, driver.at)
    except SessionGone as error:
        return Ending(EndedBy.ERROR, f"{RAY_ENDED}: {error}")
    except RowsWait:
        return Ending(EndedBy.ERROR, "the database did not answer at the final evaluation")


def _ledger(engine: Engine, spec: StudySpec) -> Ledger:
    """The ledger with what no trial has cost: the probe, and measuring on unseen images."""
    ledger = Ledger(limits_of(spec))
    ledger.charge(None, spec.probe_s)
    ledger.charge(None, sum(row.slot_s for row in read.evaluations(engine, spec.name)))
    return ledger


def _files(spec: StudySpec, recorder: write.Recorder, rows: Sequence[TrialRow], ends: Ends) -> BestFiles:
    """The keeper of the study's files, told of the trials of earlier sessions."""
    trial_bytes = bytes_of_a_trial(spec.parameters)
    files = BestFiles(Path(spec.directory), recorder, lag=spec.slots.count, trial_bytes=trial_bytes)
    states = {number: outcome.state for number, outcome in ends}
    for row in rows:
        state = states.get(row.number, row.state)
        if state not in RESUMABLE:
            competes = state is not TrialState.FAILED and row.purpose.searched
            files.remember(row.number, row.score if competes else None, state)
    return files
