"""What the store promises of figures on images that the search never saw, on SQLite and on Postgres."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from automl.errors import UnknownName
from automl.records import EvaluationRow, StudySpec, Trial
from automl.store import read
from automl.store.write import Recorder, begin_study

ROW = EvaluationRow(
    trial=0, split="test", images=72, map50_95=0.5, map50=0.75, precision=0.5, recall=0.25, slot_s=3.5, at=99.0
)


@pytest.fixture
def birds(engine: Engine, make_spec: Callable[..., StudySpec]) -> str:
    begin_study(engine, make_spec("birds"), at=100.0, host="here", pid=1)
    return "birds"


@pytest.fixture
def recorder(engine: Engine, birds: str) -> Recorder:
    found = Recorder(engine, birds)
    for number in (0, 3):
        trial = Trial(number=number, params={}, epochs=9, seed=0)
        found.trial_started(trial, at=10.0, node=None, device=None, pid=None)
    return found


def test_figures_come_back_by_trial_and_split(engine: Engine, birds: str, recorder: Recorder) -> None:
    rows = [replace(ROW, trial=3), ROW, replace(ROW, split="holdout", map50_95=math.nan)]
    for row in rows:
        recorder.evaluated(row)
    recorder.close()
    found = read.evaluations(engine, birds)
    assert [(row.trial, row.split) for row in found] == [(0, "holdout"), (0, "test"), (3, "test")]
    assert math.isnan(found[0].map50_95)
    assert found[1:] == [ROW, replace(ROW, trial=3)]
    assert read.evaluations(engine, birds, 3) == [replace(ROW, trial=3)]


def test_intervals_and_the_gain_against_the_defaults_come_back(engine: Engine, birds: str, recorder: Recorder) -> None:
    known = replace(ROW, low=0.44, high=0.56)
    better = replace(known, trial=3, gain=0.012, gain_low=-0.008, gain_high=0.031, chance=0.84)
    for row in (replace(ROW, trial=3), known, better):
        recorder.evaluated(row)
        recorder.close()
    assert read.evaluations(engine, birds) == [known, better]


def test_a_second_word_replaces_the_first(engine: Engine, birds: str, recorder: Recorder) -> None:
    recorder.evaluated(ROW)
    recorder.close()
    again = replace(ROW, images=71, map50_95=0.25, slot_s=1.0, at=100.0)
    recorder.evaluated(again)
    recorder.close()
    assert read.evaluations(engine, birds) == [again]


def test_a_trial_that_never_began_has_no_figures(engine: Engine, birds: str, recorder: Recorder) -> None:
    with pytest.raises(UnknownName, match="unknown trial '7'"):
        recorder.evaluated(replace(ROW, trial=7))
    with pytest.raises(UnknownName, match="unknown trial '7'"):
        read.evaluations(engine, birds, 7)


def test_another_study_has_its_own(engine: Engine, recorder: Recorder, make_spec: Callable[..., StudySpec]) -> None:
    begin_study(engine, make_spec("bats"), at=101.0, host="here", pid=1)
    recorder.evaluated(ROW)
    recorder.close()
    assert read.evaluations(engine, "bats") == []
