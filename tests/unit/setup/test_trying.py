"""Probes of points that nobody named: few are measured, the others estimated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import save, zeros

from automl.costs.estimates import relative
from automl.errors import AutoMLError, OutOfMemory
from automl.records import Prepared, Slots, StudySpec, TrainJob
from automl.setup.options import SearchRequest
from automl.setup.probing import Probing
from automl.setup.request import check
from automl.space.earlier import Earlier
from automl.store.address import default_url
from automl.store.engine import open_store
from tests.builders.factories import make_prepared
from tests.builders.train_tiny import draw_data

CPU = Slots(count=1, device="cpu")
Change = Callable[[str, Prepared], Prepared]


class Cluster:
    """A cluster that answers every probe without training: the baseline costs a second an epoch."""

    def __init__(self, change: Change) -> None:
        self.points: list[str] = []
        self.change = change

    def prepare(self, trainer: str, job: TrainJob, epochs: int, seed: int, slots: Slots) -> Prepared:
        point = f"{Path(str(job.fixed['model'])).name}@{job.fixed['imgsz']}"
        self.points.append(point)
        cost = relative(point, "yolov5s@640") or 1.0
        measured = make_prepared(
            defaults={**job.fixed, "batch": 4}, horizon=epochs, startup_s=1.0, train_s=cost, val_s=0.0, latency_s=cost
        )
        return self.change(point, measured)


def planned(
    folder: Path,
    budget: str,
    change: Change = lambda point, prepared: prepared,
    earlier: Sequence[Earlier] = (),
    slots: Slots = CPU,
    **options: Any,
) -> tuple[Cluster, StudySpec]:
    """The cluster with the points that it measured, and the spec of the search."""
    cluster = Cluster(change)
    options = {"weights": "none", "recipe_only": "train" not in options, **options}
    request = SearchRequest(data=draw_data(folder), budgets=(budget,), batch=4, reuse=False, **options)
    checked = replace(check(request, slots), earlier=tuple(earlier))
    probing = Probing(open_store(default_url(folder)), checked, folder, lambda: None, prepare=cluster.prepare)
    return cluster, probing.spec("birds")


def roles(spec: StudySpec) -> dict[str, str]:
    return {entry["name"]: entry["role"] for entry in spec.plan["points"]}


def compared(spec: StudySpec) -> list[str]:
    return [entry["name"] for entry in spec.plan["points"] if entry["role"] == "compared"]


def test_a_poor_budget_builds_no_larger_network(tmp_path: Path) -> None:
    cluster, spec = planned(tmp_path, "11cpu-min", imgsz=(640,))  # 20 trainings of 32 epochs
    assert cluster.points == ["yolov5s@640", "yolov5n@640"]
    assert [point["name"] for point in spec.plan["points"] if point["estimated"]] == [
        f"yolov5{scale}@640" for scale in "mlx"
    ]
    (sentence,) = (note for note in spec.plan["notes"] if "left out" in note)
    assert sentence.startswith("yolov5m@640 (~")
    assert sentence.endswith(
        f"are left out: by estimate the budget pays fewer than 20 trainings of {spec.epochs} epochs."
    )


def test_a_few_trials_build_the_baseline_alone(tmp_path: Path) -> None:
    cluster, spec = planned(tmp_path, "5trials")
    assert cluster.points == ["yolov5s@640"]
    assert spec.points == ()
    assert "model@imgsz" not in spec.space["parameters"]


def test_a_rich_budget_probes_the_two_most_promising(tmp_path: Path) -> None:
    cluster, spec = planned(tmp_path, "9cpu-h", imgsz=(640,))
    assert cluster.points == ["yolov5s@640", "yolov5x@640", "yolov5l@640"]
    assert compared(spec) == ["yolov5x@640", "yolov5l@640"]
    assert all(entry["trainings"] >= 20 for entry in spec.plan["points"] if entry["role"] == "compared")
    assert [params["model"] for _, params in spec.given[:3]] == ["yolov5s", "yolov5x", "yolov5l"]


def test_the_spec_names_what_is_trained(tmp_path: Path) -> None:
    _, spec = planned(tmp_path, "9cpu-h")
    assert (spec.models, spec.imgsz) == (("yolov5s", "yolov5x"), (640, 480))
    (tmp_path / "few").mkdir()
    _, spec = planned(tmp_path / "few", "5trials")
    assert (spec.models, spec.imgsz) == (("yolov5s",), (640,))


def test_an_earlier_recipe_at_a_point_that_is_left_out_runs_at_the_baseline(tmp_path: Path) -> None:
    params = {"model": "yolov5x", "imgsz": 640, "optimizer": "SGD", "lr0": 0.005, "box": 5.0}
    _, spec = planned(tmp_path, "15trials", earlier=[Earlier(source="old", params=params, score=0.9)], imgsz=(640,))
    (recipe,) = (params for origin, params in spec.given if origin == "warm:old")
    assert (recipe["model"], recipe["box"]) == ("yolov5s", 5.0)


def test_large_boxes_compare_a_smaller_image_too(tmp_path: Path) -> None:
    _, spec = planned(tmp_path, "9cpu-h")
    assert compared(spec) == ["yolov5x@640", "yolov5x@480"]
    assert "100% of the boxes are over 64 px at 640: 480 and 320 are candidates too." in spec.plan["notes"]


def test_a_point_that_does_not_fit_makes_room_for_the_next_smaller(tmp_path: Path) -> None:
    def change(point: str, prepared: Prepared) -> Prepared:
        if point == "yolov5l@640":
            raise OutOfMemory("yolov5l at 640 px: out of memory.")
        return prepared

    cluster, spec = planned(tmp_path, "2cpu-h", change, imgsz=(640,))
    assert cluster.points == ["yolov5s@640", "yolov5l@640", "yolov5m@640", "yolov5n@640"]
    assert compared(spec) == ["yolov5m@640", "yolov5n@640"]
    notes = [note for note in spec.plan["notes"] if "left out" in note]
    assert notes[0] == "yolov5l at 640 px is left out: yolov5l at 640 px: out of memory."
    assert "yolov5l at 640 px is too large already" in notes[1]


def test_a_point_that_is_dearer_than_estimated_makes_room_for_the_next(tmp_path: Path) -> None:
    def change(point: str, prepared: Prepared) -> Prepared:
        return replace(prepared, train_s=100.0) if point == "yolov5x@640" else prepared

    cluster, spec = planned(tmp_path, "9cpu-h", change, imgsz=(640,))
    assert cluster.points == ["yolov5s@640", "yolov5x@640", "yolov5l@640", "yolov5m@640"]
    assert compared(spec) == ["yolov5l@640", "yolov5m@640"]
    assert any("yolov5x at 640 px is left out: " in note and "20 are needed" in note for note in spec.plan["notes"])


def test_on_a_gpu_a_probe_decides_where_the_estimate_may_be_too_dear(tmp_path: Path) -> None:
    def change(point: str, prepared: Prepared) -> Prepared:
        return replace(prepared, train_s=5.0) if point == "yolov5x@640" else prepared

    gpu = Slots(count=1, device="gpu", devices=("0",))
    cluster, spec = planned(tmp_path, "2gpu-h", change, slots=gpu, imgsz=(640,))
    assert cluster.points == ["yolov5s@640", "yolov5x@640", "yolov5l@640"]
    assert compared(spec) == ["yolov5l@640", "yolov5x@640"]
    (tmp_path / "cpu").mkdir()
    assert "yolov5x@640" not in planned(tmp_path / "cpu", "2cpu-h", change, imgsz=(640,))[0].points


def test_the_next_smaller_variant_is_the_baseline_where_yolov5s_is_too_slow(tmp_path: Path) -> None:
    cluster, spec = planned(tmp_path, "9cpu-h", max_latency=500.0, deploy="edge", imgsz=(640,))
    assert cluster.points == ["yolov5s@640", "yolov5n@640"]
    assert (spec.fixed["model"], spec.plan["points"][0]["name"]) == ("yolov5n", "yolov5n@640")
    assert roles(spec)["yolov5s@640"] == "left out"


def test_a_limit_that_no_variant_keeps_is_an_error_without_large_networks(tmp_path: Path) -> None:
    with pytest.raises(AutoMLError, match="nothing is left to train: yolov5s at 640 px") as refusal:
        planned(tmp_path, "9cpu-h", max_latency=1.0, imgsz=(640,))
    assert "yolov5x" not in str(refusal.value)


def test_the_baseline_of_the_cloud_is_yolov5m(tmp_path: Path) -> None:
    cluster, spec = planned(tmp_path, "9cpu-h", deploy="cloud", imgsz=(640,))
    assert cluster.points[0] == "yolov5m@640"
    assert spec.fixed["model"] == "yolov5m"
    assert set(roles(spec)) == {"yolov5m@640", "yolov5l@640", "yolov5x@640"}
    assert any(note.startswith("--deploy cloud takes yolov5m, yolov5l and yolov5x") for note in spec.plan["notes"])


def test_a_probe_that_is_dear_beside_the_budget_is_saved(tmp_path: Path) -> None:
    def change(point: str, prepared: Prepared) -> Prepared:
        return replace(prepared, train_images=4)  # a probe takes a whole epoch

    cluster, spec = planned(tmp_path, "15cpu-min", change, imgsz=(640,), epochs=2)
    assert "yolov5x@640" not in cluster.points
    assert any("its probe would cost more than 2% of the budget" in note for note in spec.plan["notes"])


def test_all_points_that_the_user_names_are_measured(tmp_path: Path) -> None:
    cluster, spec = planned(tmp_path, "9cpu-h", models=("yolov5n", "yolov5s", "yolov5x"), imgsz=(320, 640))
    assert len(cluster.points) == 6
    assert not any(entry["estimated"] for entry in spec.plan["points"])


def test_named_variants_come_before_sizes_that_nobody_named(tmp_path: Path) -> None:
    cluster, _ = planned(tmp_path, "9cpu-h", models=("yolov5s", "yolov5n", "yolov5m"))
    assert cluster.points == ["yolov5s@640", "yolov5n@640", "yolov5m@640"]


def test_the_price_of_another_size_of_an_own_network_is_scaled_from_itself(tmp_path: Path) -> None:
    cluster, spec = planned(tmp_path, "9cpu-h", models=(str(tmp_path / "network.yaml"),))
    assert cluster.points[0] == "network.yaml@640"
    assert all(entry["epoch_s"] > 0 for entry in spec.plan["points"])


def test_a_production_training_at_the_dearer_point_is_paid_first(tmp_path: Path) -> None:
    alone, _ = planned(tmp_path, "80cpu-min", imgsz=(640,))
    (tmp_path / "again").mkdir()
    long, spec = planned(tmp_path / "again", "80cpu-min", imgsz=(640,), train=300)
    assert "yolov5l@640" in alone.points
    assert "yolov5l@640" not in long.points
    assert spec.train == 300


def test_weights_are_looked_for_only_at_points_that_are_probed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("yolov5su.pt", "yolov5nu.pt"):
        save({"weight": zeros(1)}, tmp_path / name)
    monkeypatch.setenv("AUTOML_WEIGHTS", str(tmp_path))
    cluster, spec = planned(tmp_path, "11cpu-min", imgsz=(640,), weights="auto")
    assert cluster.points == ["yolov5s@640", "yolov5n@640"]
    assert {weights.model: Path(weights.path).name for weights in spec.weights_of} == {
        "yolov5s": "yolov5su.pt",
        "yolov5n": "yolov5nu.pt",
    }


def test_a_candidate_without_weights_is_left_out_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save({"weight": zeros(1)}, tmp_path / "yolov5su.pt")
    monkeypatch.setenv("AUTOML_WEIGHTS", str(tmp_path))
    cluster, spec = planned(tmp_path, "11cpu-min", imgsz=(640,), weights="auto")
    assert cluster.points == ["yolov5s@640"]
    assert roles(spec)["yolov5n@640"] == "left out"
    assert any("yolov5nu.pt, which is not here" in note for note in spec.plan["notes"])
