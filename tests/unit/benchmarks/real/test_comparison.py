"""The comparison on real trainings: allowance, accounting, results of the methods, table and figure, from records."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from automl.data.dataset import read_dataset
from automl.errors import AutoMLError, BadBudget, BadData, StudyConflict, UnknownName
from automl.records import Outcome, Trial, TrialState
from automl.store.engine import open_store
from automl.store.write import Recorder, begin_study
from benchmarks.real import comparison
from benchmarks.real.figures import (
    BASELINE,
    Allowance,
    Finding,
    RealSettings,
    Retraining,
    captions,
    counts,
    curve_of,
    long_epochs,
    row_of,
    table,
)
from benchmarks.real.findings import best_of_genetic, best_of_ray, finding, hyperparameters, json_lines, winner_at
from benchmarks.real.plot import draw
from benchmarks.real.steps import keep
from tests.builders.factories import make_metrics, make_spec
from tests.builders.train_tiny import draw_data

SETTINGS = RealSettings(data="d.yaml", weights="w.pt", model="yolov5n", imgsz=64, epochs=4, budget="2trainings")
FINDING = Finding(
    params={"lr0": 0.02},
    epochs=4,
    val=0.5,
    trials=7,
    finished=3,
    used_s=101.0,
    wall_s=60.0,
    limited=True,
    curve=[(10.0, 0.2), (60.0, 0.5)],
)


def span(at: float, score: float, run: str = "a", epoch: int = 1, **changes: Any) -> dict[str, Any]:
    return {"run": run, "by": "DetectionTrainer", "kind": "val", "epoch": epoch, "at": at, "map50_95": score, **changes}


@pytest.mark.parametrize(
    ("text", "unit", "seconds"),
    [
        ("20trainings", "cpu", 600.0),
        ("1.5 trainings", "gpu", 45.0),
        ("1800cpu-s", "cpu", 1800.0),
        ("2gpu-min", "gpu", 120.0),
    ],
)
def test_a_budget_is_trainings_or_seconds_of_the_device(text: str, unit: str, seconds: float) -> None:
    assert Allowance.parse(text, unit).seconds_at(30.0) == seconds


@pytest.mark.parametrize("text", ["20trials", "0trainings", "30min", "1gpu-h", "lots"])
def test_other_budgets_are_refused(text: str) -> None:
    with pytest.raises(BadBudget):
        Allowance.parse(text, "cpu")


def test_the_long_training_fills_the_budget_but_for_a_little() -> None:
    # a training of 4 epochs takes 10 s and 2 s an epoch: 100 s with 3 % left over pay (97 - 10) / 2 epochs
    assert long_epochs(100.0, training_s=18.0, paid_s=8.0, epochs=4) == 43
    assert long_epochs(5.0, training_s=18.0, paid_s=8.0, epochs=4) == 4


def test_a_curve_rises_against_the_seconds_used() -> None:
    timeline = [{"at": 100.0, "cpu_s": 0.0, "wall_s": 0.0}, {"at": 110.0, "cpu_s": 18.0, "wall_s": 10.0}]
    spans = [span(109.0, 0.3), span(105.0, 0.2), span(107.0, 0.1), span(120.0, 0.4), span(104.0, 0.9, by="_Probe")]
    spans += [span(106.0, 0.8, kind="final"), span(108.0, float("nan"))]
    assert curve_of(spans, timeline, "cpu") == [(9.0, 0.2), (16.2, 0.3), (18.0, 0.4)]
    assert curve_of(spans, timeline, "gpu") == [(5.0, 0.2), (9.0, 0.3), (10.0, 0.4)]


def test_trials_are_counted_and_those_that_reached_the_horizon() -> None:
    spans = [span(1, 0.1, "a", 1), span(2, 0.1, "a", 4), span(3, 0.1, "b", 3), span(4, 0.1, "p", 4, by="_Probe")]
    assert counts(spans, 4) == (2, 1)


def test_rays_winner_is_the_trial_with_the_best_epoch_and_a_cut_line_counts_nothing(tmp_path: Path) -> None:
    def write(name: str, lr0: float, *scores: float) -> Path:
        lines = [json.dumps({"metrics/mAP50-95(B)": s, "config": {"lr0": lr0, "data": "x"}}) for s in scores]
        file = tmp_path / name / "result.json"
        file.parent.mkdir()
        file.write_text("\n".join(lines) + '\n{"metrics/mAP50-95(B)": 0.9')
        return file

    files = [write("a", 0.1, 0.2, 0.4, 0.3), write("b", 0.2, 0.39), write("c", 0.3, float("nan"))]
    assert best_of_ray(files) == ({"lr0": 0.1, "data": "x"}, 0.4)
    assert best_of_ray([]) is None


def test_the_genetic_tuners_winner_trained_and_did_not_fail() -> None:
    def generation(lr0: float, **metrics: float) -> dict[str, Any]:
        return {
            "hyperparameters": {"lr0": lr0},
            "datasets": {"data": {k.replace("_", "/"): v for k, v in metrics.items()}},
        }

    lines = [
        {"hyperparameters": {"lr0": 0.1}, "datasets": {"data": {"metrics/mAP50-95(B)": 0.3}}},
        {"hyperparameters": {"lr0": 0.2}, "datasets": {"data": {"metrics/mAP50-95(B)": 0.5}}},
        generation(0.3, fitness=0.0),  # how it writes down one that failed
    ]
    assert best_of_genetic(lines) == ({"lr0": 0.2}, 0.5)
    assert best_of_genetic([]) is None


def test_an_argument_of_every_retraining_is_no_hyperparameter() -> None:
    recipe = {
        "lr0": 0.1,
        "nbs": 16,
        "imgsz": 64,
        "data": "d",
        "pretrained": "i.pt",
        "epochs": 3,
        "seed": 0,
        "optimizer": "SGD",
    }
    assert hyperparameters(recipe) == {"lr0": 0.1, "nbs": 16, "optimizer": "SGD"}


def test_a_method_without_a_winner_shows_its_log(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("begin\nno memory left\n")
    tree = {"exit_code": 1, "cpu_s": 3.0, "wall_s": 4.0, "limited": False}
    with pytest.raises(AutoMLError, match=r"(?s)ray had no winner .* 3 CPU s, exit code 1.*no memory left"):
        finding("ray", tmp_path, tree, SETTINGS, 4)


def test_a_stopped_method_counts_with_what_it_had_written(tmp_path: Path) -> None:
    (tmp_path / "marks.jsonl").write_text(
        "\n".join(json.dumps(span(t, t / 1000)) for t in (101, 102)) + '\n{"run": "b"'
    )
    (tmp_path / "timeline.jsonl").write_text(json.dumps({"at": 110, "cpu_s": 5.0, "wall_s": 9.0}))
    folder = tmp_path / "runs" / "tune"
    folder.mkdir(parents=True)
    line = {"hyperparameters": {"lr0": 0.2}, "datasets": {"d": {"metrics/mAP50-95(B)": 0.102}}}
    (folder / "tune_results.ndjson").write_text(json.dumps(line) + "\n")
    result = finding("genetic", tmp_path, {"exit_code": 137, "cpu_s": 5.5, "wall_s": 9.0, "limited": True}, SETTINGS, 4)
    assert (result.params, result.val, result.trials, result.used_s, result.limited) == (
        {"lr0": 0.2},
        0.102,
        1,
        5.5,
        True,
    )
    assert [best for _, best in result.curve] == [0.101, 0.102]


def test_lines_that_were_cut_off_and_missing_files_count_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"a": 1}\n[2]\n{"a"')
    assert json_lines(tmp_path / "a") == [{"a": 1}]
    assert json_lines(tmp_path / "none") == []


def test_a_row_has_mean_and_spread_of_the_new_seeds() -> None:
    retrainings = [
        Retraining(seed=1000, val=0.4, test=0.3, used_s=9.0),
        Retraining(seed=1001, val=0.6, test=0.4, used_s=9.0),
    ]
    row = row_of("ray", FINDING, retrainings)
    assert (row.n, row.val_mean, row.test_mean) == (2, 0.5, pytest.approx(0.35))
    assert row.test_sd == pytest.approx(0.0707107)
    assert row_of("ray", FINDING, retrainings[:1]).test_sd is None
    head, cells = table([row, row_of("genetic", FINDING, [])], "cpu")
    assert head[1] == "CPU s"
    assert cells[0] == [
        "Ultralytics tune(use_ray=True)",
        "101",
        "7 (3)",
        "0.5000",
        "0.5000 ± 0.1414",
        "0.3500 ± 0.0707",
        "2",
    ]
    assert cells[1][4:] == ["-", "-", "0"]


def test_the_figure_is_drawn_and_an_unwritable_path_is_an_error(tmp_path: Path) -> None:
    retrainings = {"ray": [Retraining(seed=1000, val=0.4, test=0.3, used_s=9.0)], BASELINE: []}
    findings = {"ray": FINDING, BASELINE: replace(FINDING, curve=[])}
    draw(findings, retrainings, budget_s=100.0, unit="cpu", target=tmp_path / "comparison.png")
    assert (tmp_path / "comparison.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(AutoMLError, match=r"none"):
        draw(findings, retrainings, budget_s=100.0, unit="cpu", target=tmp_path / "none" / "comparison.png")


# -- the whole comparison from the results of earlier runs ------------------------------------------


def record(out: Path, settings: RealSettings, *methods: str) -> None:
    """Write results of the baseline and of some methods, each with all its retrainings."""
    finding_document = asdict(FINDING)
    for number, seed in enumerate(settings.new_seeds):
        for name in (BASELINE, *(m for m in methods if m != "defaults")):
            document = {
                "val": 0.4,
                "test": 0.3 + 0.01 * number,
                "seed": seed,
                "used_s": 20.0,
                "wall_s": 21.0,
                "paid_s": 12.0,
            }
            keep(out, f"{name}-{seed}", {**document, "finding": finding_document if name == BASELINE else None})
    for name in methods:
        more = {"judged": {"val": 0.5, "test": 0.45, "seed": 0, "used_s": 39.0}} if name == "defaults" else {}
        keep(out, name, {**finding_document, **more})


@pytest.fixture
def settings(tmp_path: Path) -> RealSettings:
    data = draw_data(tmp_path / "data", val=70)
    weights = tmp_path / "w.safetensors"
    weights.write_bytes((2).to_bytes(8, "little") + b"{}")
    return replace(SETTINGS, data=str(data), weights=str(weights), model=str(data.parent / "network.yaml"))


def claim(settings: RealSettings, out: Path) -> None:
    dataset, _ = comparison._with_test(read_dataset(settings.data), settings.seed)
    comparison._claim(out, comparison._resolved(settings, dataset), dataset)
    keep(out, "initial", {})


def test_a_finished_comparison_is_shown_without_a_run(settings: RealSettings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    claim(settings, out)
    record(out, settings, "automl", "genetic", "defaults")
    lines: list[str] = []
    outcome = comparison.run(settings, ["automl", "genetic", "defaults"], out, lines.append)
    assert lines == ["budget: 40 cpu seconds for each method"]
    assert [(row.method, row.n) for row in outcome.rows] == [
        (BASELINE, 2),
        ("automl", 2),
        ("genetic", 2),
        ("defaults", 1),
    ]
    assert outcome.rows[1].test_mean == pytest.approx(0.305)
    assert outcome.rows[3].test_mean == 0.45
    assert outcome.missing == ("ray",)
    assert any("ray" in line for line in captions(settings, outcome.budget_s, outcome.missing, outcome.split))
    assert outcome.split == "20 images held back from val"


def test_long_trainings_are_asked_for_later_and_have_lines_of_their_own(settings: RealSettings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    claim(settings, out)
    record(out, settings, "automl", "defaults")
    known = {"val": 0.5, "test": 0.4, "seed": 1000, "used_s": 60.0, "wall_s": 61.0, "paid_s": 55.0, "finding": None}
    keep(out, "baseline-30epochs-1000", known)
    keep(out, "baseline-30epochs-1001", {**known, "test": 0.42})
    longer = replace(settings, long=30, long_seeds=2)
    outcome = comparison.run(longer, ["automl", "defaults"], out)  # without our study there is no row of ours
    row = outcome.rows[-1]
    assert (row.method, row.n, row.used_s) == ("baseline-long", 2, 60.0)
    assert row.test_mean == pytest.approx(0.41)
    head, cells = table(outcome.rows, "cpu")
    assert cells[-1][:4] == ["defaults, trained long", "60", "2 (2)", "-"]
    assert len(head) == len(cells[-1])
    assert any(
        "Trained long: 30 epochs" in line for line in captions(longer, outcome.budget_s, outcome.missing, outcome.split)
    )


def test_our_winner_keeps_its_shares_of_a_longer_training(tmp_path: Path) -> None:
    assert winner_at(tmp_path, 120) is None
    space = {"parameters": {"close_mosaic": {"int": [0, 10], "default": 10}}}
    spec = make_spec(name="ours", trainer="ultralytics", space=space, fixed={"model": "yolov5n", "imgsz": 64})
    (tmp_path / "home").mkdir()
    engine = open_store(f"sqlite:///{tmp_path / 'home' / 'automl.db'}")
    begin_study(engine, spec, at=0.0, host="here", pid=1)
    recorder = Recorder(engine, "ours")
    for number, score in enumerate((0.3, 0.5)):
        trial = Trial(number=number, params={"close_mosaic": 3, "lr0": 0.02}, epochs=12, seed=0)
        recorder.trial_started(trial, at=1.0, node=None, device=None, pid=None)
        for epoch in range(1, 13):
            recorder.epoch(number, 1, make_metrics(epoch, score), slot_s=60.0 * epoch, at=1.0 + epoch)
        recorder.trial_closed(number, Outcome(state=TrialState.COMPLETED), slot_s=720.0, at=14.0)
    recorder.close()
    assert winner_at(tmp_path, 120) == {"close_mosaic": 30, "lr0": 0.02}


def test_other_settings_are_refused_and_more_seeds_are_not(settings: RealSettings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    claim(settings, out)
    claim(replace(settings, seeds=3), out)
    with pytest.raises(StudyConflict, match="epochs 4"):
        claim(replace(settings, epochs=9), out)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(StudyConflict, match="holds other files"):
        claim(settings, tmp_path / "full")


def test_bad_input_is_refused_before_the_folder_is_made(settings: RealSettings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UnknownName, match="hyperband"):
        comparison.run(settings, ["automl", "hyperband"], out)
    with pytest.raises(BadBudget):
        comparison.run(replace(settings, budget="5gpu-h"), ["automl"], out)
    small = draw_data(tmp_path / "small")
    with pytest.raises(BadData, match=r"4 images\) is too small"):
        comparison.run(replace(settings, data=str(small)), ["automl"], out)
    assert not out.exists()


def test_our_search_is_given_the_slot_seconds_that_hold_the_budget(settings: RealSettings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    claim(settings, out)
    record(out, settings)
    dataset, _ = comparison._with_test(read_dataset(settings.data), 0)
    steps = comparison._Comparison(settings, dataset, out, Allowance.parse("1000cpu-s", "cpu"))
    folder = tmp_path / "folder"
    words = steps.method("automl").prepare(folder).words
    assert words[words.index("--budget") + 1] == "1050cpu-s"  # the defaults held a slot for 21 s to compute for 20
    assert words[words.index("--cpu-limit") + 1] == "1000.000"
    copy = read_dataset(folder / "data" / "data.yaml")
    assert copy.test is None  # no search sees the images of its last scores
    assert {image.parent.name for image in copy.val.images} == {"val"}
    assert len(copy.val.images) == 50


def test_one_thread_trainings_fill_one_slot_and_searches_all(settings: RealSettings, tmp_path: Path) -> None:
    claim(settings, tmp_path / "out")
    record(tmp_path / "out", settings)
    dataset, _ = comparison._with_test(read_dataset(settings.data), 0)
    steps = comparison._Comparison(settings, dataset, tmp_path / "out", Allowance.parse("1000cpu-s", "cpu"))
    assert {name: steps.method(name).slots for name in comparison.METHODS} == {
        "automl": 2,
        "ray": 2,
        "genetic": 1,
        "defaults": 1,
    }
