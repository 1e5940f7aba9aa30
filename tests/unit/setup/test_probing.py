"""Probes of operating points, and when a kept measurement is reused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automl.costs.points import Probe
from automl.costs.split import Division
from automl.errors import AutoMLError, OutOfMemory
from automl.figures import moment
from automl.records import Notice, Prepared, Slots, TrainJob, VariantWeights
from automl.setup import probing as probing_module
from automl.setup.compiling import operating_points
from automl.setup.options import SearchRequest
from automl.setup.probing import Probing, points_of
from automl.setup.request import Checked, check
from automl.store.address import default_url
from automl.store.engine import open_store
from tests.builders.factories import make_prepared
from tests.builders.train_tiny import draw_data

CPU = Slots(count=1, device="cpu")
DAY = 86400.0


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    """A search over two image sizes of the tiny network."""
    data = draw_data(tmp_path)
    request = SearchRequest(
        data=data,
        budgets=("1cpu-h",),
        models=(str(tmp_path / "network.yaml"),),
        imgsz=(64, 96),
        batch=4,
        recipe_only=True,
    )
    return check(request, CPU)


class Cluster:
    """A cluster that answers every probe without training."""

    def __init__(self) -> None:
        self.jobs: list[TrainJob] = []

    def prepare(self, trainer: str, job: TrainJob, epochs: int, seed: int, slots: Slots) -> Prepared:
        self.jobs.append(job)
        if job.fixed["imgsz"] == 96 and job.fixed.get("nbs") == 7:
            raise OutOfMemory("network at 96 px: out of memory.")
        return make_prepared(defaults={**job.fixed, "batch": 4}, horizon=epochs)


def probing(checked: Checked, folder: Path, cluster: Cluster, **changes: Any) -> Probing:
    store, ready = open_store(default_url(folder)), changes.pop("ready", lambda: None)
    return Probing(store, checked, folder, ready, prepare=cluster.prepare, **changes)


def test_every_point_is_measured_once_and_then_known(checked: Checked, tmp_path: Path) -> None:
    cluster, texts, opened = Cluster(), [], []

    def hear(notice: Notice) -> None:
        texts.append(notice.values["text"])

    first = probing(checked, tmp_path, cluster, listener=hear, ready=lambda: opened.append(1)).probes()
    assert [job.fixed["imgsz"] for job in cluster.jobs] == [64, 96]
    assert [probe.reused for probe in first] == [False, False]
    again = probing(checked, tmp_path, cluster, listener=hear, ready=lambda: opened.append(1)).probes()
    assert len(cluster.jobs) == 2
    assert opened == [1], "nothing to measure, so no cluster is opened"
    assert [(probe.reused, probe.cost_s) for probe in again] == [(True, 0.0), (True, 0.0)]
    assert [probe.prepared for probe in again] == [probe.prepared for probe in first]
    probing(checked, tmp_path, cluster, fresh=True).probes()
    assert len(cluster.jobs) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"data_fingerprint": "sha256:other"},
        {"weights": "other"},
        {"fixed": {"box": 3.0}},
        {"fixed": {"batch": 8}},
        {"slots": Slots(count=1, device="cpu", threads=2)},
    ],
)
def test_whatever_changes_the_cost_is_measured_anew(checked: Checked, tmp_path: Path, changes: dict[str, Any]) -> None:
    cluster = Cluster()
    probing(checked, tmp_path, cluster).probes()
    fixed = {"fixed": {**checked.fixed, **changes["fixed"]}} if "fixed" in changes else changes
    if "weights" in changes:
        fixed = {"weights": (VariantWeights(checked.models[0], "/w/own.pt", changes["weights"]),)}
    probing(replace(checked, **fixed), tmp_path, cluster).probes()
    assert len(cluster.jobs) == 4


def test_a_network_of_other_content_is_measured_anew(checked: Checked, tmp_path: Path) -> None:
    cluster = Cluster()
    probing(checked, tmp_path, cluster).probes()
    network = tmp_path / "network.yaml"
    network.write_text(network.read_text().replace("[24, 3, 2]", "[48, 3, 2]"))
    probing(checked, tmp_path, cluster).probes()
    assert len(cluster.jobs) == 4


def test_without_a_batch_the_cpu_takes_sixteen(checked: Checked, tmp_path: Path) -> None:
    cluster = Cluster()
    free = {key: value for key, value in checked.fixed.items() if key != "batch"}
    probing(replace(checked, fixed=free), tmp_path, cluster).probes()
    assert {job.fixed["batch"] for job in cluster.jobs} == {16}


def test_a_point_that_does_not_fit_is_left_out_of_the_study_with_a_note(checked: Checked, tmp_path: Path) -> None:
    cluster = Cluster()
    spec = probing(replace(checked, fixed={**checked.fixed, "nbs": 7}), tmp_path, cluster).spec("birds")
    assert spec.points == ()
    assert "model@imgsz" not in spec.space["parameters"]
    assert spec.plan["notes"][-1].endswith("network.yaml at 96 px is left out: network at 96 px: out of memory.")


def test_a_point_that_production_leaves_too_little_for_takes_no_other_with_it(checked: Checked, tmp_path: Path) -> None:
    costs = {64: 60.0, 80: 75.0, 96: 240.0}  # seconds of an epoch
    names = {size: f"{checked.models[0]}@{size}" for size in costs}
    probes = [
        Probe(point=names[size], prepared=make_prepared(train_s=epoch_s - 10.0, startup_s=0.0))
        for size, epoch_s in costs.items()
    ]
    paid = replace(checked, budgets=check_budget(checked, "25cpu-h"))
    compared = operating_points(paid, probes, probes[0], Division(epochs=40, production=300))
    assert {point.name: point.role for point in compared} == {
        names[64]: "baseline",
        names[80]: "compared",
        names[96]: "left out",
    }
    assert "of which the budget pays" in compared[-1].why


def test_the_study_compares_both_points_and_keeps_its_plan(checked: Checked, tmp_path: Path) -> None:
    cluster = Cluster()
    spec = probing(replace(checked, budgets=check_budget(checked, "40cpu-h")), tmp_path, cluster).spec("birds")
    assert [name.rpartition("@")[2] for name, _ in spec.points] == ["64", "96"]
    assert [params["imgsz"] for _, params in spec.given[:2]] == [64, 96]
    assert spec.given[1][0] == "defaults@network.yaml@96"
    assert type(spec).from_dict(spec.to_dict()) == spec
    assert spec.probe_s == spec.plan["shares"]["probe"] > 0


def test_the_plan_says_when_reused_prices_were_measured(checked: Checked, tmp_path: Path) -> None:
    cluster, began = Cluster(), 1_790_000_000.0
    probing(checked, tmp_path, cluster, now=lambda: began).spec("birds")
    first = probing(replace(checked, fixed={**checked.fixed, "nbs": 7}), tmp_path, cluster, now=lambda: began)
    assert not any(note.startswith("Reused") for note in first.spec("birds").plan["notes"])
    spec = probing(checked, tmp_path, cluster, now=lambda: began + 12.5 * DAY).spec("birds")
    (sentence,) = (note for note in spec.plan["notes"] if note.startswith("Reused from the store: "))
    measured = f"{moment(began)}, 12 days ago"
    assert (
        f"costs at network.yaml at 64 px ({measured}) and network.yaml at 96 px ({measured}), measured on" in sentence
    )
    assert sentence.endswith("with the same versions. Measure anew with --fresh-probe.")
    assert [point["measured_at"] for point in spec.plan["points"]] == [began, began]


def test_a_price_that_is_too_old_is_measured_anew_with_a_note(checked: Checked, tmp_path: Path) -> None:
    cluster, texts = Cluster(), []

    def at(days: float) -> Probing:
        return probing(
            checked,
            tmp_path,
            cluster,
            now=lambda: days * DAY,
            listener=lambda notice: texts.append(notice.values["text"]),
        )

    at(0).probes()
    at(30).probes()
    assert len(cluster.jobs) == 2
    probes = at(31).probes()
    assert len(cluster.jobs) == 4
    assert [(probe.reused, probe.measured_at) for probe in probes] == [(False, 31 * DAY)] * 2
    assert texts[-1] == (
        "Probing: a few real steps of the defaults at network.yaml at 64 px (last measured 31 days ago), "
        "network.yaml at 96 px (last measured 31 days ago) ..."
    )
    assert [probe.age_s for probe in at(32).probes()] == [DAY, DAY]


def test_a_price_from_a_clock_that_is_ahead_is_new(checked: Checked, tmp_path: Path) -> None:
    cluster = Cluster()
    probing(checked, tmp_path, cluster, now=lambda: 2 * DAY).probes()
    assert [probe.age_s for probe in probing(checked, tmp_path, cluster, now=lambda: DAY).probes()] == [0.0, 0.0]


@pytest.mark.parametrize("changed", ["automl", "torch", "torchvision", "ultralytics", "python"])
def test_a_price_of_other_versions_is_measured_anew(
    checked: Checked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    cluster, versions = Cluster(), probing_module._versions()
    assert all(versions.values())
    probing(checked, tmp_path, cluster).probes()
    monkeypatch.setattr(probing_module, "_versions", lambda: {**versions, changed: "0"})
    probing(checked, tmp_path, cluster).probes()
    assert len(cluster.jobs) == 4


def check_budget(checked: Checked, text: str) -> Any:
    return check(replace(checked.request, budgets=(text,)), CPU).budgets


def test_the_points_are_those_of_the_space(checked: Checked) -> None:
    model = checked.models[0]
    assert points_of(checked) == (f"{model}@64", f"{model}@96")
    one = check(replace(checked.request, imgsz=(64,)), CPU)
    assert points_of(one) == (f"{model}@64",)


def test_the_defaults_of_the_other_side_of_the_horizon_are_known() -> None:
    prepared = make_prepared(defaults={"lr0": 0.01}, switch_epochs=50, elsewhere={"lr0": 0.1}, horizon=30)
    assert prepared.defaults_at(50) == {"lr0": 0.01}
    assert prepared.defaults_at(51) == {"lr0": 0.1}
    assert make_prepared().defaults_at(300) == make_prepared().defaults


def test_nothing_that_fits_is_an_error(checked: Checked, tmp_path: Path) -> None:
    class Full(Cluster):
        def prepare(self, trainer: str, job: TrainJob, epochs: int, seed: int, slots: Slots) -> Prepared:
            raise OutOfMemory("too large.")

    with pytest.raises(AutoMLError, match="no operating point of the space can be trained here: too large"):
        probing(checked, tmp_path, Full()).probes()
