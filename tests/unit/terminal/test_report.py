"""Durations, tables, sentences and JSON of a study on a terminal."""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from automl.figures import duration, score
from automl.records import Purpose, TrialRow, TrialState
from automl.reports.report import StudyReport
from automl.terminal.report import (
    as_json,
    dumps,
    listing,
    print_card,
    print_report,
    status_json,
)
from automl.terminal.studies import print_status
from tests.builders.factories import make_epoch_row, make_evaluation, make_row, make_spec, make_study
from tests.builders.overviews import best_epoch_elsewhere, make_overview, make_report, make_status, text_of


@pytest.mark.parametrize(("seconds", "text"), [(-1, "0 s"), (59.9, "59 s"), (245, "4:05"), (3723, "1:02:03")])
def test_a_duration_is_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (math.nan, "–"), (0.0, "0.000"), (0.4567, "0.457")])
def test_a_score_has_three_digits_or_is_a_dash(value: float | None, text: str) -> None:
    assert score(value) == text


def test_json_knows_records_paths_and_infinities() -> None:
    value = {1: Path("a/b"), "x": (math.inf, -math.inf, math.nan), "state": TrialState.CUT, "n": None}
    assert json.loads(dumps(value)) == {"1": "a/b", "x": [None, None, None], "state": "cut", "n": None}


def test_a_report_as_json_has_each_trials_gain_and_the_curves_on_demand() -> None:
    report = make_report(make_row(1, 0.75), make_row(0, 0.5), make_row(2, None))
    document = json.loads(dumps(as_json(report, [make_epoch_row(0, 1, math.nan, 60.0)])))
    assert [trial["gain"] for trial in document["trials"]] == [0.25, 0.0, None]
    assert document["epochs"][0]["map50_95"] is None
    assert "epochs" not in as_json(report, None)


@pytest.mark.parametrize(
    ("best", "sentence"),
    [
        (0.60, "Trial 1 is probably better, "),
        (0.51, "No difference found between trial 1 and the defaults (chance of a gain 76%): trial 1 is handed over."),
        (0.50, "(chance of a gain 50%): the defaults are kept. mAP50-95 on val: trial 1 0.500; the defaults 0.500."),
    ],
)
def test_the_verdict_claims_no_more_than_the_figures_show(best: float, sentence: str) -> None:
    text = text_of(
        lambda console: print_report(console, make_report(make_row(1, best), make_row(0, 0.5)), details=True)
    )
    assert sentence in text


@pytest.mark.parametrize(
    ("winner", "sentence"),
    [
        (0.46, "On test, which the search never saw, trial 1 is +0.060 above the defaults."),
        (
            0.41,
            "trial 1 is +0.010 above the defaults. Two seeds of one recipe differ by as much on 72 images, so this is a tie",
        ),
        (0.39, "trial 1 does not beat the defaults (-0.010): the gain on val is not confirmed."),
        (0.40, "trial 1 does not beat the defaults (+0.000)"),
    ],
)
def test_the_figure_on_test_stands_beside_val_with_an_honest_sentence(winner: float, sentence: str) -> None:
    figures = (make_evaluation(0, 0.40), make_evaluation(1, winner))
    study = make_study(spec=make_spec(unseen="test"))
    report = make_report(make_row(1, 0.6), make_row(0, 0.5), study=study, evaluations=figures)
    lines = text_of(lambda console: print_report(console, report, details=True)).splitlines()
    assert "72 images that the search never saw (test)" in lines[-8]
    assert [line.split() for line in lines[-4:-2]] == [
        ["0", "defaults", "0.500", "0.400", "0.400"],
        ["1", "search", "(tpe)", "0.600", f"{winner:.3f}", f"{winner:.3f}"],
    ]
    assert sentence in lines[-1]
    assert json.loads(dumps(as_json(report, None)))["evaluations"][1]["map50_95"] == winner


@pytest.mark.parametrize(
    ("interval", "chance", "sentence"),
    [
        ((-0.008, 0.031), 0.84, "84% chance of a gain: these images cannot tell them apart (test; 90 % intervals"),
        ((0.002, 0.031), 0.97, "97% chance of a gain (test; 90 % intervals over the images). Two seeds of one recipe"),
        ((-0.031, -0.002), 0.0, "under 1% chance of a gain (test; 90 % intervals over the images). So the gain on val"),
    ],
)
def test_the_interval_over_the_images_tells_a_gain_from_their_noise(
    interval: tuple[float, float], chance: float, sentence: str
) -> None:
    gained = sum(interval) / 2
    figures = (
        make_evaluation(0, 0.4, low=0.361, high=0.442),
        make_evaluation(
            1,
            0.4 + gained,
            low=0.37,
            high=0.45,
            gain=gained,
            gain_low=interval[0],
            gain_high=interval[1],
            chance=chance,
        ),
    )
    study = make_study(spec=make_spec(unseen="test"))
    report = make_report(make_row(1, 0.6), make_row(0, 0.5), study=study, evaluations=figures)
    lines = text_of(lambda console: print_report(console, report, details=True)).splitlines()
    assert lines[-4].split() == ["0", "defaults", "0.500", "0.400", "[0.361,", "0.442]", "0.400"]
    assert lines[-1].startswith(f"Trial 1 scored {0.4 + gained:.3f} [0.370, 0.450] on 72 unseen images, {gained:+.3f} ")
    assert f"[{interval[0]:+.3f}, {interval[1]:+.3f}] against the defaults, " in lines[-1]
    assert sentence in lines[-1]
    document = json.loads(dumps(as_json(report, None)))["evaluations"]
    assert document[0]["sentence"] == "0.400 [0.361, 0.442] on 72 unseen images"
    assert (document[1]["gain_low"], document[1]["chance"]) == (interval[0], chance)
    assert document[1]["sentence"] in lines[-1]


def test_a_measurement_that_failed_is_a_dash_and_no_verdict() -> None:
    figures = (make_evaluation(0, 0.40, split="holdout"), make_evaluation(1, math.nan, split="holdout", images=0))
    study = make_study(spec=make_spec(unseen="holdout", holdout=0.3))
    report = make_report(make_row(1, 0.6), make_row(0, 0.5), study=study, evaluations=figures)
    text = text_of(lambda console: print_report(console, report, details=True))
    assert "72 images that the search never saw (holdout)" in text
    assert text.splitlines()[-2].split() == ["1", "search", "(tpe)", "0.600", "–", "–"]
    assert "On holdout" not in text
    assert "against the defaults' 0.400" not in text


def test_a_report_shows_cost_states_and_the_baseline_below_the_best() -> None:
    rows = [make_row(n, 0.9 - n / 100, params={"lr0": 0.5}) for n in range(1, 15)]
    failed = make_row(15, None, state=TrialState.FAILED)
    report = make_report(*rows, make_row(0, 0.2), failed)
    text = text_of(lambda console: print_report(console, report, limit=3, details=True))
    assert "15 completed, 1 failed" in text
    assert "25.0 cpu-min of 5cpu-h (1.0 cpu-min probe, 12.0 cpu-min baseline, 12.0 cpu-min search)" in text
    shown = [line.split()[0] for line in text.splitlines() if " completed" in line and "Trials:" not in line]
    assert shown == ["1", "2", "3", "0"]
    assert "lr0=0.5" in text


def test_costs_and_trust_are_details() -> None:
    report = make_report(make_row(1, 0.6), make_row(0, 0.5))
    plain = text_of(lambda console: print_report(console, report))
    details = text_of(lambda console: print_report(console, report, details=True))
    assert plain.splitlines()[-1] == "Trials: 2 completed. Ended: the budget is spent."
    for word in ("12.0 cpu-min baseline", "It has one seed"):
        assert word in details
        assert word not in plain
    assert details.startswith(plain[: plain.index("Trials:")])


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_report_begins_with_the_answer_as_a_card(width: int) -> None:
    rows = (make_row(1, 0.6, params={"lr0": 0.02}), make_row(0, 0.5))
    lines = text_of(lambda console: print_report(console, make_report(*rows)), width).splitlines()
    assert lines[0] == "birds: the answer"
    assert [line.split("  ")[0] for line in lines[1:6]] == ["best found", "defaults", "difference", "cost", "changed"]
    assert lines[5] == "changed     lr0 0.02 (x2)"


def test_the_card_is_a_table_on_a_terminal_and_shows_names_as_they_are() -> None:
    file = io.StringIO()
    report = make_report(make_row(1, 0.6, params={"lr0": 0.02}), make_row(0, 0.5), study=make_study(name="a[b]c"))
    print_card(Console(file=file, width=60, force_terminal=True, color_system=None), report)
    lines = file.getvalue().splitlines()
    assert "a[b]c: the answer" in lines[0]
    assert max(map(len, lines)) <= 60
    assert any(line.startswith(" " * 12) and line.strip() for line in lines), "long texts go on below themselves"
    assert text_of(lambda console: print_card(console, make_report())) == ""


def test_a_report_without_any_score_can_be_shown() -> None:
    text = text_of(lambda console: print_report(console, make_report(spent_s={}, paid_share=0.0)))
    assert "Trials: none." in text
    assert "Sorted by" not in text


def repeat(number: int, of: int, value: float) -> TrialRow:
    return make_row(number, value, repeats=of, purpose=Purpose.CONFIRMATION, origin="confirmation", seed=1)


def confirmed(second: float) -> StudyReport:
    """Trial 1 scored .62 in the search, trial 2 .60. Repeats of trial 2 score `second`, all others .50."""
    rows = [make_row(1, 0.62, params={"lr0": 0.02}), make_row(2, 0.60, params={"lr0": 0.03}), make_row(0, 0.5)]
    rows += [repeat(n, of, y) for n, (of, y) in enumerate([(0, 0.5), (1, 0.5), (2, second), (0, 0.5), (2, second)], 3)]
    return make_report(*rows)


def test_a_winner_is_named_with_interval_chance_seeds_and_cost() -> None:
    text = text_of(lambda console: print_report(console, confirmed(0.58), details=True), width=120)
    assert re.search(
        r"Trial 2 is better, proven with a chance of (over )?\d\d%\. mAP50-95 on val: "
        r"trial 2 0\.600, 0\.580 and 0\.580, mean 0\.587; the defaults 0\.500, 0\.500 and 0\.500, mean 0\.500\. "
        r"Expected gain \+0\.0\d\d \[\+0\.0\d\d, \+0\.1\d\d\]\. The repeats cost 1\.00 cpu-h\.",
        " ".join(text.split()),
    )
    assert "changed     lr0 0.03 (x3)" in text


TIED = (make_row(0, 0.5), make_row(1, 0.51), repeat(2, 0, 0.51), repeat(3, 1, 0.5))


def test_the_defaults_are_kept_where_the_repeats_find_no_difference() -> None:
    text = text_of(lambda console: print_report(console, make_report(*TIED), details=True))
    assert "No difference found between trial 1 and the defaults (chance of a gain " in text
    assert "): the defaults are kept." in text


def board(report: StudyReport, width: int = 120, **options: Any) -> list[list[str]]:
    """Words of the leaderboard's rows."""
    text = text_of(lambda console: print_report(console, report, **options), width=width)
    states = " completed ", " stopped ", " failed "
    return [
        line.replace("search (tpe)", "tpe").split()
        for line in text.splitlines()
        if any(state in line for state in states) and line.split()[0].isdigit()
    ]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_leaderboard_is_sorted_by_its_first_figure_and_says_so(width: int) -> None:
    report = confirmed(0.58)
    rows = board(report, width)
    assert [row[0] for row in rows] == ["1", "2", "0"]
    assert [row[2] for row in rows] == ["0.620", "0.600", "0.500"]
    assert not any("…" in word for row in rows for word in row)
    text = " ".join(text_of(lambda console: print_report(console, report), width=width).split())
    assert "Sorted by mAP50-95, the mean of a trial's last 2 epochs, one seed" in text
    assert "Mean (seeds): observed, the search's own run and those with new seeds." in text


def test_repeated_trials_and_the_defaults_have_a_row_below_the_limit_and_repeats_have_none() -> None:
    report = confirmed(0.58)
    report = replace(report, trials=(*report.trials, *(make_row(n, 0.55) for n in range(20, 30))))
    rows = board(report, limit=1)
    assert [row[0] for row in rows] == ["1", "2", "0"]
    assert [next(word for word in row if word.startswith("(")) for row in rows] == ["(2)", "(3)", "(3)"]
    assert "confirmation" not in "".join(row[1] for row in rows)


def test_a_failed_trial_has_no_place_on_the_leaderboard() -> None:
    failed = make_row(2, 0.9, state=TrialState.FAILED)
    assert [row[0] for row in board(make_report(make_row(1, 0.6), failed, make_row(0, 0.5)))] == ["1", "0"]


def test_the_best_epoch_stands_beside_the_score() -> None:
    row = board(make_report(make_row(1, 0.6, best_map50_95=0.63), make_row(0, 0.5)))[0]
    assert row[2:5] == ["0.600", "+0.100", "0.630"]


def test_json_has_winner_mean_interval_chance_seeds_and_cost() -> None:
    document = json.loads(dumps(as_json(confirmed(0.58), None)))
    verdict_document = document["verdict"]
    assert (verdict_document["winner"], document["winner"]["number"], verdict_document["cost_s"]) == (2, 2, 3600.0)
    assert verdict_document["sentence"].startswith("Trial 2 is better, proven")
    assert (verdict_document["confidence"], verdict_document["repeated"]) == ("proven", True)
    first = verdict_document["estimates"][0]
    assert (first["trial"], first["seeds"], first["runs"]) == (2, 3, [0.6, 0.58, 0.58])
    assert first["observed"] == pytest.approx(1.76 / 3)
    assert first["score"]["low"] < first["score"]["mean"] < first["score"]["high"]
    assert 0.9 < first["chance"] <= 1.0
    assert json.loads(dumps(as_json(make_report(make_row(0, 0.5)), None)))["verdict"] is None


def test_the_leaderboard_explains_its_words() -> None:
    rows = (make_row(0, 0.5), make_row(1, 0.6, state=TrialState.CUT), make_row(2, 0.4, origin="gp"))
    text = text_of(lambda console: print_report(console, make_report(*rows)))
    assert "Search (tpe): proposed by the search, with a tree-structured Parzen estimator." in text
    assert "Search (gp): proposed by the search, with a Gaussian process." in text
    assert "Cut short: the budget ended first." in text
    assert "1 cut short" in text
    plain = text_of(lambda console: print_report(console, make_report(make_row(0, 0.5))))
    assert "Search (" not in plain
    assert "Cut short" not in plain


def test_json_documents_keep_their_keys() -> None:
    report, status = as_json(make_report(make_row(0, 0.5)), []), status_json(make_status(make_row(0, 0.5)))
    shared = {"study", "baseline", "winner", "verdict", "spent_s", "planned_s", "waiting"}
    own = {"trials", "best", "paid_share", "interrupted", "production", "evaluations", "rungs", "epochs"}
    assert report.keys() == shared | own
    assert status.keys() == shared | {"alive", "running", "share_spent", "events"}


def test_the_list_as_json_has_the_study_and_its_winner() -> None:
    document = json.loads(dumps(listing(make_overview(make_row(0, 0.5), make_row(1, 0.625)))))
    assert (document["name"], document["trials"]) == ("birds", 2)
    assert document["take_home"] == {"trial": 1, "map50_95": 0.625, "seeds": 1, "gain": 0.125, "defaults": 0.5}
    assert listing(make_overview())["take_home"] is None


@pytest.mark.parametrize(
    ("rows", "number", "text"),
    [
        (
            (make_row(0, 0.5), make_row(1, 0.6), make_row(9, 0.55, best_map50_95=0.99)),
            1,
            "trial 1: mAP50-95 0.600, one",
        ),
        ((make_row(0, 0.5), make_row(9, 0.51, best_map50_95=0.99)), 9, "trial 9: mAP50-95 0.510, one seed"),
        ((make_row(0, 0.5), make_row(9, 0.501, best_map50_95=0.99)), 0, "the defaults: mAP50-95 0.500, one seed"),
        (confirmed(0.58).trials, 2, "trial 2: mAP50-95 0.587, mean of 3 seeds, defaults 0.500, mean of 3 seeds"),
        (TIED, 0, "the defaults: mAP50-95 0.505, mean of 2 seeds"),
    ],
)
def test_status_show_and_export_name_the_same_trial(rows: tuple[TrialRow, ...], number: int, text: str) -> None:
    report = make_report(*rows)
    assert report.winner is not None
    assert report.winner.number == number  # what `export` writes
    status = text_of(lambda console: print_status(console, make_status(*rows, study=best_epoch_elsewhere())))
    assert f"winner    {text}" in status
    shown = text_of(lambda console: print_report(console, report))
    assert (f"trial {number} is handed over" if number else "the defaults are handed over") in shown


def test_the_defaults_lead_while_nothing_has_trained_to_the_end() -> None:
    rows = (make_row(0, 0.5, state=TrialState.RUNNING), make_row(1, 0.51, state=TrialState.STOPPED))
    text = text_of(lambda console: print_report(console, make_report(*rows), details=True))
    assert "The defaults lead so far with mAP50-95 of 0.500 on val; no trial has reached its last epoch." in text


def test_a_missing_production_training_is_named_with_the_command_that_does_it() -> None:
    why = "the search's share of the budget is spent; what is left pays 4 epochs of a production training"
    study = make_study(spec=make_spec(train=20), reason=why)
    report = make_report(make_row(0, 0.5), make_row(1, 0.6), study=study)
    text = text_of(lambda console: print_report(console, report), 400)
    assert f"Ended: {why}." in text
    assert (
        "The production training (--train 20) was not done. Do it with: automl export birds --epochs 20 "
        "-o hyp.yaml, then yolo detect train cfg=hyp.yaml"
    ) in text
    production = make_row(2, 0.7, purpose=Purpose.PRODUCTION, repeats=1, epochs=20, done_epochs=20)
    text = text_of(lambda console: print_report(console, replace(report, production=production), details=True), 400)
    assert "was not done" not in text
    assert "Production (trial 2): trial 1 trained for 20 of 20 epochs" in text
