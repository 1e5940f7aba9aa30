"""The benchmark of the page: its synthetic studies, its figures and its errors."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from automl.records import StudyState, TrialState
from benchmarks.cli import app
from benchmarks.page import views
from benchmarks.page.probe import VIEWS
from benchmarks.page.study import LENGTH, SyntheticStudy

STUDY = SyntheticStudy(name="large", trials=200, mean_epochs=12, directory="/runs/large", now=1_790_000_000.0)


def test_a_synthetic_study_has_its_size_and_mostly_stopped_trials() -> None:
    assert len(STUDY.space.parameters) == 28
    assert len(STUDY.rows) == STUDY.study.trials == 200
    epochs = list(STUDY.epochs())
    assert len(epochs) == sum(row.done_epochs for row in STUDY.rows)
    assert len(epochs) == pytest.approx(200 * 12, rel=0.4)  # twelve repeats weigh much in so small a study
    states = Counter(row.state for row in STUDY.rows)
    assert states[TrialState.STOPPED] > 2 * states[TrialState.COMPLETED] > 0 < states[TrialState.FAILED]
    assert {row.repeats for row in STUDY.rows} > {None, 0}
    assert STUDY.horizon == round(LENGTH * 12)
    for row in STUDY.rows:
        scores = [epoch.map50_95 for epoch in epochs if epoch.trial == row.number]
        assert row.best_map50_95 == max(scores)


def test_a_running_study_has_trials_that_have_not_ended() -> None:
    live = replace(STUDY, running=True)
    assert live.study.state is StudyState.RUNNING
    assert {row.state for row in live.rows[-8:]} == {TrialState.RUNNING}
    assert list(live.evaluations()) == []


def test_the_same_seed_makes_the_same_study() -> None:
    again = replace(STUDY)
    assert again.rows == STUDY.rows
    assert replace(STUDY, seed=1).rows != STUDY.rows


def test_a_view_and_the_refresh_of_a_running_study_are_measured() -> None:
    figures = views.run(views.Size(trials=48, epochs=4), views=["Study, trials"])
    assert [row.page for row in figures.rows] == ["Study, trials", "Running study"]
    assert all(row.render_s > 0 <= row.peak_mb for row in figures.rows)
    (row,) = figures.queries
    assert 0 < row.leaderboard_query_s <= row.leaderboard_slowest_s
    assert row.live_refresh_s > 0
    assert 0 < row.live_rows < figures.trials == 48


def test_every_view_is_a_row_of_the_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOML_TEST_DB", raising=False)
    names = ("render_s", "cpu_s", "peak_mb", "live_refresh_s", "live_refresh_cpu_s", "live_rows", "leaderboard_query_s")
    measurement = {**dict.fromkeys(names, 1.0), "leaderboard_slowest_s": 2.0}
    monkeypatch.setattr(views, "_probe", lambda job: measurement)
    result = CliRunner().invoke(app, ["page", "--trials", "48", "--epochs", "4", "--json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert [(row["page"], row["backend"]) for row in rows] == [(view, "sqlite") for view in VIEWS]
    assert {"page", "backend", "render_s", "peak_mb"} <= rows[0].keys()


@pytest.mark.parametrize(
    "words", [["--trials", "3"], ["--epochs", "0"], ["--db", "mysql://x"], ["--db", "sqlite:///x"]]
)
def test_a_wrong_option_ends_with_2(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_probe", lambda job: pytest.fail("nothing may be measured"))
    assert CliRunner().invoke(app, ["page", *words]).exit_code == 2
