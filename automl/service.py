"""Functions behind the command line, one for each verb; the place where objects are built and wired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from automl.costs.plan import Plan
from automl.host.guest import visiting
from automl.host.platforms import check_platform
from automl.records import Deleted, Deletion, Listener, Notice, StudyRow, StudyState
from automl.reports import life, report
from automl.reports.attending import attend
from automl.reports.data_report import KeptReport
from automl.reports.lists import Curves, Overviews, Studies
from automl.reports.newest import study_for
from automl.reports.report import StudyReport, StudyStatus
from automl.reports.watch import Watch
from automl.setup import data_check
from automl.setup.confirming import SEEDS, check_finished, confirming
from automl.setup.data_request import CheckOptions
from automl.setup.exporting import export_recipe
from automl.setup.managing import check_running, checked_note, delete_study, deletion_of, idle, rename_study
from automl.setup.opening import caught_up, compiled, go_on, reader, run, say_which, unchanged, writer
from automl.setup.options import SearchOptions, request_of
from automl.setup.resumable import check_unfinished
from automl.store import managing, read, write
from automl.store.address import command, db_words, named_db, store_url
from automl.store.release import released
from automl.terminal.check import bars, sayer
from automl.terminal.messenger import targets_of
from automl.terminal.screen import following

if TYPE_CHECKING:
    from automl.trackers import Exported


@visiting()
def search(
    data: str | Path,
    budget: str | Sequence[str],
    *,
    fresh_probe: bool = False,
    home: str | Path | None = None,
    db: str | None = None,
    progress: bool | None = None,
    listener: Listener = lambda notice: None,
    notify: Sequence[str] = (),
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
        trust_model   True: network files are trusted, though they could run code
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
        notify        addresses of Apprise that get messages: end, failure, silence, budget, a new best; never stored
    """
    check_platform()
    targets = targets_of(notify)
    db, asked = named_db(home, db), request_of(data, budget, **options)
    with following(progress, listener, targets) as follow, compiled(asked, fresh_probe, home, db, follow) as study:
        study.ready()
        mine = life.mine()
        with released(study.engine, study.spec.name):  # around the beginning too: its row may be there already
            write.begin_study(study.engine, study.spec, at=mine.at, host=mine.host, pid=mine.pid, process=mine.process)
            study.begun = True
            study.claim.keep()
            study.keep_report()
            return follow.conclude(run(study.engine, study.spec, follow, db))


@visiting()
def dry_run(
    data: str | Path,
    budget: str | Sequence[str],
    *,
    fresh_probe: bool = False,
    home: str | Path | None = None,
    db: str | None = None,
    progress: bool | None = None,
    listener: Listener = lambda notice: None,
    notify: Sequence[str] = (),
    **options: Unpack[SearchOptions],
) -> Plan:
    """Plan that `search` with the same arguments would follow. Its options are those of `search`.

    Measure a few steps of training where the store knows none, and begin no study. Raises as `search` does.
    """
    check_platform()
    targets_of(notify)
    db, asked = named_db(home, db), request_of(data, budget, **options)
    with following(progress, listener) as follow, compiled(asked, fresh_probe, home, db, follow) as study:
        return follow.conclude(Plan.from_document(study.spec.plan))


@visiting()
def check(
    data: str | Path,
    *,
    home: str | Path | None = None,
    db: str | None = None,
    progress: bool | None = None,
    **options: Unpack[CheckOptions],
) -> KeptReport:
    """Check a data set before anything is trained. The report shows itself in a notebook.

    data      a YOLO data.yaml
    home      folder where the report is kept; default: AUTOML_HOME, else ./automl-runs
    progress  True: show progress; False: show none; None: on a terminal only

    Options, by keyword. None, or left out: the default.

        split            splits to look at, as "train,val" or a list; default: all
        html             file for the report with pictures, which needs no network
        baseline         study or weights that judge the labels; the next six need it
        fix_list         CSV file for the suspicious labels
        price, top       True: what the `top` (60) most suspicious labels cost, in mAP50-95
        budget           of the trainings that judge and price
        device           "cpu" or a GPU's index
        trust_model      True: network files are trusted, though they could run code
        from_, to        "coco" or "voc": `data` holds annotations of that format; folder in which YOLO's are written

    Raises AutoMLError for words that cannot be used, before anything is read.
    """
    with bars(progress) as hear:
        return data_check.check(data, hear, home, named_db(home, db), sayer(progress), **options)


@visiting()
def resume(
    study: str | None = None,
    *,
    data: str | Path | None = None,
    trust_model: bool = False,
    home: str | Path | None = None,
    db: str | None = None,
    progress: bool | None = None,
    listener: Listener = lambda notice: None,
    notify: Sequence[str] = (),
) -> StudyReport:
    """Go on with a study that was interrupted, or whose process ended unexpectedly, from its last snapshots.

    study               its name; None: the newest one of that kind
    data                the study's data set, where that has moved
    trust_model         True: its network files are trusted, though they could run code
    progress, listener  as in `search`
    notify              as in `search`, where nothing keeps the addresses
    """
    check_platform()
    targets = targets_of(notify)
    db = named_db(home, db)
    engine = writer(home, db)
    row = study_for(engine, "resume", study, db)
    with following(progress, listener, targets) as follow:
        before, row = row, caught_up(engine, row, follow)
        if row.state is StudyState.FINISHED and before.state is not row.state:  # only its last rows were not stored
            return follow.conclude(replace(report.report_of(engine, row), db_words=db_words(db)))
        check_unfinished(row)
        spec = unchanged(row.spec, data, home, command("resume", row.name, db), trust_model=trust_model)
        say_which(row, study, follow)
        return follow.conclude(go_on(engine, row, spec, follow, db))


@visiting()
def confirm(
    study: str | None = None,
    *,
    seeds: int = SEEDS,
    budget: str | Sequence[str] = (),
    data: str | Path | None = None,
    trust_model: bool = False,
    home: str | Path | None = None,
    db: str | None = None,
    progress: bool | None = None,
    listener: Listener = lambda notice: None,
    notify: Sequence[str] = (),
) -> StudyReport:
    """Train further seeds of a finished study's best recipe and of the defaults, until it is decided which is better.

    study               its name; None: the newest finished one
    seeds               most further ones of each side
    budget              for them alone; empty: no limit but the seeds
    data                the study's data set, where that has moved
    trust_model         True: its network files are trusted, though they could run code
    progress, listener  as in `search`
    notify              as in `search`, where nothing keeps the addresses

    Raises AutoMLError where nothing is to be confirmed, before anything is trained.
    """
    check_platform()
    targets = targets_of(notify)
    db = named_db(home, db)
    engine = writer(home, db)
    row = caught_up(engine, study_for(engine, "confirm", study, db), listener)
    check_finished(row, db)
    again = command("confirm", row.name, db)
    row = replace(row, spec=unchanged(row.spec, data, home, again, trust_model=trust_model))
    spec, cost = confirming(engine, row, seeds, (budget,) if isinstance(budget, str) else budget)
    with following(progress, listener, targets) as follow:
        follow(Notice(kind="note", at=row.wall_s, values={"text": cost}))
        return follow.conclude(go_on(engine, row, spec, follow, db))


@visiting()
def stop(study: str | None = None, *, home: str | Path | None = None, db: str | None = None) -> StudyRow:
    """Ask the study's process to stop after the running epochs; the study can be resumed.

    study  its name; None: the newest one that runs
    """
    db = named_db(home, db)
    engine = writer(home, db)
    row = study_for(engine, "stop", study, db)
    check_running(engine, row, db)
    write.request_stop(engine, row.name)
    return read.study(engine, row.name)


@visiting()
def attach(
    study: str | None = None,
    *,
    home: str | Path | None = None,
    db: str | None = None,
    listener: Listener = lambda notice: None,
) -> StudyReport:
    """Follow a running study until it ends, or until Ctrl-C, which leaves it running. Returns the report.

    study     its name; None: the newest one that runs
    listener  function that gets each notice of the search, a second late at most
    """
    engine = reader(home, db)
    row = attend(engine, study_for(engine, "attach", study, db), listener)
    overview = report.report_of(engine, row, ended_by=row.ended_by)
    return replace(overview, db_words=db_words(named_db(home, db)))


@visiting()
def deletion(study: str, *, home: str | Path | None = None, db: str | None = None) -> Deletion:
    """Preview of `delete`: contents, cost and notes. Raises StudyConflict if the study is running."""
    engine, row = idle(writer(home, db), study, db)
    return deletion_of(engine, row)


@visiting()
def delete(study: str, *, home: str | Path | None = None, db: str | None = None) -> Deleted:
    """Delete a study for good: its rows and its folder with logs, weights and pictures, without a question.

    Raises StudyConflict, and deletes nothing, if the study is running.
    """
    engine, row = idle(writer(home, db), study, db)
    return delete_study(engine, row)


@visiting()
def rename(study: str, name: str, *, home: str | Path | None = None, db: str | None = None) -> StudyRow:
    """Give a study and its folder another name. Raises StudyConflict if it is running, or if the name is taken."""
    engine, row = idle(writer(home, db), study, db)
    rename_study(engine, caught_up(engine, row, lambda notice: None), name)
    return read.study(engine, name)


@visiting()
def note(study: str, text: str | None = None, *, home: str | Path | None = None, db: str | None = None) -> str:
    """The study's note, after it was replaced by the text where there is one; an empty text removes it."""
    if text is None:
        return read.study(reader(home, db), study).note
    engine = writer(home, db)
    managing.write_note(engine, study, checked_note(text))
    return read.study(engine, study).note


@visiting()
def studies(*, home: str | Path | None = None, db: str | None = None) -> Studies:
    """All studies, newest first: a list that notebooks show as a table."""
    return Studies(read.studies(reader(home, db)))


@visiting()
def overviews(*, home: str | Path | None = None, db: str | None = None) -> Overviews:
    """All studies at a glance, newest first, each with winner and defaults: a list that notebooks show as a table."""
    engine, words = reader(home, db), db_words(named_db(home, db))
    return Overviews(replace(Watch().look(engine, row), db_words=words) for row in read.studies(engine))


@visiting()
def demo_data(directory: str | Path, *, seed: int = 0) -> Path:
    """Make a small real detection data set, handwritten digits on photographs, and return its data.yaml."""
    from automl.data.demo import make_demo

    return make_demo(Path(directory), seed=seed)


@visiting()
def study_name(verb: str, *, home: str | Path | None = None, db: str | None = None) -> str:
    """Name of the study that a verb of the command line means where none is named. Raises AutoMLError without one."""
    return study_for(reader(home, db), verb, None, db).name


@visiting()
def show(study: str | None = None, *, home: str | Path | None = None, db: str | None = None) -> StudyReport:
    """A study with its trials; the newest one without a name."""
    engine = reader(home, db)
    overview = report.report_of(engine, study_for(engine, "show", study, db))
    return replace(overview, db_words=db_words(named_db(home, db)))


@visiting()
def status(study: str | None = None, *, home: str | Path | None = None, db: str | None = None) -> StudyStatus:
    """The state of a study; of the newest one without a name."""
    engine = reader(home, db)
    overview = report.status_of(engine, study_for(engine, "status", study, db))
    return replace(overview, db_words=db_words(named_db(home, db)))


@visiting()
def curves(study: str | None = None, *, home: str | Path | None = None, db: str | None = None) -> Curves:
    """Every epoch of a study in the order of reporting, of the newest one without a name: has `to_dataframe()`."""
    engine = reader(home, db)
    return Curves(read.epochs(engine, study_for(engine, "curves", study, db).name))


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
    engine = reader(home, db)
    overview = report.report_of(engine, study_for(engine, "export", study, db))
    return export_recipe(engine, overview, Path(output), trial=trial, epochs=epochs, format=format)


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
    contents = trackers.contents_of(reader(home, db), study, recipe=tool == "mlflow", listener=listener)
    return trackers.write(contents, tool, str(place))
