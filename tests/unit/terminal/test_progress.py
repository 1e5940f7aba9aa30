"""Display of a running search: the tally, a log's lines, the live table, events."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from automl.errors import NoSpace
from automl.records import Notice, Purpose
from automl.terminal.progress import JsonEvents, LiveProgress, PlainProgress, Silence, display, shown
from automl.terminal.tally import Tally
from tests.builders.factories import make_spec
from tests.unit.terminal.test_plan import PLAN


def text_of(draw: Any, width: int = 200) -> str:
    file = io.StringIO()
    draw(Console(file=file, width=width))
    return file.getvalue()


class Clock:
    """Stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def notice(kind: str, at: float = 0.0, trial: int | None = None, **values: Any) -> Notice:
    return Notice(kind=kind, at=at, trial=trial, values=values)


def probed(at: float = 0.0) -> Notice:
    figures = {"fitted": 342, "tensors": 349, "parameters": 1_900_000, "train_images": 205, "val_images": 87}
    return notice("probed", at, epoch_s=2.5, epochs=12, rungs=(3, 9), spec=make_spec(probe_s=10.0), **figures)


def study(at: float = 0.0, spent_s: float = 10.0, **changes: Any) -> Notice:
    known = {"begun": 0, "ended": 0, "baseline": None, "best_epoch": None, **changes}
    return notice("study", at, spec=make_spec(probe_s=10.0), spent_s=spent_s, **known)


def started(number: int, at: float, attempt: int = 1, slot_s: float = 0.0, purpose: Purpose = Purpose.SEARCH) -> Notice:
    values = {"params": {}, "origin": "tpe", "attempt": attempt, "done_epochs": 0, "epochs": 12, "slot_s": slot_s}
    values |= {"purpose": purpose, "repeats": None if purpose.searched else 0}
    return notice("trial_started", at, number, **values)


def epoch(number: int, at: float, value: float, number_of_epoch: int = 1, slot_s: float = 60.0) -> Notice:
    return notice("epoch", at, number, epoch=number_of_epoch, map50_95=value, map50=value, slot_s=slot_s)


def ended(number: int, at: float, slot_s: float = 120.0, state: str = "completed") -> Notice:
    return notice("trial_ended", at, number, state=state, reason="because", map50_95=0.5, slot_s=slot_s)


def plain(*notices: Notice) -> list[str]:
    """The lines that a log shows of those notices."""
    file = io.StringIO()
    with PlainProgress(Console(file=file, width=60), Tally(Clock())) as show:
        for entry in notices:
            show(entry)
    return file.getvalue().splitlines()


def test_the_tally_adds_up_what_trials_cost_until_now() -> None:
    clock = Clock()
    tally = Tally(clock)
    for entry in (study(), started(0, 0.0), epoch(0, 60.0, 0.4), ended(0, 120.0), started(1, 120.0)):
        tally.take(entry)
    clock.now = 30.0
    assert tally.now() == 150.0
    assert tally.spent_s() == pytest.approx(10.0 + 120.0 + 30.0)
    assert (tally.begun, tally.ended, list(tally.running)) == (2, 1, [1])


def test_a_trial_that_goes_on_is_not_begun_twice() -> None:
    tally = Tally(Clock())
    tally.take(started(0, 0.0))
    tally.take(started(0, 60.0, attempt=2))
    assert tally.begun == 1


def test_a_resumed_study_goes_on_counting_where_it_stood() -> None:
    tally = Tally(Clock())
    known = {"begun": 3, "ended": 2, "baseline": 0.3, "best_epoch": (0.4, 1)}
    tally.take(study(at=500.0, spent_s=400.0, **known))
    tally.take(started(2, 500.0, attempt=2, slot_s=100.0))
    tally.take(epoch(2, 560.0, 0.2, slot_s=160.0))
    assert tally.spent_s() == pytest.approx(460.0)
    tally.take(ended(2, 560.0, slot_s=160.0))
    assert (tally.begun, tally.ended, tally.best_epoch, tally.spent_s()) == (3, 3, (0.4, 1), pytest.approx(460.0))


def test_a_nan_is_no_best() -> None:
    tally = Tally(Clock())
    tally.take(started(0, 0.0))
    tally.take(epoch(0, 60.0, math.nan))
    assert (tally.baseline, tally.best_epoch) == (None, None)
    tally.take(epoch(0, 120.0, 0.3))
    assert (tally.baseline, tally.best_epoch) == (0.3, (0.3, 0))


def test_the_probe_says_what_fitted_and_where_the_rungs_are() -> None:
    (line,) = plain(probed())
    assert "342 of 349 tensors fitted; 205 train and 87 val images" in line
    assert line.endswith("2.5 s an epoch; up to 12 epochs a trial, weak ones end after epoch 3 or 9")


def test_a_log_tells_ends_and_new_bests_only() -> None:
    lines = plain(started(0, 0), epoch(0, 60, 0.4), epoch(0, 120, 0.3, 2), epoch(0, 180, 0.45, 3), ended(0, 180, 180))
    assert lines == [
        "   1:00  best epoch 0.400 mAP50-95 (trial 0, epoch 1); the defaults' 0.400",
        "   3:00  best epoch 0.450 mAP50-95 (trial 0, epoch 3); the defaults' 0.450",
        "   3:00  trial 0 completed: best epoch 0.500, 3.0 cpu-min; because",
    ]


def test_what_looks_like_markup_is_printed_as_it_is() -> None:
    assert plain(notice("note", text="see [bold]file[/x]")) == ["    0 s  see [bold]file[/x]"]


@pytest.mark.parametrize("quiet", [True, False])
def test_a_quiet_search_shows_nothing(quiet: bool, capfd: pytest.CaptureFixture[str]) -> None:
    with display(Console(), quiet=quiet) as show:
        for entry in (study(), probed(), started(0, 0.0), epoch(0, 60.0, 0.4), notice("note", text="see")):
            show(entry)
    output = capfd.readouterr()
    assert (output.out == "") is quiet
    assert output.err == ""


def test_the_display_fits_where_it_is_shown() -> None:
    assert isinstance(display(Console(file=io.StringIO(), force_terminal=True), quiet=False), LiveProgress)
    assert isinstance(display(Console(file=io.StringIO()), quiet=False), PlainProgress)
    assert isinstance(display(Console(file=io.StringIO(), force_terminal=True), quiet=True), Silence)


def test_a_terminal_shows_budget_trials_and_best() -> None:
    live = LiveProgress(Console(file=io.StringIO(), force_terminal=True), Tally(Clock()))
    for entry in (study(), started(0, 0.0), epoch(0, 60.0, 0.4), started(1, 60.0), epoch(1, 120.0, 0.5)):
        live(entry)
    text = text_of(lambda console: console.print(live._draw()))
    assert "best epoch 0.500 mAP50-95 (trial 1)   the defaults' 0.400" in text
    assert "of 5.00 cpu-h" in text
    assert "1/12" in text


def test_events_are_one_json_object_a_line_and_nan_is_null() -> None:
    file = io.StringIO()
    events = JsonEvents(file.write)
    events(epoch(3, 60.0, math.nan))
    events(probed(61.0))
    first, second = map(json.loads, file.getvalue().splitlines())
    assert (first["kind"], first["at_s"], first["trial"], first["map50_95"]) == ("epoch", 60.0, 3, None)
    assert second["spec"]["slots"] == {"count": 1, "device": "cpu", "devices": [], "threads": 1}


def test_a_repeat_is_never_the_best_so_far_of_a_display() -> None:
    tally = Tally(Clock())
    for entry in (started(0, 0.0), epoch(0, 60.0, 0.4)):
        tally.take(entry)
    tally.take(started(1, 60.0, purpose=Purpose.CONFIRMATION))
    tally.take(epoch(1, 120.0, 0.9))
    assert tally.best_epoch == (0.4, 0)


def test_what_is_shown_is_also_appended_to_the_file_of_events(tmp_path: Path) -> None:
    file, screen = tmp_path / "events.jsonl", io.StringIO()
    for text in ("first", "second"):
        with shown(Console(file=screen, width=60), quiet=False, events=file) as listener:
            listener(notice("note", text=text))
    assert screen.getvalue().splitlines() == ["    0 s  first", "    0 s  second"]
    assert [json.loads(line)["text"] for line in file.read_text().splitlines()] == ["first", "second"]


def test_a_file_of_events_that_cannot_be_opened_is_an_error_before_the_search(tmp_path: Path) -> None:
    with (
        pytest.raises(NoSpace, match=r"cannot be written \(.*\)\. Choose another --json-events"),
        shown(Console(file=io.StringIO()), quiet=True, events=tmp_path / "no" / "events.jsonl"),
    ):
        pytest.fail("nothing may begin")


def test_a_terminal_of_another_size_shows_the_plan_and_the_table_once() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, height=30)
    live = LiveProgress(console, Tally(Clock()))
    with live:
        live(notice("plan", plan=PLAN.document()))
        live(study())
        live.redraw()
        resized_at = screen.tell()
        console.width = 60
        live.redraw()
    after = screen.getvalue()[resized_at:]
    assert after.count("It takes about") == 1
    assert "\x1b[2J" in after


def test_a_terminal_of_the_same_size_is_not_cleared() -> None:
    screen = io.StringIO()
    with LiveProgress(Console(file=screen, force_terminal=True, width=100, height=30), Tally(Clock())) as live:
        live(notice("plan", plan=PLAN.document()))
        live.redraw()
    assert screen.getvalue().count("It takes about") == 1
    assert "\x1b[2J" not in screen.getvalue()
