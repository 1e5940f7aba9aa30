"""Every page in every state, in Streamlit's own test bench, without browser and server."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from automl import service
from automl.records import Purpose, StudyState, TrialState
from automl.reports.card import card
from automl.reports.report import report_of
from automl.scores.words import chance_text
from automl.store import read
from automl.store.engine import open_store
from dashboards.context import LIVE_S
from tests.builders.pages import EVIL, Filler, curve, fill_birds

PAGES = Path(__file__).parents[2] / "dashboards" / "views"
NAMES = sorted(file.stem for file in PAGES.glob("*.py"))
Fill = Callable[..., Filler]


def show(page: str, **link: str) -> AppTest:
    """The page as its link opens it."""
    app = AppTest.from_file(str(PAGES.parent / "app.py"), default_timeout=300)
    for key, value in link.items():
        app.query_params[key] = value
    app.switch_page(f"views/{page}.py")
    return app.run()


def text(app: AppTest) -> str:
    """All text of the page, without the escapes of Markdown and HTML."""
    parts = [
        element.value
        for kind in ("title", "markdown", "caption", "info", "warning", "error", "code", "text")
        for element in app.get(kind)
    ]
    parts += [element.proto.text for element in app.get("progress")]
    parts += [unescape(re.sub(r"<[^>]+>", " ", element.proto.body)) for element in app.get("html")]
    return " ".join(map(str, parts)).replace("\\", "")


def unharmed(app: AppTest) -> AppTest:
    """Assert that the page shows no traceback and no failure; return it."""
    assert not app.exception
    assert "failed (" not in text(app)
    return app


@pytest.mark.parametrize("page", NAMES)
def test_without_a_database_a_page_says_how_to_begin(page: str, url: str) -> None:
    app = unharmed(show(page))
    assert "no study yet" in text(app)
    assert "automl search" in text(app)


@pytest.mark.parametrize("page", NAMES)
def test_an_empty_database_says_how_to_begin(page: str, url: str) -> None:
    from automl.store.engine import open_store

    open_store(url).dispose()
    assert "no study yet" in text(unharmed(show(page)))


@pytest.mark.parametrize("page", NAMES)
def test_a_database_that_is_away_is_a_sentence(page: str, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AUTOML_DB", "postgresql://nobody:secret@127.0.0.1:9/none")
    app = show(page)
    assert not app.exception
    assert "does not answer" in text(app)
    assert "secret" not in text(app)


@pytest.mark.parametrize("page", NAMES)
def test_a_study_that_has_only_begun_breaks_no_page(page: str, fill: Fill) -> None:
    fill().close(None)
    unharmed(show(page))


@pytest.mark.parametrize("page", NAMES)
@pytest.mark.parametrize("state", [StudyState.FINISHED, StudyState.FAILED, StudyState.INTERRUPTED, None])
def test_a_full_study_fills_every_page(page: str, state: StudyState | None, fill: Fill) -> None:
    filler = fill()
    fill_birds(filler)
    filler.close(state)
    unharmed(show(page))


@pytest.mark.parametrize("page", NAMES)
def test_defaults_that_failed_are_shown_with_their_reason(page: str, fill: Fill) -> None:
    filler = fill()
    filler.trial(0, [], TrialState.FAILED, reason="out of memory with batch 16")
    filler.close(StudyState.FAILED, "out of memory with batch 16")
    app = unharmed(show(page, details="true"))
    if page == "study":
        assert "No trial has ended with a score" in text(app)
        assert "Nothing has been spent yet" in text(app)
        assert "The defaults could not be trained, so nothing else was: out of memory with batch 16" in text(app)


def test_a_study_whose_process_crashed_names_its_resume(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automl.reports.report.is_dead", lambda row: True)
    filler = fill()
    filler.trial(0, curve(0.4))
    filler.trial(1, curve(0.3)[:2], None)
    filler.close(None)
    app = unharmed(show("study"))
    assert "✕ crashed" in text(app)
    assert "automl resume birds" in text(app)


def test_a_recipe_with_weights_names_them_wherever_it_is_shown(fill: Fill, tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("names: [a]\n")
    filler = fill(trainer="ultralytics", models=("yolov5n",), weights="/w/yolov5n.pt", weights_sha256="0" * 64)
    filler.trial(0, curve(0.4), params={"model": "yolov5n", "imgsz": 640, "lr0": 0.01})
    filler.close()
    app = unharmed(show("export"))
    (recipe,) = [code.value for code in app.code if "lr0:" in code.value]
    assert "pretrained: hyp-init.pt" in recipe


@pytest.mark.parametrize("own", [False, True])
def test_only_packaged_networks_are_packed_and_the_terminal_packs_the_others(
    own: bool, fill: Fill, tmp_path: Path, url: str
) -> None:
    (tmp_path / "own.yaml").write_text("backbone: []\nhead:\n  - [[2, 3, 4], 1, Detect, [nc]]\n")
    model = str(tmp_path / "own.yaml") if own else "yolov5n"
    filler = fill(trainer="ultralytics", models=(model,), weights="/w/yolov5n.pt", weights_sha256="0" * 64)
    filler.trial(0, curve(0.4), params={"model": model, "imgsz": 640, "lr0": 0.01})
    filler.close()
    app = unharmed(show("export"))
    assert [button.label for button in app.button if "Pack" in button.label] == (
        [] if own else ["Pack hyp.yaml with its initial weights"]
    )
    command = f"automl export birds --trial 0 --db {url} -o hyp.yaml"
    assert (command in [code.value for code in app.code]) is own
    assert ("This page builds no network from your own file" in text(app)) is own


@pytest.mark.parametrize("page", [name for name in NAMES if name != "studies"])
def test_an_unknown_study_is_a_sentence_with_a_way_out(page: str, fill: Fill) -> None:
    fill().close()
    app = show(page, study="bees")
    assert not app.exception
    assert "unknown study 'bees'. Known: birds" in text(app)


@pytest.mark.parametrize("number", ["99", "-1", "x", "9" * 30])
def test_an_unknown_trial_is_a_sentence(number: str, fill: Fill) -> None:
    filler = fill()
    filler.trial(0, curve(0.4))
    filler.close()
    assert "unknown trial" in text(show("trial", study="birds", trial=number))


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
    assert "34 trials on 2 slots: 14 completed, 2 failed, 18 stopped." in text(app)
    (best,) = [chart.proto.spec for chart in app.get("vega_lite_chart")]
    assert "spent (cpu-h)" in best


def test_details_are_drawn_when_they_are_opened(fill: Fill, url: str) -> None:
    filler = fill()
    fill_birds(filler)
    filler.close()
    assert "Trial 3 is better, proven" not in text(show("study", study="birds"))
    app = unharmed(show("study", study="birds", details="true"))
    assert "Trainings of 12 epochs: Trial 3 is better, proven with a chance of " in text(app)
    assert "Rank correlation of each rung with the next: 3 with 9: " in text(app)
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


def test_text_of_others_is_never_read_as_html_or_markdown(fill: Fill) -> None:
    filler = fill(name="a" * 200 + EVIL.replace("/", "_"), data=f"/data/{EVIL}/data.yaml")
    filler.trial(0, curve(0.4), origin=EVIL)
    filler.trial(1, [math.nan] * 3, TrialState.FAILED, origin=EVIL, reason=EVIL, error=EVIL)
    filler.close(StudyState.FAILED, EVIL)
    for page, tab in [*((page, "Overview") for page in NAMES), ("study", "Trials"), ("study", "Insight")]:
        app = unharmed(show(page, trial="1", tab=tab, compare="0, 1"))
        for kind in ("title", "markdown", "caption", "info", "warning", "error"):
            for element in app.get(kind):
                assert not re.search(r"(?<!\\)(<|\]\(|\*\*bold)", str(element.value))
        assert not any("<img" in element.proto.body for element in app.get("html"))


def test_a_thousand_parameters_fit(fill: Fill) -> None:
    filler = fill()
    filler.trial(0, curve(0.4), params={f"key_{n}": n for n in range(1000)})
    filler.trial(1, curve(0.3), params={f"key_{n}": -n for n in range(1000)})
    filler.close()
    unharmed(show("study", tab="Trials", compare="0,1"))
    assert len(unharmed(show("trial", trial="1")).dataframe[0].value) == 1000


def test_nobody_sees_an_exposed_page_without_signing_in(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    fill().close()
    monkeypatch.setenv("AUTOML_PAGE_PUBLIC", "1")
    app = AppTest.from_file(str(PAGES.parent / "app.py"), default_timeout=300).run()
    assert not app.exception
    assert "Sign in" in text(app)
    assert not app.dataframe
