"""The check of a data set as a user runs it, and its page in a real browser without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.builders.cli import Place, environment
from tests.builders.data_folder import BOX, write_image

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = '["<script>alert(1)</script>", "dog"]'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A folder with three data sets: a sound one, one with a bad row, and one without val."""
    folder = tmp_path_factory.mktemp("check")
    for name in ("sound", "broken", "without val"):
        for split in ("train", "val"):
            for image in ("a", "b", "<img src=x onerror=alert(2)>"):
                write_image(folder / name / "images" / split / f"{image}.jpg", BOX)
        val = "" if name == "without val" else "val: images/val\n"
        (folder / name / "data.yaml").write_text(f"train: images/train\n{val}names: {NAMES}\n")
    (folder / "broken" / "labels" / "train" / "a.txt").write_text(f"{BOX}9 0.5 0.5 0.2 0.2\n")
    return Place(folder)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--data", "sound/data.yaml"), 0),
        (("--data", "broken/data.yaml"), 1),
        (("--data", "without val/data.yaml"), 1),
        (("--data", "gone/data.yaml"), 2),
        (("--data", "sound/data.yaml", "--html", "gone/report.html"), 2),
        (("--data", "sound/data.yaml", "--split", "all"), 2),
        ((), 2),
    ],
)
def test_the_exit_code_says_whether_the_data_can_be_trained_on(place: Place, words: tuple[str, ...], code: int) -> None:
    done = place.run("check", *words)
    assert done.returncode == code, done.stderr
    assert bool(done.stdout) == (code < 2)
    assert done.stderr.count("\n") == (1 if code == 2 else 0)


def test_a_program_gets_json_alone(place: Place) -> None:
    done = place.run("check", "--data", "broken/data.yaml", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["trainable"] is False


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_report_that_cannot_be_written_as_a_whole_is_no_success(place: Place) -> None:
    command = [sys.executable, "-m", "automl", "check", "--data", str(place.folder / "sound" / "data.yaml"), "--json"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, env=environment(AUTOML_HOME=str(place.home)), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"cannot be written to standard output" in done.stderr


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (420, "dark")])
def test_the_page_shows_everything_without_a_network(
    place: Place, browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    file = tmp_path / "report.html"
    assert place.run("check", "--data", "broken/data.yaml", "--html", file).returncode == 1
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri())
    assert "cannot be trained on" in page.get_by_role("region", name="Verdict").inner_text()
    assert [address for address in asked if not address.startswith("data:image/")] == [file.as_uri()]
    assert said == []
    assert page.evaluate("[...document.images].length") >= 3
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0 && image.alt)")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    context.close()
