"""Exports as the tools themselves show them: optuna-dashboard, TensorBoard and MLflow as real servers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from automl import service
from tests.builders.cli import wait_for
from tests.builders.exported import RUNNING, Study, large
from tests.builders.ports import free_port
from tests.builders.servers import asked, serving

pytestmark = pytest.mark.slow

QUICK_S = 180.0  # of a machine that does other things too; alone it takes a tenth


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[Study]:
    """A study that still runs, in the home `tmp_path`."""
    study = Study(tmp_path)
    study.begin()
    yield study
    study.engine.dispose()


@pytest.mark.parametrize("kind", ["database", "journal"])
def test_optuna_dashboard_shows_the_study_and_its_next_export(kind: str, growing: Study, tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path / 'optuna.db'}" if kind == "database" else str(tmp_path / "optuna.log")
    service.export_to("birds", "optuna", place, home=tmp_path)
    api = f"http://127.0.0.1:{(port := free_port())}/api/studies"
    main = "from optuna_dashboard._cli import main; main()"
    with serving(["-c", main, place, "--port", str(port), "--server", "wsgiref"], api, tmp_path):
        studies = {study["study_name"]: study["study_id"] for study in asked(api)["study_summaries"]}
        assert sorted(studies) == ["birds", "birds production", "birds repeats"]
        address = f"{api}/{studies['birds']}?after=0"
        assert [trial["state"] for trial in asked(address)["trials"]][-1] == "Running"
        growing.finish()
        service.export_to("birds", "optuna", place, home=tmp_path)
        shown = wait_for("the next export", lambda: _whole(asked(address)))
    best = max(
        (trial for trial in shown["trials"] if trial["state"] == "Complete"), key=lambda t: float(t["values"][0])
    )
    attributes = {entry["key"]: entry["value"] for entry in best["user_attrs"]}
    assert attributes["trial"] == str(RUNNING)
    assert len(best["intermediate_values"]) == 12
    assert {entry["name"] for entry in shown["union_search_space"]} >= {"lr0", "momentum", "optimizer"}


def _whole(document: Any) -> Any:
    """The study once all its trials are there, and none of those that were trained on is running."""
    states = [trial["state"] for trial in document["trials"]]
    return document if len(states) == 8 and states.count("Running") == 1 else None


def test_tensorboard_shows_scalars_and_hparams(growing: Study, tmp_path: Path) -> None:
    growing.finish()
    service.export_to("birds", "tensorboard", tmp_path / "runs", home=tmp_path)
    data = f"http://127.0.0.1:{(port := free_port())}/data"
    words = ["-m", "tensorboard.main", "--logdir", str(tmp_path / "runs"), "--port", str(port), "--host", "127.0.0.1"]
    run = "birds/trial-00001"
    with serving(words, f"{data}/runs", tmp_path):
        wait_for("all runs", lambda: len(asked(f"{data}/runs")) == 11)
        tags = asked(f"{data}/plugin/scalars/tags")
        assert {"metrics/mAP50-95(B)", "train/box_loss", "val/box_loss", "automl/score"} <= set(tags[run])
        points = asked(f"{data}/plugin/scalars/scalars?tag=metrics%2FmAP50-95(B)&run={run}")
        assert [step for _, step, _ in points] == list(range(1, 13))
        experiment = asked(f"{data}/plugin/hparams/experiment", {"experimentName": ""})
        assert {"lr0", "momentum", "automl/purpose"} <= {info["name"] for info in experiment["hparamInfos"]}
        statuses = ["STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING", "STATUS_UNKNOWN"]
        question = {
            "experimentName": "",
            "allowedStatuses": statuses,
            "colParams": [],
            "startIndex": 0,
            "sliceSize": 99,
        }
        groups = asked(f"{data}/plugin/hparams/session_groups", question)["sessionGroups"]
        text = asked(f"{data}/plugin/text/tags")
    by_name = {group["name"]: group for group in groups}
    assert len(by_name) == 10
    assert by_name[run]["hparams"]["lr0"] == 0.002
    assert any(tag.startswith("automl/study") for tag in text["birds"])


def test_mlflow_takes_and_shows_the_study_over_http(growing: Study, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{(port := free_port())}"
    store = f"sqlite:///{tmp_path / 'server.db'}"
    words = ["-m", "mlflow", "server", "--backend-store-uri", store, "--port", str(port), "--workers", "1"]
    with serving(words, f"{address}/health", tmp_path):
        service.export_to("birds", "mlflow", address, home=tmp_path)
        growing.finish()
        service.export_to("birds", "mlflow", address, home=tmp_path)
        api = f"{address}/api/2.0/mlflow"
        experiment = asked(f"{api}/experiments/get-by-name?experiment_name=birds")["experiment"]
        question = {"experiment_ids": [experiment["experiment_id"]], "max_results": 100}
        runs = asked(f"{api}/runs/search", question)["runs"]
        (run,) = [run for run in runs if run["info"]["run_name"] == f"trial-{RUNNING:05d}"]
        key = run["info"]["run_id"]
        points = asked(f"{api}/metrics/get-history?run_id={key}&metric_key=metrics/mAP50-95B")["metrics"]
    assert len(runs) == 11
    assert [point["step"] for point in points] == list(range(1, 13))
    assert run["info"]["status"] == "FINISHED"


def test_mlflow_opens_the_database_that_was_exported(growing: Study, tmp_path: Path) -> None:
    growing.finish()
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    service.export_to("birds", "mlflow", store, home=tmp_path)
    address = f"http://127.0.0.1:{(port := free_port())}"
    words = ["-m", "mlflow", "server", "--backend-store-uri", store, "--port", str(port), "--workers", "1"]
    with serving(words, f"{address}/health", tmp_path):
        experiments = asked(f"{address}/api/2.0/mlflow/experiments/search?max_results=10")["experiments"]
        assert "birds" in {experiment["name"] for experiment in experiments}


@pytest.mark.parametrize("tool", ["csv", "optuna", "tensorboard"])
def test_two_thousand_trials_are_exported_quickly(tool: str, tmp_path: Path) -> None:
    large(tmp_path, trials=2000, epochs=60)
    place = f"sqlite:///{tmp_path / 'optuna.db'}" if tool == "optuna" else tmp_path / "out"
    began = time.monotonic()
    exported = service.export_to("birds", tool, place, home=tmp_path)
    assert time.monotonic() - began < QUICK_S
    assert (exported.trials, exported.epochs) == (2000, 120_000)
    if tool == "csv":
        assert len(pd.read_csv(tmp_path / "out" / "epochs.csv")) == 120_000
