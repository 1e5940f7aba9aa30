"""Functions behind the command line, one for each verb; the place where objects are built and wired."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from automl.costs.plan import Plan
from automl.data.dataset import write_resolved
from automl.errors import SearchFailed, StudyConflict
from automl.files import disk, folders, moved
from automl.files.home import home_folder
from automl.host.guest import visiting
from automl.host.platforms import check_platform
from automl.records import (
    Deleted,
    Deletion,
    EpochRow,
    Heartbeat,
    Listener,
    Notice,
    Slots,
    StudyRow,
    StudySpec,
    StudyState,
)
from automl.reports import report
from automl.reports.card import lines_of_recipe
from automl.reports.newest import study_for
from automl.reports.overview import Overview
from automl.reports.report import StudyReport, StudyStatus
from automl.reports.watch import Watch
from automl.setup import request
from automl.setup.claim import Claim, claim_folder
from automl.setup.confirming import SEEDS, check_finished, confirming
from automl.setup.managing import check_not_running, checked_note, delete_study, deletion_of, rename_study
from automl.setup.options import SearchOptions, SearchRequest, request_of
from automl.setup.probing import Probing
from automl.setup.resumable import check_resumable, look_for_ray, slots_here, with_data
from automl.setup.spellings import understand
from automl.setup.warm import with_earlier
from automl.store import managing, read, write
from automl.store.address import command, store_url
from automl.store.engine import open_store, risk

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from automl.trackers import Exported


@visiting()
def search(
    data: str | Path,
    budget: str | Sequence[str],
    *,
    fresh_probe: bool = False,
    home: str | Path | None = None,
    db: str | None = None,
    listener: Listener = lambda notice: None,
    **options: Unpack[SearchOptions],
) -> StudyReport:
    """Search for the best hyperparameters within a budget. Options as the command line has them.

    Raises AutoMLError for input that cannot be used, before anything is trained; SearchFailed when the
    baseline or many trials in a row failed.
    """
    check_platform()
    with _compiled(request_of(data, budget, **options), fresh_probe, home, db, listener) as study:
        study.ready()
        write.begin_study(study.engine, study.spec, at=time.time(), host=socket.gethostname(), pid=os.getpid())
        study.begun = True
        study.claim.keep()
        return _run(study.engine, study.spec, listener, db)


@visiting()
def dry_run(
    data: str | Path,
    budget: str | Sequence[str],
    *,
    fresh_probe: bool = False,
    home: str | Path | None = None,
    db: str | None = None,
    listener: Listener = lambda notice: None,
    **options: Unpack[SearchOptions],
) -> Plan:
    """Plan that `search` with the same arguments would follow.

    Measure a few steps of training where the store knows none, and begin no study. Raises as `search` does.
    """
    check_platform()
    with _compiled(request_of(data, budget, **options), fresh_probe, home, db, listener) as study:
        return Plan.from_document(study.spec.plan)


@visiting()
def resume(
    study: str | None = None,
    *,
    data: str | Path | None = None,
    home: str | Path | None = None,
    db: str | None = None,
    listener: Listener = lambda notice: None,
) -> StudyReport:
    """Go on with a study that was interrupted, or whose process ended unexpectedly, from its last snapshots.

    study  its name; None: the newest one of that kind
    data   the study's data set, where that has moved
    """
    check_platform()
    engine = _writer(home, db)
    row = study_for(engine, "resume", study, db)
    _say_which(row, study, listener)
    if row.state in (StudyState.FINISHED, StudyState.FAILED):
        raise StudyConflict(
            f"study '{row.name}' is {row.state.value} ({row.reason}). Nothing is left to resume; "
            "start a new one with `automl search`."
        )
    spec = _unchanged(row.spec, data, home, command("resume", row.name, db))
    return _go_on(engine, row, spec, listener, db)


@visiting()
def confirm(
    study: str | None = None,
    *,
    seeds: int = SEEDS,
    budget: str | Sequence[str] = (),
    data: str | Path | None = None,
    home: str | Path | None = None,
    db: str | None = None,
    listener: Listener = lambda notice: None,
) -> StudyReport:
    """Train further seeds of a finished study's best recipe and of the defaults, until it is decided which is better.

    study   its name; None: the newest finished one
    seeds   most further ones of each side
    budget  for them alone; empty: no limit but the seeds
    data    the study's data set, where that has moved

    Raises AutoMLError where nothing is to be confirmed, before anything is trained.
    """
    check_platform()
    engine = _writer(home, db)
    row = study_for(engine, "confirm", study, db)
    _say_which(row, study, listener)
    check_finished(row, db)
    row = replace(row, spec=_unchanged(row.spec, data, home, command("confirm", row.name, db)))
    spec, cost = confirming(engine, row, seeds, (budget,) if isinstance(budget, str) else budget)
    listener(Notice(kind="note", at=row.wall_s, values={"text": cost}))
    return _go_on(engine, row, spec, listener, db)


@visiting()
def stop(study: str | None = None, *, home: str | Path | None = None, db: str | None = None) -> StudyRow:
    """Ask the study's process to stop after the running epochs; the study can be resumed.

    study  its name; None: the newest one that runs
    """
    engine = _writer(home, db)
    row = study_for(engine, "stop", study, db)
    if row.state is StudyState.RUNNING and report.is_dead(row):
        raise StudyConflict(
            f"study '{row.name}' is not running: its process ended unexpectedly. "
            f"Go on with: {command('resume', row.name, db)}"
        )
    write.request_stop(engine, row.name)
    return read.study(engine, row.name)


@visiting()
def deletion(study: str, *, home: str | Path | None = None, db: str | None = None) -> Deletion:
    """What `delete` would remove. Raises StudyConflict if the study is running."""
    engine = _writer(home, db)
    row = read.study(engine, study)
    check_not_running(row, db)
    return deletion_of(engine, row)


@visiting()
def delete(study: str, *, home: str | Path | None = None, db: str | None = None) -> Deleted:
    """Delete a study for good: its rows and its folder with logs, weights and pictures, without a question.

    Raises StudyConflict, and deletes nothing, if the study is running.
    """
    engine = _writer(home, db)
    row = read.study(engine, study)
    check_not_running(row, db)
    return delete_study(engine, row)


@visiting()
def rename(study: str, name: str, *, home: str | Path | None = None, db: str | None = None) -> StudyRow:
    """Give a study and its folder another name. Raises StudyConflict if it is running, or if the name is taken."""
    engine = _writer(home, db)
    row = read.study(engine, study)
    check_not_running(row, db)
    rename_study(engine, row, name)
    return read.study(engine, name)


@visiting()
def note(study: str, text: str | None = None, *, home: str | Path | None = None, db: str | None = None) -> str:
    """The study's note, after it was replaced by the text where there is one; an empty text removes it."""
    if text is None:
        return read.study(_reader(home, db), study).note
    engine = _writer(home, db)
    managing.write_note(engine, study, checked_note(text))
    return read.study(engine, study).note


@visiting()
def studies(*, home: str | Path | None = None, db: str | None = None) -> list[StudyRow]:
    """All studies, newest first."""
    return read.studies(_reader(home, db))


@visiting()
def overviews(*, home: str | Path | None = None, db: str | None = None) -> list[Overview]:
    """All studies at a glance, newest first, each with its winner and the score of the defaults."""
    engine = _reader(home, db)
    return [Watch().look(engine, row) for row in read.studies(engine)]


@visiting()
def study_name(verb: str, *, home: str | Path | None = None, db: str | None = None) -> str:
    """Name of the study that a verb of the command line means where none is named. Raises AutoMLError without one."""
    return study_for(_reader(home, db), verb, None, db).name


@visiting()
def show(study: str | None = None, *, home: str | Path | None = None, db: str | None = None) -> StudyReport:
    """A study with its trials; the newest one without a name."""
    engine = _reader(home, db)
    return report.report_of(engine, study_for(engine, "show", study, db))


@visiting()
def status(study: str | None = None, *, home: str | Path | None = None, db: str | None = None) -> StudyStatus:
    """The state of a study; of the newest one without a name."""
    engine = _reader(home, db)
    return report.status_of(engine, study_for(engine, "status", study, db))


@visiting()
def curves(study: str | None = None, *, home: str | Path | None = None, db: str | None = None) -> list[EpochRow]:
    """Every epoch of a study in the order of reporting; of the newest one without a name."""
    engine = _reader(home, db)
    return read.epochs(engine, study_for(engine, "curves", study, db).name)


@visiting()
def export(
    study: str | None,
    output: str | Path,
    *,
    trial: int | None = None,
    epochs: int | None = None,
    format: str = "ultralytics",
    home: str | Path | None = None,
    db: str | None = None,
) -> Path:
    """Write the recipe of the winner, or of a trial, and return the file's path.

    Beside the winner's recipe the defaults' is written for comparison: `hyp-defaults.yaml` beside `hyp.yaml`.

    study   its name; None: the newest one
    epochs  of the training that it is for; None: those of production
    """
    from automl.recipes import check_place, defaults_beside, subject_of, write_recipe

    engine = _reader(home, db)
    overview = report.report_of(engine, study_for(engine, "export", study, db))
    name = overview.study.name
    row = overview.winner if trial is None else read.trial(engine, name, trial)
    if row is None:
        raise StudyConflict(f"no trial of study '{name}' has a score yet. Wait for its first epoch.")
    subjects = [
        subject_of(
            engine,
            overview.study,
            searched,
            baseline=overview.baseline,
            evaluations=overview.evaluations,
            verdict=overview.verdict,
            production=overview.production_for(searched),
            epochs=epochs,
            answer=lines_of_recipe(overview),
        )
        for searched in (row, overview.baseline if overview.answer is None else overview.answer.defaults.trial)
        if searched is not None
    ]
    file = write_recipe(subjects[0], check_place(Path(output), format), format)
    if trial is None and len(subjects) > 1:
        write_recipe(subjects[1], defaults_beside(file), format)
    return file


@visiting()
def export_to(
    study: str,
    tool: str,
    place: str | Path,
    *,
    home: str | Path | None = None,
    db: str | None = None,
    listener: Listener = lambda notice: None,
) -> Exported:
    """Write a study for another tool: all trials, epochs and evaluations. A later export brings it up to date.

    tool   "csv", "mlflow", "optuna" or "tensorboard"
    place  folder of CSV files or of TensorBoard, URL of a database for Optuna, tracking URI of MLflow

    Raises AutoMLError for a tool or a place that cannot be used, StudyConflict where something else lies there.
    """
    from automl import trackers

    trackers.check_tool(tool, str(place), store_url(home, db))
    contents = trackers.contents_of(_reader(home, db), study, recipe=tool == "mlflow", listener=listener)
    return trackers.write(contents, tool, str(place))


# -- wiring ---------------------------------------------------------------------------------------


@dataclass
class _Compiled:
    """A study with its spec, ready to begin."""

    engine: Engine
    spec: StudySpec
    ready: Callable[[], None]  # opens the cluster, unless a probe has done so
    claim: Claim
    begun: bool = False


def _unchanged(spec: StudySpec, data: str | Path | None, home: str | Path | None, again: str) -> StudySpec:
    """The spec with the present places of its files.

    Raises AutoMLError if the data set, the weights, the folder or the GPUs of a study have changed or are gone.
    """
    return check_resumable(with_data(spec, None if data is None else Path(data), home_folder(home), again))


def _go_on(engine: Engine, row: StudyRow, spec: StudySpec, listener: Listener, db: str | None) -> StudyReport:
    """Take the study over and run it with that spec until it ends or is interrupted. Returns the report."""
    dead = row.heartbeat if report.is_dead(row) else None
    look_for_ray(lambda text: listener(Notice(kind="note", at=row.wall_s, values={"text": text})))
    with _cluster(spec.slots):  # first: without one the study stays as it is
        mine = Heartbeat(host=socket.gethostname(), pid=os.getpid(), at=time.time())
        spec = replace(spec, key=spec.key or moved.new_key())
        write.reopen_study(engine, row.name, mine, stale_after_s=report.STALE_S, dead=dead, spec=spec)
        moved.mark(Path(spec.directory), spec.key)
        return _run(engine, spec, listener, db)


def _run(engine: Engine, spec: StudySpec, listener: Listener, db: str | None) -> StudyReport:
    """Run the study until it ends or is interrupted. Returns the report."""
    from automl.drivers.study import run_study

    ended_by = run_study(engine, spec, listener=listener, resume_command=command("resume", spec.name, db))
    row = read.study(engine, spec.name)
    return report.report_of(engine, row, ended_by=ended_by)


@contextmanager
def _compiled(
    search_request: SearchRequest, fresh: bool, home: str | Path | None, db: str | None, listener: Listener
) -> Iterator[_Compiled]:
    """The study as compiled. Its folder is removed unless the study has begun."""

    def say(text: str) -> None:
        listener(Notice(kind="note", at=0.0, values={"text": text}))

    place = home_folder(home)
    understood = understand(search_request, place)
    search_request = understood.request
    slots = slots_here(search_request.device, search_request.slots, say)
    checked = request.check(search_request, slots, say, understood.weights, place)
    checked = replace(checked, notes=(*understood.notes, *checked.notes))
    engine = open_store(store_url(home, db), home=home)
    checked = replace(checked, notes=(*checked.notes, *filter(None, [risk(engine)])))
    checked = with_earlier(engine, checked)
    names = {row.name for row in read.studies(engine)}
    claim = claim_folder(names, search_request.name, search_request.data, place, db)
    directory, compiled = claim.folder, None
    try:
        disk.check_disk(directory, disk.SMALL, checked.slots)
        write_resolved(checked.dataset, folders.data(directory))
        if checked.reported is not None:
            write_resolved(checked.reported, folders.reported_data(directory))
        for model in checked.models:
            moved.keep_network(directory, model)
        for note in checked.notes:
            say(note)
        with ExitStack() as stack:
            ready = cache(lambda: stack.enter_context(_cluster(checked.slots)))
            probing = Probing(engine, checked, directory, ready, fresh=fresh, listener=listener)
            spec = replace(probing.spec(directory.name), key=moved.new_key())
            moved.mark(directory, spec.key)
            compiled = _Compiled(engine, spec, ready, claim)
            yield compiled
    finally:
        if compiled is None or not compiled.begun:
            claim.give_up()


@contextmanager
def _cluster(slots: Slots) -> Iterator[None]:
    from automl.drivers import cluster

    with cluster.cluster(slots):
        yield


def _reader(home: str | Path | None, db: str | None) -> Engine:
    """The database for a verb that reads only: no writes, no migration."""
    return open_store(store_url(home, db), create=False, read_only=True, home=home)


def _writer(home: str | Path | None, db: str | None) -> Engine:
    """The database for a verb that changes a study."""
    return open_store(store_url(home, db), create=False, home=home)


def _say_which(row: StudyRow, named: str | None, listener: Listener) -> None:
    """Tell the listener which study was taken where none was named."""
    if named is None:
        listener(Notice(kind="note", at=row.wall_s, values={"text": f"Study '{row.name}', the newest one that fits."}))


__all__ = [
    "SearchFailed",
    "StudyReport",
    "StudyStatus",
    "confirm",
    "curves",
    "delete",
    "deletion",
    "dry_run",
    "export",
    "export_to",
    "note",
    "overviews",
    "rename",
    "resume",
    "search",
    "show",
    "status",
    "stop",
    "studies",
]
