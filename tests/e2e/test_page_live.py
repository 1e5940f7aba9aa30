"""The page in a real browser while studies run: tables and figures follow, and what a user does stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from automl.records import Outcome, StudyState, TrialState
from automl.store.engine import open_store
from dashboards.context import LIVE_S
from tests.builders.browser import (
    WIDE,
    column,
    hushed,
    reads,
    says,
    served,
    settled,
    shows,
    text,
    tick,
)
from tests.builders.cli import ONE_SLOT, TINY, WAIT_S, Place, held, wait_for
from tests.builders.factories import make_metrics, make_spec
from tests.builders.pages import Filler, curve, page_study
from tests.builders.train_tiny import draw_data

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_list_follows_a_running_study_and_keeps_what_is_typed(browser: Browser, tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.home.mkdir()
    engine = open_store(f"sqlite:///{place.home / 'automl.db'}")
    for name in ("done", "live"):
        filler = Filler(engine, make_spec(name=name, directory=str(place.home / name)))
        filler.trial(0, curve(0.4))
        filler.close(None if name == "live" else StudyState.FINISHED)
    heard: list[str | bytes] = []
    with served(place, browser) as site, site.open("/", heard=heard) as page:
        reads(page, "trials", ["1", "1"])
        page.evaluate("document.querySelector('canvas[data-testid=data-grid-canvas]').kept = true")
        page.get_by_label("Search", exact=True).press_sequentially("liv")
        filler.trial(1, curve(0.5))
        filler.close(None)
        reads(page, "trials", ["2", "1"])
        assert page.get_by_label("Search", exact=True).input_value() == "liv"
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Search"
        assert page.evaluate("document.querySelector('canvas[data-testid=data-grid-canvas]').kept") is True
        filler.close()
        reads(page, "state", ["✓ finished"])
        hushed(page, heard)  # nothing runs: nothing is asked
        page.get_by_label("Search", exact=True).fill("")  # a click would commit what is typed, and race with it
        settled(page)
        tick(page, [1])
        says(page, "What to run next")
        assert "study=done" in page.url
    engine.dispose()


def test_the_trials_follow_a_running_study_and_ticked_rows_stay_in_place(browser: Browser, tmp_path: Path) -> None:
    place, engine, filler = page_study(tmp_path, "live")
    filler.trial(0, curve(0.4))
    filler.trial(1, curve(0.45))
    filler.trial(2, curve(0.3)[:2], None)
    filler.close(None)
    with served(place, browser) as site, site.open("/study?study=live&tab=Trials") as page:
        heard: list[float] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(time.monotonic())))
        page.reload()
        settled(page)
        assert column(page, "trial") == ["1", "0", "2"]
        page.evaluate("document.querySelector('canvas[data-testid=data-grid-canvas]').kept = true")
        filler.trial(3, curve(0.6))
        filler.close(None)
        wait_for("the new best is the first row", lambda: column(page, "trial") == ["3", "1", "0", "2"])
        tick(page, [0, 3])
        says(page, "trial 3.*Completed")
        says(page, "trial 2.*2 of 12 epochs")
        page.set_viewport_size({"width": WIDE, "height": 500})
        _scroll(page, 90)
        filler.trial(4, curve(0.7))
        filler.recorder.epoch(2, 1, make_metrics(3, 0.31), slot_s=180.0, at=filler.at)
        filler.close(None)
        says(page, "Ticked rows stay in place; 1 trial has come in")
        says(page, "trial 2.*3 of 12 epochs")  # what is compared is followed too
        wait_for("its figures are those of now", lambda: column(page, "epochs") == ["12/12", "12/12", "12/12", "3/12"])
        assert column(page, "trial") == ["3", "1", "0", "2"]
        assert page.get_by_label("Compare").input_value() == "3, 2"
        assert page.evaluate("document.querySelector('canvas[data-testid=data-grid-canvas]').kept") is True
        assert _scrolled(page) == 90
        page.set_viewport_size({"width": WIDE, "height": 900})
        page.get_by_role("button", name="Sort anew").click()
        page.wait_for_function(
            "(it => it && !it.kept && it.querySelector('td'))(document.querySelector('[data-testid=data-grid-canvas]'))"
        )
        wait_for("the order is that of now", lambda: column(page, "trial") == ["4", "3", "1", "0", "2"])
        tick(page, [0])  # beside those that have been ticked
        wait_for("three are compared", lambda: page.get_by_label("Compare").input_value() == "4, 3, 2")
        filler.recorder.trial_closed(2, Outcome(state=TrialState.STOPPED, reason="rung 3"), slot_s=180.0, at=filler.at)
        filler.close()
        page.get_by_role("button", name="Sort anew").wait_for(state="detached")
        wait_for("the trial has ended", lambda: column(page, "state")[4] == "stopped")
        wait_for("nothing is asked any more", lambda: _quiet_s(page, heard) > 2 * LIVE_S)
    engine.dispose()


@pytest.mark.long
@pytest.mark.ray
def test_a_running_study_is_followed_to_its_end(browser: Browser, tmp_path: Path) -> None:
    """From the empty page through the running search to its last state, without a reload by hand."""
    place = Place(tmp_path)
    draw_data(place.folder)
    heard: list[str | bytes] = []
    with served(place, browser) as site, site.open("/study", heard=heard) as page:
        says(page, "no study yet")
        words = ("search", *TINY, *ONE_SLOT, "--name", "live", "--epochs", "12")
        with place.start(*words, "--budget", "3trials", "--confirm", "0") as search:
            wait_for("the baseline has an epoch", lambda: place.epochs("live"), search)
            with held(place.worker("live", search)):
                page.get_by_role("button", name="Look again").click()
                says(page, "● running")
                page.set_viewport_size({"width": WIDE, "height": 500})
                page.evaluate("window.kept = true")  # lost if the page were loaded again
                says(page, "Running now")
                says(page, "Share this view")  # the last words: the page is as long as it gets
                shows(page, "1 trial, one at a time")
                _scroll(page, 60)
                assert _scrolled(page) == 60
            wait_for("another trial", lambda: len(place.trials("live")) > 1, search)
            with held(place.worker("live", search)):
                wait_for("the page has it", lambda: f"{len(place.trials('live'))} trials, one at a time" in text(page))
            search.communicate(timeout=WAIT_S)
            assert search.returncode == 0
        says(page, "✓ finished")
        shows(page, "3 trials, one at a time")
        assert page.evaluate("window.kept") is True
        assert _scrolled(page) == 60
        assert site.foreign == []
        hushed(page, heard)  # a finished study is not looked at again


def _quiet_s(page: Page, heard: list[float]) -> float:
    """Seconds since the last message to the page."""
    page.wait_for_timeout(200)  # what has come is noted meanwhile
    return time.monotonic() - heard[-1]


def _scroll(page: Page, pixels: int) -> None:
    page.evaluate(f"document.querySelector('[data-testid=stMain]').scrollTo(0, {pixels})")


def _scrolled(page: Page) -> int:
    pixels: int = page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")
    return pixels
