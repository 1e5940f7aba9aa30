"""Run of one study under Ray Tune, from the state in its rows to its end or an interruption."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from automl.costs.budget import Ledger, limits_of
from automl.drivers import final_evaluation
from automl.drivers.deadlines import Patience
from automl.drivers.place import Place, place
from automl.drivers.ray_session import SessionGone
from automl.drivers.ray_tune import INTERRUPTED, RAY_ENDED, RayTuneDriver
from automl.drivers.session import Session
from automl.errors import SearchFailed
from automl.files import folders
from automl.files.disk import bytes_of_a_trial
from automl.files.kept import BestFiles
from automl.policy import Search
from automl.policy.history import RESUMABLE
from automl.records import EndedBy, Ending, Listener, Outcome, StudySpec, StudyState, TrialRow, TrialState
from automl.sampler import open_sampler
from automl.space import SearchSpace
from automl.store import read, write

if TYPE_CHECKING:
    from sqlalchemy import Engine

SEARCH_ENDS = (EndedBy.BUDGET, EndedBy.TARGET, EndedBy.EARLY, EndedBy.EXHAUSTED, EndedBy.CONFIRMED)
CLUSTER_START_S = 900.0  # that a worker may wait for a machine of a cluster, as one that grows has to be started
Ends = Sequence[tuple[int, Outcome]]  # trials that had reported their last epoch when the study process ended


def run_study(engine: Engine, spec: StudySpec, *, listener: Listener, resume_command: str) -> EndedBy:
    """Run the study's driver until the search ends or is interrupted; what ended it.

    resume_command  the command line that continues the study, for messages

    Raises SearchFailed if the search ended without an answer.
    """
    stored = read.study(engine, spec.name)
    rows = read.trials(engine, spec.name)
    ledger = _ledger(engine, spec)
    search = Search(spec, open_sampler(spec.sampler, SearchSpace.from_document(spec.space), spec.seed), ledger)
    ends = search.replay(rows, read.epochs(engine, spec.name))
    folders.pause(spec.directory).unlink(missing_ok=True)
    recorder = write.Recorder(engine, spec.name)
    files = _files(spec, recorder, rows, ends)
    files.pin(search.at_stake)
    patience = Patience(start_s=CLUSTER_START_S) if place() is Place.CLUSTER else Patience()
    offset_s = time.time() - stored.wall_s
    session = Session(search, recorder, posix_offset_s=offset_s, listener=listener, keeper=files, patience=patience)
    driver = RayTuneDriver(session, spec.trainer, spec.slots, wall_s=stored.wall_s)
    session.settle(ends, stored.wall_s)
    ended = sum(row.state not in RESUMABLE for row in rows) + len(ends)
    session.begin(stored.wall_s, begun=len(rows), ended=ended)
    ending = Ending(EndedBy.ERROR, "ended by an error; see what was printed")
    try:
        ending = _ending(search, interrupted=driver.run())
        if _state(search, ending) is StudyState.FINISHED:
            ending = _measured(engine, session, recorder, driver) or ending
    finally:
        files.finish()
        state, slot_s = _state(search, ending), ledger.spent_s()
        recorder.study_closed(state, ending.sentence, at=time.time(), slot_s=slot_s, wall_s=driver.at())
        recorder.close()
    if search.failure is not None:
        way_out = "" if search.failures.final else f". Once that is mended, go on with: {resume_command}"
        raise SearchFailed(search.failure + way_out)
    return ending.by


def _measured(engine: Engine, session: Session, recorder: write.Recorder, driver: RayTuneDriver) -> Ending | None:
    """Measure on unseen images; cause of the end if that was interrupted."""
    try:
        whole = final_evaluation.measure(engine, session, recorder, driver.at)
    except SessionGone as error:
        return Ending(EndedBy.ERROR, f"{RAY_ENDED}: {error}")
    return None if whole else Ending(EndedBy.USER, INTERRUPTED)


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


def _ending(search: Search, *, interrupted: bool) -> Ending:
    """Cause of this session's end, with the sentence for the study's row."""
    if search.failure is not None:
        return Ending(EndedBy.FAILURE, search.failure)
    if search.pause_ending is not None:
        return search.pause_ending
    if interrupted or search.ending is None:
        return Ending(EndedBy.USER, INTERRUPTED)
    return search.ending


def _state(search: Search, ending: Ending) -> StudyState:
    """The state in which such an end leaves the study."""
    if ending.by is EndedBy.FAILURE:
        return StudyState.FAILED if search.failures.final else StudyState.INTERRUPTED
    return StudyState.FINISHED if ending.by in SEARCH_ENDS else StudyState.INTERRUPTED
