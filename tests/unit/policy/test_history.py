"""What rows tell of trials that have ended, beside what the search knew when they did."""

from __future__ import annotations

import statistics
from dataclasses import fields
from pathlib import Path

import pytest

from automl.policy.history import at_horizon, events
from automl.records import TrialPoint, TrialRow, TrialState
from automl.scores.ending import LOOK_BACK, promised
from tests.builders.factories import make_epoch_row, make_row, make_spec, play


def point(row: TrialRow) -> TrialPoint:
    """The row in a few figures."""
    return TrialPoint(**{field.name: getattr(row, field.name) for field in fields(TrialPoint)})


def test_a_stopped_trial_gains_what_those_gained_that_went_on() -> None:
    curves = {0: [0.1, 0.3, 0.5], 1: [0.1, 0.2, 0.3]}  # means .1, .2 and .1, .15; ends .5 and .3
    stopped = make_row(2, 0.05, state=TrialState.STOPPED, done_epochs=1, slot_s=9.0)
    found = at_horizon([point(make_row(0, 0.3)), point(stopped)], curves, levels=(1, 2), horizon=3)
    assert found == [(0.3, 720.0), (pytest.approx(0.05 + 0.075 + 0.225), 9.0)]


@pytest.mark.parametrize("changes", [{"done_epochs": 2}, {"done_epochs": 1}])
def test_where_nobody_went_on_a_trial_has_the_score_that_it_had(changes: dict[str, int]) -> None:
    row = make_row(2, 0.05, state=TrialState.CUT, **changes)
    assert at_horizon([point(row)], {}, levels=(1,), horizon=3) == [(0.05, 720.0)]
    assert at_horizon([point(make_row(2, None, state=TrialState.CUT))], {}, levels=(1,), horizon=3) == []


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rows_tell_of_a_search_what_it_told_its_sampler(seed: int, tmp_path: Path) -> None:
    spec = make_spec(budgets=("60trials",), seed=seed, early_end=False)
    played = play(spec, tmp_path)
    rows = sorted(played.record.trials.values(), key=lambda row: (row.ended_at, row.number))
    whole = [row.number for row in rows if row.state is TrialState.COMPLETED][-LOOK_BACK:]
    curves = {number: [each.map50_95 for each in played.record.epochs if each.trial == number] for number in whole}
    latest = rows[-LOOK_BACK:]
    assert {row.state for row in latest} == {TrialState.COMPLETED, TrialState.STOPPED}
    found = at_horizon(map(point, latest), curves, spec.rungs, spec.epochs)
    told = [(played.search.runs[row.number].told or 0.0, row.slot_s) for row in latest]
    assert [cost for _, cost in found] == [cost for _, cost in told]
    assert statistics.fmean(abs(ours[0] - theirs[0]) for ours, theirs in zip(found, told, strict=True)) < 0.02
    best = max(row.score or 0.0 for row in rows if row.state is TrialState.COMPLETED)
    assert promised(found, best, 72_000.0) == pytest.approx(
        promised(told, best, 72_000.0), abs=0.006
    )  # the gains are of today's rows


def test_a_trial_s_events_keep_their_order_where_the_clock_was_set_back() -> None:
    epochs = [make_epoch_row(0, epoch, 0.5, at) for epoch, at in enumerate((3600.0, 3660.0, 60.0, 120.0), start=1)]
    other = make_epoch_row(1, 1, 0.5, 3630.0)
    rows = [make_row(0, ended_at=120.0), make_row(1, state=TrialState.RUNNING, ended_at=None)]
    told = [(number, epoch and epoch.epoch) for number, epoch in events(rows, [*epochs, other])]
    assert told == [(0, 1), (1, 1), (0, 2), (0, 3), (0, 4), (0, None)]
