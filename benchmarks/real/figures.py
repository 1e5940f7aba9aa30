"""What `automl bench real` says: settings, allowance, rows, captions. Pure."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from automl.costs.budget import Budget
from automl.errors import BadBudget

METHODS = ("automl", "ray", "genetic", "defaults")
BASELINE = "baseline"
TITLES: Mapping[str, str] = {
    BASELINE: "defaults, one training",
    "defaults": "defaults, trained as long",
    "automl": "automl search",
    "ray": "Ultralytics tune(use_ray=True)",
    "genetic": "Ultralytics tune()",
    f"{BASELINE}-long": "defaults, trained long",
    "automl-long": "automl's recipe, trained long",
}
_PROBE = "_Probe"  # our trainer's class that only times steps

Curve = list[tuple[float, float]]  # seconds used, best mAP50-95 on val so far
Params = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RealSettings:
    """What has to be the same for two results to stand in one table."""

    data: str
    weights: str
    model: str
    imgsz: int
    epochs: int  # the horizon of every trial and of every training anew
    budget: str  # "20trainings", or CPU or GPU seconds as in "1800cpu-s"
    seeds: int = 2  # trainings of each winner
    batch: int = 16
    slots: int = 2
    seed: int = 0  # of each search
    device: str = "cpu"
    long: int = 0  # epochs of trainings beyond the horizon, of the defaults and of our winner; 0 for none
    long_seeds: int = 1  # of each

    @property
    def unit(self) -> str:
        """What the budget counts: "cpu" seconds of all processes, or "gpu" seconds for which the GPU is held."""
        return "cpu" if self.device == "cpu" else "gpu"

    @property
    def new_seeds(self) -> tuple[int, ...]:
        """Seeds of the trainings that judge; none is a search's."""
        return tuple(range(self.seed + 1000, self.seed + 1000 + self.seeds))

    @property
    def long_new_seeds(self) -> tuple[int, ...]:
        """Those of the trainings beyond the horizon."""
        return tuple(range(self.seed + 1000, self.seed + 1000 + self.long_seeds * (self.long > 0)))


@dataclass(frozen=True)
class Allowance:
    """The budget of each method. Exactly one of the two is set."""

    trainings: float | None = None  # of the defaults to the horizon
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str, unit: str) -> Allowance:
        """What `text` names. Raises BadBudget for what cannot be read, and for seconds of another device."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*trainings?", text.strip().lower())
        if match is not None and float(match[1]) >= 1:
            return cls(trainings=float(match[1]))
        if match is not None or "trial" in text:
            raise BadBudget(f"the budget '{text}' pays for nothing that compares. Write 20trainings or 1800{unit}-s.")
        found = Budget.parse(text)
        if found.slot_s is None or found.device != unit:
            raise BadBudget(f"the budget '{text}' is not in {unit} time. Write 20trainings, 1800{unit}-s or 1{unit}-h.")
        return cls(seconds=found.slot_s)

    def seconds_at(self, training_s: float) -> float:
        """The budget in seconds where a training of the defaults takes `training_s`."""
        return self.seconds if self.seconds is not None else (self.trainings or 0.0) * training_s


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one method had found when it ended or its budget was used up."""

    params: Params  # of its winner: what differs from Ultralytics' defaults, as a flat document
    epochs: int  # of the winner's training anew
    val: float  # best mAP50-95 on val that its winner showed
    trials: int
    finished: int  # of them, those that ran to the horizon
    used_s: float
    wall_s: float
    limited: bool  # stopped at the budget
    curve: Curve


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One training anew: mAP50-95 of its best weights."""

    seed: int
    val: float
    test: float
    used_s: float
    wall_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    method: str
    used_s: float
    wall_s: float
    trials: int
    finished: int
    searched_val: float
    n: int  # trainings anew
    val_mean: float | None
    val_sd: float | None
    test_mean: float | None
    test_sd: float | None
    limited: bool


def row_of(method: str, found: Finding, judged: Sequence[Judged]) -> Row:
    """The line of a method with as many of its trainings anew as there are."""
    val, test = [each.val for each in judged], [each.test for each in judged]
    return Row(
        method=method,
        used_s=found.used_s,
        wall_s=found.wall_s,
        trials=found.trials,
        finished=found.finished,
        searched_val=found.val,
        n=len(judged),
        val_mean=mean(val) if val else None,
        val_sd=stdev(val) if len(val) > 1 else None,
        test_mean=mean(test) if test else None,
        test_sd=stdev(test) if len(test) > 1 else None,
        limited=found.limited,
    )


def long_row(method: str, judged: Sequence[Judged]) -> Row:
    """The line of trainings beyond the horizon; `judged` is not empty."""
    found = Finding(
        params={},
        epochs=0,
        val=math.nan,
        trials=len(judged),
        finished=len(judged),
        used_s=mean(each.used_s for each in judged),
        wall_s=mean(each.wall_s for each in judged),
        limited=False,
        curve=[],
    )
    return row_of(f"{method}-long", found, judged)


def long_epochs(budget_s: float, training_s: float, paid_s: float, epochs: int, room: float = 0.03) -> int:
    """The epochs that a budget pays in one training.

    training_s  seconds of a training of `epochs`
    paid_s      the part of it that grows with the epochs
    room        share of the budget left over, so that the schedule is not cut off
    """
    each = paid_s / epochs
    return max(epochs, math.floor((budget_s * (1 - room) - (training_s - paid_s)) / each))


def curve_of(spans: Iterable[Mapping[str, Any]], timeline: Sequence[Mapping[str, float]], unit: str) -> Curve:
    """Best score so far against seconds used, from the marks of validation and the meter's timeline."""
    key = "cpu_s" if unit == "cpu" else "wall_s"
    times = [line["at"] for line in timeline]
    curve: Curve = []
    scored = [span for span in spans if span["kind"] == "val" and math.isfinite(span.get("map50_95", math.nan))]
    for span in sorted(scored, key=lambda each: each["at"]):
        if span["by"] == _PROBE or (curve and span["map50_95"] <= curve[-1][1]):
            continue
        curve.append((round(_used(span["at"], times, [line[key] for line in timeline]), 2), float(span["map50_95"])))
    return curve


def _used(at: float, times: Sequence[float], used: Sequence[float]) -> float:
    """Seconds used at a moment, straight between two lines of the timeline."""
    after = bisect_right(times, at)
    if after == 0:
        return 0.0
    if after == len(times):
        return used[-1]
    share = (at - times[after - 1]) / (times[after] - times[after - 1])
    return used[after - 1] + share * (used[after] - used[after - 1])


def counts(spans: Iterable[Mapping[str, Any]], epochs: int) -> tuple[int, int]:
    """Trainings that validated an epoch, and those of them that validated the last one."""
    last: dict[str, int] = {}
    for span in spans:
        if span["kind"] == "val" and span["by"] != _PROBE:
            last[span["run"]] = max(last.get(span["run"], 0), span["epoch"])
    return len(last), sum(epoch >= epochs for epoch in last.values())


def table(rows: Sequence[Row], unit: str) -> tuple[list[str], list[list[str]]]:
    """Head and cells: a method a row."""
    head = ["", f"{unit.upper()} s", "trials (full)", "val, search", "val, new seeds", "test, new seeds", "n"]
    cells = [
        [
            TITLES[row.method],
            f"{row.used_s:.0f}",
            f"{row.trials} ({row.finished})",
            "-" if math.isnan(row.searched_val) else f"{row.searched_val:.4f}",
            _spread(row.val_mean, row.val_sd),
            _spread(row.test_mean, row.test_sd),
            str(row.n),
        ]
        for row in rows
    ]
    return head, cells


def captions(settings: RealSettings, budget_s: float, missing: Sequence[str], split: str) -> list[str]:
    """The lines below the table."""
    lines = [
        f"mAP50-95, {settings.model} at {settings.imgsz} px, {settings.epochs} epochs a training, batch "
        f"{settings.batch}; {budget_s:.0f} {settings.unit} seconds for each method, {settings.slots} slots of one "
        "thread. Winners are trained anew with new seeds; their best weights are scored on val and, never seen by any "
        f"method, on {split}.",
        "Ranges are one standard deviation of the new seeds. The search's own figure is the best of many: flattered.",
    ]
    if settings.long:
        lines.append(
            f"Trained long: {settings.long} epochs with new seeds, beyond every budget; counted in epochs, warm-up and "
            "the end of mosaic keep their shares where the search had moved them. Seconds are those of one training."
        )
    if missing:
        lines.append(f"Not there yet: {', '.join(missing)}. Run the same command again to go on.")
    return lines


def _spread(middle: float | None, sd: float | None) -> str:
    if middle is None:
        return "-"
    return f"{middle:.4f}" if sd is None else f"{middle:.4f} ± {sd:.4f}"
