"""Messages on a search, in virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.errors import AutoMLError
from automl.records import Notice, Purpose
from automl.terminal.news import Message, News
from tests.unit.terminal.test_progress import Clock, ended, epoch, notice, started, study


class Told:
    """News with a clock, and all that they sent."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.messages: list[Message] = []
        self.news = News(self.messages.append, self.clock)

    def hear(self, *notices: Notice) -> list[str]:
        """Titles of the messages that these notices bring."""
        before = len(self.messages)
        for entry in notices:
            self.clock.now = max(self.clock.now, entry.at)
            self.news(entry)
        return [message.title for message in self.messages[before:]]

    def wait(self, seconds: float) -> list[str]:
        """Titles of the messages that the time brings."""
        before = len(self.messages)
        self.clock.now += seconds
        self.news.tick()
        return [message.title for message in self.messages[before:]]


def _ended(number: int, at: float, best: float, state: str = "completed") -> Notice:
    return notice("trial_ended", at, number, state=state, reason="because", map50_95=best, slot_s=1.0)


def test_a_new_best_is_told_when_its_trial_ends_and_the_defaults_are_none() -> None:
    told = Told()
    assert not told.hear(study(), started(0, 0.0), epoch(0, 1.0, 0.4, slot_s=1.0), _ended(0, 2.0, 0.4))
    assert not told.hear(started(1, 2.0), epoch(1, 3.0, 0.45, slot_s=1.0), epoch(1, 4.0, 0.5, slot_s=2.0))
    assert told.hear(_ended(1, 5.0, 0.5)) == ["automl birds: new best"]
    assert "0.500" in told.messages[-1].body
    assert not told.hear(started(2, 5.0), _ended(2, 6.0, 0.45))
    assert not told.hear(started(3, 6.0, purpose=Purpose.CONFIRMATION), _ended(3, 7.0, 0.9))
    assert not told.hear(started(4, 7.0), _ended(4, 8.0, 0.95, state="interrupted"))


def test_each_mark_of_the_budget_is_told_once_and_the_highest_of_several() -> None:
    told = Told()
    assert not told.hear(study(), started(0, 0.0), epoch(0, 60.0, 0.4, slot_s=60.0))
    assert told.hear(epoch(0, 9100.0, 0.4, slot_s=9100.0)) == ["automl birds: 50% of the budget"]
    assert not told.hear(epoch(0, 9200.0, 0.4, slot_s=9200.0))
    assert told.hear(epoch(0, 18100.0, 0.4, slot_s=18100.0)) == ["automl birds: 100% of the budget"]
    assert not told.wait(10.0)


def test_marks_of_an_earlier_session_are_not_told_again() -> None:
    told = Told()
    assert not told.hear(study(spent_s=10000.0, begun=3, ended=3), started(3, 0.0))


def test_silence_is_told_once_and_that_it_goes_on() -> None:
    told = Told()
    told.hear(study(), started(0, 0.0), epoch(0, 10.0, 0.4, slot_s=1.0))
    assert not told.wait(600.0)
    assert told.wait(400.0) == ["automl birds: no epoch"]
    assert told.messages[-1].bad
    assert "automl status birds" in told.messages[-1].body
    assert not told.wait(400.0)
    assert told.hear(epoch(0, told.clock.now, 0.4, slot_s=2.0)) == ["automl birds: goes on"]


def test_where_epochs_are_long_silence_is_longer() -> None:
    told = Told()
    told.hear(study(), started(0, 0.0), epoch(0, 1000.0, 0.4, slot_s=1.0))
    assert not told.wait(4000.0)
    assert "automl birds: no epoch" in told.wait(2000.0)


@pytest.mark.parametrize(
    ("error", "title", "words"),
    [
        (AutoMLError("the disk is full"), "failed", "The disk is full."),
        (ValueError("postgresql://user:secret@host"), "failed", "ValueError."),
        (KeyboardInterrupt(), "interrupted", "automl resume birds"),
    ],
)
def test_an_error_is_told_without_what_a_library_says(error: BaseException, title: str, words: str) -> None:
    told = Told()
    told.hear(study())
    told.news.failed(error)
    assert told.messages[-1].title == f"automl birds: {title}"
    assert words in told.messages[-1].body
    assert "secret" not in told.messages[-1].body


def test_before_a_search_has_begun_nothing_is_told(tmp_path: Path) -> None:
    told = Told()
    told.news.failed(AutoMLError("no data"))
    assert not told.wait(1e6)
    assert not told.messages


def test_other_notices_bring_no_message() -> None:
    told = Told()
    assert not told.hear(notice("note", 0.0, text="a note"), study(), started(0, 0.0), ended(0, 1.0))
