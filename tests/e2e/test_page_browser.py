"""The page in a real browser: open, sort, select, compare, on a desk and on a phone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from automl.records import Board, Slots, StudyState, TrialState
from automl.store import bulk, read
from automl.store.checks import keep
from automl.store.engine import open_store
from benchmarks.page.study import SyntheticStudy
from tests.builders.browser import (
    NARROW,
    ROW,
    Site,
    choose,
    column,
    fits,
    grid,
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
from tests.builders.checks import draw_pictures, make_report
from tests.builders.cli import Place, wait_for
from tests.builders.factories import make_spec
from tests.builders.pages import EVIL, Filler, curve, fill_birds

pytestmark = [pytest.mark.browser, pytest.mark.slow]
VIEWS = {
    "studies": "/",
    "overview": "/study?study=birds",
    "trials": "/study?study=birds&tab=Trials&compare=0,3,4",
    "insight": "/study?study=birds&tab=Insight",
    "trial": "/trial?study=birds&trial=3",
    "export": "/export?study=birds",
    "ensembles": "/ensembles?study=birds",
    "data": "/data?study=birds",
    "data-figures": "/data?study=birds&part=Figures",
    "data-suspects": "/data?study=birds&part=Suspects&suspect=2",
}
LONG = "a-long-name-" * 12


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
    report = make_report()
    keep(engine, report, draw_pictures(place.home / "checks" / "1", report))
    engine.dispose()
    with served(place, browser) as site:
        yield site


def test_a_study_opens_from_the_list_and_says_how_good_its_best_is(site: Site) -> None:
    with site.open("/") as page:
        reads(page, "study", ["birds"])
        tick(page, [0])
        says(page, "trial 3 is handed over")
        for words in (
            "mAP50-95 0.498 (mean of 0.498, 0.495 and 0.501) on val, 12 epochs (trial 3)",
            "mAP50-95 0.400 (mean of 0.399, 0.404 and 0.397) on val, 12 epochs",
            "(budget 5cpu-h)",
            "over 99% sure",
        ):
            shows(page, words)
        assert "study=birds" in page.url


def test_the_details_are_drawn_when_they_are_opened(site: Site) -> None:
    with site.open("/study?study=birds") as page:
        page.get_by_text("Details", exact=True).click()
        says(page, "Trial 3 is better, proven with a chance of")
        shows(page, "Rank correlation of the trials' order between two rungs")
        assert "details=true" in page.url
        fits(page)


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
        choose(page, "Sort by", "oldest")
        reads(page, "trial", ["0", "1", "2"])
        choose(page, "State", "stopped")
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


@pytest.mark.parametrize(
    "dark", [pytest.param(False, id="light"), pytest.param(True, id="dark", marks=pytest.mark.long)]
)
def test_every_page_is_drawn_whole(site: Site, dark: bool) -> None:
    for name, path in VIEWS.items():
        with site.open(path, dark=dark) as page:
            shown = text(page)
            assert "Traceback" not in shown
            assert "failed (" not in shown
            fits(page)
            assert shoot(page, f"{name}-{'dark' if dark else 'light'}").stat().st_size > 10_000
    assert site.foreign == []


def test_a_ticked_suspect_shows_its_crop_and_its_label(site: Site) -> None:
    with site.open("/data?study=birds&part=Suspects") as page:
        tick(page, [1])
        shows(page, "/data/birds/labels/00001.txt:2")
        wait_for("its crop", lambda: page.locator("[data-testid=stImage] img").count() == 1)
        assert "suspect=2" in page.url


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
    study = SyntheticStudy(name="large", trials=2000, mean_epochs=20, directory=str(tmp_path), now=time.time())
    bulk.write_study(engine, study.study, study.rows, study.epochs(), events=study.events())
    best = [row.number for row in read.trial_page(engine, "large", Board(limit=1, offset=100)).rows]
    engine.dispose()
    with served(place, browser) as site:
        with site.open("/study?study=large&tab=Trials&page=2") as page:
            reads(page, "trial", [str(best[0])])
            choose(page, "Sort by", "oldest")
            says(page, "page 2 of 20")
            reads(page, "trial", ["100"])
            shoot(page, "trials-large")
        for tab in ("Overview", "Insight"):
            with site.open(f"/study?study=large&tab={tab}") as page:
                fits(page)
                shoot(page, f"{tab.lower()}-large")


def test_a_link_to_the_old_address_opens_the_export(site: Site) -> None:
    with site.open("/home?study=alone") as page:
        says(page, "alone: export")
        assert "/export?study=alone" in page.url


def _sorted_by(page: Page) -> list[str]:
    headings = [heading.strip() for heading in grid(page).locator("th").all_text_contents()]
    return [heading for heading in headings if heading.strip(" ↑↓") != heading]
