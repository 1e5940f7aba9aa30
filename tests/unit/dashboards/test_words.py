from __future__ import annotations

from dataclasses import replace

import pytest

from automl.records import EventRow, Purpose, Slots, StudyState, TrialState
from automl.scores import leaderboard
from automl.scores.ending import LOOK_BACK
from dashboards import words
from tests.builders.factories import make_row, make_spec, make_study
from tests.builders.overviews import make_latest, make_points, make_progress


def test_markdown_of_others_is_escaped() -> None:
    assert words.plain("**b** <i> [x](y)\n#") == r"\*\*b\*\* \<i\> \[x\]\(y\) \#"


@pytest.mark.parametrize("address", ["http://a.b/c", "HTTPS://a.b", "www.a.b", "WWW.a.b", "me@a.b"])
def test_an_address_is_no_link(address: str) -> None:
    assert address.replace(".", r"\.").replace(":", r"\:") not in words.plain(f"see {address}")
    assert words.plain(address).replace("\N{WORD JOINER}", "").replace("\\", "") == address


def test_before_the_first_epoch_the_headline_says_what_comes_first() -> None:
    assert "defaults train first" in words.headline(make_progress(baseline=None, winner=None))


def test_a_gain_from_one_seed_is_called_unconfirmed() -> None:
    text = words.headline(make_progress())
    assert "trial 2 0.420; the defaults 0.400. Expected gain +0.020" in text
    assert "It has one seed" in text


def test_a_small_gain_is_no_difference() -> None:
    verdict = leaderboard.verdict([make_row(0, 0.4), make_row(5, 0.403)])
    progress = make_progress(winner=make_row(0, 0.4), verdict=verdict)
    assert "No difference found between trial 5 and the defaults" in words.headline(progress)
    assert words.sureness(progress).startswith("no difference found, ")


def test_defaults_that_failed_are_the_headline() -> None:
    study = make_study(spec=make_spec(), state=StudyState.FAILED, reason="out of memory")
    progress = make_progress(study=study, state=StudyState.FAILED, alive=False, baseline=None, winner=None, points=())
    assert "The defaults could not be trained, so nothing else was: out of memory." in words.headline(progress)
    assert words.outlook(progress) == "The study has failed."  # its reason stands above
    assert words.next_command(progress) == "automl show birds"


def test_while_it_runs_the_wait_has_a_length_and_a_promise() -> None:
    progress = make_progress()
    assert progress.left_s == pytest.approx(7200.0)
    assert progress.expected_gain is not None
    assert 0 < progress.expected_gain < 0.05
    added = f"takes 2:00:00. The rest of the search is expected to add about {progress.expected_gain:.3f} to"
    assert added in words.outlook(progress)


def test_trials_that_all_score_alike_promise_less_than_where_the_search_ends() -> None:
    progress = make_progress(latest=make_latest(spread=0.0))
    assert progress.expected_gain == 0.0
    assert "is expected to add less than 0.001 to" in words.outlook(progress)


def test_the_reserve_for_a_production_training_promises_nothing() -> None:
    progress = make_progress()
    left_s = progress.study.slot_s * (1 - progress.share_spent) / progress.share_spent
    reserved = make_progress(planned_s={"production": 0.7 * left_s})
    assert progress.expected_gain is not None
    assert reserved.expected_gain is not None
    assert reserved.expected_gain < progress.expected_gain
    several = make_study(spec=make_spec(budgets=("3h",), slots=Slots(count=4, device="cpu")), state=StudyState.RUNNING)
    study = replace(several, slot_s=7200.0, wall_s=7200.0)
    alone, beside = make_progress(study=study), make_progress(study=study, planned_s={"production": 0.2 * left_s})
    assert alone.expected_gain is not None
    assert beside.expected_gain is not None
    assert beside.expected_gain < alone.expected_gain  # the other slots stand idle meanwhile


@pytest.mark.parametrize(
    ("budgets", "text"),
    [
        (("3473cpu-s",), "25% of 57.9 cpu-min, 43.4 cpu-min left"),
        (("90min",), "25% of 1:30:00 of wall time, 1:07:30 of wall time left"),
        (("4trials",), "25% of 4 trials, 3 trials left"),
        (("2cpu-h", "4trials"), "25% of 2.00 cpu-h or 4 trials"),
    ],
)
def test_a_budget_is_told_in_the_units_of_what_is_spent(budgets: tuple[str, ...], text: str) -> None:
    study = make_study(spec=make_spec(budgets=budgets, slots=Slots(count=2, device="cpu")))
    assert words.share_of_budget(make_progress(study=study, share=0.25)) == text


def test_held_rows_say_what_they_leave_out() -> None:
    assert words.held_order(None) == ""
    assert words.held_order(0) == "Ticked rows stay in place; the order has changed."
    assert words.held_order(1) == "Ticked rows stay in place; 1 trial has come in."
    assert words.held_order(3) == "Ticked rows stay in place; 3 trials have come in."


def test_few_trials_or_a_crashed_process_promise_nothing_at_all() -> None:
    assert make_progress(latest=make_latest(count=LOOK_BACK - 1)).expected_gain is None
    assert make_progress(points=()).expected_gain is None
    assert "expected to add" not in words.outlook(make_progress(latest=()))
    dead = make_progress(alive=False)
    assert dead.expected_gain is None
    assert "The study process ended unexpectedly. Continue with: automl resume birds" in words.outlook(dead)
    assert words.next_command(dead) == "automl resume birds"


def test_once_repeats_run_the_search_promises_nothing() -> None:
    again = replace(make_points(11)[-1], repeats=0, purpose=Purpose.CONFIRMATION)
    assert make_progress(points=(*make_points(10), again)).expected_gain is None


def test_a_trial_that_still_runs_has_not_ended() -> None:
    running = replace(make_points(11)[-1], score=0.9, ended_at=None, state=TrialState.RUNNING)
    assert "trial 2, ended after" in words.outlook(make_progress(points=(*make_points(10), running)))
    assert words.outlook(make_progress(points=(replace(running, number=0),))) == "No trial has ended yet."


def test_an_ended_study_waits_for_nothing_any_more() -> None:
    alone = {"points": make_points(1), "winner": make_row(0, 0.4)}
    text = "No single run is above the defaults'"
    assert words.outlook(make_progress(**alone)).startswith(f"{text} yet; no trial")
    ended = make_progress(**alone, state=StudyState.FINISHED, alive=False)
    assert words.outlook(ended).startswith(f"{text}; no trials of the search ended after it.")


def test_an_ended_study_says_why() -> None:
    assert "The study has finished: it is spent." in words.outlook(
        make_progress(state=StudyState.FINISHED, alive=False)
    )


def test_the_next_command_names_a_trial_only_where_it_is_not_the_winner() -> None:
    progress = make_progress()
    assert "--trial" not in words.next_command(progress, make_row(2, 0.42))
    assert "--trial 5" in words.next_command(progress, make_row(5))
    assert words.next_command(make_progress(state=StudyState.INTERRUPTED)) == "automl resume birds"


def test_the_defaults_are_no_gain_over_themselves() -> None:
    assert make_progress(winner=make_row(0, 0.4)).gain is None
    assert make_progress().gain == pytest.approx(0.02)


def test_a_stopped_trial_says_at_which_rung() -> None:
    row = make_row(1, state=TrialState.STOPPED, reason="rung 3: mean 0.1 below the threshold 0.2")
    assert words.end_of(row) == "Stopped: rung 3: mean 0.1 below the threshold 0.2."


def test_a_list_says_in_two_words_how_sure_it_is() -> None:
    assert words.sureness(make_progress(verdict=None)) == "one seed"
    assert words.sureness(make_progress()) == "no difference found, 89%"
    assert words.sureness(make_progress(winner=None)) == "–"


def test_the_log_has_its_newest_line_first_and_no_line_breaks() -> None:
    events = [
        EventRow(id=n, at=0.0, kind="note", trial=trial, text=text)
        for n, trial, text in ((1, None, "a\nb"), (2, 7, "c"))
    ]
    at = words.clock(0.0, 0.0)
    assert words.log_of(events, 0.0) == f"{at} trial 7: c\n{at} a b"


def test_a_trial_without_a_score_has_no_certainty() -> None:
    failed = make_row(0, None, state=TrialState.FAILED)
    assert words.certainty(make_progress(baseline=failed), failed) == ""


def test_the_defaults_are_not_called_proposed() -> None:
    assert words.source_of(make_row(0)) == "These are the defaults."
    assert words.source_of(make_row(3)) == "Proposed by tpe."
