"""State of a process that is given back."""

from __future__ import annotations

import faulthandler
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from automl.host import guest
from tests.builders.host import check_same, snapshot


def disturb() -> None:
    """Changes everything that libraries are known to change."""
    os.environ.update({"RAY_X": "1", "TUNE_Y": "2"})
    logging.getLogger("ray").setLevel(50)
    logging.getLogger("optuna").setLevel(10)
    warnings.filterwarnings("ignore", module="strange")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    random.random()
    faulthandler.enable()
    sys.excepthook = lambda *of: None


EVERYTHING = (
    lambda: guest.variables({}, prefixes=("RAY_", "TUNE_")),
    guest.visiting,
    guest.signals_kept,
    guest.faults_kept,
    lambda: guest.importing(["ray"]),
)


@pytest.mark.parametrize("fails", [False, True])
def test_all_of_it_is_given_back_after_an_error_too(fails: bool) -> None:
    def within(contexts: tuple[Callable[[], AbstractContextManager[None]], ...]) -> None:
        if contexts:
            with contexts[0]():
                within(contexts[1:])
            return
        disturb()
        if fails:
            raise ZeroDivisionError

    before = snapshot()
    try:
        within(EVERYTHING)
    except ZeroDivisionError:
        assert fails
    check_same(before, snapshot())


def test_variables_are_set_within_and_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_OLD", "old")
    monkeypatch.delenv("MINE", raising=False)
    with guest.variables({"RAY_NEW": "1", "RAY_OLD": "2"}, prefixes=("RAY_",)):
        assert (os.environ["RAY_NEW"], os.environ["RAY_OLD"]) == ("1", "2")
        os.environ["RAY_OTHER"] = "3"
        os.environ["MINE"] = "of another thread"
    assert "RAY_NEW" not in os.environ
    assert "RAY_OTHER" not in os.environ
    assert (os.environ["RAY_OLD"], os.environ.pop("MINE")) == ("old", "of another thread")


def test_a_filter_of_the_user_stays_where_ours_was() -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"ray\..*")
        with guest.no_warnings_of(r"ray\..*"):
            pass
        assert [entry for entry in warnings.filters if entry[3] is not None and "ray" in str(entry[3])]
    before = list(warnings.filters)
    with guest.no_warnings_of(r"ray\..*"):
        warnings.filterwarnings("error", module="mine")
    assert next(entry for entry in warnings.filters if entry not in before)[0] == "error"
    warnings.filters[:] = before  # type: ignore[index]


def test_in_another_thread_signals_and_random_numbers_are_nobodys() -> None:
    failures: list[BaseException] = []

    def visit() -> None:
        try:
            with guest.visiting(), guest.signals_kept():
                random.random()
        except BaseException as error:
            failures.append(error)

    state = random.getstate()
    thread = threading.Thread(target=visit)
    thread.start()
    thread.join()
    assert failures == []
    assert random.getstate() != state
