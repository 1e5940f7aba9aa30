"""A driver in virtual time: an event heap and k slots, in one process, without a clock.

The trainer's epochs arrive after their own `train_s + val_s`; ties are served in the order of arrival. An epoch of
infinite length never arrives: its worker hangs.
"""

from __future__ import annotations

import heapq
import itertools
import math
import traceback
from collections.abc import Callable, Generator

from automl.drivers.session import Session
from automl.drivers.worker import outside
from automl.errors import DataChanged, NoSpace, TrialError
from automl.records import Ending, EpochMetrics, Trial
from automl.trainers.base import Trainer

TICK_S = 1.0  # virtual seconds between two ticks, while a worker hangs


class VirtualDriver:
    """Driver of a session in virtual time.

    startup_s  virtual seconds between taking a slot and the first epoch's start
    decided_s  seconds of the last decision: virtual time in which the driver is busy and events wait
    """

    def __init__(
        self,
        session: Session,
        trainer: Trainer,
        *,
        slots: int,
        startup_s: float = 0.0,
        decided_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._session = session
        self._trainer = trainer
        self._free = slots
        self._startup_s = startup_s
        self._decided_s = decided_s
        self._order = itertools.count()
        self._heap: list[tuple[float, int, int, Generator[EpochMetrics, None, None], EpochMetrics | str | Ending]] = []

    def run(self, at: float = 0.0) -> float:
        """Play events until no trial runs and none begins any more; the virtual time of the end."""
        session = self._session
        at = self._fill(at)
        while self._heap:
            at = self._hung(at)
            if not self._heap:
                break
            due_at, _, number, epochs, event = heapq.heappop(self._heap)
            at = max(at, due_at)
            if isinstance(event, Ending):
                session.interrupted(number, event, at)
                self._free += 1
            elif isinstance(event, str):
                session.failed(number, event.strip().splitlines()[-1], event, at)
                self._free += 1
            else:
                outcome = session.epoch(number, event, at)
                at += self._decided_s()
                if outcome is None:
                    self._advance(number, epochs, at)
                else:
                    epochs.close()
                    self._free += 1
            at = self._fill(at)
        return at

    def _hung(self, at: float) -> float:
        """Let the time pass until the next event while a worker hangs; the virtual time then."""
        while self._heap and any(event[0] == math.inf for event in self._heap) and at < self._heap[0][0]:
            at = min(at + TICK_S, self._heap[0][0])
            for number in self._session.tick(at):
                self._heap = [event for event in self._heap if event[2] != number]
                heapq.heapify(self._heap)
                self._free += 1
            at = self._fill(at)
        return at

    def _fill(self, at: float) -> float:
        """Begin trials in the free slots; the virtual time when that is done."""
        while self._free:
            trial = self._session.next_trial(at)
            at += self._decided_s()
            if trial is None:
                break
            self._free -= 1
            self._begin(trial, at)
        return at

    def _begin(self, trial: Trial, at: float) -> None:
        epochs = self._trainer.run(trial, self._session.job(trial))
        self._advance(trial.number, epochs, at + self._startup_s)

    def _advance(self, number: int, epochs: Generator[EpochMetrics, None, None], at: float) -> None:
        try:
            metrics = next(epochs, None)
            event: EpochMetrics | str | Ending = (
                metrics if metrics is not None else "the training ended before its horizon"
            )
        except (NoSpace, DataChanged) as error:
            by = outside(error)
            event = Ending(by, str(error)) if by is not None else str(error)
        except TrialError:
            event = traceback.format_exc()
        after_s = event.train_s + event.val_s if isinstance(event, EpochMetrics) else 0.0
        heapq.heappush(self._heap, (at + after_s, next(self._order), number, epochs, event))
