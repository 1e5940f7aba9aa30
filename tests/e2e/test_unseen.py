"""The last figures, as a user gets them: on a test split, on what was held back of val, once only."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from automl.data import fingerprint, read_dataset
from tests.builders.cli import ONE_SLOT, TINY, WAIT_S, Place, ctrl_c
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.ray, pytest.mark.slow]
BUDGET = ("--budget", "1cpu-h", "--epochs", "12", *ONE_SLOT)
SURROGATE = ("search", "--data", "data.yaml", "--trainer", "surrogate", *BUDGET, "--budget", "40trials")


@dataclass(frozen=True)
class Measured:
    """A search with a test split, and what `show --json` says of it."""

    place: Place
    printed: str
    report: dict[str, Any]
    before: list[Path]  # files of the data set


def shown(place: Place, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(place.run("show", name, "--json").stdout)
    return found


def forget(place: Place, which: str) -> None:
    """Leaves the study as a driver does that ends before those measurements."""
    with sqlite3.connect(place.home / "automl.db") as database:
        database.execute(f"DELETE FROM automl_evaluations WHERE {which}")
        database.execute("UPDATE automl_studies SET state = 'interrupted'")
    database.close()


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """A real search on a data set with a test split."""
    place = Place(tmp_path_factory.mktemp("tested"))
    draw_data(place.folder, train=12, val=8)
    draw_data(place.folder / "unseen", train=1, val=7, seed=3)
    with (place.folder / "data.yaml").open("a") as file:
        file.write("test: unseen/images/val\n")
    before = sorted(place.folder.rglob("*"))
    settings = ("--set", "mosaic=0", "--set", "lr0=0.02", "--set", "optimizer=SGD", "--export", "hyp.yaml")
    done = place.run(
        "search", *TINY, *BUDGET, *settings, "--epochs", "25", "--budget", "3trials", "--recipe-only", "--name", "t"
    )
    assert (done.returncode, done.stderr) == (0, "")
    return Measured(place, done.stdout, shown(place, "t"), before)


def test_the_test_split_is_printed_beside_val_and_again_by_show(tested: Measured) -> None:
    for text in (tested.printed, tested.place.run("show", "t").stdout):
        assert re.search(r"^on test +mAP50-95 \d\.\d{3}.* 7 unseen images", text, re.MULTILINE)
    details = tested.place.run("show", "t", "--details").stdout
    assert "7 images that the search never saw (test)" in details
    assert re.search(r"best epoch, val +mAP50-95 test", details)
    rows = tested.report["evaluations"]
    assert rows[0]["trial"] == 0
    assert tested.report["winner"]["number"] in {row["trial"] for row in rows}
    assert {(row["split"], row["images"]) for row in rows} == {("test", 7)}
    assert rows[0]["map50_95"] > 0
    assert all(row["low"] <= row["map50_95"] + 1e-5 and row["map50_95"] - 1e-5 <= row["high"] for row in rows)
    both = re.search(r"^on test .*against the defaults'", tested.printed, re.MULTILINE)
    assert (both is not None) == (len(rows) == 2)


def test_what_it_cost_is_charged_as_confirmation(tested: Measured) -> None:
    report = tested.report
    measured_s = sum(row["slot_s"] for row in report["evaluations"])
    assert report["spent_s"]["confirmation"] >= measured_s > 0
    assert sum(report["spent_s"].values()) == pytest.approx(report["study"]["slot_s"], abs=0.01)


def test_nothing_is_written_beside_the_data(tested: Measured) -> None:
    ours = (tested.place.home, tested.place.folder / "hyp.yaml", tested.place.folder / "hyp-defaults.yaml")
    after = [path for path in sorted(tested.place.folder.rglob("*")) if not any(path.is_relative_to(o) for o in ours)]
    assert after == tested.before


def test_the_recipe_says_what_its_weights_scored(tested: Measured) -> None:
    lines = (tested.place.folder / "hyp.yaml").read_text().splitlines()
    rows = {row["trial"]: row for row in tested.report["evaluations"]}
    number = tested.report["winner"]["number"]
    row = rows[number]
    told = f"# mAP50-95 on test: {row['map50_95']:.4f} [{row['low']:.4f}, {row['high']:.4f}] on 7 unseen images"
    assert any(line.startswith(told) for line in lines)
    defaults = [line for line in lines if line.startswith("# mAP50-95 on test, defaults: ")]
    assert len(defaults) == (number != 0)


@pytest.mark.long
def test_ctrl_c_while_measuring_leaves_it_to_a_resume(tested: Measured) -> None:
    place, before = tested.place, tested.report["evaluations"]
    forget(place, "true")
    with replace(place, variables={"PYTHONUNBUFFERED": "1"}).start("resume", "t") as process:
        assert process.stdout is not None
        assert any("Measuring trial 0" in line for line in process.stdout)
        ctrl_c(process)
        _, stderr = process.communicate(timeout=WAIT_S)
    assert (process.returncode, stderr) == (130, "Go on with: automl resume t\n")
    assert shown(place, "t")["evaluations"] == []
    assert place.run("resume", "t").returncode == 0
    after = shown(place, "t")
    assert after["study"]["state"] == "finished"
    assert [row["map50_95"] for row in after["evaluations"]] == [row["map50_95"] for row in before]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """A search that trains nothing, with a part of val held back."""
    place = Place(tmp_path_factory.mktemp("held"))
    draw_data(place.folder, train=4, val=60)
    done = place.run(*SURROGATE, "--holdout", "0.4", "--name", "h")
    assert (done.returncode, done.stderr) == (0, "")
    return Measured(place, done.stdout, shown(place, "h"), [])


def test_what_is_held_back_is_not_trained_or_searched_on(held: Measured) -> None:
    assert "Held back from the search: 24 of the 60 val images." in held.printed
    assert re.search("^on holdout +mAP50-95 ", held.printed, re.MULTILINE)
    assert "never saw (holdout)" in held.place.run("show", "h", "--details").stdout
    data = held.place.home / "studies" / "h" / "data.yaml"
    whole, searched = read_dataset(held.place.folder / "data.yaml"), read_dataset(data)
    assert searched.test is not None
    assert sorted((*searched.val.images, *searched.test.images)) == sorted(whole.val.images)
    assert len(searched.test.images) == 24
    spec = held.report["study"]["spec"]
    assert (spec["holdout"], spec["unseen"], spec["data_fingerprint"]) == (0.4, "holdout", fingerprint(whole))
    assert {row["split"] for row in held.report["evaluations"]} == {"holdout"}


def test_each_is_measured_once_also_when_the_driver_died_in_between(held: Measured) -> None:
    place, first = held.place, held.report["evaluations"]
    assert (first[0]["trial"], len(first)) == (0, 2)
    assert held.report["winner"]["number"] in {row["trial"] for row in first}
    lists = {file: file.read_text() for file in (place.home / "studies" / "h").glob("data*")}
    forget(place, "trial != 0")
    done = place.run("resume", "h")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Measuring trial") == 1
    again = shown(place, "h")
    assert again["study"]["state"] == "finished"
    assert again["evaluations"][0] == first[0]
    assert again["evaluations"][1]["gain"] == again["evaluations"][1]["map50_95"] - first[0]["map50_95"]
    same = ("map50_95", "low", "high", "gain", "gain_low", "gain_high", "chance", "sentence")
    assert [again["evaluations"][1][key] for key in same] == [first[1][key] for key in same]
    assert sum(again["spent_s"].values()) == pytest.approx(again["study"]["slot_s"], abs=0.01)
    assert {file: file.read_text() for file in lists} == lists


def test_beside_a_test_split_the_held_back_images_decide_and_the_split_reports(tmp_path: Path) -> None:
    place = Place(tmp_path)
    data = draw_data(place.folder, train=4, val=60)
    draw_data(place.folder / "unseen", train=1, val=7, seed=3)
    data.write_text(f"{data.read_text()}test: unseen/images/val\n")
    done = place.run(*SURROGATE, "--holdout", "0.4", "--name", "both")
    assert (done.returncode, done.stderr) == (0, "")
    report = shown(place, "both")
    numbers = sorted({row["trial"] for row in report["evaluations"]})
    assert sorted((row["split"], row["trial"]) for row in report["evaluations"]) == [
        (split, number) for split in ("holdout", "test") for number in numbers
    ]
    assert re.search(r"on holdout +mAP50-95", done.stdout)
    assert re.search(r"on test +mAP50-95", done.stdout)
    folder = place.home / "studies" / "both"
    reported, searched = read_dataset(folder / "data-test.yaml"), read_dataset(folder / "data.yaml")
    assert reported.test is not None
    assert searched.test is not None
    assert (len(reported.test.images), len(searched.test.images)) == (7, 24)


@pytest.mark.long
def test_it_can_be_left_out(tmp_path: Path) -> None:
    place = Place(tmp_path)
    data = draw_data(place.folder, train=4, val=4)
    draw_data(place.folder / "unseen", train=1, val=2, seed=3)
    data.write_text(f"{data.read_text()}test: unseen/images/val\n")
    done = place.run(*SURROGATE, "--name", "without", "--no-test")
    assert (done.returncode, shown(place, "without")["evaluations"]) == (0, [])
    assert "unseen images" not in done.stdout
    assert "never saw" not in place.run("show", "without", "--details").stdout
