from __future__ import annotations

import threading

import pytest

from automl.trainers.ultralytics.stepwise import Turn, stepwise


def test_items_come_in_order_and_the_loop_rests_meanwhile() -> None:
    begun: list[int] = []

    def loop(turn: Turn[int]) -> None:
        for number in range(3):
            begun.append(number)
            turn.offer(number)

    run = stepwise(loop)
    assert next(run) == 0
    assert begun == [0]
    assert list(run) == [1, 2]


def test_closing_ends_the_loop_where_it_rests() -> None:
    events: list[str] = []

    def loop(turn: Turn[int]) -> None:
        try:
            turn.offer(1)
            events.append("went on")
        finally:
            events.append("cleaned up")

    run = stepwise(loop, name="resting")
    next(run)
    run.close()
    assert events == ["cleaned up"]
    assert "resting" not in [thread.name for thread in threading.enumerate()]


def test_an_exception_thrown_in_ends_the_loop_too() -> None:
    ended = threading.Event()

    def loop(turn: Turn[int]) -> None:
        try:
            turn.offer(1)
        finally:
            ended.set()

    run = stepwise(loop)
    next(run)
    with pytest.raises(KeyboardInterrupt):
        run.throw(KeyboardInterrupt())
    assert ended.is_set()


def test_an_error_of_the_loop_is_raised_after_its_items() -> None:
    def loop(turn: Turn[int]) -> None:
        turn.offer(1)
        raise ValueError("broken")

    run = stepwise(loop)
    assert next(run) == 1
    with pytest.raises(ValueError, match="broken"):
        next(run)


def test_an_error_while_closing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def loop(turn: Turn[int]) -> None:
        try:
            turn.offer(1)
        finally:
            raise OSError("disk full")

    run = stepwise(loop, name="trial-5")
    next(run)
    run.close()
    assert "trial-5 failed while it was being closed" in caplog.text


def test_nothing_starts_before_the_first_item_is_asked_for() -> None:
    started = threading.Event()

    def loop(turn: Turn[int]) -> None:
        started.set()

    run = stepwise(loop)
    run.close()
    assert not started.is_set()
