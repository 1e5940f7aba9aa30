"""Random faults at every event of a study: what a driver, its workers and its database meet."""

from __future__ import annotations

import random
from collections import Counter

from automl.policy.losses import MOST, Loss
from automl.records import Trial
from benchmarks.soak.records import FaultKind
from benchmarks.soak.world import Line, World

_AT_EVENTS = {
    FaultKind.DRIVER_KILLED: 6,
    FaultKind.DATABASE_AWAY: 4,
    FaultKind.DISK_FULL: 2,
    FaultKind.CLOCK_STEP: 2,
    FaultKind.STOP: 3,
    FaultKind.INTERRUPT: 2,
    FaultKind.INTERRUPT_TWICE: 1,
    FaultKind.TWO_DRIVERS: 2,
}
_IN_TRAINING = {FaultKind.WORKER_KILLED: 6, FaultKind.HANG: 2, FaultKind.NAN: 1, FaultKind.OUT_OF_MEMORY: 2}
_GENTLE = FaultKind.WORKER_KILLED  # at the end of an epoch, it changes no score and no time
_CALLS = 6  # a killed driver gets at most so much further, in calls of its recorder
_FULL = "database or disk is full"
_AWAY = "the line was cut"


class Killed(BaseException):
    """The driver's process is gone."""


class Frozen(BaseException):
    """The driver's process is stopped; it will go on once another one has taken its study."""


class Storm:
    """Draws faults, and keeps account of them.

    gentle  True: only those that change no score and no time
    """

    def __init__(self, draw: random.Random, world: World, line: Line, *, gentle: bool) -> None:
        self.gentle = gentle
        self.calm = False  # True: nothing happens any more
        self.faults: Counter[str] = Counter()
        self.log: list[str] = []
        self.longest_s = 0.0  # longest time that a training may go on once the budget is spent
        self.disk_full = False
        self._epoch_s = 0.0  # longest epoch
        self.dead: set[int] = set()  # trials whose next report stands for the death of their worker
        self._lateness = 0.0  # share of the turns of the database's writer that come late in this session
        self._deaths: Counter[int] = Counter()  # in a row, by trial
        self._draw = draw
        self._world = world
        self._line = line
        self._share = draw.choice((0.01, 0.03, 0.06, 0.12))  # of events with a fault
        self._calls_left: int | None = None  # of the driver until it is killed

    def begin(self, *, calm: bool) -> None:
        """A driver begins: earlier workers are gone, and the user has made room on the disk."""
        self.calm, self.disk_full, self._calls_left = calm, False, None
        self._lateness = self._draw.choice((0.0, 0.3, 0.95))
        self.dead.clear()
        self._deaths.clear()

    def say(self, text: str) -> None:
        """Note what happens."""
        self.log.append(f"{self._world.now:10.1f} s  {text}")

    def chance(self, share: float) -> bool:
        """True in that share of all cases."""
        return self._draw.random() < share

    # -- at events of the driver ------------------------------------------------------------------

    def strike(self, event: str) -> FaultKind | None:
        """The fault at this event that the driver's session has to act upon; None for none. Raises Frozen."""
        if self.calm or not self.chance(self._share):
            return None
        kind = self._draw.choices(list(_AT_EVENTS), list(_AT_EVENTS.values()))[0]
        self.faults[kind] += 1
        self.say(f"{kind} at {event}")
        if kind is FaultKind.DRIVER_KILLED:
            self._calls_left = self._draw.randrange(_CALLS)
        elif kind is FaultKind.DATABASE_AWAY:
            self._cut(_AWAY)
        elif kind is FaultKind.DISK_FULL:
            self.disk_full = True
            if self.chance(0.5):
                self._cut(_FULL)
        elif kind is FaultKind.CLOCK_STEP:
            self._world.skew_s += self._draw.choice((-1, 1)) * self._draw.choice((0.5, 60.0, 3600.0, 86400.0))
        elif kind is FaultKind.TWO_DRIVERS:
            raise Frozen
        return kind

    def call(self) -> None:
        """The driver calls its recorder, or comes back from it. Raises Killed if it gets no further."""
        if self._calls_left is None:
            return
        self._calls_left -= 1
        if self._calls_left < 0:
            self.say("the driver is gone")
            raise Killed

    def late(self) -> bool:
        """True if the writer of the database gets no turn now."""
        return not self.calm and self.chance(self._lateness)

    def _cut(self, error: str) -> None:
        seconds = self._draw.choice((1.0, 30.0, 90.0, 250.0, 1000.0))
        self._line.cut(seconds, arrives=self.chance(0.3), error=error)

    # -- in a training ----------------------------------------------------------------------------

    def in_training(self, trial: Trial, epoch: int) -> FaultKind | None:
        """The fault while this epoch is trained; None for none."""
        if self.calm or not self.chance(0.7 * self._share):
            return None
        if self.gentle and self._deaths[trial.number] >= MOST[Loss.DIED] - 1:  # another one would end the trial
            return None
        kind = _GENTLE if self.gentle else self._draw.choices(list(_IN_TRAINING), list(_IN_TRAINING.values()))[0]
        self.faults[kind] += 1
        self.say(f"{kind} in epoch {epoch} of trial {trial.number}")
        return kind

    def died(self, trial: int, epoch_s: float) -> float:
        """The worker of a trial dies in this epoch; seconds that this costs."""
        seconds = 0.0 if self.gentle else epoch_s * self._draw.uniform(0.0, 1.2)
        self.dead.add(trial)
        self._deaths[trial] += 1
        self.longest_s = max(self.longest_s, seconds)
        return seconds

    def reported(self, trial: int, seconds: float) -> None:
        """A worker reports an epoch after so many seconds."""
        self.dead.discard(trial)
        self._deaths[trial] = 0
        self._epoch_s = max(self._epoch_s, seconds)
        self.longest_s = max(self.longest_s, seconds)

    def hung(self, price_s: float, seconds: float) -> None:
        """A worker hung; once the budget is spent it was given twice an epoch, and so many seconds.

        price_s  expected seconds of the trial's epoch, which may be more than any epoch took
        """
        self.longest_s = max(self.longest_s, 2 * max(self._epoch_s, price_s) + seconds)

    def lag(self) -> int:
        """Epochs that a snapshot lies behind."""
        return 0 if self.gentle else self._draw.choice((0, 0, 1, 1, 3))
