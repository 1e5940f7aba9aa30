"""TensorBoard's event files: a run for each trial, with its scalars by epoch and its hyperparameters.

The runs lie in a folder named after the study. An event file is written byte by byte from what is stored, so that a
later export of a running study only appends to it: a TensorBoard that is open goes on reading. A run of the study
itself has its answer as a text. No description of the experiment is written for the HPARAMS tab. TensorBoard
gathers it from the runs instead, and so shows several studies below one folder. Of descriptions it takes one alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tensorboardX.proto.api_pb2 import Status
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboardX.summary import text

from automl.files.atomic import replacing
from automl.files.shell import quoted
from automl.records import EpochRow, TrialRow, TrialState
from automl.trackers.contents import (
    AT_ONCE,
    OPEN_STATES,
    Contents,
    Exported,
    check_key,
    evaluation_figures,
    facts,
    figures,
    label,
    searched,
    summary,
)
from automl.trackers.places import check_folder, writing
from automl.trackers.records import framed

MARK = "automl-study.json"  # file that names the study of a folder of runs
_EVENTS = "events.out.tfevents.0.automl"
_PLUGIN, _VERSION = "hparams", "brain.Event:2"


def check(place: str) -> None:
    """Raise AutoMLError for a place that is no folder."""
    check_folder("tensorboard", place)


def write(contents: Contents, place: str) -> Exported:
    """Write the runs below a folder; those of an earlier export of the same study are brought up to date.

    Raises StudyConflict where a folder with the study's name holds something else.
    """
    root, count = Path(place).expanduser(), 0
    folder = root / contents.study.name
    with writing("tensorboard", place):
        _claim(folder, contents)
        _bring_up_to_date(folder / _EVENTS, b"".join(framed([_serialized(event) for event in _about(contents)])))
        curves = contents.curves()
        while part := list(islice(curves, AT_ONCE)):
            _write_runs(contents, folder, part)
            count += sum(len(epochs) for _, epochs in part)
    look = f"tensorboard --logdir {quoted(str(root))}"
    return Exported(tool="tensorboard", place=str(folder), trials=len(contents.trials), epochs=count, look=look)


def _claim(folder: Path, contents: Contents) -> None:
    """Create the folder of the runs, or raise StudyConflict unless it is one of the same study."""
    mark = folder / MARK
    if folder.exists() and any(folder.iterdir()):
        try:
            found = json.loads(mark.read_text(encoding="utf-8"))["study"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            found = None
        check_key(found, contents, f"the folder {folder.parent}")
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(mark) as part:
        part.write_text(json.dumps({"study": contents.key}) + "\n", encoding="utf-8")


def _write_runs(contents: Contents, folder: Path, part: Sequence[tuple[TrialRow, Sequence[EpochRow]]]) -> None:
    """Write the event files of some trials; the frames of all at once, which is quicker."""
    events = [[_serialized(event) for event in _events(contents, trial, epochs)] for trial, epochs in part]
    frames = iter(framed([event for run in events for event in run]))
    for (trial, _), run in zip(part, events, strict=True):
        (folder / label(trial)).mkdir(exist_ok=True)
        _bring_up_to_date(folder / label(trial) / _EVENTS, b"".join(islice(frames, len(run))))


def _bring_up_to_date(file: Path, content: bytes) -> None:
    """Append what is missing to an event file; one that goes on differently is replaced."""
    before = file.read_bytes() if file.exists() else b""
    if before == content:
        return
    if before and content.startswith(before):
        with file.open("ab") as stream:
            stream.write(content[len(before) :])
        return
    with replacing(file) as part:
        part.write_bytes(content)


def _about(contents: Contents) -> Iterator[Any]:
    """Events of the study itself: its answer and its facts as a text."""
    begin_s = contents.study.created_at
    yield Event(wall_time=begin_s, file_version=_VERSION)
    lines = "".join(f"- **{name}** {value}\n" for name, value in summary(contents).items())
    yield Event(wall_time=begin_s, summary=text("automl/study", lines))


def _events(contents: Contents, trial: TrialRow, epochs: Sequence[EpochRow]) -> Iterator[Any]:
    """Events of a run: those that never change, its epochs, and its end once it has ended."""
    begin_s = trial.started_at if trial.started_at is not None else contents.study.created_at
    yield Event(wall_time=begin_s, file_version=_VERSION)
    yield _session(begin_s, "session_start_info", HParamsPluginData(session_start_info=_start(contents, trial)))
    for epoch in epochs:
        yield _scalars(epoch.reported_at, epoch.epoch, figures(epoch))
    if trial.state in OPEN_STATES:
        return
    end_s = trial.ended_at if trial.ended_at is not None else begin_s
    if trial.score is not None:
        yield _scalars(end_s, trial.done_epochs, {"automl/score": trial.score})
    status = "STATUS_FAILURE" if trial.state is TrialState.FAILED else "STATUS_SUCCESS"
    end = SessionEndInfo(status=Status.Value(status), end_time_secs=end_s)
    yield _session(end_s, "session_end_info", HParamsPluginData(session_end_info=end))
    for row in contents.evaluations:
        if row.trial == trial.number:
            yield _scalars(row.at, trial.best_epoch or trial.done_epochs, evaluation_figures(row))


def _serialized(event: Any) -> bytes:
    """Bytes of an event; the same ones each time."""
    content: bytes = event.SerializeToString(deterministic=True)
    return content


def _scalars(at: float, step: int, values: dict[str, float]) -> Any:
    points = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
    return Event(wall_time=at, step=step, summary=Summary(value=points))


def _session(at: float, tag: str, content: Any) -> Any:
    plugin = SummaryMetadata.PluginData(plugin_name=_PLUGIN, content=content.SerializeToString(deterministic=True))
    value = Summary.Value(tag=f"_hparams_/{tag}", metadata=SummaryMetadata(plugin_data=plugin))
    return Event(wall_time=at, summary=Summary(value=[value]))


def _start(contents: Contents, trial: TrialRow) -> Any:
    """Hyperparameters of a run: the searched arguments, model and image size, and the facts of the trial.

    Nothing in it changes while the trial runs, or else the file would have to be replaced.
    """
    start = SessionStartInfo(
        group_name=f"{contents.study.name}/{label(trial)}", start_time_secs=trial.started_at or 0.0
    )
    for name, value in {**searched(contents, trial), **{f"automl/{k}": v for k, v in facts(trial).items()}}.items():
        kind = "bool_value" if isinstance(value, bool) else "string_value" if isinstance(value, str) else "number_value"
        setattr(start.hparams[name], kind, value)
    return start
