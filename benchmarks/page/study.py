"""A large synthetic study for the page, seeded: rows like those of a search over a real space."""

from __future__ import annotations

import math
import os
import random
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import yaml

from automl.files.home import shipped
from automl.records import (
    EpochRow,
    EvaluationRow,
    EventRow,
    Params,
    ParamValue,
    Purpose,
    Slots,
    Start,
    StudyRow,
    StudySpec,
    StudyState,
    TrialRow,
    TrialState,
)
from automl.scores import leaderboard
from automl.scores.halving import rung_levels
from automl.space import SearchSpace, settle

LENGTH = 4.25  # horizon in mean trainings, if three rungs stop two thirds each
WARMUP, EPOCH_S, SLOTS = 3.0, 40.0, 8
TOP, EPOCH_NOISE = 0.52, 0.006
FAILS = 97  # every 97th trial fails
STOPPED = 2 / 3  # share that a rung stops
REPEATED, SEEDS = 4, 3  # configurations with repeats, the defaults among them, and repeats of each
SETTLED: Mapping[str, ParamValue] = {"optimizer": "SGD", "freeze": None, "copy_paste": 0.0}  # 28 dimensions remain
FIXED: Mapping[str, ParamValue] = {
    **SETTLED,
    **{"model": "yolov5s", "imgsz": 640, "batch": 16, "amp": False, "single_cls": False, "multi_scale": 0.0},
    **{"auto_augment": "randaugment", "erasing": 0.4, "overlap_mask": True, "mask_ratio": 4, "dropout": 0.0},
}
LOSSES = {"box_loss": 1.1, "cls_loss": 0.8, "dfl_loss": 0.9}
PLANNED = {"probe": 0.005, "baseline": 0.01, "points": 0.01, "search": 0.875, "confirmation": 0.1}


@dataclass(frozen=True, kw_only=True)
class _Planned:
    """A trial before it has a slot."""

    number: int
    params: Params
    top: float  # mAP50-95 at the horizon
    length: int  # epochs until it is stopped or done
    of: int | None  # the trial that it repeats, if any


@dataclass(frozen=True, kw_only=True)
class SyntheticStudy:
    """A study whose trials have about `mean_epochs` epochs each; most of them stopped early.

    running  leave it running, without repeats and with SLOTS trials that have not ended
    """

    name: str
    trials: int
    mean_epochs: int
    directory: str
    now: float  # POSIX seconds of its end, or of its last sign of life
    seed: int = 0
    running: bool = False

    @cached_property
    def space(self) -> SearchSpace:
        """The default ranges of `automl search`."""
        document = yaml.safe_load(shipped("configs/spaces/scratch-low.yaml").read_text(encoding="utf-8"))
        return settle(SearchSpace.from_document(document), SETTLED)[0]

    @property
    def began(self) -> float:
        """Start in POSIX seconds."""
        return self.now - 1.1 * self.trials * self.mean_epochs * EPOCH_S / SLOTS

    @property
    def horizon(self) -> int:
        """Epochs of a full training."""
        return max(1, round(LENGTH * self.mean_epochs))

    @property
    def rungs(self) -> tuple[int, ...]:
        """Epochs at which trials may stop."""
        return rung_levels(WARMUP if self.horizon > 12 else 0.0, self.horizon)

    @cached_property
    def rows(self) -> tuple[TrialRow, ...]:
        """The trials by number; the last ones of a running study are running."""
        repeats = 0 if self.running else min(REPEATED * SEEDS, self.trials // 4)
        rng = random.Random(self.seed)
        space = self.space.at_horizon(self.horizon)
        weights = [0.35 * 0.8**rank for rank in range(len(space.parameters))]
        rng.shuffle(weights)
        draws: list[Params] = [
            space.draw(rng, spread=0.2) if number else space.draw(rng, share=0.0)
            for number in range(self.trials - repeats)
        ]
        tops = [self._top(space, weights, params, rng) for params in draws]
        lengths = self._lengths(tops)
        rows: list[TrialRow] = []
        free_at = [self.began] * SLOTS
        for number in range(self.trials):
            of = None
            if number >= len(draws):
                order = sorted(
                    range(1, len(draws)), key=lambda trial: -tops[trial] if lengths[trial] == self.horizon else 0.0
                )
                of = (0, *order)[(number - len(draws)) % REPEATED]
            config = number if of is None else of
            length = self.horizon if of is not None else lengths[number]
            slot = free_at.index(min(free_at))
            planned = _Planned(number=number, params=draws[config], top=tops[config], length=length, of=of)
            row = self._row(planned, free_at[slot], slot)
            free_at[slot] = row.started_at + row.slot_s if row.started_at is not None else free_at[slot]
            rows.append(row)
        return tuple(rows)

    @property
    def study(self) -> StudyRow:
        """The study's own row; this process counts as its driver."""
        rows = self.rows
        best = max(
            (row for row in rows if row.repeats is None and row.state is not TrialState.FAILED),
            key=lambda row: row.best_map50_95 or 0.0,
        )
        charged = sum(row.slot_s for row in rows)
        return StudyRow(
            name=self.name,
            state=StudyState.RUNNING if self.running else StudyState.FINISHED,
            reason="" if self.running else "the budget of slot time is spent",
            spec=self._spec(charged),
            created_at=self.began,
            heartbeat_at=self.now,
            host=socket.gethostname(),
            pid=os.getpid(),
            stop_requested=False,
            slot_s=charged,
            wall_s=charged / SLOTS,
            trials=len(rows),
            baseline_map50_95=rows[0].best_map50_95,
            best_map50_95=best.best_map50_95,
            best_trial=best.number,
        )

    def epochs(self) -> Iterator[EpochRow]:
        """All epochs of all trials."""
        for row in self.rows:
            started = row.started_at or self.began
            for epoch, score in enumerate(self._curve(row), 1):
                yield EpochRow(
                    trial=row.number,
                    epoch=epoch,
                    attempt=1,
                    map50_95=score,
                    map50=min(1.0, 1.6 * score),
                    precision=min(1.0, 1.4 * score),
                    recall=min(1.0, 1.2 * score),
                    losses={
                        f"{split}/{name}": round(at * (1.6 - score) + off, 5)
                        for split, off in (("train", 0.0), ("val", 0.1))
                        for name, at in LOSSES.items()
                    },
                    train_s=0.9 * EPOCH_S,
                    val_s=0.1 * EPOCH_S,
                    slot_s=EPOCH_S * epoch,
                    reported_at=started + EPOCH_S * epoch,
                )

    def events(self) -> Iterator[EventRow]:
        """An event for each end of a trial, and a note for every tenth."""
        for row in self.rows:
            if row.ended_at is not None:
                yield EventRow(at=row.ended_at, kind=row.state.value, trial=row.number, text=row.reason)
                if row.number % 10 == 0:
                    yield EventRow(at=row.ended_at, kind="note", trial=None, text="rung 43 says enough of rung 129")

    def evaluations(self) -> Iterator[EvaluationRow]:
        """Scores of the defaults and the best trial on a test split; empty while the study is running."""
        if not self.running:
            for number in (0, self.study.best_trial or 0):
                score = (self.rows[number].best_map50_95 or 0.0) - 0.01
                yield EvaluationRow(
                    trial=number,
                    split="test",
                    images=500,
                    map50_95=score,
                    map50=score,
                    precision=score,
                    recall=score,
                    slot_s=30.0,
                    at=self.began,
                )

    def _top(self, space: SearchSpace, weights: Sequence[float], params: Params, rng: random.Random) -> float:
        """mAP50-95 at the horizon, which falls with the distance from an optimum near the defaults."""
        distance = 0.0
        for weight, parameter in zip(weights, space.parameters, strict=True):
            value = params.get(parameter.name)
            if parameter.kind == "choice":
                distance += 0.0 if value == parameter.default else 0.1 * weight
            elif isinstance(value, int | float) and value > 0:
                distance += weight * (parameter.unit(value) - 0.45) ** 2
        return TOP * math.exp(-distance) + rng.gauss(0.0, 0.008)

    def _lengths(self, tops: Sequence[float]) -> list[int]:
        """Epochs of each trial. A rung stops all but the best third of the trials that reach it."""
        lengths = [self.horizon] * len(tops)
        running = sorted(range(1, len(tops)), key=lambda number: tops[number])
        for level in self.rungs:
            count = round(len(running) * STOPPED)
            for number in running[:count]:
                lengths[number] = level
            running = running[count:]
        return lengths

    def _row(self, planned: _Planned, at: float, slot: int) -> TrialRow:
        number, of, length, top = planned.number, planned.of, planned.length, planned.top
        state = TrialState.COMPLETED if length == self.horizon else TrialState.STOPPED
        reason = f"trained all {length} epochs"
        if state is TrialState.STOPPED:
            reason = f"rung {length}: mean mAP50-95 {top:.3f} below the threshold {top + 0.01:.3f}"
        if of is None and number and number % FAILS == 0:
            state, reason, length = TrialState.FAILED, "mAP50-95 is not a number after epoch 3", min(3, length)
        if self.running and number >= self.trials - SLOTS:
            state, reason, length = TrialState.RUNNING, "", min(length, self.rungs[0] - 1)
        scores = self._scores(number, top if of is None else top - 0.005, length)
        best = max(range(length), key=scores.__getitem__) if length else None
        purpose = Purpose.SEARCH if number else Purpose.BASELINE
        return TrialRow(
            number=number,
            state=state,
            purpose=purpose if of is None else Purpose.CONFIRMATION,
            origin=("gp" if number > SLOTS else "scratch-med") if number else "defaults",
            params={**FIXED, **planned.params},
            applied={**FIXED, **planned.params, "epochs": self.horizon, "seed": number},
            seed=number,
            epochs=self.horizon,
            done_epochs=length,
            attempt=1,
            best_map50_95=None if best is None else scores[best],
            best_map50=None if best is None else min(1.0, 1.6 * scores[best]),
            best_epoch=None if best is None else best + 1,
            last_map50_95=scores[-1] if scores else None,
            score=leaderboard.score(scores, self.horizon),
            slot_s=EPOCH_S * length + 4.0,
            paid_s=EPOCH_S * length,
            reason=reason,
            error="Traceback (most recent call last):\n  …" if state is TrialState.FAILED else None,
            node=f"node-{slot // 4}",
            device=str(slot % 4),
            started_at=at,
            ended_at=None if state is TrialState.RUNNING else at + EPOCH_S * length + 4.0,
            repeats=of,
        )

    def _curve(self, row: TrialRow) -> list[float]:
        return self._scores(row.number, self._tops[row.number], row.done_epochs)

    def _scores(self, number: int, top: float, length: int) -> list[float]:
        self._tops[number] = top
        epochs = np.arange(1, length + 1)
        noise = np.random.default_rng((self.seed, number)).normal(0.0, EPOCH_NOISE, length)
        rise = (1 - np.exp(-6 * epochs / self.horizon)) / (1 - math.exp(-6))
        scores: list[float] = np.clip(top * rise + noise, 0.0, 1.0).tolist()
        return scores

    @cached_property
    def _tops(self) -> dict[int, float]:
        return {}

    def _spec(self, charged: float) -> StudySpec:
        point = {"name": "yolov5s@640", "model": "yolov5s", "imgsz": 640}
        cost = {"latency_s": 0.004, "parameters": 9_142_496, "gflops": 24.0}
        return StudySpec(
            name=self.name,
            data="/data/wheat/data.yaml",
            data_fingerprint="sha256:0",
            trainer="ultralytics",
            models=("yolov5s",),
            imgsz=(640,),
            weights=None,
            weights_sha256=None,
            space=self.space.document(),
            sampler="gp",
            seed=self.seed,
            epochs=self.horizon,
            rungs=self.rungs,
            budgets=(f"{charged / 3600 * (1.3 if self.running else 1.0):.1f}gpu-h",),
            slots=Slots(count=SLOTS, device="gpu"),
            fixed=dict(FIXED),
            given=(Start("defaults", {}),),
            probe_s=60.0,
            epoch_s=EPOCH_S,
            versions={"automl": "0", "ultralytics": "8.4"},
            directory=self.directory,
            plan={"points": [{**point, **cost}], "shares": {key: share * charged for key, share in PLANNED.items()}},
        )
