"""Running totals of a search, from its notices: what every display of progress shows."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from automl.costs.budget import Budget, limits_of
from automl.costs.plan import Plan
from automl.figures import duration, format_cost, score
from automl.records import Notice, Purpose, StudySpec, TrialState
from automl.scores.words import course_text, state_text
from automl.terminal import plan as plan_view


class Gauge(NamedTuple):
    """Spent part of one budget."""

    share: float  # from 0 to 1
    text: str


class Tally:
    """Running totals over the notices of a search."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.spec: StudySpec | None = None
        self.running: dict[int, dict[str, Any]] = {}
        self.log: deque[str] = deque(maxlen=6)
        self.baseline: float | None = None
        self.best_epoch: tuple[float, int] | None = None
        self.begun = self.ended = 0
        self.closed_s = 0.0  # slot-seconds before this session, and of the trials that ended in it
        self.at = 0.0
        self._clock = clock
        self._heard = clock()

    def take(self, notice: Notice) -> str | None:
        """Add a notice. Returns its line for the log, if it is worth one."""
        self.at, self._heard = notice.at, self._clock()
        line = getattr(self, f"_{notice.kind}")(notice, notice.values)
        if line is not None and notice.kind != "plan":  # which stands above the table
            self.log.append(line)
        return str(line) if line is not None else None

    def now(self) -> float:
        """Wall seconds of the study."""
        return self.at + self._clock() - self._heard if self.spec is not None and self.begun else self.at

    def spent_s(self) -> float:
        """Slot-seconds until now."""
        now = self.now()
        held_s = [float(run["slot_s"] - run["before_s"] + now - run["at"]) for run in self.running.values()]
        return self.closed_s + sum(held_s)

    def _note(self, notice: Notice, values: Mapping[str, Any]) -> str:
        return str(values["text"])

    def _study(self, notice: Notice, values: Mapping[str, Any]) -> str | None:
        self.spec = values["spec"]
        self.closed_s = values["spent_s"]
        self.begun, self.ended = values["begun"], values["ended"]
        self.baseline, self.best_epoch = values["baseline"], values["best_epoch"]
        return f"Going on with {self.begun} trials, {self.ended} of them ended" if self.begun else None

    def _probed(self, notice: Notice, values: Mapping[str, Any]) -> str:
        spec: StudySpec = values["spec"]
        fitted = values["fitted"]
        weights = f"{fitted} of {values['tensors']} tensors fitted; " if fitted is not None else ""
        model, imgsz = spec.fixed.get("model", spec.models[0]), spec.fixed.get("imgsz", spec.imgsz[0])
        network = f"{Path(str(model)).name} at {imgsz} px, {values['parameters'] / 1e6:.1f} M parameters"
        return (
            f"Baseline {network}; {weights}{values['train_images']} train and {values['val_images']} val images; "
            f"{values['epoch_s']:.1f} s an epoch; {course_text(values['epochs'], values['rungs'])}"
        )

    def _plan(self, notice: Notice, values: Mapping[str, Any]) -> str:
        return "\n".join(plan_view.brief(Plan.from_document(values["plan"])))

    def _trial_started(self, notice: Notice, values: Mapping[str, Any]) -> None:
        self.begun += values["attempt"] == 1
        self.running[notice.trial or 0] = {
            "origin": values["origin"],
            "purpose": values["purpose"],
            "repeats": values["repeats"],
            "epoch": values["done_epochs"],
            "epochs": values["epochs"],
            "map50_95": None,
            "best": None,
            "slot_s": values["slot_s"],
            "before_s": values["slot_s"],  # cost of its earlier attempts
            "at": notice.at,
        }

    def _epoch(self, notice: Notice, values: Mapping[str, Any]) -> None:
        run = self.running[notice.trial or 0]
        value = values["map50_95"]
        run |= {"epoch": values["epoch"], "map50_95": value, "slot_s": values["slot_s"], "at": notice.at}
        if not math.isnan(value):
            run["best"] = max(value, run["best"] or 0.0)
            if notice.trial == 0:
                self.baseline = max(value, self.baseline or 0.0)
            if run["purpose"].searched and (self.best_epoch is None or value > self.best_epoch[0]):
                self.best_epoch = (value, notice.trial or 0)

    def _trial_ended(self, notice: Notice, values: Mapping[str, Any]) -> str:
        run = self.running.pop(notice.trial or 0)
        self.ended += values["state"] != TrialState.INTERRUPTED
        self.closed_s += values["slot_s"] - run["before_s"]
        device = self.spec.slots.device if self.spec is not None else "cpu"
        return (
            f"trial {notice.trial} {state_text(TrialState(values['state']))}: best epoch {score(values['map50_95'])}, "
            f"{format_cost(values['slot_s'], device)}; {values['reason']}"
        )

    def counts(self) -> str:
        """'trials 12 begun, 10 ended'."""
        return f"trials {self.begun} begun, {self.ended} ended"

    def best_text(self) -> str:
        """Best epoch of the search with its trial, beside that of the defaults."""
        best, number = self.best_epoch or (None, None)
        trial = "" if number is None else f" (trial {number})"
        return f"best epoch {score(best)} mAP50-95{trial}   the defaults' {score(self.baseline)}"

    def gauges(self) -> list[Gauge]:
        """A gauge for each budget of the study; none before it has begun."""
        return [] if self.spec is None else [self._gauge(budget) for budget in limits_of(self.spec)]

    def _gauge(self, budget: Budget) -> Gauge:
        if budget.trials is not None:
            return _gauge(self.begun, budget.trials, f"{self.begun} of {budget.trials} trials")
        if budget.wall_s is not None:
            used = self.now()
            return _gauge(used, budget.wall_s, f"{duration(used)} of {duration(budget.wall_s)}")
        used, total = self.spent_s(), budget.limit_s or 1.0
        device = budget.device or "cpu"
        text = f"{format_cost(used, device)} of {format_cost(total, device)}"
        if used > 0 and self.now() > 0:
            left_s = max(0.0, total - used)
            last_s = min(left_s, self._production_s())
            left_s = (left_s - last_s) / max(1, len(self.running)) + last_s
            text += f"   ends in about {duration(left_s)}"
        return _gauge(used, total, text)

    def _production_s(self) -> float:
        """Slot-seconds of the winner's production training before it begins; it has one slot to itself."""
        spec = self.spec
        if spec is None:
            return 0.0
        defaults = range(max(1, len(spec.points)) if spec.compare else 0)
        running = [run for run in self.running.values() if run["purpose"] is Purpose.PRODUCTION]
        if any(run["repeats"] not in defaults for run in running):
            return 0.0
        share_s = float(spec.plan.get("shares", {}).get(Purpose.PRODUCTION.value, 0.0))
        return share_s / 2 if spec.compare else share_s


def _gauge(used: float, total: float, text: str) -> Gauge:
    return Gauge(min(used, total) / total if total else 1.0, text)
