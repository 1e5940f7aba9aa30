"""Studies for the page: written trial by trial, as a driver would."""

from __future__ import annotations

import math
import os
import socket
import time
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine

from automl.records import (
    Outcome,
    Params,
    Purpose,
    StudySpec,
    StudyState,
    Trial,
    TrialState,
)
from automl.store.engine import open_store
from automl.store.write import Recorder, begin_study
from tests.builders.cli import Place
from tests.builders.factories import make_evaluation, make_metrics, make_spec

BEGAN = 1_790_000_000.0
EVIL = "<img src=x onerror=alert(1)> ![x](http://example.invalid/x.png) **bold**"


class Filler:
    """A study that is written trial by trial, as a driver would."""

    def __init__(self, engine: Engine, spec: StudySpec) -> None:
        begin_study(engine, spec, at=BEGAN, host=socket.gethostname(), pid=os.getpid())
        self.spec = spec
        self.recorder = Recorder(engine, spec.name)
        self.at = BEGAN
        self.spent_s = 0.0

    def trial(
        self,
        number: int,
        scores: list[float],
        state: TrialState | None = TrialState.COMPLETED,
        *,
        params: Params | None = None,
        repeats: int | None = None,
        **outcome: Any,
    ) -> None:
        """Write one trial from its start to its end; without a state it stays running."""
        usual = Purpose.SEARCH if repeats is None else Purpose.CONFIRMATION
        purpose = outcome.pop("purpose", Purpose.BASELINE if number == 0 else usual)
        origin = "defaults" if number == 0 else "gp"
        trial = Trial(
            number=number,
            params=params or {"lr0": 0.01, "x0": 0.5},
            epochs=outcome.pop("epochs", self.spec.epochs),
            seed=number,
            purpose=purpose,
            origin=outcome.pop("origin", origin),
            repeats=repeats,
        )
        self.recorder.trial_started(trial, at=self.at, node="node-1", device="cpu", pid=1)
        cost_s = 0.0
        for epoch, score in enumerate(scores, 1):
            self.at += 60.0
            cost_s += 60.0
            losses = {"train/box_loss": 2.0 / epoch, "val/box_loss": math.nan if epoch == 1 else 2.2 / epoch}
            metrics = make_metrics(epoch, score, map50=min(1.0, 1.5 * score), losses=losses)
            self.recorder.epoch(number, 1, metrics, slot_s=cost_s, at=self.at)
        self.spent_s += cost_s
        if state is not None:
            reason = outcome.pop("reason", f"trained all {self.spec.epochs} epochs")
            end = Outcome(state=state, reason=reason, **outcome)
            self.recorder.trial_closed(number, end, slot_s=cost_s, at=self.at)

    def close(self, state: StudyState | None = StudyState.FINISHED, reason: str = "the budget is spent") -> None:
        """Close the study, or leave it running."""
        self.recorder.event("note", "the baseline has scored", trial=0, at=self.at)
        costs = {"slot_s": self.spent_s, "wall_s": self.at - BEGAN}
        if state is None:
            self.recorder.heartbeat(at=time.time(), running={}, **costs)  # this very process drives it: it is alive
            self.recorder.flush()
        else:
            self.recorder.study_closed(state, reason, at=self.at, **costs)
            self.recorder.close()


def curve(top: float, epochs: int = 12) -> list[float]:
    """A learning curve that rises to `top`."""
    return [top * (1 - math.exp(-epoch / 3)) / (1 - math.exp(-epochs / 3)) for epoch in range(1, epochs + 1)]


def fill_birds(filler: Filler) -> None:
    """Write thirty trials of all kinds; trial 3 is the confirmed winner."""
    filler.trial(0, curve(0.40))
    for number in range(1, 28):
        params = {"lr0": 0.01 * 1.1**number, "x0": (number * 37 % 100) / 100}
        if number % 3:
            reason = "rung 3: mean mAP50-95 0.100 below the threshold 0.150"
            filler.trial(number, curve(0.3)[:3], TrialState.STOPPED, params=params, reason=reason)
        else:
            filler.trial(number, curve(0.50 if number == 3 else 0.42 - number / 1000), params=params)
    filler.trial(28, [], TrialState.FAILED, reason="out of memory", error="Traceback\n  OutOfMemory", origin=EVIL)
    filler.trial(29, [math.nan, math.nan], TrialState.FAILED, reason="mAP50-95 is not a number")
    for number, of, top in ((30, 0, 0.405), (31, 3, 0.497), (32, 3, 0.503), (33, 0, 0.398)):
        filler.trial(number, curve(top), repeats=of)
    filler.recorder.evaluated(make_evaluation(3, 0.48, images=70, at=filler.at))


class PageStudy(NamedTuple):
    """A study to be filled, in a database that the page of a place opens."""

    place: Place
    engine: Engine
    filler: Filler


def page_study(folder: Path, name: str) -> PageStudy:
    """A study without trials, in a folder of its own."""
    place = Place(folder)
    place.home.mkdir()
    engine = open_store(f"sqlite:///{place.home / 'automl.db'}")
    return PageStudy(place, engine, Filler(engine, make_spec(name=name, directory=str(place.home / name))))
