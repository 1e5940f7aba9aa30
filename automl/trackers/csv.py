"""Plain tables of a study: `trials.csv`, `epochs.csv`, `evaluations.csv`, and `study.json`, which explains them.

The tables are UTF-8 with a byte order mark: without it Excel takes them for another encoding. pandas, polars and R read
past it. Text that a spreadsheet would read as a formula has a `'` before it. Numbers are plain, what is unknown is
empty. Times are UTC.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from automl.figures import harmless
from automl.files.atomic import replacing
from automl.records import EpochRow, EvaluationRow, TrialRow, model_of
from automl.store.tables import dumps
from automl.trackers.contents import Contents, Exported, check_key, summary
from automl.trackers.places import check_folder, writing

# Columns with their meanings, in order. New ones are added at the end only.
TRIALS: Mapping[str, str] = {
    "trial": "number; 0 is the baseline, the defaults",
    "state": "running, completed, stopped (at a rung), cut (by the budget), failed or interrupted",
    "purpose": "baseline, points (the defaults at other models and sizes), search, confirmation (the same recipe with "
    "another seed) or production",
    "origin": "source of the recipe",
    "repeats_trial": "trial whose recipe it trained again; empty for a recipe of its own",
    "seed": "seed of the training",
    "model": "model variant",
    "imgsz_px": "image size",
    "epochs_planned": "length of its learning-rate schedule",
    "epochs_done": "epochs that it has finished",
    "score_map50_95": "mean mAP50-95 of its last epochs on val, by which trials are compared; a fraction",
    "best_map50_95": "mAP50-95 of its best epoch on val; a fraction",
    "best_map50": "mAP50 of that epoch; a fraction",
    "best_epoch": "that epoch, from 1",
    "last_map50_95": "mAP50-95 of its last epoch; a fraction",
    "slot_s": "seconds that it held a slot (a GPU, or a core)",
    "paid_s": "seconds of training and validation within slot_s",
    "started_at_utc": "beginning of its first attempt",
    "ended_at_utc": "its end",
    "attempts": "attempts so far; more than one after a crash or an interruption",
    "node": "machine of its last attempt",
    "device": "device of its last attempt",
    "reason": "sentence on its end",
    "error": "traceback of a failed trial",
}
EPOCHS: Mapping[str, str] = {
    "trial": "number of the trial",
    "epoch": "from 1",
    "attempt": "attempt of the trial, from 1",
    "map50_95": "mAP50-95 on val; a fraction",
    "map50": "mAP50 on val; a fraction",
    "precision": "precision on val; a fraction",
    "recall": "recall on val; a fraction",
    "train_s": "seconds of its training",
    "val_s": "seconds of its validation",
    "slot_s": "slot-seconds of the trial so far",
    "reported_at_utc": "time of its report",
}
EVALUATIONS: Mapping[str, str] = {
    "trial": "number of the trial",
    "split": "test, or holdout for a part of val that was held back",
    "images": "number of images",
    "map50_95": "mAP50-95 on them; a fraction, as are all others",
    "map50": "mAP50",
    "precision": "precision",
    "recall": "recall",
    "low": "lower end of the 90 % interval of mAP50-95 over the images",
    "high": "upper end of it",
    "gain": "mAP50-95 above the defaults' on the same images",
    "gain_low": "lower end of its 90 % interval",
    "gain_high": "upper end of it",
    "chance": "chance that the gain is above zero",
    "slot_s": "slot-seconds of the evaluation",
    "at_utc": "time of the evaluation",
}
_PARAM, _LOSS = "param_", "loss_"


def check(place: str) -> None:
    """Raise AutoMLError for a place that is no folder."""
    check_folder("csv", place)


def write(contents: Contents, place: str) -> Exported:
    """Write the tables into a folder; those of an earlier export of the same study are replaced.

    Raises StudyConflict where tables of something else lie there.
    """
    folder, epochs = Path(place).expanduser(), 0
    with writing("csv", place):
        folder.mkdir(parents=True, exist_ok=True)
        _check_mine(folder, contents)
        params = sorted({key for trial in contents.trials for key in trial.params})
        _write(folder / "study.json", json.dumps(_document(contents, params), indent=2, ensure_ascii=False) + "\n")
        lines = (_trial(contents, trial) for trial in contents.trials)
        _table(folder / "trials.csv", [*TRIALS, *(_PARAM + key for key in params)], lines)
        epochs = _table(folder / "epochs.csv", [*EPOCHS, *_losses(contents)], _epochs(contents))
        _table(folder / "evaluations.csv", [*EVALUATIONS], map(_evaluation, contents.evaluations))
    return Exported(tool="csv", place=str(folder), trials=len(contents.trials), epochs=epochs, look="")


def _check_mine(folder: Path, contents: Contents) -> None:
    """Raise StudyConflict unless the folder's tables are of the same study, or it has none."""
    file, names = folder / "study.json", ("study.json", "trials.csv", "epochs.csv", "evaluations.csv")
    if not any((folder / name).exists() for name in names):
        return
    try:
        found = json.loads(file.read_text(encoding="utf-8")).get("automl_study")
    except (FileNotFoundError, ValueError, AttributeError):
        found = None
    check_key(found, contents, f"the folder {folder}")


def _document(contents: Contents, params: Sequence[str]) -> dict[str, Any]:
    """Facts of the study and the meaning of each column."""
    spec = contents.study.spec
    document = {
        "automl_study": contents.key,
        "exported_at_utc": _moment(datetime.now(UTC).timestamp()),
        "study": {"name": spec.name, **summary(contents)},
        "fixed_arguments": dict(spec.fixed),
        "search_space": dict(spec.space),
        "tables": {
            "trials.csv": {**TRIALS, **{f"{_PARAM}{key}": f"argument {key} of the training" for key in params}},
            "epochs.csv": {**EPOCHS, f"{_LOSS}…": "losses as the trainer names them; one column each"},
            "evaluations.csv": EVALUATIONS,
        },
        "notes": [
            "The best line of trials.csv is not always the winner: see `winner` above.",
            "Compare scores of baseline, points and search trials only: the others have another seed or length.",
            "Text that begins with = + - or @ has a ' before it, so that no spreadsheet takes it for a formula.",
        ],
    }
    return dict(json.loads(dumps(document)))


def _trial(contents: Contents, trial: TrialRow) -> dict[str, object]:
    settings = {**contents.study.spec.fixed, **trial.params}
    values = (
        *(trial.number, trial.state.value, trial.purpose.value, trial.origin, trial.repeats, trial.seed),
        *(model_of(contents.study.spec, trial.params), settings.get("imgsz")),
        *(trial.epochs, trial.done_epochs, trial.score, trial.best_map50_95, trial.best_map50, trial.best_epoch),
        *(trial.last_map50_95, trial.slot_s, trial.paid_s, _moment(trial.started_at), _moment(trial.ended_at)),
        *(trial.attempt, trial.node, trial.device, trial.reason, trial.error),
    )
    return {
        **dict(zip(TRIALS, values, strict=True)),
        **{f"{_PARAM}{key}": value for key, value in trial.params.items()},
    }


def _losses(contents: Contents) -> list[str]:
    """Columns of the losses of all epochs."""
    names = {name for _, epochs in contents.curves() for epoch in epochs for name in epoch.losses}
    return [_LOSS + name for name in sorted(names)]


def _epochs(contents: Contents) -> Iterable[dict[str, object]]:
    for _, epochs in contents.curves():
        yield from map(_epoch, epochs)


def _epoch(epoch: EpochRow) -> dict[str, object]:
    values = {name: getattr(epoch, name) for name in EPOCHS if name != "reported_at_utc"}
    losses = {_LOSS + name: loss for name, loss in epoch.losses.items()}
    return {**values, "reported_at_utc": _moment(epoch.reported_at), **losses}


def _evaluation(row: EvaluationRow) -> dict[str, object]:
    return {**{name: getattr(row, name) for name in EVALUATIONS if name != "at_utc"}, "at_utc": _moment(row.at)}


def _table(file: Path, columns: Sequence[str], lines: Iterable[Mapping[str, object]]) -> int:
    """Write a table whole or not at all; the number of its lines."""
    count = 0
    with replacing(file) as part, part.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([harmless(column) for column in columns])
        for line in lines:
            writer.writerow([_cell(line.get(column)) for column in columns])
            count += 1
    return count


def _cell(value: object) -> object:
    """A value as a cell: nothing for what is unknown, no formulas, no NUL, which Excel ends a file at."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return harmless(value.replace("\0", "")) if isinstance(value, str) else value


def _moment(at: float | None) -> str:
    """POSIX time in UTC, in a form that spreadsheets take for a date."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _write(file: Path, text: str) -> None:
    with replacing(file) as part:
        part.write_text(text, encoding="utf-8")
