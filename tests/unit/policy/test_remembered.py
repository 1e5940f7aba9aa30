"""A report's rows from the memory of a search."""

from __future__ import annotations

from pathlib import Path

from automl.policy.remembered import trials_of
from automl.records import Outcome, TrialState
from tests.builders.factories import make_metrics, make_row, make_search, make_spec


def test_a_trial_is_remembered_with_its_scores_its_cost_and_its_end(tmp_path: Path) -> None:
    search = make_search(make_spec(directory=str(tmp_path)))
    trial = search.next_trial(0.0)
    assert trial is not None
    for epoch, score in enumerate((0.1, 0.3, 0.2), start=1):
        search.report(trial.number, make_metrics(epoch, score), 10.0 * epoch)
    search.close(trial.number, Outcome(state=TrialState.CUT, reason="the budget is spent"), 40.0)
    (row,) = trials_of(search, ())
    assert (row.number, row.state, row.reason) == (0, TrialState.CUT, "the budget is spent")
    assert (row.done_epochs, row.best_map50_95, row.best_epoch, row.last_map50_95) == (3, 0.3, 2, 0.2)
    assert (row.score, row.slot_s) == (search.runs[0].score, 40.0)


def test_a_trial_that_ended_in_an_earlier_session_keeps_its_row(tmp_path: Path) -> None:
    search = make_search(make_spec(directory=str(tmp_path)))
    search.next_trial(0.0)
    stored = make_row(0, 0.5)
    assert trials_of(search, [stored]) == [stored]
