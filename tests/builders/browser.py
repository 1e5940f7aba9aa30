"""The page as a user has it: served by the command line, in a real browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, sync_playwright

from tests.builders.cli import WAIT_S, Place, wait_for
from tests.builders.ports import free_port

SHOTS = Path(__file__).parents[2] / "screenshots"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
WIDE, NARROW = 1280, 420  # pixels
ROW = 35.0  # pixels of a table's row, and of its heading
WAIT_MS = 1000 * WAIT_S
QUIET_MS = 4000.0  # longer than between two looks at a running study


def chromium() -> str:
    """Path of the browser. Skips the test where there is none, but never in CI."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to have a browser: make browser")
        pytest.skip("needs chromium: make browser, as root, or your package manager")
    return path


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser without a window and without background traffic."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS), timeout=WAIT_MS)
        yield browser
        browser.close()


TABLE = "[data-testid=stDataFrame] canvas[data-testid=data-grid-canvas]"
TICKED = f"""([address, table, row]) => location.href !== address
    || document.querySelectorAll('{TABLE}')[table]?.querySelectorAll('tbody tr')[row]?.ariaSelected === 'true'"""
WIDER = "(() => { const e = document.querySelector('[data-testid=stMain]'); return e.scrollWidth - e.clientWidth })()"
CELLS = """table => {
    const texts = (part, name) => [...part.querySelectorAll(name)].map(cell => cell.textContent)
    return [texts(table, 'th'), ...[...table.querySelectorAll('tbody tr')].map(row => texts(row, 'td'))]
}"""


@dataclass(frozen=True)
class Site:
    """A page that is served, and the browser that looks at it."""

    url: str
    browser: Browser
    foreign: list[str] = field(default_factory=list)  # addresses elsewhere that the page asked for

    @contextmanager
    def open(
        self, path: str, *, width: int = WIDE, dark: bool = False, heard: list[str | bytes] | None = None
    ) -> Iterator[Page]:
        """The page at the address, drawn to its end; in a browser session of its own.

        heard  gets all that the server tells the page
        """
        scheme = "dark" if dark else "light"
        context = self.browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        if heard is not None:
            page.on("websocket", lambda line: line.on("framereceived", lambda message: heard.append(message)))
        page.on("request", lambda request: self._heed(request.url))
        page.goto(f"{self.url}{path}")
        settled(page)
        try:
            yield page
        finally:
            context.close()

    def _heed(self, address: str) -> None:
        if not address.startswith((self.url, "data:", "blob:", self.url.replace("http", "ws", 1))):
            self.foreign.append(address)


@contextmanager
def served(place: Place, browser: Browser, *words: str) -> Iterator[Site]:
    """`automl dashboard` in the place's folder, until it is left."""
    port = free_port()
    with place.start("dashboard", "--port", str(port), *words) as process:
        url = f"http://localhost:{port}"
        wait_for("the page is served", lambda: answers(url), process)
        yield Site(url, browser)


def answers(url: str) -> bool:
    """True once the page at the address says that it is well."""
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def settled(page: Page) -> None:
    """Wait until the page is drawn."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_selector("[data-testid=stMain] h1")
    page.wait_for_function("!document.querySelector('[data-testid=stMain] [data-testid=stSkeleton]')")
    page.wait_for_timeout(300)


def hushed(page: Page, heard: list[str | bytes]) -> None:
    """Wait until the server has sent nothing for a while: the page has stopped asking."""

    def silent() -> bool:
        heard.clear()
        page.wait_for_timeout(QUIET_MS)
        return not heard

    wait_for("the server has nothing to tell", silent)


def text(page: Page) -> str:
    """Text of the page, in one line."""
    return re.sub(r"\s+", " ", page.locator("[data-testid=stMain]").inner_text())


def says(page: Page, words: str) -> None:
    """Wait until the page has text that matches the pattern."""
    page.get_by_text(re.compile(words)).first.wait_for()


def shows(page: Page, words: str, times: int | None = None) -> None:
    """Wait until these words are on the page, however they are marked up; exactly `times` times, where given."""
    wait_for(f"'{words}'", lambda: (words in text(page)) if times is None else text(page).count(words) == times)


def tick(page: Page, rows: list[int], table: int = 0) -> None:
    """Tick rows of a table, by position since it is a canvas. Wait for the mark, or the page that opens."""
    for row in rows:
        place, address = spot(page, table), page.url
        page.mouse.click(place["x"] + 16.0, place["y"] + ROW * (row + 1.5))
        page.wait_for_function(TICKED, arg=[address, table, row])
        settled(page)


def spot(page: Page, table: int = 0) -> FloatRect:
    """Place of a table in the window, once it does not move any more."""
    canvas = grid(page, table)
    canvas.locator("tbody td").first.wait_for(state="attached")
    canvas.scroll_into_view_if_needed()

    def still() -> FloatRect | None:
        before = canvas.bounding_box()
        page.wait_for_timeout(200)
        return before if before == canvas.bounding_box() else None

    place: FloatRect = wait_for("a table that does not move", still)
    return place


def grid(page: Page, table: int = 0) -> Locator:
    """A table's canvas."""
    return page.locator(TABLE).nth(table)


def column(page: Page, name: str, table: int = 0) -> list[str]:
    """Texts of a column, as for a screen reader; only rows that are drawn. Empty without that heading."""
    canvas = grid(page, table)
    canvas.locator("tbody td").first.wait_for(state="attached")
    headings, *rows = canvas.evaluate(CELLS)  # at once: rows come and go
    names = [heading.strip(" ↑↓") for heading in headings]
    return [row[names.index(name)] for row in rows] if name in names else []


def reads(page: Page, name: str, texts: list[str], table: int = 0) -> None:
    """Wait until a column begins with these texts."""
    wait_for(f"{name} {texts}", lambda: column(page, name, table)[: len(texts)] == texts)


def shoot(page: Page, name: str) -> Path:
    """Picture of the whole page, in a folder that git ignores."""
    SHOTS.mkdir(exist_ok=True)
    size = page.viewport_size
    assert size is not None
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": max(600, min(int(height) + 20, 4000))})
    page.wait_for_timeout(1000)
    settled(page)
    file = SHOTS / f"{name}.png"
    page.screenshot(path=file)
    page.set_viewport_size(size)
    return file


def fits(page: Page) -> None:
    """Wait until the page is no wider than its window; while it is drawn it may be."""
    wait_for(f"{page.url} fits", lambda: page.evaluate(WIDER) <= 0)


def download(page: Page, label: str, folder: Path) -> Path:
    """Click a download button and save the file."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=label).click()
    file = folder / waiting.value.suggested_filename
    waiting.value.save_as(file)
    return file


def run_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of a user, in a folder."""
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of a select box."""
    page.get_by_role("combobox", name=re.compile(label)).click()
    page.get_by_role("option", name=option, exact=True).click()
