"""Where progress is shown."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from automl.records import Notice
from automl.terminal.notebook import NotebookProgress
from automl.terminal.progress import LiveProgress, PlainProgress, Silence
from automl.terminal.screen import following, screen_for
from tests.builders.factories import make_row
from tests.builders.overviews import make_report


class Terminal(io.StringIO):
    """A stream of a terminal."""

    def isatty(self) -> bool:
        return True


def put(monkeypatch: pytest.MonkeyPatch, *, stdout: Any, stderr: Any, kernel: bool = False) -> None:
    shell = SimpleNamespace(kernel=object()) if kernel else None
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=print))


@pytest.mark.parametrize(
    ("progress", "terminals", "kernel", "kind"),
    [
        (None, "", False, Silence),
        (None, "stderr", False, LiveProgress),
        (None, "stdout", False, LiveProgress),
        (None, "stdout stderr", False, LiveProgress),
        (None, "", True, NotebookProgress),
        (None, "stderr", True, NotebookProgress),
        (True, "", False, PlainProgress),
        (True, "stderr", False, LiveProgress),
        (True, "", True, NotebookProgress),
        (False, "stdout stderr", True, Silence),
        (False, "stdout stderr", False, Silence),
        (False, "", False, Silence),
    ],
)
def test_progress_is_shown_where_someone_looks(
    progress: bool | None, terminals: str, kernel: bool, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = {name: Terminal() if name in terminals else io.StringIO() for name in ("stdout", "stderr")}
    put(monkeypatch, **streams, kernel=kernel)
    assert type(screen_for(progress)) is kind


def test_colours_that_are_forced_make_a_file_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    put(monkeypatch, stdout=io.StringIO(), stderr=io.StringIO())
    assert type(screen_for(None)) is Silence


@pytest.mark.parametrize("progress", [None, True, False])
def test_a_process_without_streams_shows_nothing(progress: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, stdout=None, stderr=None)
    assert type(screen_for(progress)) is (PlainProgress if progress else Silence)


@pytest.mark.parametrize("progress", [True, False])
def test_a_listener_hears_everything_beside_the_screen(progress: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stderr, heard = io.StringIO(), []
    put(monkeypatch, stdout=io.StringIO(), stderr=stderr)
    note = Notice(kind="note", at=1.0, values={"text": "rung 3"})
    with following(progress, heard.append) as follow:
        follow(note)
    assert heard == [note]
    assert ("rung 3" in stderr.getvalue()) is progress


@pytest.mark.parametrize("stderr", [Terminal(), io.StringIO()])
def test_the_card_is_printed_at_the_end_and_the_report_returned(
    stderr: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch, stdout=io.StringIO(), stderr=stderr)
    report = replace(make_report(make_row(1, 0.6), make_row(0, 0.5)), interrupted=True)
    with following(True, lambda notice: None) as follow:
        assert follow.conclude(report) is report
    text = stderr.getvalue()
    assert "mAP50-95 0.600 (one seed) on val, 12 epochs (trial 1)" in text
    assert "Trials: 2 completed." in text
    assert "Go on with: automl resume birds" in text
