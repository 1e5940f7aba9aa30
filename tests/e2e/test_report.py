"""The report on a real study as a user makes it, and its page in a real browser without a network."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.builders.cli import Place
from tests.builders.searches import NAME, Searched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.ray]  # the study's
PICTURES = ("pictures/data-mosaic-train.jpg", "pictures/predictions-beside-labels.jpg", "pictures/confusion-0.png")


@pytest.fixture(scope="module")
def place(searched: Searched, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A copy of the place of a search: the report keeps predictions there."""
    folder = tmp_path_factory.mktemp("report") / "copy"
    shutil.copytree(searched.place.folder, folder)
    return Place(folder)


@pytest.fixture(scope="module")
def without(place: Place) -> str:
    """What the command says before anything was predicted, with --no-predict."""
    done = place.run("report", NAME, "-o", "without.html", "--no-predict")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def said(place: Place, without: str) -> str:
    """What the command says when it predicts."""
    done = place.run("report", NAME, "-o", "report.html")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_nothing_is_predicted_with_no_predict(place: Place, without: str) -> None:
    assert "Predicting" not in without
    html = (place.folder / "without.html").read_text()
    assert "as asked for with --no-predict" in html
    assert "Images of train with their labels" in html
    assert "F1 against confidence" not in html


def test_predictions_are_made_once_and_said(place: Place, said: str) -> None:
    assert said.count("Predicting 4 images with trial") in (1, 2)
    again = place.run("report", NAME, "-o", "report.html")
    assert "Predicting" not in again.stdout + again.stderr
    assert f"Wrote {place.folder / 'report.html'}" in again.stdout


def test_the_page_shows_what_the_networks_see(place: Place, said: str) -> None:
    html = (place.folder / "report.html").read_text()
    for title in ("F1 against confidence", "Confusion matrix: defaults", "Predictions beside labels", "square", "disc"):
        assert title in html
    assert "left out" not in html


def test_the_zip_file_has_the_pictures(place: Place, said: str) -> None:
    assert place.run("report", NAME, "-o", "report.zip", "-q").returncode == 0
    with zipfile.ZipFile(place.folder / "report.zip") as archive:
        assert set(PICTURES) <= set(archive.namelist())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((NAME, "-o", "report.pdf"), "ends in .html or .zip"),
        ((NAME, "-o", "gone/report.html"), "does not exist"),
        ((NAME, "-o", "data.yaml"), "ends in .html or .zip"),
        (("nothing", "-o", "report.html"), "nothing"),
    ],
)
def test_wrong_words_end_with_two_and_a_sentence(place: Place, words: tuple[str, ...], sentence: str) -> None:
    done = place.run("report", *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_study_without_weights_is_reported_and_says_so(place: Place, said: str) -> None:
    copy = Place(place.folder.with_name("bare"))
    shutil.copytree(place.folder, copy.folder)
    for weights in copy.home.rglob("best.pt"):
        weights.unlink()
    done = copy.run("report", NAME, "-o", "bare.html")
    assert done.returncode == 0, done.stderr
    assert "weights are not here any more" in (copy.folder / "bare.html").read_text()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (420, "dark")])
def test_the_page_opens_offline_and_fits(place: Place, said: str, browser: Browser, width: int, scheme: str) -> None:
    asked: list[str] = []
    problems: list[str] = []
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        offline=True,
    )
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: problems.append(message.text))
    page.goto((place.folder / "report.html").as_uri())
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == problems == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("[...document.images].every(image => image.alt)")
    assert page.locator("svg.chart[role=img][aria-label]").count() > 8
    context.close()
