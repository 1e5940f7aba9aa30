"""The page in a real browser, as a person uses it: open, sort, select, compare, follow, take home."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine

from automl.records import Board, Outcome, Slots, StudyState, TrialState
from automl.store import bulk, read
from automl.store.engine import open_store
from benchmarks.page.study import MadeUp
from dashboards.context import LIVE_S
from tests.builders.browser import (
    NARROW,
    ROW,
    WIDE,
    Site,
    column,
    download,
    fits,
    grid,
    hushed,
    launched,
    reads,
    says,
    served,
    settled,
    shoot,
    shows,
    spot,
    text,
    tick,
)
from tests.builders.cli import ONE_SLOT, TINY, WAIT_S, Place, held, wait_for
from tests.builders.factories import make_metrics, make_spec
from tests.builders.train_tiny import draw_data
from tests.e2e.conftest import NAME, Searched
from tests.e2e.test_export_runs import measured, told, yolo
from tests.page.conftest import EVIL, Filler, curve, fill_birds

pytestmark = [pytest.mark.browser, pytest.mark.slow]
VIEWS = {
    "studies": "/",
    "overview": "/study?study=birds",
    "trials": "/study?study=birds&tab=Trials&compare=0,3,4",
    "insight": "/study?study=birds&tab=Insight",
    "trial": "/trial?study=birds&trial=3",
    "home": "/home?study=birds",
    "ensembles": "/ensembles?study=birds",
    "data": "/data?study=birds",
}
LONG = "a-long-name-" * 12


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three studies: one with trials of all kinds, one with a thousand parameters and names that bite, one alone."""
    place = Place(tmp_path_factory.mktemp("page"))
    place.home.mkdir()
    engine = open_store(f"sqlite:///{place.home / 'automl.db'}")
    slots = Slots(count=2, device="cpu")

    def begin(name: str, **changes: str) -> Filler:
        return Filler(engine, make_spec(name=name, directory=str(place.home / name), slots=slots, **changes))

    alone = begin("alone")
    alone.trial(0, curve(0.4)[:3], TrialState.INTERRUPTED)
    alone.close(StudyState.INTERRUPTED, "interrupted by the user")
    many = begin(LONG, data=f"/data/{EVIL}/data.yaml")
    many.trial(0, curve(0.4), params={f"key_{n}": n for n in range(1000)})
    many.trial(1, [0.1] * 3, TrialState.FAILED, params={f"key_{n}": -n for n in range(1000)}, reason=EVIL, error=EVIL)
    many.close(StudyState.FAILED, EVIL)
    birds = begin("birds")
    fill_birds(birds)
    birds.close()
    engine.dispose()
    with served(place, browser) as found:
        yield found


def test_a_study_opens_from_the_list_and_says_how_good_its_best_is(site: Site) -> None:
    with site.open("/") as page:
        reads(page, "study", ["birds"])
        tick(page, [0])
        says(page, "The winner is trial 3")
        for words in (
            "0.499",
            "+0.098 vs defaults",
            "± 0.009 (90 %) over the best epochs of 2 seeds",
            "3.73 cpu-h",
            "over 99% sure",
        ):
            shows(page, words)
        assert "study=birds" in page.url


def test_the_keyboard_alone_opens_a_study(site: Site) -> None:
    with site.open("/") as page:
        page.get_by_role("combobox", name=re.compile("Open a study")).focus()
        page.keyboard.press("Enter")
        page.keyboard.type("alone")
        page.keyboard.press("Enter")
        says(page, "automl resume alone")


def test_trials_are_sorted_filtered_ticked_and_compared(site: Site) -> None:
    with site.open("/study?study=birds&tab=Trials") as page:
        reads(page, "trial", ["3", "6", "9"])
        _choose(page, "Sort by", "oldest")
        reads(page, "trial", ["0", "1", "2"])
        _choose(page, "State", "stopped")
        page.keyboard.press("Escape")
        reads(page, "trial", ["1", "2", "4"])
        tick(page, [0, 2])
        says(page, "Parameters that differ")
        shows(page, "below the threshold 0.150", times=2)
        wait_for("the fourth trial is compared", lambda: column(page, "trial 4", table=1))
        settled(page)
        link = page.url
        before = column(page, "trial"), column(page, "trial 4", table=1)
    with site.open(link.removeprefix(site.url)) as page:  # another person, by the link alone
        wait_for("the same view", lambda: (column(page, "trial"), column(page, "trial 4", table=1)) == before)


def test_a_click_on_a_heading_sorts_the_shown_rows(site: Site) -> None:
    with site.open("/study?study=birds&tab=Trials") as page:
        place = spot(page)
        page.mouse.click(place["x"] + 60, place["y"] + 17)
        reads(page, "trial", ["0", "1", "2"])


def test_no_page_is_wider_than_a_phone_or_asks_for_anything_elsewhere(site: Site) -> None:
    for name, path in VIEWS.items():
        with site.open(path, width=NARROW) as page:
            fits(page)
            shoot(page, f"{name}-{NARROW}")
    assert site.foreign == []


def test_a_phone_shows_gains_and_the_log_without_scrolling_sideways(site: Site) -> None:
    with site.open("/", width=NARROW) as page:
        place = spot(page)
        page.mouse.click(place["x"] + place["width"] - 35, place["y"] + ROW / 2)  # the last heading in sight
        wait_for("the gains are sorted", lambda: _sorted_by(page) == ["↑ gain"])
    with site.open("/study?study=birds", width=NARROW) as page:
        log = page.locator("[data-testid=stCode] pre", has_text="the baseline has scored").first
        assert log.evaluate("it => it.scrollWidth - it.clientWidth") <= 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_is_drawn_whole(site: Site, dark: bool) -> None:
    for name, path in VIEWS.items():
        with site.open(path, dark=dark) as page:
            shown = text(page)
            assert "Traceback" not in shown
            assert "failed (" not in shown
            fits(page)
            assert shoot(page, f"{name}-{'dark' if dark else 'light'}").stat().st_size > 10_000
    assert site.foreign == []


def test_names_that_bite_stay_text(site: Site) -> None:
    with site.open("/") as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        for path in (
            f"/study?study={LONG}",
            f"/study?study={LONG}&tab=Trials&compare=0,1",
            f"/trial?study={LONG}&trial=1",
        ):
            page.goto(f"{site.url}{path}")
            settled(page)
            assert page.locator("[data-testid=stMain] img").count() == 0
            assert page.locator("[data-testid=stMain] a[href*='example.invalid']").count() == 0
            fits(page)
        shows(page, EVIL)
    assert site.foreign == []


def test_a_users_folder_called_dashboards_is_not_taken_for_ours(browser: Browser, tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards" / "__init__.py").write_text("raise SystemExit('not ours')")
    with served(place, browser) as site, site.open("/") as page:
        says(page, "no study yet")


def test_an_unknown_study_leads_back(site: Site) -> None:
    with site.open("/study?study=nowhere") as page:
        says(page, "unknown study 'nowhere'")
        page.get_by_role("link", name="See all studies").click()
        says(page, "Open a study")


def test_a_large_study_is_paged_sorted_and_drawn(browser: Browser, tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.home.mkdir()
    engine = open_store(f"sqlite:///{place.home / 'automl.db'}")
    made = MadeUp(name="large", trials=2000, mean_epochs=20, directory=str(tmp_path), now=time.time())
    bulk.write_study(engine, made.study, made.rows, made.epochs(), events=made.events())
    best = [row.number for row in read.trial_page(engine, "large", Board(limit=1, offset=100)).rows]
    engine.dispose()
    with served(place, browser) as site:
        with site.open("/study?study=large&tab=Trials&page=2") as page:
            reads(page, "trial", [str(best[0])])
            _choose(page, "Sort by", "oldest")
            says(page, "page 2 of 20")
            reads(page, "trial", ["100"])
            shoot(page, "trials-large")
        for tab in ("Overview", "Insight"):
            with site.open(f"/study?study=large&tab={tab}") as page:
                fits(page)
                shoot(page, f"{tab.lower()}-large")


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
    place, engine, filler = _begun(tmp_path, "live")
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
                says(page, "What to run next")  # the last words: the page is as long as it gets
                shows(page, "Trials 1")
                _scroll(page, 60)
                assert _scrolled(page) == 60
            wait_for("another trial", lambda: len(place.trials("live")) > 1, search)
            with held(place.worker("live", search)):
                wait_for("the page has it", lambda: f"Trials {len(place.trials('live'))}" in text(page))
            search.communicate(timeout=WAIT_S)
            assert search.returncode == 0
        says(page, "✓ finished")
        shows(page, "Trials 3")
        assert page.evaluate("window.kept") is True
        assert _scrolled(page) == 60
        assert site.foreign == []
        hushed(page, heard)  # a finished study is not looked at again


@pytest.mark.ray
def test_the_downloaded_recipe_trains(browser: Browser, searched: Searched, tmp_path: Path) -> None:
    with served(searched.place, browser) as site, site.open(f"/home?study={NAME}") as page:
        recipe = download(page, "hyp.yaml for Ultralytics", tmp_path)
        trials = download(page, "All trials (CSV)", tmp_path)
        epochs = download(page, "All epochs (CSV)", tmp_path)
        weights = download(page, "best.pt", tmp_path)
        shoot(page, "home-real")
    assert len(trials.read_text().splitlines()) == 1 + len(searched.place.trials(NAME))
    assert len(epochs.read_text().splitlines()) == 1 + len(searched.place.epochs(NAME))
    assert weights.stat().st_size > 10_000
    asked = yaml.safe_load(recipe.read_text())
    threads = searched.place.study(NAME).spec.slots.threads
    trained = yolo(tmp_path, recipe, threads)
    assert len(trained.epochs) == asked["epochs"]
    assert trained.args["lr0"] == asked["lr0"]


@pytest.mark.ray
def test_a_recipe_with_weights_comes_with_them(browser: Browser, cells: Searched, tmp_path: Path) -> None:
    with served(cells.place, browser) as site, site.open("/home?study=cells&trial=1") as page:
        page.get_by_role("button", name="Pack hyp.yaml").click()
        page.get_by_role("button", name="hyp.yaml and weights").wait_for()
        packed = download(page, "hyp.yaml and weights", tmp_path)
    with zipfile.ZipFile(packed) as archive:
        assert sorted(archive.namelist()) == ["hyp-init.pt", "hyp.yaml"]
        archive.extractall(tmp_path)
    trained = yolo(tmp_path, tmp_path / "hyp.yaml", cells.place.study("cells").spec.slots.threads)
    searched = measured(cells.place, "cells", 1)
    assert searched
    assert told(trained)[: len(searched)] == searched


def test_a_link_into_an_exposed_page_asks_for_sign_in(browser: Browser, tmp_path: Path) -> None:
    """Also the very first link after the start, to a page other than the first."""
    place, engine, filler = _begun(tmp_path, "secret")
    filler.trial(0, curve(0.4))
    filler.close()
    engine.dispose()
    refused = place.run("dashboard", "--public")
    assert refused.returncode == 2
    assert "needs sign-in" in refused.stderr
    (place.folder / ".streamlit").mkdir()
    (place.folder / ".streamlit" / "secrets.toml").write_text(
        '[auth]\nredirect_uri = "http://localhost/oauth2callback"\ncookie_secret = "0123456789abcdef0123456789abcdef"\nclient_id = "x"\n'
        'client_secret = "x"\nserver_metadata_url = "http://127.0.0.1:9/.well-known/openid-configuration"\n'
    )
    with served(place, browser, "--public") as site:
        for path in ("/study?study=secret", "/home?study=secret", "/"):
            with site.open(path) as page:
                says(page, "Sign in to see the studies")
                settled(page)
                assert "secret" not in text(page)


def _begun(folder: Path, name: str) -> tuple[Place, Engine, Filler]:
    """A database with one study, to be filled."""
    place = Place(folder)
    place.home.mkdir()
    engine = open_store(f"sqlite:///{place.home / 'automl.db'}")
    return place, engine, Filler(engine, make_spec(name=name, directory=str(place.home / name)))


def _choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=re.compile(label)).click()
    page.get_by_role("option", name=option, exact=True).click()


def _sorted_by(page: Page) -> list[str]:
    headings = [heading.strip() for heading in grid(page).locator("th").all_text_contents()]
    return [heading for heading in headings if heading.strip(" ↑↓") != heading]


def _quiet_s(page: Page, heard: list[float]) -> float:
    """Seconds since the page was told anything."""
    page.wait_for_timeout(200)  # what has come is noted meanwhile
    return time.monotonic() - heard[-1]


def _scroll(page: Page, pixels: int) -> None:
    page.evaluate(f"document.querySelector('[data-testid=stMain]').scrollTo(0, {pixels})")


def _scrolled(page: Page) -> int:
    pixels: int = page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")
    return pixels
