"""The report of a data check in words, in a console, in a notebook and as HTML."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl.files.checks import REPORT
from automl.records import DataReport, Place, Severity, Suspect, SuspectKind
from automl.reports import data_words as words
from automl.reports.data_html import MARK, MOST_BYTES, html_of
from automl.reports.data_report import KeptReport, plain, read_report
from automl.setup.first_look import biggest
from tests.builders.data_folder import image_bytes
from tests.builders.data_reports import advice, data_report, finding, places

HOSTILE = "<script>alert(1)</script>&\"'\x1b[31m\x00\n{{ 7*7 }}"
SUSPECT = Suspect(
    kind=SuspectKind.CLASS,
    split="val",
    image="/data/images/a.jpg",
    file="/data/labels/a.txt",
    line=4,
    score=0.83,
    label_class=0,
    proposed_class=1,
    why="the model sees a dog",
    picture="suspect-0001.jpg",
)


def kept(report: DataReport, folder: Path) -> KeptReport:
    return KeptReport.of_report(report, folder)


class Page(HTMLParser):
    """The elements of a page, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize(
    ("severities", "sentence"),
    [
        ([], "can be trained on, and nothing speaks against it"),
        ([Severity.NOTE], "can be trained on, and nothing speaks against it"),
        ([Severity.WARNING, Severity.NOTE], "can be trained on. 1 warning may cost"),
        ([Severity.ERROR, Severity.ERROR, Severity.WARNING], "cannot be trained on as it is: 2 errors."),
    ],
)
def test_the_verdict_says_whether_the_data_can_be_trained_on(severities: list[Severity], sentence: str) -> None:
    assert sentence in words.verdict(data_report(*map(finding, severities)))


def test_an_error_is_to_be_mended_before_anything_else() -> None:
    report = data_report(finding(Severity.ERROR, advice="Mend it."), recommendations=(advice("first", "Tune."),))
    assert words.first_step(report).startswith("Mend it.")


def test_without_an_error_the_recommendation_says_what_comes_first() -> None:
    report = data_report(finding(), recommendations=(advice(), advice("first", "Fix labels.")))
    assert words.first_step(report) == "Fix labels."
    assert [entry.text for entry in words.further(report)] == ["Train at 1280."]


def test_nothing_comes_first_where_nothing_has_to_be_done() -> None:
    assert words.first_step(data_report(finding(Severity.NOTE))) == ""


def test_the_table_of_splits_has_the_figures_that_are_known() -> None:
    head, rows = words.splits_table(data_report())
    assert head == ["split", "images", "boxes"]
    assert rows == [["train", "1,200", "3"], ["val", "1", "0"]]


def test_a_report_prints_itself_in_a_few_lines() -> None:
    report = kept(data_report(finding(places=places(900), count=900)), Path("home/checks/a").absolute())
    assert repr(report).splitlines()[0] == "<KeptReport 'birds/data.yaml': 1 warning>"
    assert len(repr(report)) < 400


def test_a_notebook_shows_tables_and_escapes_names() -> None:
    report = kept(data_report(finding(title=HOSTILE)), Path("home/checks/a").absolute())
    assert "<table>" in report._repr_html_()
    assert "<script>" not in report._repr_html_()


def test_a_report_is_read_as_it_was_kept(tmp_path: Path) -> None:
    report = kept(data_report(finding(places=places(2)), recommendations=(advice(),), suspects=(SUSPECT,)), tmp_path)
    (tmp_path / REPORT).write_text(json.dumps(plain(report.as_document())))
    assert read_report(tmp_path) == report


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"findings": 3}'])
def test_what_is_no_report_is_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / REPORT).write_text(text)
    assert read_report(tmp_path) is None


def test_numbers_that_json_lacks_become_null() -> None:
    values = {1: [float("nan"), np.float32("inf"), np.int64(3), np.array([1.5, np.nan])], "a": (Path("b"), None, True)}
    assert json.loads(json.dumps(plain(values), allow_nan=False)) == {
        "1": [None, None, 3, [1.5, None]],
        "a": ["b", None, True],
    }


@pytest.fixture
def page(tmp_path: Path) -> Page:
    """A page with everything in it, and hostile names wherever a stranger may write one."""
    for name in ("worst.jpg", "mosaic-train.jpg", "suspect-0001.jpg"):
        (tmp_path / name).write_bytes(image_bytes())
    (tmp_path / "classes.png").write_bytes(image_bytes("PNG"))
    place = Place(file=f"/data/{HOSTILE}.jpg", line=3, text=HOSTILE, other=HOSTILE)
    report = data_report(
        finding(Severity.ERROR, title=HOSTILE, advice=HOSTILE, places=(place,), pictures=("worst.jpg",)),
        finding(places=places(40), count=5000),
        names=(HOSTILE, "dog"),
        splits={name: {"images": 3, "boxes": 2, "boxes_by_class": [0, 2]} for name in ("train", "val")},
        data=f"/data/{HOSTILE}/data.yaml",
        recommendations=(advice(text=HOSTILE),),
        suspects=(SUSPECT,),
        judged="Val was judged by the baseline.",
        price="The 60 most suspicious labels cost about 0.02 mAP50-95.",
        plots={"mosaic-train": "mosaic-train.jpg", "classes": "classes.png"},
    )
    return Page(html_of(kept(report, tmp_path), "'data set/data.yaml'"))


def test_the_page_loads_nothing_and_runs_nothing(page: Page) -> None:
    for tag in ("script", "link", "iframe", "object", "embed", "form", "base", "video"):
        assert page.all(tag) == []
    assert [image["src"] for image in page.all("img") if not str(image["src"]).startswith("data:image/")] == []
    assert {str(anchor["href"])[0] for anchor in page.all("a")} == {"#"}
    assert [attributes for _, attributes in page.elements if any(name.startswith("on") for name in attributes)] == []
    policy = next(entry["content"] for entry in page.all("meta") if entry.get("http-equiv"))
    assert "default-src 'none'" in str(policy)


def test_names_of_strangers_stand_on_the_page_as_text(page: Page) -> None:
    text = "".join(page.texts)
    assert "<script>alert(1)</script>" in text
    assert "{{ 7*7 }}" in text
    assert "\x1b" not in text
    assert "\x00" not in text


def test_the_page_has_every_picture_with_words_for_it(page: Page) -> None:
    assert len(page.all("img")) == 4
    assert all(image["alt"] for image in page.all("img"))


def test_the_headings_of_the_page_have_an_order(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_links_of_the_page_lead_to_its_parts(page: Page) -> None:
    parts = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert {str(anchor["href"])[1:] for anchor in page.all("a")} <= parts


def test_the_page_says_what_to_do_and_how_many_places_are_left_out(page: Page) -> None:
    text = " ".join(" ".join(page.texts).split())
    for sentence in ("What to do:", "5,000 places", "… and 4,975 more", "Chance of an error: 83 %", "model: dog"):
        assert sentence in text


def test_a_page_begins_with_its_mark(tmp_path: Path) -> None:
    assert html_of(kept(data_report(), tmp_path), "data.yaml").startswith(MARK)


def test_a_page_stays_small_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    pictures = tuple(f"{number}.jpg" for number in range(4))
    for name in pictures:
        (tmp_path / name).write_bytes(b"\xff" * (MOST_BYTES // 3))
    text = html_of(kept(data_report(finding(pictures=pictures)), tmp_path), "data.yaml")
    assert len(text) < 8_000_000
    assert "Left out to keep this file small: 3.jpg" in text


def test_a_picture_that_is_gone_is_said(tmp_path: Path) -> None:
    text = html_of(kept(data_report(finding(pictures=("gone.jpg", "/etc/passwd"))), tmp_path), "data.yaml")
    assert text.count("This picture could not be read.") == 2


def test_a_report_on_data_that_cannot_be_read_has_a_page(tmp_path: Path) -> None:
    report = data_report(finding(Severity.ERROR), names=(), splits={}, fingerprint="")
    assert "cannot be trained on" in html_of(kept(report, tmp_path), "data.yaml")


def test_a_table_of_a_thousand_classes_is_cut() -> None:
    names = tuple(f"class {number}" for number in range(1000))
    report = data_report(names=names, splits={"train": {"boxes_by_class": list(range(1000))}})
    rows = words.classes_table(report, 100)
    assert len(rows) == 100
    assert rows[0] == ["999", "class 999", "999"]


@pytest.mark.parametrize(("visible", "budget"), [("0", "2gpu-h"), ("", "2cpu-h")])
def test_the_next_commands_have_a_budget_that_this_machine_can_spend(
    visible: str, budget: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    commands = dict(words.next_commands(data_report(), "a.yaml"))
    assert commands["The search"] == f"automl search --data a.yaml --budget {budget}"


@pytest.mark.parametrize(("seen", "offered"), [({}, True), ({"page": True}, False), ({"written": True}, False)])
def test_the_page_is_offered_where_there_is_none(seen: dict[str, bool], offered: bool) -> None:
    commands = [command for _, command in words.next_commands(data_report(), "a.yaml", **seen)]
    assert any("--html" in command for command in commands) is offered


@pytest.mark.parametrize(
    ("splits", "found", "sentence"),
    [
        (["test"], [], "Nothing was found in test. Train and val were not looked at."),
        (["train"], [finding()], "1 warning in train may cost accuracy. Val was not looked at."),
        (["train", "val"], [], "This data set can be trained on, and nothing speaks against it."),
    ],
)
def test_a_check_of_some_splits_does_not_answer_for_all(splits: list[str], found: list[Any], sentence: str) -> None:
    report = data_report(*found, splits={name: {"images": 3} for name in splits})
    assert words.verdict(report) == sentence
    assert any("automl search" in command for _, command in words.next_commands(report, "a.yaml")) is (len(splits) == 2)


def test_the_first_step_and_a_search_name_the_same_finding() -> None:
    lost = replace(finding(title="3 labels were left out."), code="conversion/crowd")
    leak = replace(finding(title="Val is in train."), code="leakage/across", advice="Divide anew.")
    report = data_report(finding(), lost, leak, recommendations=(advice("first", "Train once."),))
    assert words.first_step(report) == "Divide anew. (Val is in train)"
    assert biggest(report)[:2] == [leak, lost]


def test_after_a_model_has_judged_the_suspects_come_first() -> None:
    once = replace(advice("first", "Train once."), value="judge")
    report = data_report(recommendations=(once,))
    assert words.first_step(report) == "Train once."
    judged = replace(report, judged="Val was judged.")
    assert words.first_step(judged).startswith("Search:")
    assert words.first_step(replace(judged, suspects=(SUSPECT,))).startswith("Look at the 1 suspicious label")
    assert words.further(judged) == ()
