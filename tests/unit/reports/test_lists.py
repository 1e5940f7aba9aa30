"""Lists that show themselves."""

from __future__ import annotations

import pickle

import pytest

from automl.records import StudyState
from automl.reports.lists import MOST, Curves, Overviews, Studies
from tests.builders.factories import make_epoch_row, make_row, make_study
from tests.builders.overviews import make_overview, make_report

STUDY = make_study()
OVERVIEW = make_overview(make_row(0, 0.5), make_row(1, 0.6))


def test_a_list_shows_a_line_for_each_study() -> None:
    assert repr(Studies([STUDY, STUDY])) == f"[{STUDY!r},\n {STUDY!r}]"
    reports = Overviews([make_report(make_row(0, 0.5)), OVERVIEW])
    assert repr(reports).splitlines() == ["[<StudyReport 'birds': finished, 2 trials>,", f" {OVERVIEW!r}]"]
    assert repr(Studies()) == "[]"


@pytest.mark.parametrize("many", [Studies([STUDY] * 100), Overviews([OVERVIEW] * 100)])
def test_a_long_list_shows_its_first_studies(many: Studies | Overviews) -> None:
    assert repr(many).splitlines()[-1] == f" ... and {100 - MOST} more]"
    html = many._repr_html_()
    assert html.count("<tr") == 1 + MOST
    assert "100 studies" in html
    assert f"... and {100 - MOST} more" in html


def test_an_empty_list_says_so() -> None:
    assert "0 studies" in Studies()._repr_html_()
    assert "<table" not in Overviews()._repr_html_()


def test_studies_are_compared_with_the_defaults() -> None:
    html = Overviews([OVERVIEW])._repr_html_()
    assert "1 study" in html
    assert [text for text in ("trial 1", "0.600", "0.500", "24.0 cpu-min") if text not in html] == []


def test_a_crashed_study_is_called_so() -> None:
    assert ">crashed<" in Overviews([make_overview(study=make_study(state=StudyState.RUNNING))])._repr_html_()


@pytest.mark.parametrize("name", ["<b>birds</b>", "a" * 300])
def test_a_name_is_escaped_and_cut(name: str) -> None:
    html = Studies([make_study(name=name)])._repr_html_()
    assert "<b>" not in html
    assert "a" * 100 not in html


def test_lists_are_lists() -> None:
    epochs = [make_epoch_row(0, 1, 0.5, 1.0)]
    assert Curves(epochs) == epochs
    assert pickle.loads(pickle.dumps(Studies([STUDY]))) == [STUDY]
    assert repr(Curves(epochs * 3)) == "<Curves: 3 epochs of 1 trial>"
