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
from automl.data.dataset import fingerprint, read_dataset, write_resolved
from automl.errors import AutoMLError, StudyConflict
from automl.files import disk, folders
from automl.files.home import home_folder
from automl.records import (
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
from automl.reports.lists import Curves, Overviews, Studies
from automl.reports.report import StudyReport, StudyStatus
from automl.reports.watch import Watch
from automl.setup import request
from automl.setup.claim import Claim, claim_folder
from automl.setup.confirming import SEEDS, check_finished, confirming
from automl.setup.options import SearchOptions, SearchRequest, request_of
from automl.setup.probing import Probing
from automl.setup.resumable import check_resumable, slots_here
from automl.setup.spellings import understand
from automl.setup.warm import with_earlier
from automl.store import read, write
from automl.store.address import command, db_words, named_db, store_url
from automl.store.engine import open_store
from automl.store.release import released
from automl.terminal.screen import following

if TYPE_CHECKING:
    from sqlalchemy import Engine


def search(
    data: str | Path,
    budget: str | Sequence[str],
    *,
    fresh_probe: bool = False,
    home: str | Path | None = None,
    db: str | None = None,
    progress: bool | None = None,
    listener: Listener = lambda notice: None,
    **options: Unpack[SearchOptions],
) -> StudyReport:
    """Search for the best hyperparameters within a budget.

    data    a YOLO data.yaml
    budget  "40gpu-h", "8cpu-h", "90min" (wall) or "200trials"; of several the first one reached ends the search

    Ctrl-C, or an interrupt of the notebook's kernel, ends the search after the running epochs. The report then says
    how to go on.

    Raises AutoMLError for input that cannot be used, before anything is trained; SearchFailed when the
    baseline or many trials in a row failed.

    Options, by keyword. None, or left out: the default.

        models        variants to search, as ["yolov5n", "yolov5s"], or own model YAML files
        imgsz         image sizes to search, as [640, 1280]
        deploy        variants for a place: "mobile", "cloud" or "edge"
        weights       "auto" (default), "none" (scratch), files separated by commas, or a folder
        offline       True: download nothing
        space         file of the search space; default: configs/spaces/scratch-low.yaml
        name          name of the study
        sampler       "gp" (default), "tpe", "cmaes", "evolve" or "random"
        seed          seed of the search and of every training
        epochs        epochs of the search's trainings; default: what production leaves
        batch         batch size, or share of a GPU's memory; default: 16 on CPU, 0.6 up to 64
        fixed         arguments of every trial, as {"nbs": 16}; `--set` on the command line
        device        "cpu", or GPUs such as "0,1"; default: all GPUs, else the CPU
        slots         trials side by side on CPU; default: one for each core
        trainer       "ultralytics" (default), or "surrogate", which trains nothing
        target        mAP50-95 that is enough: it ends the search
        max_latency   milliseconds that an image may take on this device
        max_params    parameters that the network may have
        holdout       share of val that the search never sees, for an unbiased final evaluation: 0.3
        test          False: no final evaluation on the test split
        portfolio     False: try no known-good recipes after the defaults
        warm_start    studies, or files such as evolve.csv or hyp.yaml, with whose results the search begins
        reuse         False: look for no earlier studies of the same data
        early_end     False: spend the whole budget even if little more is to be expected
        confirm       best trials with seed repeats, beside the defaults; 0: none; default: 3
        train         epochs of production, at which the defaults and the winner compare; default: 300
        recipe_only   True: compare at the search's length; train nothing for production
        fresh_probe   True: measure the cost of an epoch anew
        home          folder of all studies; default: AUTOML_HOME, else ./automl-runs
        db            database URL; default: AUTOML_DB, else SQLite in `home`
        progress      True: show progress; False: show none; None: on a terminal and in a notebook only
        listener      function that gets each notice of the search
    """
    db, asked = named_db(home, db), request_of(data, budget, **options)
    with following(progress, listener) as follow, _compiled(asked, fresh_probe, home, db, follow) as study:
        study.ready()
        write.begin_study(study.engine, study.spec, at=time.time(), host=socket.gethostname(), pid=os.getpid())
        study.begun = True
        with released(study.engine, study.spec.name):
            study.claim.keep()
            return follow.conclude(_run(study.engine, study.spec, follow, db))


def dry_run(
    data: str | Path,
    budget: str | Sequence[str],
    *,
    fresh_probe: bool = False,
    home: str | Path | None = None,
    db: str | None = None,
    progress: bool | None = None,
    listener: Listener = lambda notice: None,
    **options: Unpack[SearchOptions],
) -> Plan:
    """Plan that `search` with the same arguments would follow. Its options are those of `search`.

    Measure a few steps of training where the store knows none, and begin no study. Raises as `search` does.
    """
    db, asked = named_db(home, db), request_of(data, budget, **options)
    with following(progress, listener) as follow, _compiled(asked, fresh_probe, home, db, follow) as study:
        return follow.conclude(Plan.from_document(study.spec.plan))


def resume(
    study: str,
    *,
    home: str | Path | None = None,
    db: str | None = None,
    progress: bool | None = None,
    listener: Listener = lambda notice: None,
) -> StudyReport:
    """Go on with a study that was interrupted, or whose process ended unexpectedly, from its last snapshots.

    progress, listener  as in `search`
    """
    db = named_db(home, db)
    engine = open_store(store_url(home, db), create=False)
    row = read.study(engine, study)
    if row.state in (StudyState.FINISHED, StudyState.FAILED):
        raise StudyConflict(
            f"study '{study}' is {row.state.value} ({row.reason}). Nothing is left to resume; "
            "start a new one with `automl search`."
        )
    _check_unchanged(row.spec)
    with following(progress, listener) as follow:
        return follow.conclude(_go_on(engine, row, row.spec, follow, db))


def confirm(
    study: str,
    *,
    seeds: int = SEEDS,
    budget: str | Sequence[str] = (),
    home: str | Path | None = None,
    db: str | None = None,
    progress: bool | None = None,
    listener: Listener = lambda notice: None,
) -> StudyReport:
    """Train further seeds of a finished study's best recipe and of the defaults, until it is decided which is better.

    seeds               most further ones of each side
    budget              for them alone; empty: no limit but the seeds
    progress, listener  as in `search`

    Raises AutoMLError where nothing is to be confirmed, before anything is trained.
    """
    db = named_db(home, db)
    engine = open_store(store_url(home, db), create=False)
    row = read.study(engine, study)
    check_finished(row, db)
    _check_unchanged(row.spec)
    spec, cost = confirming(engine, row, seeds, (budget,) if isinstance(budget, str) else budget)
    with following(progress, listener) as follow:
        follow(Notice(kind="note", at=row.wall_s, values={"text": cost}))
        return follow.conclude(_go_on(engine, row, spec, follow, db))


def stop(study: str, *, home: str | Path | None = None, db: str | None = None) -> StudyRow:
    """Ask the study's process to stop after the running epochs; the study can be resumed."""
    db = named_db(home, db)
    engine = open_store(store_url(home, db), create=False)
    row = read.study(engine, study)
    if row.state is StudyState.RUNNING and report.is_dead(row):
        raise StudyConflict(
            f"study '{study}' is not running: its process ended unexpectedly. "
            f"Go on with: {command('resume', study, db)}"
        )
    write.request_stop(engine, study)
    return read.study(engine, study)


def studies(*, home: str | Path | None = None, db: str | None = None) -> Studies:
    """All studies, newest first: a list that notebooks show as a table."""
    return Studies(read.studies(_reader(home, db)))


def overviews(*, home: str | Path | None = None, db: str | None = None) -> Overviews:
    """All studies at a glance, newest first, each with winner and defaults: a list that notebooks show as a table."""
    engine, words = _reader(home, db), db_words(named_db(home, db))
    return Overviews(replace(Watch().look(engine, row), db_words=words) for row in read.studies(engine))


def demo_data(directory: str | Path, *, seed: int = 0) -> Path:
    """Make a small real detection data set, handwritten digits on photographs, and return its data.yaml."""
    from automl.data.demo import make_demo

    return make_demo(Path(directory), seed=seed)


def show(study: str | None = None, *, home: str | Path | None = None, db: str | None = None) -> StudyReport:
    """A study with its trials; the newest one without a name."""
    engine = _reader(home, db)
    return replace(report.report_of(engine, _named(engine, study)), db_words=db_words(named_db(home, db)))


def status(study: str | None = None, *, home: str | Path | None = None, db: str | None = None) -> StudyStatus:
    """The state of a study; of the newest one without a name."""
    engine = _reader(home, db)
    return replace(report.status_of(engine, _named(engine, study)), db_words=db_words(named_db(home, db)))


def curves(study: str, *, home: str | Path | None = None, db: str | None = None) -> Curves:
    """Every epoch of a study in the order of reporting: a list with `to_dataframe()`."""
    return Curves(read.epochs(_reader(home, db), study))


def export(
    study: str,
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

    epochs  of the training that it is for; None: those of production
    """
    from automl.recipes import check_place, defaults_beside, subject_of, write_recipe

    engine = _reader(home, db)
    overview = report.report_of(engine, read.study(engine, study))
    row = overview.winner if trial is None else read.trial(engine, study, trial)
    if row is None:
        raise StudyConflict(f"no trial of study '{study}' has a score yet. Wait for its first epoch.")
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


# -- wiring ---------------------------------------------------------------------------------------


@dataclass
class _Compiled:
    """A study with its spec, ready to begin."""

    engine: Engine
    spec: StudySpec
    ready: Callable[[], None]  # opens the cluster, unless a probe has done so
    claim: Claim
    begun: bool = False


def _check_unchanged(spec: StudySpec) -> None:
    """Raise AutoMLError if the data set, the weights, the folder or the GPUs of a study have changed or are gone."""
    if fingerprint(read_dataset(spec.data)) != spec.data_fingerprint:
        raise StudyConflict(
            f"the data set {spec.data} has changed since study '{spec.name}' began, so its scores would not compare. "
            "Restore it, or start a new study."
        )
    check_resumable(spec)


def _go_on(engine: Engine, row: StudyRow, spec: StudySpec, listener: Listener, db: str | None) -> StudyReport:
    """Take the study over and run it with that spec until it ends or is interrupted. Returns the report."""
    mine = Heartbeat(host=socket.gethostname(), pid=os.getpid(), at=time.time())
    dead = row.heartbeat if report.is_dead(row) else None
    write.reopen_study(engine, row.name, mine, stale_after_s=report.STALE_S, dead=dead, spec=spec)
    with released(engine, row.name), _cluster(spec.slots):
        return _run(engine, spec, listener, db)


def _run(engine: Engine, spec: StudySpec, listener: Listener, db: str | None) -> StudyReport:
    """Run the study until it ends or is interrupted. Returns the report."""
    from automl.drivers.study import run_study

    ended_by = run_study(engine, spec, listener=listener, resume_command=command("resume", spec.name, db))
    row = read.study(engine, spec.name)
    return replace(report.report_of(engine, row, ended_by=ended_by), db_words=db_words(db))


@contextmanager
def _compiled(
    search_request: SearchRequest, fresh: bool, home: str | Path | None, db: str | None, listener: Listener
) -> Iterator[_Compiled]:
    """The study as compiled. Its folder is removed unless the study has begun."""

    def say(text: str) -> None:
        listener(Notice(kind="note", at=0.0, values={"text": text}))

    understood = understand(search_request, home_folder(home))
    search_request = understood.request
    slots = slots_here(search_request.device, search_request.slots)
    checked = request.check(search_request, slots, say, understood.weights)
    checked = replace(checked, notes=(*understood.notes, *checked.notes))
    engine = open_store(store_url(home, db))
    checked = with_earlier(engine, checked)
    names = {row.name for row in read.studies(engine)}
    claim = claim_folder(names, search_request.name, search_request.data, home_folder(home), db)
    directory, compiled = claim.folder, None
    try:
        disk.check_disk(directory, disk.SMALL, checked.slots)
        write_resolved(checked.dataset, folders.data(directory))
        if checked.reported is not None:
            write_resolved(checked.reported, folders.reported_data(directory))
        for note in checked.notes:
            say(note)
        with ExitStack() as stack:
            ready = cache(lambda: stack.enter_context(_cluster(checked.slots)))
            probing = Probing(engine, checked, directory, ready, fresh=fresh, listener=listener)
            compiled = _Compiled(engine, probing.spec(directory.name), ready, claim)
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
    return open_store(store_url(home, db), create=False, read_only=True)


def _named(engine: Engine, study: str | None) -> StudyRow:
    if study is not None:
        return read.study(engine, study)
    row = read.latest_study(engine)
    if row is None:
        raise AutoMLError("there is no study yet. Begin one with: automl search --data data.yaml --budget 1cpu-h")
    return row
