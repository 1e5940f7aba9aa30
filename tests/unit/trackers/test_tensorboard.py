from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from automl import service
from automl.errors import StudyConflict
from automl.store import read
from automl.store.address import default_url
from automl.store.engine import open_store
from tests.builders.exported import RUNNING, Study


def accumulated(run: Path) -> Any:
    """A run as TensorBoard reads it."""
    accumulator = EventAccumulator(str(run), size_guidance={"scalars": 0, "tensors": 0})
    accumulator.Reload()
    return accumulator


def points(run: Path, tag: str) -> list[tuple[int, float, float]]:
    """Step, wall time and value of each point."""
    return [(event.step, event.wall_time, event.value) for event in accumulated(run).Scalars(tag)]


@pytest.fixture(scope="module")
def runs(done: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study's runs."""
    folder = tmp_path_factory.mktemp("logdir")
    service.export_to("birds", "tensorboard", folder, home=done)
    return folder / "birds"


def test_every_trial_is_a_run_whose_name_tells_repeats_and_production_apart(runs: Path) -> None:
    names = sorted(path.name for path in runs.iterdir() if path.is_dir())
    plain = [f"trial-{number:05d}" for number in (0, 1, 2, 3, 6, 7, 8, 9)]
    assert names == sorted([*plain, "trial-00004-repeats-1", "trial-00005-production-of-0"])


def test_scalars_have_the_tags_steps_and_times_of_the_training(runs: Path, done: Path) -> None:
    stored = read.epochs(open_store(default_url(done), create=False), "birds", 1)
    scored = points(runs / "trial-00001", "metrics/mAP50-95(B)")
    assert [(step, at) for step, at, _ in scored] == [(row.epoch, row.reported_at) for row in stored]
    assert [value for _, _, value in scored] == pytest.approx([row.map50_95 for row in stored])
    tags = set(accumulated(runs / "trial-00001").Tags()["scalars"])
    assert {"metrics/mAP50(B)", "metrics/precision(B)", "train/box_loss", "val/box_loss", "time/train_s"} <= tags
    assert {"automl/score", "test/mAP50-95", "test/gain"} <= tags


def hparams(run: Path, tag: str) -> Any:
    """The content of the HPARAMS plugin under a tag."""
    content = accumulated(run).SummaryMetadata(f"_hparams_/{tag}").plugin_data.content
    return plugin_data_pb2.HParamsPluginData.FromString(content)


def test_the_hparams_of_a_run_are_its_arguments_and_the_facts_of_the_trial(runs: Path) -> None:
    start = hparams(runs / "trial-00001", "session_start_info").session_start_info
    assert start.hparams["lr0"].number_value == 0.002
    assert start.hparams["optimizer"].string_value == "AdamW"
    assert start.hparams["model"].string_value == "yolov5n"
    assert start.hparams["automl/purpose"].string_value == "search"
    assert hparams(runs / "trial-00000", "session_start_info").session_start_info.hparams["automl/defaults"].bool_value


@pytest.mark.parametrize(("trial", "status"), [("trial-00001", 1), ("trial-00002", 1), ("trial-00003", 2)])
def test_a_run_has_its_status(runs: Path, trial: str, status: int) -> None:
    assert hparams(runs / trial, "session_end_info").session_end_info.status == status


def test_the_study_has_its_answer_as_a_text(runs: Path) -> None:
    accumulator = accumulated(runs)
    (tag,) = [tag for tag in accumulator.Tags()["tensors"] if tag.startswith("automl/study")]
    assert f"- **winner** {RUNNING}" in accumulator.Tensors(tag)[0].tensor_proto.string_val[0].decode()


def test_a_second_export_only_appends_so_that_an_open_tensorboard_goes_on(growing: Study, tmp_path: Path) -> None:
    run, other = (tmp_path / "tb" / "birds" / name for name in (f"trial-{RUNNING:05d}", "trial-00000"))
    service.export_to("birds", "tensorboard", tmp_path / "tb", home=tmp_path)
    reader = accumulated(run)
    assert len(reader.Scalars("metrics/mAP50-95(B)")) == 4
    (file,), (same,) = run.iterdir(), other.iterdir()
    before, untouched = file.read_bytes(), same.stat()
    growing.finish()
    service.export_to("birds", "tensorboard", tmp_path / "tb", home=tmp_path)
    assert file.read_bytes().startswith(before)
    reader.Reload()  # the very reader that was open
    assert [event.step for event in reader.Scalars("metrics/mAP50-95(B)")] == list(range(1, 13))
    service.export_to("birds", "tensorboard", tmp_path / "tb", home=tmp_path)
    assert len(points(run, "metrics/mAP50-95(B)")) == 12
    assert untouched.st_ino == same.stat().st_ino  # evaluations come behind what was there


def test_an_event_file_that_was_cut_is_written_again(done: Path, tmp_path: Path) -> None:
    run = tmp_path / "birds" / "trial-00001"
    service.export_to("birds", "tensorboard", tmp_path, home=done)
    (file,) = run.iterdir()
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"x" + whole[1:]):
        file.write_bytes(damaged)
        service.export_to("birds", "tensorboard", tmp_path, home=done)
        assert file.read_bytes() == whole


def test_a_folder_of_that_name_that_is_not_automls_is_left_alone(done: Path, tmp_path: Path) -> None:
    (tmp_path / "birds").mkdir()
    (tmp_path / "birds" / "events.out.tfevents.1").write_text("mine")
    with pytest.raises(StudyConflict, match="which automl did not write"):
        service.export_to("birds", "tensorboard", tmp_path, home=done)
    assert len(list((tmp_path / "birds").iterdir())) == 1


def test_the_runs_of_two_studies_lie_side_by_side(done: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    service.export_to("birds", "tensorboard", tmp_path, home=done)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["birds", "mine"]
