"""The page as a user has it: served by the command line, in a real browser."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.e2e.cli import Place, wait_for

SHOTS = Path(__file__).parents[2] / "screenshots"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
WIDE, NARROW = 1280, 420  # pixels
ROW = 35.0  # pixels of a table's row, and of its heading


def chromium() -> str:
    """The browser's executable. Skips where there is none, but never in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to have a browser: make browser")
        pytest.skip("needs chromium: make browser, as root, or your package manager")
    return found


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser without a window and without background traffic."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield browser
        browser.close()


@dataclass(frozen=True)
class Site:
    """A page that is served, and the browser that looks at it."""

    url: str
    browser: Browser
    foreign: list[str] = field(default_factory=list)  # addresses elsewhere that the page asked for

    @contextmanager
    def open(self, path: str, *, width: int = WIDE, dark: bool = False) -> Iterator[Page]:
        """The page at the address, drawn to its end; in a browser session of its own."""
        scheme = "dark" if dark else "light"
        context = self.browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with place.start("dashboard", "--port", str(port), *words) as process:
        url = f"http://localhost:{port}"
        wait_for("the page is served", lambda: _answers(url), process)
        yield Site(url, browser)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def settled(page: Page) -> None:
    """Waits until the page is drawn."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)
    page.wait_for_selector("[data-testid=stMain] h1", timeout=60_000)
    page.wait_for_timeout(300)


def text(page: Page) -> str:
    """What is written on the page, in one line."""
    return re.sub(r"\s+", " ", page.locator("[data-testid=stMain]").inner_text())


def says(page: Page, words: str, timeout_s: float = 30.0) -> None:
    """Waits until the page says so."""
    page.get_by_text(re.compile(words)).first.wait_for(timeout=1000 * timeout_s)


def tick(page: Page, rows: list[int], table: int = 0) -> None:
    """Ticks rows of a table, which is a canvas: by position."""
    for row in rows:
        grid(page, table).scroll_into_view_if_needed()
        place = grid(page, table).bounding_box()
        assert place is not None
        page.mouse.click(place["x"] + 16.0, place["y"] + ROW * (row + 1.5))
        page.wait_for_timeout(300)
        settled(page)


def grid(page: Page, table: int = 0) -> Locator:
    """A table's canvas."""
    return page.locator("[data-testid=stDataFrame] canvas[data-testid=data-grid-canvas]").nth(table)


def column(page: Page, name: str, table: int = 0) -> list[str]:
    """The texts of a column, as a screen reader has them; only rows that are drawn."""
    found = grid(page, table)
    found.locator("tbody td").first.wait_for(state="attached", timeout=30_000)
    number = [heading.strip(" ↑↓") for heading in found.locator("th").all_text_contents()].index(name)
    return [line.locator("td").nth(number).text_content() or "" for line in found.locator("tbody tr").all()]


def shoot(page: Page, name: str) -> Path:
    """A picture of the whole page, in a folder that git ignores."""
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


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    found: int = page.evaluate(
        "(() => { const e = document.querySelector('[data-testid=stMain]'); return e.scrollWidth - e.clientWidth })()"
    )
    return found


def download(page: Page, label: str, folder: Path) -> Path:
    """Clicks a download button and keeps what comes."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=label).click()
    file = folder / waiting.value.suggested_filename
    waiting.value.save_as(file)
    return file


def run_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of a user, in a folder."""
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
