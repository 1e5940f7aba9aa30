"""The report of a data check as text, and its progress."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from automl.records import DataReport, Severity
from automl.terminal.check import bars, print_check
from tests.builders.data_reports import advice, data_report, finding, places


def printed(report: DataReport, *, terminal: bool = True) -> list[str]:
    stream = io.StringIO()
    print_check(Console(file=stream, width=80, force_terminal=terminal, color_system=None), report, "data.yaml")
    return stream.getvalue().splitlines()


FULL = data_report(
    finding(Severity.ERROR, title="Three rows cannot be used. " * 6, places=places(7), count=4000),
    finding(),
    finding(Severity.NOTE, title="Worth knowing."),
    recommendations=(advice(text="Train at 1280 pixels, since most of the objects are small ones here. " * 2),),
    judged="Val was judged.",
    price="They cost 0.02.",
)


def test_the_text_begins_with_the_verdict_and_ends_with_commands() -> None:
    lines = printed(FULL)
    assert lines[0] == "This data set cannot be trained on as it is: 1 error."
    assert lines[1].startswith("First: Look at them.")
    assert lines[-1] == "    automl check --data data.yaml --html report.html"


def test_severities_stand_in_their_order_with_places_and_advice() -> None:
    text = "\n".join(printed(FULL))
    assert text.index("1 error") < text.index("1 warning") < text.index("1 note") < text.index("Recommended")
    assert "/data/labels/0.txt:1: bad" in text
    assert "… and 3,997 more" in text
    assert "  What to do: Look at them." in text
    assert "They cost 0.02." in text


def test_a_narrow_terminal_breaks_lines_between_words() -> None:
    lines = printed(FULL)
    assert max(map(len, lines)) <= 80
    first = next(number for number, line in enumerate(lines) if line.startswith("- Three rows"))
    assert lines[first + 1].startswith("  ")


def test_a_pipe_gets_whole_lines() -> None:
    assert any(len(line) > 120 for line in printed(FULL, terminal=False))


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\rb", "a\nb", "[bold]a[/bold]", "[/]"])
def test_names_of_files_neither_colour_nor_break_the_text(name: str) -> None:
    lines = printed(data_report(finding(title=f"File {name} is dark.", advice=name), recommendations=()))
    assert not set("\x1b\r") & set("".join(lines))
    assert len(lines) == len(printed(data_report(finding(title="File x is dark.", advice="x"), recommendations=())))


def test_a_report_without_splits_is_printed() -> None:
    assert printed(data_report(finding(Severity.ERROR), splits={}, names=()))


@pytest.mark.parametrize(("progress", "shown"), [(None, False), (False, False), (True, True)])
def test_progress_is_shown_where_someone_looks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, progress: bool | None, shown: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with bars(progress) as hear:
        for done in (0, 1, 2):
            hear("train [x]", done, 2)
        hear("val", 0, 0)
    told = capsys.readouterr()
    assert bool(told.err) == shown
    assert told.out == ""
