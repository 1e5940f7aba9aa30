"""Take the README's pictures of the page, of a real study.

`python -m tests.tools.page_pictures DATABASE STUDY COMPARED FOLDER`, for example
`sqlite:///automl-runs/automl.db bccd 0,13,16,34 docs/images`.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.builders.browser import WIDE, launched, served, settled
from tests.builders.cli import Place

SHARP = 1.5  # pixels of a picture for one of the page
COLOURS = 128  # a third of the size, without a visible difference
HEAD = 60  # pixels of the bar above the page
ABOVE = "xpath=//*[@data-testid='stMain']//*[@data-testid='stVegaLiteChart']"


def take(page: Page, address: str, file: Path) -> None:
    """Write a picture from the study's name down to the last chart."""
    page.goto(address)
    settled(page)
    page.locator(ABOVE).first.locator("svg, canvas").first.wait_for()
    height = int(page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))
    page.set_viewport_size({"width": WIDE, "height": height})
    settled(page)
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)  # charts fit themselves to the new window
    places = [chart.bounding_box() for chart in page.locator(ABOVE).all()]
    end = max(place["y"] + place["height"] for place in places if place is not None)
    shot = page.screenshot(clip={"x": 30, "y": HEAD, "width": WIDE - 60, "height": end - HEAD})
    with Image.open(io.BytesIO(shot)) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


def main(database: str, study: str, compared: str, folder: Path) -> None:
    """Write page-study.png and page-trials.png into the folder."""
    place = Place(Path(tempfile.mkdtemp()), {"AUTOML_DB": database})
    with launched() as browser, served(place, browser) as site:
        context = browser.new_context(viewport={"width": WIDE, "height": 900}, device_scale_factor=SHARP)
        page = context.new_page()
        take(page, f"{site.url}/study?study={study}", folder / "page-study.png")
        take(page, f"{site.url}/study?study={study}&tab=Trials&compare={compared}", folder / "page-trials.png")
        context.close()
    place.folder.rmdir()


if __name__ == "__main__":
    main(*sys.argv[1:4], Path(sys.argv[4]))
