"""State of the user's process that a search changes and gives back: a notebook goes on afterwards."""

from __future__ import annotations

import faulthandler
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

_LIBRARIES = ("optuna", "ray", "ray.data", "ray.rllib", "ray.serve", "ray.train", "ray.tune")  # they set levels


@contextmanager
def visiting() -> Iterator[None]:
    """Give back afterwards what libraries change when they are loaded and used: levels, warnings, random numbers."""
    with log_levels(_LIBRARIES), warnings_kept(), randomness_kept():
        yield


@contextmanager
def variables(changes: Mapping[str, str], prefixes: tuple[str, ...] = ()) -> Iterator[None]:
    """Set environment variables within. Afterwards they are as before, and so is every other one with a prefix."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        for name in {*before, *os.environ}:
            if name in changes or name.startswith(prefixes):
                _put_back(name, before.get(name))


def _put_back(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    elif os.environ.get(name) != value:
        os.environ[name] = value


@contextmanager
def log_levels(names: Iterable[str], level: int | None = None) -> Iterator[None]:
    """Give back the levels of these loggers afterwards; within they have that level, if any."""
    before = {name: logging.getLogger(name).level for name in names}
    for name in before:
        if level is not None:
            logging.getLogger(name).setLevel(level)
    try:
        yield
    finally:
        for name, own in before.items():
            logging.getLogger(name).setLevel(own)


@contextmanager
def no_warnings_of(module: str) -> Iterator[None]:
    """Ignore the warnings of a module, named by a regular expression. Other filters stay, new ones too."""
    before = list(warnings.filters)
    warnings.filterwarnings("ignore", module=module)
    filters: Any = warnings.filters  # the list itself: another thread may have it
    added = filters[0]
    try:
        yield
    finally:
        if added not in before:
            with suppress(ValueError):  # another thread has reset them
                filters.remove(added)


@contextmanager
def warnings_kept() -> Iterator[None]:
    """Take back the filters of warnings that are added within."""
    before = list(warnings.filters)
    try:
        yield
    finally:
        filters: Any = warnings.filters
        filters[:] = [entry for entry in filters if entry in before]


@contextmanager
def randomness_kept() -> Iterator[None]:
    """Give back the state of Python's random numbers, which Ray draws. Not in a thread: others may draw meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


@contextmanager
def signals_kept() -> Iterator[None]:
    """Give back signal handlers afterwards. Only the main thread can: elsewhere nobody sets any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)


@contextmanager
def faults_kept() -> Iterator[None]:
    """Give back whether a crash of the process prints its stack."""
    enabled = faulthandler.is_enabled()
    try:
        yield
    finally:
        if not enabled:
            faulthandler.disable()


@contextmanager
def importing(loggers: Iterable[str]) -> Iterator[None]:
    """Import a library within: environment, warnings, hooks and levels of loggers are as before.

    loggers  of the library
    """
    hook = sys.excepthook
    known = {
        *loggers,
        *(name for name, kind in logging.root.manager.loggerDict.items() if isinstance(kind, logging.Logger)),
    }
    with ExitStack() as stack:
        stack.enter_context(variables({}, prefixes=("",)))
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(signals_kept())
        stack.enter_context(log_levels(known))
        stack.callback(setattr, sys, "excepthook", hook)
        yield
