"""Studies to export: one with trials of every kind, and large ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from automl.records import EpochRow, Purpose, StudySpec, StudyState, TrialRow, TrialState
from automl.space import SearchSpace
from automl.store.address import default_url
from automl.store.bulk import write_study
from automl.store.engine import open_store
from tests.builders.factories import make_epoch_row, make_evaluation, make_row, make_spec, make_study
from tests.builders.pages import BEGAN, Filler, curve

NAME = "birds"
SPACE: dict[str, Any] = {
    "parameters": {
        "optimizer": {"choice": ["SGD", "AdamW"], "default": "SGD"},
        "lr0": {"log": [1e-4, 1e-1], "default": 0.01},
        "lr0@AdamW": {"log": [1e-5, 1e-2], "default": 0.001, "when": {"optimizer": ["AdamW"]}},
        "momentum": {"uniform": [0.8, 0.98], "default": 0.937},
        "close_mosaic": {"int": [0, 10], "default": 5},
    }
}
DEFAULTS = {"optimizer": "SGD", "lr0": 0.01, "momentum": 0.937, "close_mosaic": 5}
EVIL = '=HYPERLINK("http://example.invalid","x")'
RUNNING = 8  # trial that runs while the study is `unfinished`


def spec_of(home: Path, **changes: Any) -> StudySpec:
    """A study of 12 epochs with production trainings of 20."""
    fixed = {"model": "yolov5n", "imgsz": 64, **DEFAULTS}
    plain = {"space": SPACE, "fixed": fixed, "train": 20, "compare": True, "unseen": "test"}
    return make_spec(**{**plain, "directory": str(home / NAME), **changes})


class Study:
    """A study of a home folder that is written step by step."""

    def __init__(self, home: Path, **changes: Any) -> None:
        self.engine = open_store(default_url(home))
        self.filler = Filler(self.engine, spec_of(home, **changes))

    def begin(self) -> None:
        """Write trials of every state, repeats and production among them, and leave trial RUNNING running."""
        trial = self.filler.trial
        trial(0, curve(0.40), params=DEFAULTS)
        trial(1, curve(0.55), params={**DEFAULTS, "optimizer": "AdamW", "lr0": 0.002}, origin="tpe")
        trial(2, curve(0.30)[:3], TrialState.STOPPED, params={**DEFAULTS, "lr0": 0.05}, reason="rung 3: below 0.150")
        trial(3, [0.1, math.nan], TrialState.FAILED, params=DEFAULTS, reason="no number", error="Traceback\n  é=1")
        trial(4, curve(0.56), params=DEFAULTS, repeats=1, origin="seed")
        trial(5, curve(0.70, 20), params=DEFAULTS, repeats=0, purpose=Purpose.PRODUCTION, epochs=20, origin=EVIL)
        trial(6, curve(0.99)[:5], TrialState.CUT, params={**DEFAULTS, "lr0": 0.5, "mixup": 0.1}, origin=EVIL)
        trial(7, [], TrialState.INTERRUPTED, params={**DEFAULTS, "close_mosaic": 0}, reason="stopped by the user")
        trial(RUNNING, curve(0.60)[:4], None, params={**DEFAULTS, "momentum": 0.9})
        self.filler.close(None)

    def finish(self) -> None:
        """End the running trial, add another one, measure on unseen images and close the study."""
        filler, rest = self.filler, curve(0.60)[4:]
        for epoch, score in enumerate(rest, 5):
            self._epoch(RUNNING, epoch, score)
        self._close(RUNNING)
        filler.trial(9, curve(0.45), params={**DEFAULTS, "lr0": 0.02})
        for number, score, gain in ((0, 0.38, None), (1, 0.50, 0.12)):
            row = make_evaluation(number, score, at=filler.at, gain=gain, low=score - 0.02, high=score + 0.02)
            filler.recorder.evaluated(row)
        filler.close()

    def _epoch(self, number: int, epoch: int, score: float) -> None:
        from tests.builders.factories import make_metrics

        self.filler.at += 60.0
        losses = {"train/box_loss": 2.0 / epoch, "val/box_loss": 2.2 / epoch}
        metrics = make_metrics(epoch, score, losses=losses)
        self.filler.recorder.epoch(number, 1, metrics, slot_s=60.0 * epoch, at=self.filler.at)

    def _close(self, number: int) -> None:
        from automl.records import Outcome

        end = Outcome(state=TrialState.COMPLETED, reason="trained all 12 epochs")
        self.filler.recorder.trial_closed(number, end, slot_s=720.0, at=self.filler.at)


def finished(home: Path, **changes: Any) -> Path:
    """The home of a finished study of every kind of trial."""
    study = Study(home, **changes)
    study.begin()
    study.finish()
    study.engine.dispose()
    return home


def large(home: Path, trials: int, epochs: int) -> Path:
    """The home of a study of so many trials and epochs."""
    spec = spec_of(home, epochs=epochs, train=0, compare=False)
    space = SearchSpace.from_document(spec.space)
    rows = [_row(space, number, epochs) for number in range(trials)]
    study = make_study(spec=spec, trials=trials, state=StudyState.FINISHED, created_at=BEGAN, best_trial=trials - 1)
    engine = open_store(default_url(home))
    write_study(engine, study, rows, _epochs(trials, epochs))
    engine.dispose()
    return home


def _row(space: SearchSpace, number: int, epochs: int) -> TrialRow:
    import random

    params = dict(DEFAULTS) if number == 0 else space.arguments(space.draw(random.Random(number)))
    return make_row(
        number,
        0.3 + number / 1e4,
        params=params,
        epochs=epochs,
        done_epochs=epochs,
        best_epoch=epochs,
        started_at=BEGAN + 60 * number,
        ended_at=BEGAN + 60 * number + 50,
    )


def _epochs(trials: int, epochs: int) -> Iterator[EpochRow]:
    losses = {f"{split}/{kind}_loss": 0.5 for split in ("train", "val") for kind in ("box", "cls", "dfl")}
    for number in range(trials):
        for epoch in range(1, epochs + 1):
            at = BEGAN + 60 * number + epoch / 2
            yield make_epoch_row(number, epoch, 0.3 + epoch / 1e3, at, losses=losses)
