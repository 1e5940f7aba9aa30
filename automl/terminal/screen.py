"""Progress of a search that Python started: shown where someone looks."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol, Self, TypeVar

from automl.costs.plan import Plan
from automl.records import Listener, Notice
from automl.reports.report import StudyReport
from automl.terminal.messenger import Target, messages
from automl.terminal.news import News
from automl.terminal.notebook import NotebookProgress, notebook_output, without_advice
from automl.terminal.progress import LiveProgress, PlainProgress, Silence
from automl.terminal.tables import open_console
from automl.terminal.tally import Tally

Result = TypeVar("Result", StudyReport, Plan)


class Screen(Protocol):
    """Display of a search from its first notice to its result."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...
    def __call__(self, notice: Notice) -> None: ...
    def conclude(self, result: StudyReport | Plan) -> None: ...


class Following:
    """A screen, a listener and news for others, to which the notices of a search go."""

    def __init__(self, screen: Screen, listener: Listener, news: News | None = None) -> None:
        self._screen = screen
        self._listener = listener
        self._news = news

    def __call__(self, notice: Notice) -> None:
        self._screen(notice)
        self._listener(notice)
        if self._news is not None:
            self._news(notice)

    def conclude(self, result: Result) -> Result:
        """Show the result, and return it."""
        self._screen.conclude(result)
        if self._news is not None and isinstance(result, StudyReport):
            self._news.concluded(result)
        return result


@contextmanager
def following(progress: bool | None, listener: Listener, targets: Sequence[Target] = ()) -> Iterator[Following]:
    """Listener of a search that shows its progress as `screen_for` says, and tells the other listener.

    targets  services that get messages
    """
    with ExitStack() as stack:
        if notebook_output() is not None:
            stack.enter_context(without_advice())
        screen = stack.enter_context(screen_for(progress))
        yield Following(screen, listener, stack.enter_context(messages(targets)))


def screen_for(progress: bool | None) -> Screen:
    """Screen of a search.

    progress  True: a live one in a notebook or on a terminal, lines on standard error elsewhere; None: the same, but
              nothing elsewhere; False: nothing
    """
    show = notebook_output()
    if progress is False:
        return Silence()
    if show is not None:
        return NotebookProgress(show, Tally())
    for stderr, stream in ((True, sys.stderr), (False, sys.stdout)):
        if stream is not None and stream.isatty():
            return LiveProgress(open_console(stderr=stderr), Tally())
    return PlainProgress(open_console(stderr=True), Tally()) if progress else Silence()
