"""Progress of a search in a notebook: one output that is replaced, and the card of the answer at the end.

IPython is no dependency: in a notebook it is there.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from automl import markup
from automl.costs.plan import Plan
from automl.figures import duration, score
from automl.records import Notice
from automl.reports import glance
from automl.reports.overview import Overview
from automl.terminal.tally import Tally

SHORTEST_S, LONGEST_S = 0.5, 10.0  # between two drawings
CALM = 600  # a search of so many seconds is drawn once a second: its server may keep what nobody looks at

Content = Mapping[str, str]  # one output by media type


class Handle(Protocol):
    """An output that can be replaced, as IPython's DisplayHandle."""

    def update(self, content: Content, /, *, raw: bool) -> object: ...


Show = Callable[[Content], Handle]


def notebook_output() -> Show | None:
    """Function that adds an output to the running cell; None outside of a notebook's kernel."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if getattr(shell, "kernel", None) is None:
        return None
    return partial(importlib.import_module("IPython.display").display, raw=True, display_id=True)


@contextmanager
def without_advice() -> Iterator[None]:
    """Keep advice of other libraries to install widgets out of the cell: this module shows the progress."""
    logger = logging.getLogger("ray.widgets")
    level = logger.level
    logger.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if importlib.util.find_spec("tqdm") is not None:
            importlib.import_module("tqdm.auto")
    try:
        yield
    finally:
        logger.setLevel(level)


class NotebookProgress:
    """One output with budget, running trials, best epoch and last events, from the first notice on."""

    def __init__(self, show: Show, tally: Tally, clock: Callable[[], float] = time.monotonic) -> None:
        self._show = show
        self._tally = tally
        self._clock = clock
        self._began = clock()
        self._handle: Handle | None = None
        self._last: Content | None = None  # what remains at the end
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="automl-progress", daemon=True)

    def __enter__(self) -> NotebookProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        if self._handle is not None:
            self._thread.join()
            self._handle.update(self._last or self.content(stopped=True), raw=True)

    def __call__(self, notice: Notice) -> None:
        self._tally.take(notice)
        if self._handle is None:
            self._handle = self._show(self.content())
            self._thread.start()

    def conclude(self, result: Overview | Plan) -> None:
        """Show the card of a study, or a plan in brief, from the end on."""
        if isinstance(result, Plan):
            html = markup.block("Plan", markup.paragraph("\n".join(result.brief(time.time())), dim=False))
        else:
            html = glance.html(result)
        self._last = {"text/html": html, "text/plain": repr(result)}

    def period_s(self) -> float:
        """Seconds until the next drawing: fewer drawings of long searches."""
        return min(LONGEST_S, max(SHORTEST_S, (self._clock() - self._began) / CALM))

    def content(self, *, stopped: bool = False) -> Content:
        """The output as things stand.

        stopped  True: an error or an interrupt has ended the search
        """
        tally = self._tally
        title = f"{tally.spec.name}: {tally.counts()}" if tally.spec is not None and tally.begun else "Preparing"
        title += ", stopped" if stopped else ""
        html = markup.block(
            title,
            *(markup.bar(gauge.share, gauge.text) for gauge in tally.gauges()),
            markup.paragraph(tally.best_text() if tally.best_epoch is not None else "", dim=False),
            self._running(),
            markup.paragraph("\n".join(tally.log)),
        )
        return {"text/html": html, "text/plain": f"{title}   {tally.best_text()}" if tally.begun else title}

    def _follow(self) -> None:
        while not self._over.wait(self.period_s()):
            if self._handle is not None:
                self._handle.update(self.content(), raw=True)

    def _running(self) -> str:
        now = self._tally.now()
        rows = [
            [
                str(number),
                run["origin"],
                f"{run['epoch']}/{run['epochs']}",
                score(run["map50_95"]),
                score(run["best"]),
                duration(run["slot_s"] + now - run["at"]),
            ]
            for number, run in sorted(self._tally.running.items())
        ]
        return markup.table(("trial", "origin", "epoch", "mAP50-95", "best", "running for"), rows, left=("origin",))
