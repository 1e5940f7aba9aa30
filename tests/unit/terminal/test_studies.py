"""Lists of studies and the status of one, as text."""

from __future__ import annotations

import pytest

from automl.records import EventRow, Purpose, StudyState, TrialRow, TrialState
from automl.terminal.studies import print_status, print_studies
from tests.builders.factories import make_row, make_study
from tests.builders.overviews import best_epoch_elsewhere, make_overview, make_status, text_of


def repeats(number: int, of: int, score: float) -> TrialRow:
    return make_row(number, score, repeats=of, purpose=Purpose.CONFIRMATION, seed=number)


def test_studies_are_listed_with_their_winner() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.6), repeats(2, 0, 0.5), repeats(3, 1, 0.58), repeats(4, 1, 0.58)]
    studies = [
        make_overview(*rows, study=best_epoch_elsewhere()),
        make_overview(make_row(0, 0.5), make_row(1, 0.61), study=best_epoch_elsewhere(name="cells")),
        make_overview(make_row(0, 0.5), make_row(1, 0.4), study=best_epoch_elsewhere(name="owls")),
        make_overview(study=best_epoch_elsewhere(name="empty", state=StudyState.RUNNING)),
    ]
    lines = text_of(lambda console: print_studies(console, studies)).splitlines()
    rows_shown = [" ".join(line.split()).partition(" 24.0 ")[0] for line in lines if "cpu-min" in line]
    assert rows_shown == [
        "birds finished 2 trial 1 0.587 (3 seeds) +0.087 0.500",
        "cells finished 2 trial 1 0.610 +0.110 0.500",
        "owls finished 2 defaults 0.500 0.500",
        "empty crashed 2 – –",
    ]
    assert not any("0.99" in line for line in lines)


def test_a_status_without_a_score_says_so() -> None:
    assert "no trial has a score yet" in text_of(lambda console: print_status(console, make_status(make_row(0, None))))


def test_a_status_names_the_way_out_of_a_dead_study() -> None:
    status = make_status(
        study=make_study(state=StudyState.RUNNING),
        running=(make_row(1, 0.4, state=TrialState.RUNNING, node="a", device="0", done_epochs=3),),
        share_spent=0.42,
        events=(EventRow(at=0.0, kind="note", trial=None, text="hello"),),
    )
    text = text_of(lambda console: print_status(console, status))
    assert "study     birds: the study process ended unexpectedly (no sign of life for" in text
    assert "automl resume birds" in text
    elsewhere = text_of(lambda console: print_status(console, status, db="sqlite:///other.db"))
    assert "automl resume birds --db sqlite:///other.db" in elsewhere
    assert "42% of 5cpu-h" in text
    assert "trial 1 (search (tpe)): epoch 3/12, mAP50-95 0.400 on a (0)" in text
    assert "hello" in text


NAMES = ("demo-data-1", "a-name-as-long-as-a-study-may-have_0123456789.0123456789-abcdefgh")


@pytest.mark.parametrize("width", [40, 66, 80, 120])
def test_a_name_is_never_cut_because_every_command_needs_it(width: int) -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.6), repeats(2, 0, 0.5), repeats(3, 1, 0.58), repeats(4, 1, 0.58)]
    studies = [make_overview(*rows, study=best_epoch_elsewhere(name=name)) for name in NAMES]
    text = text_of(lambda console: print_studies(console, studies), width=width)
    lines = text.splitlines()
    assert NAMES[0] in text
    assert NAMES[1] in text or NAMES[1] in "".join(line.strip().partition(" ")[0] for line in lines)
    assert "…" not in text.replace(NAMES[1], "") or width < 66


def test_a_narrow_terminal_lacks_columns_instead_of_figures() -> None:
    studies = [make_overview(make_row(0, 0.5), make_row(1, 0.61), study=best_epoch_elsewhere(name="wheat-2026"))]
    text = text_of(lambda console: print_studies(console, studies), width=80)
    assert [word for word in text.split() if word in ("wheat-2026", "trial", "1", "0.610", "+0.110", "0.500")] == [
        "wheat-2026",
        "trial",
        "1",
        "0.610",
        "+0.110",
        "0.500",
    ]
    assert "begun" not in text
    assert "begun" in text_of(lambda console: print_studies(console, studies), width=120)
