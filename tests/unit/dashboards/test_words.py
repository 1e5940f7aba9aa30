from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from automl.recipes import Subject
from automl.records import EventRow, PointCost, Purpose, Slots, StudyState, TrialRow, TrialState
from automl.reports.card import Line, card
from automl.reports.watch import StudyProgress
from automl.scores import leaderboard
from automl.scores.answer import answer_of
from automl.scores.ending import LOOK_BACK
from automl.scores.words import chance_text
from dashboards import words
from tests.builders.factories import as_point, make_point, make_row, make_spec, make_study
from tests.builders.overviews import make_latest, make_points, make_progress


def test_markdown_of_others_is_escaped() -> None:
    assert words.plain("**b** <i> [x](y)\n#") == r"\*\*b\*\* \<i\> \[x\]\(y\) \#"


@pytest.mark.parametrize("address", ["http://a.b/c", "HTTPS://a.b", "www.a.b", "WWW.a.b", "me@a.b"])
def test_an_address_is_no_link(address: str) -> None:
    assert address.replace(".", r"\.").replace(":", r"\:") not in words.plain(f"see {address}")
    assert words.plain(address).replace("\N{WORD JOINER}", "").replace("\\", "") == address


def test_before_the_first_epoch_the_headline_says_what_comes_first() -> None:
    assert "defaults train first" in words.headline(make_progress(baseline=None, winner=None))


def test_the_details_have_the_sentences_on_the_search() -> None:
    (text,) = words.details(make_progress())
    assert text.startswith("Trainings of 12 epochs: So far: No difference found between trial 2 and the defaults")
    (text,) = words.details(make_progress(state=StudyState.FINISHED, alive=False))
    assert text.startswith("Trainings of 12 epochs: No difference found between trial 2 and the defaults")
    assert words.details(make_progress(baseline=None, winner=None)) == []


def test_repeats_that_have_not_ended_are_counted_in_the_details_of_a_running_study() -> None:
    rows = [make_row(0, 0.4), make_row(2, 0.5), make_row(5, 0.41, repeats=0), make_row(6, 0.48, repeats=2)]
    points = (*map(as_point, rows), make_point(7, None, repeats=2, ended_at=None, state=TrialState.RUNNING))
    verdict = leaderboard.verdict(rows)
    text = words.details(make_progress(points=points, verdict=verdict))[0]
    assert text.startswith("Trainings of 12 epochs: So far, with 2 of 3 started seed repeats ended: ")
    ended = words.details(make_progress(points=points, verdict=verdict, state=StudyState.FINISHED, alive=False))[0]
    assert "So far" not in ended


def produced(number: int, repeats: int, score: float, **changes: Any) -> TrialRow:
    """A production training of 60 epochs."""
    fields = {"purpose": Purpose.PRODUCTION, "origin": "production", "epochs": 60, "done_epochs": 60, **changes}
    return make_row(number, score, repeats=repeats, **fields)


def at_length(**changes: Any) -> StudyProgress:
    """A study whose defaults and trial 2 were both trained for 60 epochs."""
    study = make_study(spec=make_spec(train=60, compare=True))
    rows = [make_row(0, 0.4), make_row(2, 0.42), produced(3, 0, 0.5), produced(4, 2, 0.56)]
    answer = answer_of(rows, (), study.spec, leaderboard.verdict(rows))
    return make_progress(study=study, answer=answer, production=rows[3], alive=False, **changes)


def test_both_production_trainings_are_details() -> None:
    progress = at_length()
    texts = words.details(progress)[1:]
    assert [text[: text.index(" trained")] for text in texts] == [
        "Production (trial 3): the defaults",
        "Production (trial 4): trial 2",
    ]
    running = produced(7, 2, 0.3, state=TrialState.RUNNING)
    assert [row.number for row in words.productions(at_length(running=(running, make_row(8))))] == [3, 4, 7]


def test_the_outcome_is_that_of_the_card() -> None:
    progress = at_length()
    lines = {line.label: line.text for line in card(progress)}
    assert words.outcome(progress) == f"Difference: {lines['difference']}."
    assert "trial 2 is handed over" in words.outcome(progress)
    none = make_progress(winner=None)
    assert words.outcome(none) == ""
    assert words.no_outcome(none) == "No completed trial scored above the defaults so far."


def test_the_card_on_the_page_has_the_cards_lines_and_no_html_of_others() -> None:
    html = words.card_html([Line("model", "<img src=x>"), Line("cost", "1 & 2")])
    assert "<dt>model</dt><dd>&lt;img src=x&gt;</dd><dt>cost</dt><dd>1 &amp; 2</dd>" in html


@pytest.mark.parametrize(
    ("state", "title"),
    [
        (StudyState.RUNNING, "The answer so far"),
        (StudyState.INTERRUPTED, "The answer so far"),
        (StudyState.FINISHED, "The answer"),
    ],
)
def test_an_answer_that_may_change_is_one_so_far(state: StudyState, title: str) -> None:
    assert words.card_title(make_study(state=state)) == title


def test_the_first_trials_of_several_points_are_all_the_defaults() -> None:
    points = (PointCost("a@640", 1.0), PointCost("b@640", 2.0))
    study = make_study(spec=make_spec(points=points))
    assert [words.produced_name(number, study) for number in (0, 1, 2)] == ["the defaults", "the defaults", "trial 2"]


def test_a_production_training_that_was_not_done_has_its_command() -> None:
    study = make_study(spec=make_spec(train=60), state=StudyState.FINISHED)
    assert "automl export birds --epochs 60" in words.missing_production(study, None)
    assert words.missing_production(study, produced(3, 0, 0.5)) == ""
    assert words.missing_production(replace(study, state=StudyState.RUNNING), None) == ""


def test_a_recipe_says_its_length_and_that_of_the_search() -> None:
    study, trial = make_study(spec=make_spec(train=60, compare=True)), make_row(2)
    subject = Subject(study=study, trial=trial, baseline=make_row(0))
    assert words.length_of(subject) == (
        "For a training of 60 epochs, the length of production; the search trained it for 12."
    )
    own = replace(subject, production=produced(4, 2, 0.5))
    assert "60 epochs, as its production training had; the search trained it for 12." in words.length_of(own)
    assert words.length_of(replace(subject, epochs=12)) == "For a training of 12 epochs, as the search trained it."


def test_trials_are_counted_by_state_and_slots() -> None:
    assert words.trials(make_progress(3)) == "3 trials, one at a time: 3 completed."
    assert words.trials(make_progress(0)) == "0 trials, one at a time."


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
    added = f"takes 2 h 0 min. The rest of the search is expected to add about {progress.expected_gain:.3f} to"
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
        (("90min",), "25% of 1 h 30 min of wall time, 1 h 7 min of wall time left"),
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
    assert "--epochs" not in words.next_command(progress)  # the export's own length is that of production
    assert words.next_command(make_progress(state=StudyState.INTERRUPTED)) == "automl resume birds"


def test_the_defaults_are_no_gain_over_themselves() -> None:
    assert make_progress(winner=make_row(0, 0.4)).gain is None
    assert make_progress().gain == pytest.approx(0.02)


def test_a_stopped_trial_says_at_which_rung() -> None:
    row = make_row(1, state=TrialState.STOPPED, reason="weak at epoch 3: mean 0.1, and 0.2 goes on")
    assert words.end_of(row) == "Stopped early: weak at epoch 3: mean 0.1, and 0.2 goes on."


def test_a_list_says_in_two_words_how_sure_it_is() -> None:
    progress = at_length()
    assert progress.answer is not None
    assert progress.answer.chance is not None
    assert words.sureness(progress) == f"{chance_text(progress.answer.chance)} sure"
    assert words.sureness(make_progress(winner=None)) == "–"
    unseen = replace(progress.study, spec=replace(progress.study.spec, unseen="test"))
    vetoed = replace(progress, study=unseen, answer=replace(progress.answer, vetoed=True))
    assert words.sureness(vetoed) == "loses on test"


def test_the_log_has_its_newest_line_first_and_no_line_breaks() -> None:
    events = [
        EventRow(id=n, at=0.0, kind="note", trial=trial, text=text)
        for n, trial, text in ((1, None, "a\nb"), (2, 7, "c"))
    ]
    at = words.clock(0.0, 0.0)
    assert words.log_of(events, 0.0) == f"{at} trial 7: c\n{at} a b"


def test_a_production_training_names_its_recipe_and_length() -> None:
    assert words.repeat_of(produced(3, 0, 0.5)) == "It is a production training of the defaults, for 60 epochs."


def test_the_defaults_are_not_called_proposed() -> None:
    assert words.source_of(make_row(0)) == "These are the defaults."
    assert words.source_of(make_row(3)) == "Recipe from: search (tpe)."
