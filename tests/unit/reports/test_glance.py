"""A study at a glance in a console and in a notebook."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest

from automl.records import EventRow, StudyState, TrialRow
from automl.reports.card import card
from automl.reports.glance import ROWS, Glance, headline
from automl.reports.report import StudyReport
from tests.builders.factories import make_row, make_spec, make_study
from tests.builders.overviews import make_progress, make_report, make_status

BEST, DEFAULTS = make_row(1, 0.6), make_row(0, 0.5)
EVIL = "<img src=x onerror=alert(1)>"


def report(*rows: TrialRow, state: StudyState = StudyState.FINISHED, alive: bool = False, **spec: Any) -> StudyReport:
    study = make_study(spec=make_spec(trainer="ultralytics", **spec), state=state, trials=len(rows))
    return make_report(*rows, study=study, alive=alive)


def test_a_report_shows_itself_in_a_few_lines() -> None:
    lines = repr(report(BEST, DEFAULTS)).splitlines()
    assert lines[0] == "<StudyReport 'birds': finished, 2 trials>"
    assert [line.split("  ")[1].strip() for line in lines[1:]] == [
        "best found",
        "defaults",
        "difference",
        "cost",
        "next",
    ]
    assert "mAP50-95 0.600 (one seed) on val, 12 epochs (trial 1)" in lines[1]
    assert "+0.1" in lines[3]
    assert "automl export birds -o hyp.yaml" in lines[5]


def test_a_report_of_many_trials_stays_short() -> None:
    rows = [make_row(number, 0.5 + number / 10000, params={f"p{n}": 0.1 for n in range(30)}) for number in range(500)]
    shown = report(*rows[::-1])
    assert len(repr(shown)) < 1000
    assert len(shown._repr_html_()) < 25_000


def test_the_html_has_the_lines_of_the_card_and_ten_rows() -> None:
    rows = [make_row(number, 0.5 + number / 100) for number in range(30, -1, -1)]
    shown = report(*rows)
    html = shown._repr_html_()
    for line in card(shown):
        assert line.label in html
    assert html.count("<tr") - len(card(shown)) == 1 + ROWS + 1  # the heading, the best, and the defaults
    assert "All 31 trials: to_dataframe()." in html
    assert "finished, 31 trials" in html


@pytest.mark.parametrize("show", [repr, Glance._repr_html_])
@pytest.mark.parametrize(
    ("state", "alive", "word", "following"),
    [
        (StudyState.FINISHED, False, "finished", "automl export birds"),
        (StudyState.INTERRUPTED, False, "interrupted", "automl resume birds"),
        (StudyState.RUNNING, False, "crashed", "automl resume birds"),
        (StudyState.RUNNING, True, "running", None),
    ],
)
def test_state_and_next_command_are_shown(
    show: Any, state: StudyState, alive: bool, word: str, following: str | None
) -> None:
    text = show(report(BEST, DEFAULTS, state=state, alive=alive))
    assert f"{word}, 2 trials" in text
    assert (following in text) if following else ("next" not in text)


def test_commands_reach_the_database_of_the_report() -> None:
    shown = replace(report(BEST, DEFAULTS), db_words=" --db sqlite:///x.db")
    assert "automl export birds --db sqlite:///x.db -o hyp.yaml" in repr(shown)
    interrupted = replace(report(BEST, state=StudyState.INTERRUPTED), db_words=" --db sqlite:///x.db")
    assert "automl resume birds --db sqlite:///x.db" in repr(interrupted)


def test_the_way_to_the_database_is_no_part_of_what_reports_are() -> None:
    one = report(BEST, DEFAULTS)
    assert replace(one, db_words=" --db sqlite:///x.db") == one
    assert pickle.loads(pickle.dumps(one)) == one


def test_a_study_without_a_score_says_so() -> None:
    shown = report(make_row(0, None), state=StudyState.INTERRUPTED)
    assert "no score yet" in repr(shown)
    assert "no score yet" in shown._repr_html_()


def test_texts_of_a_study_are_escaped() -> None:
    study = make_study(name=EVIL, reason=EVIL, spec=make_spec(name=EVIL))
    rows = (make_row(0, 0.5, origin=EVIL), make_row(1, 0.6, origin=EVIL, params={EVIL: EVIL}))
    html = make_report(*rows, study=study)._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html


def test_nothing_is_loaded_from_elsewhere_and_no_colour_is_set() -> None:
    html = report(BEST, DEFAULTS)._repr_html_()
    assert not [word for word in ("http", "src=", "<script", "<link", "color:", "background:#") if word in html]


def test_a_status_shows_what_runs_and_the_last_lines_of_the_log() -> None:
    running = make_row(7, 0.4, done_epochs=3, state="running")
    events = (EventRow(at=1.0, kind="note", trial=None, text="rung 3 <stops>"),)
    html = make_status(BEST, DEFAULTS, running=(running,), events=events)._repr_html_()
    assert "3/12" in html
    assert "rung 3 &lt;stops&gt;" in html


def test_a_study_of_the_overviews_shows_its_card() -> None:
    progress = make_progress()
    assert repr(progress).startswith("<StudyProgress 'birds': running, 2 trials>")
    assert "difference" in progress._repr_html_()


@pytest.mark.parametrize(
    ("trials", "text"), [(0, "finished, 0 trials"), (1, "finished, 1 trial"), (2, "finished, 2 trials")]
)
def test_a_headline_counts_trials(trials: int, text: str) -> None:
    assert headline(make_report(study=make_study(trials=trials))) == text


def test_the_parts_of_an_answer_show_themselves_in_a_line_each() -> None:
    answer, verdict = report(BEST, DEFAULTS).answer, report(BEST, DEFAULTS).verdict
    assert repr(answer).startswith("<Answer: trial 1, mAP50-95 0.600 at 12 epochs, gain +0.")
    assert repr(answer.recipe if answer else None) == "<Side of trial 1: mAP50-95 0.600, 1 seed>"
    assert repr(verdict).startswith("<Verdict: trial 1 of 2 compared, ")
    assert repr(verdict.best if verdict else None).startswith(
        "<Estimate of trial 1: mAP50-95 0.600, 1 seed, chance of a gain "
    )
