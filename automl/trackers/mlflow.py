"""MLflow: an experiment for a study, in it one run for the study, and below that one run for each trial.

Names of figures are those of Ultralytics' own MLflow logger: tags without brackets, which MLflow refuses. Steps are
epochs, and times those of the training. A trial that reached its last epoch is FINISHED, one that was stopped at a rung
or cut by the budget KILLED, an interrupted one SCHEDULED; the tag `automl.state` has automl's own word.

MLflow 3 writes into a folder (`file:./mlruns`) only where MLFLOW_ALLOW_FILE_STORE is set, so the export sets it.
Weights are not copied. Every run takes MLflow about a fifth of a second.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from automl.errors import StudyConflict
from automl.files.shell import quoted
from automl.records import EpochRow, EvaluationRow, StudyState, TrialRow, TrialState
from automl.trackers.contents import (
    Contents,
    Exported,
    arguments,
    check_key,
    evaluation_figures,
    facts,
    figures,
    label,
    outcome,
    shown,
    summary,
)
from automl.trackers.places import (
    check_reachable,
    check_sqlite,
    make_parent,
    reported,
    sqlite_file,
    variables,
    with_driver,
    writing,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KEY, TRIAL = "automl.study", "automl.trial"  # tags by which an export is known again
_LAST = "automl/slot_s"  # the figure of an epoch that is written last
_METRICS, _PARAMS, _TEXT = 1000, 100, 5000  # most in one request, and in one value, by MLflow's own limits
_WAY_OUT = "Check the address, and that the server runs and lets you in; or write into a new file: sqlite:///FILE."
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # seven would keep the user waiting for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_STATUS = {
    TrialState.COMPLETED: "FINISHED",
    TrialState.STOPPED: "KILLED",
    TrialState.CUT: "KILLED",
    TrialState.FAILED: "FAILED",
    TrialState.RUNNING: "RUNNING",
    TrialState.INTERRUPTED: "SCHEDULED",
}
_STUDY_STATUS = {
    StudyState.FINISHED: "FINISHED",
    StudyState.FAILED: "FAILED",
    StudyState.RUNNING: "RUNNING",
    StudyState.INTERRUPTED: "SCHEDULED",
}
_ENDED = ("FINISHED", "KILLED", "FAILED")


def check(place: str) -> None:
    """Raise AutoMLError for an SQLite file that cannot be written, and for a database that does not answer."""
    check_sqlite("mlflow", place)
    check_reachable("mlflow", place, _WAY_OUT)


def write(contents: Contents, place: str) -> Exported:
    """Write the runs to the tracking server, database or folder of that URI. Runs of an earlier export go on.

    Raises StudyConflict for an experiment of that name which is not this study's.
    """
    with variables(**_QUIET), writing("mlflow", place), reported("mlflow", place, _WAY_OUT), _silence():
        from mlflow import MlflowClient

        make_parent(place)
        client = MlflowClient(tracking_uri=with_driver(place))
        experiment = _experiment(client, contents, place)
        runs = {run.data.tags.get(TRIAL, ""): run for run in _runs(client, experiment)}
        parent = _write_study(client, contents, experiment, runs.get("study"))
        epochs = 0
        for trial, curve in contents.curves():
            measured = [row for row in contents.evaluations if row.trial == trial.number]
            run = runs.get(str(trial.number)) or _begin(client, contents, experiment, parent, trial)
            _write_trial(client, contents, run, trial, curve, measured)
            epochs += len(curve)
        if contents.recipe:
            client.log_text(parent, contents.recipe, "hyp.yaml")
    return Exported(
        tool="mlflow",
        place=shown(place),
        trials=len(contents.trials),
        epochs=epochs,
        look=_look(place),
        notes=contents.notes,
    )


def _look(place: str) -> str:
    if re.match(r"https?:", place):
        return f"open {shown(place)} in a browser"
    allow = "" if "://" in place and not place.startswith("file:") else "MLFLOW_ALLOW_FILE_STORE=true "
    return f"{allow}mlflow ui --backend-store-uri {quoted(shown(with_driver(place)))}"


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the notes of MLflow and of its migrations from the terminal; warnings stay."""
    import mlflow  # noqa: F401, it sets its own level when it is loaded

    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _experiment(client: MlflowClient, contents: Contents, place: str) -> str:
    """Key of the study's experiment; created where it is missing."""
    name = contents.study.name
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return str(client.create_experiment(name, artifact_location=_beside(place, name), tags={KEY: contents.key}))
    if experiment.lifecycle_stage == "deleted":
        raise StudyConflict(
            f"the experiment '{name}' of {shown(place)} has been deleted there. Restore it, remove it for good with "
            "`mlflow gc`, or choose another place."
        )
    check_key(experiment.tags.get(KEY), contents, shown(place))
    return str(experiment.experiment_id)


def _beside(place: str, name: str) -> str | None:
    """Folder for files beside an SQLite database; None where MLflow decides. It would take the current folder."""
    file = sqlite_file(place)
    return None if file is None else (file.absolute().parent / "mlruns" / name).as_uri()


def _runs(client: MlflowClient, experiment: str) -> Iterator[Run]:
    """Every run that an earlier export wrote, those first that began first."""
    token: str | None = None
    while True:
        page = client.search_runs([experiment], max_results=1000, page_token=token)
        yield from (run for run in page if TRIAL in run.data.tags)
        token = page.token
        if not token:
            return


def _write_study(client: MlflowClient, contents: Contents, experiment: str, run: Run | None) -> str:
    """The run of the study itself, with its answer, its facts and the winner's recipe. Returns its key."""
    study = contents.study
    if run is None:
        run = client.create_run(
            experiment,
            start_time=_ms(study.created_at),
            run_name=study.name,
            tags={TRIAL: "study", KEY: contents.key, "mlflow.source.name": "automl"},
        )
    answer = "\n".join(f"**{name}** {text}  " for name, text in contents.answer)
    tags = {f"automl.{name}": value for name, value in summary(contents).items() if not name.startswith("answer, ")}
    _log(client, run, tags={"mlflow.note.content": answer, **tags} if answer else tags)
    scores = {"automl/defaults_score": study.baseline_map50_95, "automl/best_score": study.best_map50_95}
    at = _ms(study.heartbeat_at)
    known = run.data.metrics
    points = [(name, value, at, 0) for name, value in scores.items() if value is not None and known.get(name) != value]
    _log(client, run, metrics=points)
    _end(client, run, _STUDY_STATUS[study.state], at)
    return str(run.info.run_id)


def _begin(client: MlflowClient, contents: Contents, experiment: str, parent: str, trial: TrialRow) -> Run:
    """A new run of a trial."""
    tags = {TRIAL: str(trial.number), "mlflow.parentRunId": parent, "mlflow.source.name": "automl"}
    begin_s = trial.started_at if trial.started_at is not None else contents.study.created_at
    return client.create_run(experiment, start_time=_ms(begin_s), run_name=label(trial), tags=tags)


def _write_trial(
    client: MlflowClient,
    contents: Contents,
    run: Run,
    trial: TrialRow,
    epochs: Sequence[EpochRow],
    evaluations: Sequence[EvaluationRow],
) -> None:
    """Write what a run lacks: its arguments, the epochs after its last one, its end, its figures on unseen images."""
    status = _STATUS[trial.state]
    ended = run.info.status in _ENDED and run.info.status == status
    measured = [
        (name, value, _ms(row.at), trial.best_epoch or trial.done_epochs)
        for row in evaluations
        for name, value in evaluation_figures(row).items()
        if _name(name) not in run.data.metrics
    ]
    if ended:
        _log(client, run, metrics=measured)
        return
    done = _last_epoch(client, run)
    points = [
        (name, value, _ms(epoch.reported_at), epoch.epoch)
        for epoch in epochs
        if epoch.epoch > done
        for name, value in figures(epoch).items()
    ]
    at = _ms(trial.ended_at if trial.ended_at is not None else contents.study.heartbeat_at)
    if status in _ENDED and trial.score is not None:
        points.append(("automl/score", trial.score, at, trial.done_epochs))
    known = set(run.data.params)
    params = {key: value for key, value in arguments(contents, trial).items() if _name(key) not in known}
    tags = {f"automl.{name}": value for name, value in {**facts(trial), **outcome(trial)}.items()}
    _log(client, run, metrics=[*points, *measured], params=params, tags=tags)
    _end(client, run, status, at)


def _last_epoch(client: MlflowClient, run: Run) -> int:
    """Last epoch that a run has; 0 for a new one."""
    if _name(_LAST) not in run.data.metrics:
        return 0
    history = client.get_metric_history(run.info.run_id, _name(_LAST))
    return max((int(metric.step) for metric in history), default=0)


def _log(
    client: MlflowClient,
    run: Run,
    *,
    metrics: Sequence[tuple[str, float, int, int]] = (),
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
) -> None:
    """Write to a run in as few requests as MLflow allows.

    metrics  name, value, POSIX milliseconds and step of each
    """
    from mlflow.entities import Metric, Param, RunTag

    points = [Metric(_name(name), value, at, step) for name, value, at, step in metrics]
    settings = [Param(_name(key), str(value)[:_TEXT]) for key, value in (params or {}).items()]
    labels = [RunTag(_name(key), str(value)[:_TEXT]) for key, value in (tags or {}).items()]
    while points or settings or labels:
        room = _METRICS - min(len(settings), _PARAMS) - min(len(labels), _PARAMS)
        client.log_batch(
            run.info.run_id, metrics=points[:room], params=settings[:_PARAMS], tags=labels[:_PARAMS], synchronous=True
        )
        points, settings, labels = points[room:], settings[_PARAMS:], labels[_PARAMS:]


def _end(client: MlflowClient, run: Run, status: str, at: int) -> None:
    """Set the status of a run, with the time of its end where it has ended."""
    if status in _ENDED:
        client.set_terminated(run.info.run_id, status, end_time=at)
    elif run.info.status != status:
        client.update_run(run.info.run_id, status=status)


def _name(text: str) -> str:
    """A name that MLflow takes: without the brackets of Ultralytics' tags, other signs as `_`."""
    return re.sub(r"[^\w\-. /]", "_", text.replace("(", "").replace(")", ""))[:250]


def _ms(at: float) -> int:
    return math.floor(at * 1000)
