"""Figures of the overhead benchmark, its stored results and its copy of the data."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from automl.data.dataset import fingerprint, read_dataset
from automl.errors import UnknownName
from benchmarks.overhead import comparison, workspace
from benchmarks.overhead.figures import (
    Comparison,
    MethodCost,
    Settings,
    add_up,
    captions,
    cost,
    markdown,
    table,
)
from tests.builders.train_tiny import draw_data


def line(kind: str, run: str = "1-1", by: str = "DetectionTrainer", **seconds: float) -> str:
    clocks = {"wall_s": 4.0, "cpu_s": 2.0, "process_s": 3.0, **seconds}
    return json.dumps({"run": run, "by": by, "kind": kind, "epoch": 1, **clocks})


def make_cost(epochs: int = 10, cpu_s: float = 100.0, **changes: Any) -> MethodCost:
    paid = add_up([line("train", run=str(number // 5), cpu_s=4.0, wall_s=4.0) for number in range(epochs)])
    values: dict[str, Any] = {"unwaited_s": 1.0, "others_s": 2.0, "wall_s": 80.0, "slots": 2, **changes}
    return cost(paid, cpu_s=cpu_s, **values)


def make_comparison(**methods: MethodCost) -> Comparison:
    settings = Settings(data="data.yaml", weights="w.pt")
    return Comparison(methods=methods, settings=settings, circumstances={"date": "2026-01-02"})


def test_training_and_validation_are_paid_and_final_evaluations_are_not() -> None:
    paid = add_up([line("train"), line("val", cpu_s=0.5), line("final", cpu_s=7.0)])
    assert (paid.epochs, paid.cpu_s, paid.wall_s, paid.process_s) == (1, 2.5, 8.0, 6.0)
    assert (paid.final_evals, paid.final_eval_cpu_s) == (1, 7.0)


def test_trials_are_trainings_with_an_epoch() -> None:
    paid = add_up([line("train", run="1-1"), line("train", run="1-1"), line("train", run="1-2"), line("final", "1-3")])
    assert (paid.trials, paid.epochs) == (2, 3)


def test_what_the_probe_trains_is_not_paid() -> None:
    assert add_up([line("train", by="_Probe"), line("val", by="_Probe")]).epochs == 0


def test_a_line_that_a_kill_cut_off_counts_nothing() -> None:
    assert add_up([line("train"), line("val")[:20]]).cpu_s == 2.0


def test_shares_are_of_the_whole_tree_and_of_all_slots() -> None:
    result = make_cost(epochs=10, cpu_s=100.0, wall_s=80.0, slots=2)
    assert result.trials == 2
    assert result.slot_s == 160.0
    assert result.paid_share == pytest.approx(0.4)
    assert result.paid_share_wall == pytest.approx(0.25)
    assert result.epochs_per_cpu_s == pytest.approx(0.1)
    assert result.overhead_cpu_s_per_trial == pytest.approx(30.0)
    assert result.overhead_cpu_s_per_epoch == pytest.approx(6.0)


def test_nothing_trained_is_a_share_of_zero() -> None:
    result = make_cost(epochs=0)
    assert (result.paid_share, result.cpu_s_per_epoch, result.overhead_cpu_s_per_trial) == (0.0, 0.0, 0.0)


def test_ratios_are_ours_divided_by_each_peer() -> None:
    costs = make_comparison(ours=make_cost(cpu_s=50.0), ga=make_cost(cpu_s=100.0), use_ray=make_cost(cpu_s=200.0))
    assert costs.ratios()["ga"]["paid_share"] == pytest.approx(2.0)
    assert costs.ratios()["use_ray"]["epochs_per_cpu_s"] == pytest.approx(4.0)
    assert "ours" not in costs.ratios()


def test_peers_alone_have_no_ratios() -> None:
    costs = make_comparison(ga=make_cost())
    assert costs.ratios() == {}
    head, rows = table(costs)
    assert head == ["", "tune()"]
    assert not any("÷" in row[0] for row in rows)


def test_the_json_has_an_object_for_each_method() -> None:
    document = json.loads(json.dumps(make_comparison(ours=make_cost(), ga=make_cost()).to_dict()))
    assert set(document) == {"ours", "ga", "ratios", "settings", "circumstances"}
    assert document["ours"]["paid_share"] == pytest.approx(0.4)
    assert document["settings"]["trials"] == 20


def test_a_cost_comes_back_from_json() -> None:
    result = make_cost(notes=("one", "two"))
    assert MethodCost.from_dict(json.loads(json.dumps(asdict(result)))) == result


def test_the_table_in_markdown_has_as_many_cells_in_each_row() -> None:
    text = markdown(make_comparison(ours=make_cost(), use_ray=make_cost(), ga=make_cost(notes=("it was slow",))))
    rows = [row for row in text.splitlines() if row.startswith("|")]
    assert {row.count("|") for row in rows} == {5}
    assert "| paid share of CPU | 40.0% | 40.0% | 40.0% |" in rows
    assert "- date: 2026-01-02" in text
    assert "- tune(): it was slow" in text


def test_captions_name_the_circumstances_first() -> None:
    assert captions(make_comparison(ours=make_cost(notes=("note",)))) == ["date: 2026-01-02", "automl search: note"]


def test_the_copy_of_the_data_has_the_same_images_and_labels(tmp_path: Path) -> None:
    dataset = read_dataset(draw_data(tmp_path / "data"))
    copy = read_dataset(workspace.copy_data(dataset, tmp_path / "copy"))
    assert (copy.names, copy.train.boxes, copy.val.boxes) == (
        dataset.names,
        dataset.train.boxes,
        dataset.val.boxes,
    )
    for before, after in zip(dataset.train.images, copy.train.images, strict=True):
        assert before.read_bytes() == after.read_bytes()
        assert (tmp_path / "copy") in after.parents
        assert not after.is_symlink()


def test_an_unknown_method_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="hyperband"):
        comparison.run(Settings(data="nowhere.yaml", weights="nowhere.pt"), ["ours", "hyperband"])


def test_a_kept_result_counts_only_with_the_same_settings(tmp_path: Path) -> None:
    dataset = read_dataset(draw_data(tmp_path / "data"))
    weights = tmp_path / "w.pt"
    weights.write_bytes(b"PK\x03\x04")
    settings = Settings(data=str(dataset.file), weights=str(weights), trials=3)
    file = tmp_path / "ga.json"
    document = {"settings": comparison._identity(settings, dataset), "cost": asdict(make_cost())}
    file.write_text(json.dumps(document))
    assert comparison._stored(file, settings, dataset) == make_cost()
    other = Settings(data=str(dataset.file), weights=str(weights), trials=4)
    assert comparison._stored(file, other, dataset) is None
    assert document["settings"]["data"] == fingerprint(dataset)
