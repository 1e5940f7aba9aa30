"""Pages of one study: how they follow it, its answer, its trials and its insight."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from automl import service
from automl.files import folders
from automl.records import Purpose, StudyState, TrialState
from automl.reports.card import card
from automl.reports.report import report_of
from automl.scores.words import chance_text
from automl.store import read
from automl.store.engine import open_store
from automl.store.recorder import Recorder
from dashboards.context import LIVE_S
from tests.builders.app import Fill, show, text, unharmed
from tests.builders.pages import Filler, curve, fill_birds


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """Seconds between two drawings of each part of the page; None for never."""
    intervals_s: list[float | None] = []
    fragment = st.fragment

    def noted(draw: Callable[[], None], *, run_every: float | None) -> Callable[[], None]:
        intervals_s.append(run_every)
        return fragment(draw, run_every=run_every)

    monkeypatch.setattr("streamlit.fragment", noted)
    return intervals_s


def test_the_list_follows_while_a_study_on_it_runs(fill: Fill, looks: list[float | None]) -> None:
    fill("done").close()
    running = fill("running")
    running.trial(0, curve(0.4))
    running.close(None)
    app = unharmed(show("studies"))
    assert looks == [LIVE_S]
    running.trial(1, curve(0.5))
    running.close(None)
    assert list(app.run().dataframe[0].value["trials"]) == [2, 0]
    looks.clear()
    unharmed(show("studies", search="done"))
    assert looks == [None]  # the one that runs is not among these
    running.close()
    looks.clear()
    unharmed(show("studies"))
    assert looks == [None]


def test_the_list_does_not_follow_a_crashed_study(
    fill: Fill, looks: list[float | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automl.reports.report.is_dead", lambda row: True)
    fill().close(None)
    unharmed(show("studies"))
    assert looks == [None]


def test_before_a_trial_has_ended_its_curve_is_shown(fill: Fill) -> None:
    filler = fill()
    filler.close(None)
    app = unharmed(show("study"))
    assert "The first trial has not ended yet" in text(app)
    assert not app.get("vega_lite_chart")
    filler.trial(0, curve(0.4)[:3], None)
    filler.close(None)
    app = unharmed(show("study"))
    assert "The first trial has not ended yet" in text(app)
    assert "Learning curves" in app.get("vega_lite_chart")[0].proto.spec


def test_the_trials_follow_while_their_study_runs(fill: Fill, looks: list[float | None]) -> None:
    filler = fill()
    filler.close(None)
    app = unharmed(show("study", tab="Trials"))
    assert "No trial has begun yet" in text(app)
    assert looks == [LIVE_S]
    filler.trial(0, curve(0.4))
    filler.trial(1, curve(0.5)[:3], None)
    filler.close(None)
    looks.clear()
    assert list(app.run().dataframe[0].value["trial"]) == [0, 1]
    assert looks == [LIVE_S]
    looks.clear()
    unharmed(show("study", tab="Trials", compare="0, 1"))
    assert looks == [LIVE_S, LIVE_S]  # the table, and the comparison with one that runs
    looks.clear()
    unharmed(show("study", tab="Trials", compare="0"))
    assert looks == [LIVE_S, None]
    filler.close()
    looks.clear()
    app = unharmed(show("study", tab="Trials", compare="0"))
    assert looks == [None, None]
    assert [button.label for button in app.button] == []


def test_a_link_that_compares_ticks_the_rows(fill: Fill) -> None:
    filler = fill()
    fill_birds(filler)
    filler.close()
    app = unharmed(show("study", tab="Trials", compare="3, 9", sort="oldest"))
    assert json.loads(app.dataframe[0].proto.selection_default)["selection"]["rows"] == [3, 9]


def test_the_overview_begins_with_the_lines_of_the_terminal(fill: Fill, url: str) -> None:
    filler = fill()
    fill_birds(filler)
    filler.close()
    app = unharmed(show("study", study="birds"))
    (html,) = [element.proto.body for element in app.get("html") if "<dl" in element.proto.body]
    engine = open_store(url)
    lines = card(report_of(engine, read.study(engine, "birds")))
    assert len(lines) >= 5
    assert [unescape(part) for part in re.findall(r"<dt>(.*?)</dt>", html)] == [line.label for line in lines]
    assert [unescape(part) for part in re.findall(r"<dd>(.*?)</dd>", html)] == [line.text for line in lines]
    assert "trial 3 is handed over" in html
    assert "The answer" in [heading.value for heading in app.subheader]
    assert f"automl export birds --db {url} -o hyp.yaml" in text(app)
    assert "34 trials, 2 at a time: 14 completed, 2 failed, 18 stopped early." in text(app)
    (best,) = [chart.proto.spec for chart in app.get("vega_lite_chart")]
    assert "spent (cpu-h)" in best


def test_details_are_drawn_when_they_are_opened(fill: Fill, url: str) -> None:
    filler = fill()
    fill_birds(filler)
    filler.close()
    assert "Trial 3 is better, proven" not in text(show("study", study="birds"))
    app = unharmed(show("study", study="birds", details="true"))
    assert "Trainings of 12 epochs: Trial 3 is better, proven with a chance of " in text(app)
    assert "by which weak ones end: epochs 3 and 9 " in text(app)
    charts = [chart.proto.spec for chart in app.get("vega_lite_chart")]
    assert '"cpu-h"' in charts[1]
    assert "over seeds" in charts[2]


def test_a_running_study_has_an_answer_so_far(fill: Fill) -> None:
    filler = fill()
    filler.trial(0, curve(0.40))
    filler.trial(1, curve(0.45))
    filler.close(None)
    app = unharmed(show("study"))
    assert "The answer so far" in [heading.value for heading in app.subheader]
    assert "so far" in text(app)
    assert "is handed over" not in text(app)


def test_charts_have_the_unit_of_the_figure_above_them(fill: Fill) -> None:
    filler = fill()
    filler.trial(0, curve(0.4))
    filler.close()
    app = show("study", study="birds", details="true")
    assert "12.0 cpu-min in 12 min 0 s (budget 5cpu-h)" in text(app)
    best, spending = (chart.proto.spec for chart in app.get("vega_lite_chart"))
    assert '"title": "spent (cpu-min)"' in best
    assert '"title": "cpu-min"' in spending
    assert "4% of 5.00 cpu-h, 4.80 cpu-h left" in text(app)


def fill_at_length(fill: Fill, tmp_path: Path, **changes: Any) -> Filler:
    """A study of detectors whose defaults and winner, trial 3, were trained for 60 epochs too."""
    (tmp_path / "data.yaml").write_text("names: [a]\n")
    fields = {"trainer": "ultralytics", "models": ("yolov5n",), "train": 60, "compare": True, **changes}
    filler = fill(data=str(tmp_path / "data.yaml"), **fields)
    fixed = {"model": "yolov5n", "imgsz": 640}
    filler.trial(0, curve(0.40), params={**fixed, "lr0": 0.01})
    filler.trial(3, curve(0.50), params={**fixed, "lr0": 0.02})
    last: dict[str, Any] = {"purpose": Purpose.PRODUCTION, "origin": "production", "epochs": 60}
    filler.trial(40, curve(0.82, 60), repeats=0, params={**fixed, "lr0": 0.01}, reason="trained all 60 epochs", **last)
    filler.trial(41, curve(0.90, 60), repeats=3, params={**fixed, "lr0": 0.02}, reason="trained all 60 epochs", **last)
    return filler


def test_the_production_trainings_are_the_answer_and_have_their_own_chart(fill: Fill, tmp_path: Path, url: str) -> None:
    fill_at_length(fill, tmp_path).close()
    overview = unharmed(show("study", study="birds", details="true"))
    assert "mAP50-95 0.900 (one seed) on val, 60 epochs (trial 3)" in text(overview)
    assert "mAP50-95 0.820 (one seed) on val, 60 epochs" in text(overview)
    best, production, *_ = (chart.proto.spec for chart in overview.get("vega_lite_chart"))
    assert "Best so far" in best
    assert "Production trainings" in production
    assert '["the defaults", "trial 3"]' in production
    assert "Production (trial 40): the defaults trained for 60 of 60 epochs" in text(overview)
    assert "Production (trial 41): trial 3 trained for 60 of 60 epochs" in text(overview)
    assert f"automl export birds --db {url} -o hyp.yaml" in text(overview)
    assert "It is a production training of trial 3, for 60 epochs" in text(show("trial", trial="41"))


def test_the_export_is_the_recipe_that_the_terminal_writes(
    fill: Fill, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_at_length(fill, tmp_path).close()
    app = unharmed(show("export", study="birds"))
    assert "For a training of 60 epochs, as its production training had; the search trained it for 12." in text(app)
    recipe, defaults = [code.value for code in app.code if "lr0:" in code.value]
    monkeypatch.chdir(tmp_path)
    service.export("birds", "hyp.yaml", db=url)
    for shown, name in ((recipe, "hyp.yaml"), (defaults, "hyp-defaults.yaml")):
        assert (tmp_path / name).read_text().strip() == shown.replace(f"cfg={name}", f"cfg={tmp_path / name}")
    assert "# answer, difference: +" in recipe
    assert "production: Production (trial 41)" in recipe
    assert "production: Production (trial 40)" in defaults
    assert "epochs: 60" in defaults
    labels = [button.label for button in app.get("download_button")]
    assert {"hyp.yaml for Ultralytics", "hyp-defaults.yaml for Ultralytics"} <= set(labels)
    assert "Weights of the production training" in [heading.value for heading in app.subheader]
    assert "Trial 3" in text(show("export", study="birds", trial="41"))  # the recipe is that of its trial
    own = show("export", study="birds", trial="0")
    assert len([code.value for code in own.code if "lr0:" in code.value]) == 1  # the defaults' own
    assert "production: Production (trial 40)" in text(own)


def test_a_winner_without_repeats_is_called_so(fill: Fill) -> None:
    filler = fill()
    filler.trial(0, curve(0.40))
    filler.trial(1, curve(0.45))
    filler.close()
    assert "It has one seed: repeats with other seeds would make it surer." in text(show("study", details="true"))


def test_the_list_shows_the_figures_of_the_answer(fill: Fill, tmp_path: Path, url: str) -> None:
    fill_at_length(fill, tmp_path).close()
    table = unharmed(show("studies")).dataframe[0].value
    engine = open_store(url)
    answer = report_of(engine, read.study(engine, "birds")).answer
    assert answer is not None
    assert answer.gain is not None
    assert answer.chance is not None
    row = table.iloc[0]
    assert (row["winner"], row["defaults"], row["epochs"]) == (pytest.approx(0.9), pytest.approx(0.82), 60)
    assert row["gain"] == pytest.approx(answer.gain.mean)
    assert row["how sure"] == f"{chance_text(answer.chance)} sure"


def test_an_interrupted_study_names_its_resume_in_the_pages_database(fill: Fill, url: str) -> None:
    filler = fill()
    filler.trial(0, curve(0.40)[:3], TrialState.INTERRUPTED)
    filler.close(StudyState.INTERRUPTED, "interrupted by the user")
    assert f"automl resume birds --db {url}" in text(show("study"))


def test_the_leaderboard_sorts_filters_and_pages(fill: Fill) -> None:
    filler = fill()
    filler.trial(0, curve(0.4))
    for number in range(1, 130):
        filler.trial(number, [number / 1000], TrialState.STOPPED if number % 2 else TrialState.COMPLETED)
    filler.close()
    app = show("study", tab="Trials")
    board = app.dataframe[0].value
    assert list(board["trial"][:3]) == [0, 129, 128]
    assert len(board) == 100
    app.selectbox(key="sort").set_value("oldest")
    app.multiselect(key="state").set_value(["stopped"])
    board = app.run().dataframe[0].value
    assert list(board["trial"][:2]) == [1, 3]
    assert len(board) == 65
    app.multiselect(key="state").set_value([])
    app.number_input(key="page").set_value(2)
    assert list(app.run().dataframe[0].value["trial"]) == list(range(100, 130))


def test_a_link_opens_the_same_comparison(fill: Fill) -> None:
    filler = fill()
    fill_birds(filler)
    filler.close()
    app = unharmed(show("study", study="birds", tab="Trials", compare="3, 4", sort="newest"))
    assert app.selectbox(key="sort").value == "newest"
    assert "below the threshold 0.150" in text(app)
    assert list(app.dataframe[1].value.columns) == ["trial 3", "trial 4"]


@pytest.mark.parametrize("numbers", ["77", "x, y", "3", ", ".join(map(str, range(20))), "9" * 40])
def test_an_odd_comparison_breaks_nothing(numbers: str, fill: Fill) -> None:
    filler = fill()
    fill_birds(filler)
    filler.close()
    unharmed(show("study", tab="Trials", compare=numbers))


def test_insight_ranks_the_parameters(fill: Fill) -> None:
    filler = fill()
    fill_birds(filler)
    filler.close()
    app = unharmed(show("study", tab="Insight"))
    assert set(app.selectbox(key="slice").options) == {"lr0", "x0"}
    assert len(app.get("vega_lite_chart")) >= 3


def test_insight_of_few_trials_says_what_it_lacks(fill: Fill) -> None:
    filler = fill()
    filler.trial(0, curve(0.4))
    filler.close()
    assert "too few trials" in text(show("study", tab="Insight"))


def test_rows_that_wait_in_a_journal_are_said_with_the_command_that_stores_them(fill: Fill, url: str) -> None:
    study = fill("birds")
    study.trial(0, curve(0.4)[:3], None)
    study.recorder.flush()
    session = Recorder(open_store(url), "birds", journals=folders.journals(study.spec.directory))
    session.sync()
    assert session._thread is not None
    session._thread.end()  # its process is gone, with a row that the database did not take
    session._thread.join()
    session.event("note", "the last words", trial=0, at=1.0)
    session.flush()
    session._journal.leave()
    assert "wait in" in " ".join(warning.value for warning in unharmed(show("study")).warning)
