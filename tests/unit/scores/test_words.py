"""Sentences of verdicts and scores."""

from __future__ import annotations

import pytest

from automl.records import Purpose, TrialRow, TrialState
from automl.scores.leaderboard import verdict
from automl.scores.words import chance_text, one_seed_text, score_definition, verdict_text
from tests.builders.factories import make_row


def repeat(number: int, of: int, score: float | None, **changes: object) -> TrialRow:
    """A run of trial `of` with another seed."""
    return make_row(number, score, repeats=of, purpose=Purpose.CONFIRMATION, seed=1, **changes)


@pytest.mark.parametrize(("horizon", "last"), [(1, 1), (11, 1), (12, 2), (20, 3), (35, 4), (36, 5), (300, 5)])
def test_the_words_on_a_score_tell_how_many_epochs_make_it(horizon: int, last: int) -> None:
    assert score_definition(horizon).endswith(f"last {last} epochs" if last > 1 else "last epoch")


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


def test_a_training_that_goes_on_is_said_to_lead_without_a_gain() -> None:
    running = {"state": TrialState.RUNNING, "done_epochs": 3}
    told = one_seed_text(make_row(1, 0.4, **running), None, make_row(0, 0.3, **running))
    assert told == "Trial 1 leads so far with 0.400 on val; no training has reached its last epoch."


def test_where_nothing_was_learnt_the_defaults_are_not_called_as_good() -> None:
    told = one_seed_text(make_row(0, 0.0), make_row(1, 0.004), make_row(0, 0.0))
    assert told.startswith("No training learnt enough to compare: after 12 epochs the defaults are at mAP50-95 of")
