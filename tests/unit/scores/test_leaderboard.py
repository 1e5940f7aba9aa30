"""Ranking of stored trials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.records import Purpose, TrialRow, TrialState
from automl.scores.leaderboard import FEW, baseline_of, changed, finalists, gain, rank, score, verdict, winner
from automl.scores.words import chance_text, one_seed_text, score_definition, verdict_text
from tests.builders.factories import as_point, make_row


def test_the_best_score_comes_first() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.7), make_row(2, 0.6)]
    assert [row.number for row in rank(rows)] == [1, 2, 0]


def test_a_score_is_the_mean_of_the_last_five_epochs() -> None:
    assert score([], 100) is None
    assert score([0.2, 0.4], 100) == pytest.approx(0.3)
    assert score([0.9, 0.1, 0.2, 0.3, 0.4, 0.5], 100) == pytest.approx(0.3)


@pytest.mark.parametrize(("horizon", "last"), [(1, 1), (11, 1), (12, 2), (20, 3), (35, 4), (36, 5), (300, 5)])
def test_the_score_of_a_whole_training_is_of_its_last_eighth(horizon: int, last: int) -> None:
    scores = [number / 1000 for number in range(horizon)]
    assert score(scores, horizon) == pytest.approx(sum(scores[-last:]) / last)
    assert score_definition(horizon).endswith(f"last {last} epochs" if last > 1 else "last epoch")


def test_one_lucky_epoch_makes_no_winner() -> None:
    rows = [make_row(0, 0.50), make_row(1, 0.55, best_map50_95=0.70), make_row(2, 0.60, best_map50_95=0.61)]
    assert [row.number for row in rank(rows)] == [2, 1, 0]
    assert winner(rows) is rows[2]
    assert gain(rows[2], rows[0]) == pytest.approx(0.10)


def test_scores_that_differ_only_by_the_order_of_adding_are_equal() -> None:
    rows = [make_row(0, 0.1), make_row(1, 0.3), make_row(2, 0.1 + 0.2)]  # 0.30000000000000004
    assert [row.number for row in rank(rows)] == [1, 2, 0]


def test_a_full_training_comes_before_a_stopped_one_of_the_same_score() -> None:
    rows = [make_row(0, 0.5, state=TrialState.STOPPED), make_row(1, 0.5), make_row(2, 0.5)]
    assert [row.number for row in rank(rows)] == [1, 2, 0]


def test_failed_trials_and_those_without_a_score_are_not_ranked() -> None:
    assert rank([make_row(0, 0.9, state=TrialState.FAILED), make_row(1, None)]) == []


def test_a_score_of_zero_is_ranked_and_is_no_failure() -> None:
    assert [row.number for row in rank([make_row(0, 0.0), make_row(1, None)])] == [0]


def repeat(number: int, of: int, score: float | None, **changes: object) -> TrialRow:
    """A run of trial `of` with another seed."""
    return make_row(number, score, repeats=of, purpose=Purpose.CONFIRMATION, seed=1, **changes)


def test_repeats_have_no_place_of_their_own() -> None:
    assert [row.number for row in rank([make_row(0, 0.5), make_row(1, 0.6), repeat(2, 1, 0.9)])] == [1, 0]


def test_without_repeats_nothing_is_decided_and_the_best_score_is_taken_home() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.6), repeat(2, 1, None, state=TrialState.FAILED)]
    assert verdict(rows) is None
    assert winner(rows) is rows[1]
    assert winner([]) is None


def test_repeats_of_the_defaults_alone_decide_nothing() -> None:
    assert verdict([make_row(0, 0.5), repeat(1, 0, 0.5)]) is None


def test_the_best_confirmed_mean_wins_not_the_best_score_of_the_search() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.62), make_row(2, 0.60)]
    rows += [repeat(n, of, y) for n, (of, y) in enumerate([(0, 0.5), (1, 0.51), (2, 0.58), (1, 0.5), (2, 0.58)], 3)]
    found = verdict(rows)
    assert found is not None
    assert (found.winner, found.best.trial, winner(rows)) == (2, 2, rows[2])
    assert [(each.trial, each.seeds) for each in found.estimates] == [(2, 2), (1, 2), (0, 2)]
    assert (found.best.chance or 0.0) > 0.95
    assert found.of(1) == found.estimates[1]
    assert found.of(7) is None
    assert found.cost_s == 5 * 720.0


def test_a_repeat_counts_with_its_best_epoch_which_a_new_best_pt_will_hold() -> None:
    rows = [make_row(0, 0.40, best_map50_95=0.50), make_row(1, 0.60)]
    rows += [make_row(2 + n, 0.41, best_map50_95=0.58, repeats=1) for n in range(2)]
    decided = verdict(rows)
    assert decided is not None
    for trial, best in ((0, 0.50), (1, 0.58)):
        found = decided.of(trial)
        assert found is not None
        assert found.score.mean == pytest.approx(best, abs=0.02)


def test_the_defaults_are_taken_home_where_nothing_surely_beats_them() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.56), repeat(2, 0, 0.505), repeat(3, 1, 0.51)]
    found = verdict(rows)
    assert found is not None
    assert (found.winner, found.best.trial, winner(rows)) == (0, 1, rows[0])


def test_a_gain_that_is_not_proven_is_no_tie_either() -> None:
    def told(again: float) -> str:
        found = verdict([make_row(0, 0.5), make_row(1, 0.56), repeat(2, 0, 0.38), repeat(3, 1, again)])
        assert found is not None
        assert found.winner == 0
        return verdict_text(found)

    assert told(0.445).startswith("The defaults are as good: mAP50-95 0.44")
    assert told(0.60).startswith("No winner is proven, so the defaults are kept: mAP50-95 0.4")


@pytest.mark.parametrize(("chance", "told"), [(1.0, "over 99%"), (0.987, "99%"), (0.5, "50%"), (0.001, "under 1%")])
def test_a_chance_is_never_told_as_a_certainty(chance: float, told: str) -> None:
    assert chance_text(chance) == told


def test_a_repeat_that_failed_or_was_cut_says_nothing() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.56), repeat(2, 1, 0.56)]
    more = [repeat(3, 1, 0.1, state=TrialState.CUT), repeat(4, 0, 0.9, state=TrialState.FAILED)]
    one, two = verdict(rows), verdict([*rows, *more])
    assert one is not None
    assert two is not None
    assert one.estimates == two.estimates


def test_the_baseline_is_trial_zero() -> None:
    rows = [make_row(1), make_row(0)]
    assert baseline_of(rows) is rows[1]
    assert baseline_of(rows[:1]) is None


def test_the_gain_is_a_difference_of_scores() -> None:
    assert gain(make_row(1, 0.75), make_row(0, 0.5)) == 0.25


def test_there_is_no_gain_before_both_have_scored() -> None:
    assert gain(make_row(1, 0.7), None) is None
    assert gain(make_row(1, 0.7), make_row(0, None)) is None
    assert gain(make_row(1, None), make_row(0, 0.5)) is None


def test_only_parameters_that_differ_from_the_baseline_count_as_changed() -> None:
    baseline = make_row(0, params={"lr0": 0.01, "box": 7.5})
    assert changed(make_row(1, params={"lr0": 0.02, "box": 7.5, "nbs": 16}), baseline) == {"lr0": 0.02, "nbs": 16}


def test_without_repeats_a_tie_takes_the_defaults_home() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.51)]
    assert winner(rows) is rows[0]
    rows = [make_row(0, 0.5), make_row(1, 0.55)]
    assert winner(rows) is rows[1]


def test_without_repeats_only_a_completed_trial_wins() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.55), make_row(2, 0.6, state=TrialState.STOPPED)]
    assert winner(rows) is rows[1]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, 0.1, 0.2, 0.3, 0.31, 0.4]),
            st.sampled_from(list(TrialState)),
            st.sampled_from([None, None, None, 0, 1, 2]),
        ),
        max_size=30,
    )
)
def test_the_finalists_name_the_winner_that_all_trials_name(
    trials: list[tuple[float | None, TrialState, int | None]],
) -> None:
    rows = [
        make_row(number, score, state=state, repeats=of if number > 2 else None)
        for number, (score, state, of) in enumerate(trials)
    ]
    kept = finalists(map(as_point, rows))
    few = [row for row in rows if row.number in kept]
    assert len(few) <= 1 + 2 * FEW + sum(row.repeats is not None for row in rows) + 3
    assert verdict(few) == verdict(rows)
    assert winner(few) == winner(rows)


def test_a_training_that_goes_on_is_said_to_lead_without_a_gain() -> None:
    running = {"state": TrialState.RUNNING, "done_epochs": 3}
    told = one_seed_text(make_row(1, 0.4, **running), None, make_row(0, 0.3, **running))
    assert told == "Trial 1 leads so far with 0.400 on val; no training has reached its last epoch."


def test_where_nothing_was_learnt_the_defaults_are_not_called_as_good() -> None:
    told = one_seed_text(make_row(0, 0.0), make_row(1, 0.004), make_row(0, 0.0))
    assert told.startswith("No training learnt enough to compare: after 12 epochs the defaults are at mAP50-95 of")
