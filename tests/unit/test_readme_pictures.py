from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from rich.live import Live

from tests.tools.terminal_picture import output_of, picture, screen

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
PAGES = ("README.md", "docs/manual.md")


def plain(lines: list[str]) -> list[str]:
    return [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in lines]


def test_what_was_drawn_live_and_taken_back_does_not_stand_there_at_the_end() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=40)
    with Live("one\ntwo", console=console, transient=True, auto_refresh=False) as live:
        live.update("three\nfour\nfive", refresh=True)
        console.print("stays above")
    console.print("[bold]the end")
    assert plain(screen(file.getvalue())) == ["stays above", "the end"]


def test_a_command_runs_in_a_terminal() -> None:
    written = output_of(["sh", "-c", "test -t 1 && echo $COLUMNS"], columns=77)
    assert plain(screen(written)) == ["77"]


def test_the_picture_shows_the_command_and_its_lines_in_their_colours() -> None:
    drawn = picture("automl search --data <d>", ["\x1b[1mtrial\x1b[0m [0.1, 0.2]"], columns=60)
    told = re.sub(r"<[^>]*>", " ", drawn).replace("&#160;", " ")
    assert "automl search --data &lt;d&gt;" in told
    assert re.search(r"trial +\[0\.1, 0\.2\]", told)
    assert "font-weight: bold" in drawn


@pytest.mark.parametrize("name", ["terminal.svg", "page-study.png", "page-trials.png"])
def test_the_pictures_are_small_and_shown(name: str) -> None:
    assert (IMAGES / name).stat().st_size < 200_000
    assert any(f"images/{name}" in (ROOT / page).read_text() for page in PAGES)


def test_the_terminal_asks_for_nothing_elsewhere() -> None:
    drawn = (IMAGES / "terminal.svg").read_text()
    assert set(re.findall(r"https?://[^\"' )<]*", drawn)) == {"http://www.w3.org/2000/svg"}
    assert "@font-face" not in drawn
