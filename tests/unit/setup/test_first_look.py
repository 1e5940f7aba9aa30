"""The check of the data at the start of a search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl.checks import quick
from automl.checks.report import report_of
from automl.errors import BadData
from automl.records import Finding, Severity, Slots
from automl.setup import first_look
from automl.setup.options import SearchRequest
from automl.setup.request import Checked, check
from tests.builders.facts import boxes_of, facts_of, split_of


def drawn(folder: Path, row: str = "0 0.5 0.5 0.2 0.2\n") -> Path:
    """A data.yaml of two images in each split, with that label file each."""
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for name in ("a", "b"):
            Image.new("RGB", (64, 64)).save(folder / "images" / split / f"{name}.png")
            (folder / "labels" / split / f"{name}.txt").write_text(row)
    file = folder / "data.yaml"
    file.write_text("train: images/train\nval: images/val\nnames: [bird]\n")
    return file


def checked(data: Path, trainer: str = "ultralytics") -> Checked:
    request = SearchRequest(data=data, budgets=("8cpu-h",), weights="none", trainer=trainer)
    return check(request, Slots(count=1, device="cpu"))


def finding(title: str, severity: Severity = Severity.WARNING, **fields: Any) -> Finding:
    return Finding(**{"code": title, "severity": severity, "title": title, "advice": "Mend it.", **fields})


def test_a_search_says_five_lines_at_most() -> None:
    train, val = split_of([boxes_of(0)] * 1000), split_of([boxes_of(0)] * 87, split="val")
    facts = facts_of(train, val, names=["cat"], noted=[finding("One."), finding("Two."), finding("Three.")])
    lines = list(first_look.lines_of(report_of(facts), Path("my data.yaml")))
    assert lines[0].startswith("The data can be trained on: 1,000 train and 87 val images, 1,087 boxes of 1 class; ")
    assert lines[0].endswith(" warnings.")
    assert lines[1:3] == ["Data warning: One.", "Data warning: Two."]
    assert "0.01" in lines[3]
    assert lines[4].startswith("More on the data, with a look for near copies in the pixels: automl check --data ")
    assert len(lines) == 5


def test_near_copies_are_not_promised_where_the_pixels_were_read() -> None:
    report = report_of(facts_of(split_of([boxes_of(0)] * 9, brightness=90.0), names=["cat"]))
    assert list(first_look.lines_of(report, Path("a.yaml")))[-1] == "More on the data: automl check --data a.yaml"


def test_errors_come_before_warnings() -> None:
    facts = facts_of(split_of([boxes_of(0)]), noted=[finding("Mild."), finding("Bad.", Severity.ERROR)])
    lines = list(first_look.lines_of(report_of(facts), Path("a.yaml")))
    assert lines[0].startswith("The data have errors: 1 train images")
    assert "; 1 error and " in lines[0]
    assert lines[1] == "Data error: Bad."


def test_the_biggest_warnings_are_false_scores_then_those_of_many_boxes() -> None:
    facts = facts_of(
        split_of([boxes_of(*[0] * 5)] * 140),
        split_of([boxes_of(*[0] * 5)] * 200, split="val"),
        names=["cat"],
        noted=[
            finding("Few.", code="labels/few", split="train", count=4),
            finding("Many.", code="labels/many", split="val", count=3),
            finding("More.", code="labels/many", split="train", count=30),
            finding("Leak.", code="leakage/across", split="val"),
        ],
    )
    titles = [one.title for one in first_look.biggest(report_of(facts), most=9)]
    titles = [title for title in titles if "same as another" not in title]  # all boxes of the builder lie alike
    assert titles[:2] == ["Leak.", "More."]
    assert titles[-1] == "Few."
    assert "Many." not in titles, "one of each kind"


def test_the_report_is_kept_with_its_fingerprint(tmp_path: Path) -> None:
    request = checked(drawn(tmp_path))
    look = first_look.look_at(request, tmp_path / "home", lambda text: None)
    assert look.report is not None
    assert look.report.fingerprint == request.data_fingerprint
    assert look.report.splits["train"]["images"] == 2
    assert look.lines[0].startswith("The data can be trained on: 2 train and 2 val images")


def test_the_surrogate_looks_at_no_data(tmp_path: Path) -> None:
    look = first_look.look_at(checked(drawn(tmp_path), trainer="surrogate"), None, lambda text: None)
    assert (look.report, look.lines) == (None, ())


def test_a_very_large_data_set_is_left_to_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_look, "MOST_IMAGES", 3)
    monkeypatch.setattr(quick, "MOST_IMAGES", 3)
    look = first_look.look_at(checked(drawn(tmp_path)), None, lambda text: None)
    assert look.report is None
    assert "automl check --data" in look.lines[0]


def test_a_long_check_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_look, "MANY", 3)
    said: list[str] = []
    first_look.look_at(checked(drawn(tmp_path)), None, said.append)
    assert said == ["Checking the labels of 4 images, once: those that do not change are remembered ..."]


@pytest.mark.parametrize("damage", ["label", "image"])
def test_a_refusal_of_one_file_names_the_way_to_all(tmp_path: Path, damage: str) -> None:
    data = drawn(tmp_path)
    if damage == "label":
        (tmp_path / "labels" / "train" / "a.txt").write_text("7 0.5 0.5 0.2 0.2\n")
    else:
        (tmp_path / "images" / "train" / "a.png").write_bytes(b"no image")
    with pytest.raises(BadData, match=r"For all of them: automl check --data .*data\.yaml$"):
        checked(data)


def test_a_refusal_of_the_data_file_itself_stays_as_it_is(tmp_path: Path) -> None:
    data = tmp_path / "data.yaml"
    data.write_text("names: [bird]\n")
    with pytest.raises(BadData) as caught:
        checked(data)
    assert "automl check" not in str(caught.value)
