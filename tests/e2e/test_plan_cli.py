"""The plan before a search, as a user sees it."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tests.builders.cli import ONE_SLOT, Place
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.ray, pytest.mark.slow]
TINY = ("--data", "data.yaml", "--models", "network.yaml", "--imgsz", "64,96", "--batch", "4", "--set", "nbs=4")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A folder with a small data set and network."""
    place = Place(tmp_path_factory.mktemp("plan"))
    draw_data(place.folder)
    return place


@pytest.fixture(scope="module")
def planned(place: Place) -> subprocess.CompletedProcess[str]:
    """The first plan, for which every point had to be measured."""
    return foresee(place)


def foresee(place: Place, *words: str, budget: str = "900cpu-s") -> subprocess.CompletedProcess[str]:
    return place.run(
        "search", *TINY, *ONE_SLOT, "--budget", budget, "--epochs", "12", "--recipe-only", "--dry-run", *words
    )


def test_a_dry_run_prints_the_plan_and_begins_nothing(place: Place, planned: subprocess.CompletedProcess[str]) -> None:
    assert planned.returncode == 0
    assert "Probing: a few real steps of the defaults at network.yaml at 64 px, network.yaml at 96 px" in planned.stderr
    for word in (
        "network.yaml@64",
        "network.yaml@96",
        "baseline",
        "compared",
        "up to 12 epochs a trial",
        "probe",
        "search",
    ):
        assert word in planned.stdout
    assert "A horizon of 12 epochs is 4% of a production training's 300" in planned.stdout
    assert place.studies() == []
    assert list((place.home / "studies").iterdir()) == []


def test_the_next_plan_reuses_the_measurements(place: Place, planned: subprocess.CompletedProcess[str]) -> None:
    done = foresee(place, "--json")
    assert done.returncode == 0
    plan = json.loads(done.stdout)
    assert plan["shares"]["probe"] == 0
    assert [point["reused"] for point in plan["points"]] == [True, True]
    assert [point["role"] for point in plan["points"]] == ["baseline", "compared"]
    assert all(point["latency_s"] > 0 and point["gflops"] > 0 for point in plan["points"])
    assert all(point["memory_bytes"] > 1e8 for point in plan["points"])
    assert sum(plan["shares"].values()) == pytest.approx(900)
    assert re.search(
        r"Reused from the store: .* \(\d{4}-\d\d-\d\d \d\d:\d\d, (just now|\d+ \w+ ago)\)", foresee(place).stdout
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--target", "1.5"), "--target 1.5: mAP50-95 is a fraction. Write one between 0 and 1"),
        (("--max-params", "10"), "nothing is left to train: network.yaml at 64 px: 197,134 parameters are more than"),
        (("--max-latency", "0.0001"), "ms an image on this cpu are more than --max-latency 0.0001"),
        (("--max-latency", "-3"), "--max-latency -3: write milliseconds above 0"),
    ],
)
def test_limits_that_leave_nothing_are_an_error_before_anything_is_trained(
    place: Place, planned: subprocess.CompletedProcess[str], words: tuple[str, ...], told: str
) -> None:
    done = foresee(place, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_budget_below_the_baseline_is_an_error_with_the_way_out(
    place: Place, planned: subprocess.CompletedProcess[str]
) -> None:
    done = foresee(place, budget="1cpu-s")
    assert done.returncode == 2
    assert "cannot pay for the baseline" in done.stderr
    assert "Raise --budget to at least" in done.stderr


def test_a_search_says_its_plan_compares_the_points_and_shows_plan_against_spent(
    place: Place, planned: subprocess.CompletedProcess[str]
) -> None:
    done = place.run("search", *TINY, *ONE_SLOT, "--budget", "12trials", "--epochs", "3", "--name", "points")
    assert done.returncode == 0, done.stderr
    assert "Every recipe trains for up to 3 epochs, and the best is compared with the defaults." in done.stdout
    assert re.search(r"It takes about .* with one trial at a time on the CPU, ends \d\d:\d\d\.", done.stdout)
    assert "the search tunes at network.yaml at" in done.stdout
    rows = place.trials("points")
    assert [row.purpose.value for row in rows[:3]] == ["baseline", "points", "search"]
    assert {row.params["imgsz"] for row in rows[:2]} == {64, 96}
    assert len({row.params["imgsz"] for row in rows[2:]}) == 1
    report = json.loads(place.run("show", "points", "--json").stdout)
    assert set(report["planned_s"]) >= {"probe", "baseline", "points", "search"}
    assert sum(report["spent_s"].values()) == pytest.approx(report["study"]["slot_s"], abs=0.01)
    assert "Spent of the plan: baseline" in place.run("show", "points", "--details").stdout
    assert "planned   baseline" in place.run("status", "points").stdout


def test_who_names_no_point_gets_all_variants_and_one_probe(place: Place) -> None:
    done = place.run(
        "search",
        "--data",
        "data.yaml",
        *ONE_SLOT,
        "--batch",
        "2",
        "--weights",
        "none",
        "--budget",
        "15trials",
        "--dry-run",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    first, *others = plan["points"]
    assert (first["name"], first["role"], first["estimated"]) == ("yolov5s@640", "baseline", False)
    assert {point["name"] for point in others} == {
        f"yolov5{scale}@{size}" for scale in "nsmlx" for size in (640, 480, 320)
    } - {"yolov5s@640"}
    assert all(point["estimated"] and point["epoch_s"] > 0 for point in others)
    assert any("480 and 320 are candidates too" in note for note in plan["notes"])
