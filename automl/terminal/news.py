"""News of a search for somebody who does not look at it: few messages, from its notices and from silence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from automl.errors import AutoMLError
from automl.figures import duration, score
from automl.records import Notice, TrialState
from automl.reports.report import StudyReport
from automl.terminal.tally import Tally

SHARES = (0.5, 0.9, 1.0)  # spent parts of the budget that are worth a message
SILENT_S = 900.0  # without an epoch, at least
EPOCHS = 5.0  # lengths of the longest wait for an epoch, after which silence is worth a message


@dataclass(frozen=True)
class Message:
    """A message to the user."""

    title: str
    body: str
    bad: bool = False  # True if something has gone wrong


class News:
    """Messages of one search.

    send   takes a message and returns at once
    clock  seconds, from any beginning
    """

    def __init__(self, send: Callable[[Message], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._clock = clock
        self._tally = Tally(clock)
        self._best: float | None = None  # of the searched trials that have ended
        self._passed: set[float] = set()
        self._epoch_at: float | None = None  # clock time of the last epoch, or of the begin
        self._longest_s = 0.0
        self._stalled = False
        self._lock = threading.Lock()  # notices come from one thread, ticks from another

    def __call__(self, notice: Notice) -> None:
        """Take a notice of the search."""
        with self._lock:
            run = self._tally.running.get(notice.trial if notice.trial is not None else -1)
            searched = run is not None and run["purpose"].searched
            self._tally.take(notice)
            if notice.kind == "study":
                self._begin()
            elif notice.kind == "epoch":
                self._heard()
            elif notice.kind == "trial_ended" and searched:
                self._ended(notice)
            self._spent(tell=notice.kind != "study")

    def tick(self) -> None:
        """Look at the clock: has the budget passed a mark, or is no epoch coming?"""
        with self._lock:
            if self._tally.spec is None or self._epoch_at is None:
                return
            self._spent(tell=True)
            silent_s = self._clock() - self._epoch_at
            if not self._stalled and silent_s > max(SILENT_S, EPOCHS * self._longest_s):
                self._stalled = True
                self._tell(
                    "no epoch",
                    f"No epoch has ended for {duration(silent_s)}. Look at it with: automl status {self._name}",
                    bad=True,
                )

    def concluded(self, report: StudyReport) -> None:
        """Tell the end of the search."""
        with self._lock:
            study, best = report.study, report.best
            self._tally.spec = self._tally.spec or study.spec
            what = "interrupted" if report.interrupted else study.state.value
            best_text = f" Best: trial {best.number}, {score(best.score)} mAP50-95." if best is not None else ""
            self._tell(what, f"{_sentence(study.reason or what)}{best_text}", bad=report.interrupted)

    def failed(self, error: BaseException) -> None:
        """Tell that the search has ended with an error, unless none had begun."""
        with self._lock:
            if self._tally.spec is None:
                return
            if isinstance(error, KeyboardInterrupt):
                self._tell("interrupted", f"Go on with: automl resume {self._name}", bad=True)
            else:
                reason = str(error) if isinstance(error, AutoMLError) else type(error).__name__
                self._tell("failed", _sentence(reason), bad=True)

    @property
    def _name(self) -> str:
        return self._tally.spec.name if self._tally.spec is not None else ""

    def _begin(self) -> None:
        self._epoch_at, self._stalled = self._clock(), False
        self._longest_s = self._tally.spec.epoch_s if self._tally.spec is not None else 0.0
        self._best = self._tally.best_epoch[0] if self._tally.best_epoch else None

    def _heard(self) -> None:
        now = self._clock()
        if self._epoch_at is not None:
            self._longest_s = max(self._longest_s, now - self._epoch_at)
        self._epoch_at = now
        if self._stalled:
            self._stalled = False
            self._tell("goes on", "An epoch has ended: the search goes on.")

    def _ended(self, notice: Notice) -> None:
        """Tell a best trial. The defaults, which come first, are the measure of the others."""
        value = notice.values["map50_95"]
        if value is None or notice.values["state"] == TrialState.INTERRUPTED:
            return
        if self._best is not None and value > self._best and notice.trial:
            defaults = score(self._tally.baseline)
            self._tell("new best", f"Trial {notice.trial} has {score(value)} mAP50-95; the defaults have {defaults}.")
        self._best = max(value, self._best or 0.0)

    def _spent(self, *, tell: bool) -> None:
        """Tell the highest mark that the budget has passed; those of earlier sessions are not told again."""
        gauges = self._tally.gauges()
        gauge = max(gauges, key=lambda gauge: gauge.share, default=None)
        passed = {share for share in SHARES if gauge is not None and gauge.share >= share} - self._passed
        self._passed |= passed
        if passed and tell and gauge is not None:
            self._tell(f"{max(passed):.0%} of the budget", f"Spent: {gauge.text}; {self._tally.best_text()}.")

    def _tell(self, what: str, body: str, *, bad: bool = False) -> None:
        self._send(Message(title=f"automl {self._name}: {what}", body=body, bad=bad))


def _sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"
