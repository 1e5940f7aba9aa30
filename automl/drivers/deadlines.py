"""Deadlines of all that a search waits for: epochs, the probe, measurements, the Ray session. Pure: no clock."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

ASLEEP_S = (
    10.0  # so long without a look: the machine slept, or this process stood still, and the time counts for nobody
)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds that may pass until the next report, from what reports have cost. Generous: others may use the machine.

    least_s   seconds that any report may take
    factor    ratio of the longest to the expected time of a report
    start_s   seconds that a worker may take to start, beside what the probe has shown
    probe_s   seconds that a probe may take: nothing is known before it
    excess_s  seconds that a report may take at least once the budget is spent
    excess    ratio of the longest to the expected time of a report once the budget is spent
    """

    least_s: float = 60.0
    factor: float = 10.0
    start_s: float = 180.0
    probe_s: float = 1800.0
    excess_s: float = 10.0
    excess: float = 2.0

    def report_s(self, expected_s: float) -> float:
        """Seconds that the next epoch of a training may take."""
        return max(self.least_s, self.factor * expected_s)

    def first_s(self, expected_s: float, probed_s: float) -> float:
        """Seconds that the first report of a worker may take.

        probed_s  seconds of the probes, which loaded the same libraries and read the same data
        """
        return self.start_s + 4 * probed_s + self.report_s(expected_s)

    def last_s(self, expected_s: float) -> float:
        """Seconds that a report may take from now on, where the budget is spent."""
        return max(self.excess_s, self.excess * expected_s)


class Deadlines:
    """Moments until which reports are due, by what is waited for. Times (`at`) are of one clock that never goes back.

    `look` is to be called every few seconds: time without a look is taken off.
    """

    def __init__(self) -> None:
        self._due: dict[Hashable, float] = {}
        self._allowed_s: dict[Hashable, float] = {}
        self._looked: float | None = None

    def begin(self, subject: Hashable, allowed_s: float, at: float) -> None:
        """Wait for a report from now on; an earlier deadline of the same subject is over."""
        self._due[subject] = at + allowed_s
        self._allowed_s[subject] = allowed_s

    def shorten(self, subject: Hashable, allowed_s: float, at: float) -> None:
        """Wait no longer than so many seconds from now."""
        if subject in self._due and at + allowed_s < self._due[subject]:
            self.begin(subject, allowed_s, at)

    def end(self, subject: Hashable) -> None:
        """Wait for nothing from it any more."""
        self._due.pop(subject, None)
        self._allowed_s.pop(subject, None)

    def waits_for(self, subject: Hashable) -> bool:
        """True while a report is waited for."""
        return subject in self._due

    def allowed_s(self, subject: Hashable) -> float:
        """Seconds that were allowed for the report that is waited for."""
        return self._allowed_s.get(subject, 0.0)

    def look(self, at: float) -> tuple[Hashable, ...]:
        """Subjects whose reports are overdue now, in the order in which they began."""
        gap_s = 0.0 if self._looked is None else at - self._looked
        self._looked = at
        if gap_s > ASLEEP_S:
            self._due = {subject: due + gap_s for subject, due in self._due.items()}
        return tuple(subject for subject, due in self._due.items() if at >= due)
