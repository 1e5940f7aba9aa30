"""Every page in every state, in Streamlit's own test bench, without browser and server."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from automl.records import StudyState, TrialState
from automl.store.engine import open_store
from tests.builders.app import NAMES, PAGES, Fill, show, text, unharmed
from tests.builders.pages import EVIL, curve, fill_birds


@pytest.mark.parametrize("page", NAMES)
def test_without_a_database_a_page_says_how_to_begin(page: str, url: str) -> None:
    app = unharmed(show(page))
    assert "no study yet" in text(app)
    assert "automl search" in text(app)


@pytest.mark.parametrize("page", NAMES)
def test_an_empty_database_says_how_to_begin(page: str, url: str) -> None:

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
