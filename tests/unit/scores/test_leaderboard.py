"""Ranking and winner of stored trials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.records import Purpose, TrialRow, TrialState
from automl.scores.leaderboard import (
    FEW,
    baseline_of,
    changed,
    finalists,
    gain,
    rank,
    score,
    verdict,
    winner,
    winning,
)
from automl.scores.trust import Confidence
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


def test_one_seed_each_has_a_verdict_of_which_nothing_is_proven() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.6), repeat(2, 1, None, state=TrialState.FAILED)]
    found = verdict(rows)
    assert found is not None
    assert (found.winner, found.repeated, found.confidence) == (1, False, Confidence.PROBABLE)
    assert winner(rows) is rows[1]
    assert winner([]) is None


@pytest.mark.parametrize(
    "rows",
    [
        [make_row(1, 0.6)],  # no defaults
        [make_row(0, 0.5), make_row(1, 0.6, state=TrialState.STOPPED), make_row(2, 0.7, state=TrialState.CUT)],
        [make_row(0, 0.001), make_row(1, 0.004)],  # nothing has learnt
        [make_row(0, 0.5), make_row(1, 0.6, purpose=Purpose.PRODUCTION, repeats=0)],
    ],
)
def test_there_is_no_verdict_before_two_whole_trainings_can_be_compared(rows: list[TrialRow]) -> None:
    assert verdict(rows) is None


def test_repeats_of_the_defaults_alone_are_compared_with_nothing() -> None:
    assert verdict([make_row(0, 0.5), repeat(1, 0, 0.5)]) is None


def test_the_best_mean_of_all_runs_wins_not_the_best_score_of_the_search() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.62), make_row(2, 0.60)]
    rows += [repeat(n, of, y) for n, (of, y) in enumerate([(0, 0.5), (1, 0.51), (2, 0.58), (1, 0.5), (2, 0.58)], 3)]
    decision = verdict(rows)
    assert decision is not None
    assert (decision.winner, decision.best.trial, winner(rows)) == (2, 2, rows[2])
    assert [(row.trial, row.seeds, row.new_seeds) for row in decision.estimates] == [(2, 3, 2), (1, 3, 2), (0, 2, 1)]
    assert decision.best.runs == (0.60, 0.58, 0.58)
    assert decision.best.observed == pytest.approx(1.76 / 3)
    assert decision.of(1) == decision.estimates[1]
    assert decision.defaults == decision.of(0)
    assert decision.of(7) is None
    assert decision.cost_s == 5 * 720.0


def test_all_runs_count_by_the_same_measure_the_mean_of_their_last_epochs() -> None:
    rows = [make_row(0, 0.40, best_map50_95=0.50), make_row(1, 0.60), repeat(2, 1, 0.58, best_map50_95=0.9)]
    decision = verdict(rows)
    assert decision is not None
    assert (decision.defaults.runs, decision.best.runs) == ((0.40,), (0.60, 0.58))


def test_last_epochs_that_scatter_widely_make_a_verdict_less_sure() -> None:
    def chance(scatter: float) -> float:
        scores = [0.5, 0.53, *[0.5] * 10]
        decision = verdict(
            make_row(n, score, last_map50_95=score + scatter * (n % 5 - 2)) for n, score in enumerate(scores)
        )
        assert decision is not None
        return decision.best.chance or 0.0

    assert chance(0.02) < chance(0.002)


def test_the_defaults_win_where_nothing_is_likely_to_beat_them() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.52), make_row(2, 0.49), repeat(3, 0, 0.515), repeat(4, 1, 0.49)]
    decision = verdict(rows)
    assert decision is not None
    assert (decision.winner, decision.best.trial, winner(rows)) == (0, 1, rows[0])
    assert decision.confidence is Confidence.NO_DIFFERENCE


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


def test_one_seed_more_by_a_hair_is_not_enough() -> None:
    rows = [make_row(0, 0.5), make_row(1, 0.505), *(make_row(n, 0.49) for n in range(2, 8))]
    assert winner(rows) is rows[0]
    rows = [make_row(0, 0.5), make_row(1, 0.55)]
    assert winner(rows) is rows[1]


def test_while_no_trial_is_completed_the_best_score_leads_or_the_defaults_in_a_tie() -> None:
    running = {"state": TrialState.RUNNING, "done_epochs": 3}
    rows = [make_row(0, 0.5, **running), make_row(1, 0.51, **running)]
    assert winner(rows) is rows[0]
    rows = [make_row(0, 0.5, **running), make_row(1, 0.55, **running)]
    assert winner(rows) is rows[1]


def test_only_a_completed_trial_wins() -> None:
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
def test_the_winner_is_among_the_finalists_and_points_name_it_too(
    trials: list[tuple[float | None, TrialState, int | None]],
) -> None:
    rows = [
        make_row(number, score, state=state, repeats=of if number > 2 else None)
        for number, (score, state, of) in enumerate(trials)
    ]
    points = [as_point(row) for row in rows]
    numbers = finalists(points)
    assert len([row for row in rows if row.number in numbers]) <= 1 + 2 * FEW + 3 + sum(
        row.repeats is not None for row in rows
    )
    assert verdict(points) == verdict(rows)
    named = winner(rows)
    assert winning(points) == (None if named is None else named.number)
    assert named is None or named.number in numbers
