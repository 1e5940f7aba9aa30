"""Figures of the benchmark on real trainings: settings, allowance, rows, captions. Pure functions."""

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
from benchmarks.overhead.figures import PROBE

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

Curve = list[tuple[float, float]]  # seconds used, best mAP50-95 on val so far
Params = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RealSettings:
    """Settings that must be equal for two results to stand in one table."""

    data: str
    weights: str
    model: str
    imgsz: int
    epochs: int  # the horizon of every trial and of every retraining
    budget: str  # "20trainings", or CPU or GPU seconds as in "1800cpu-s"
    seeds: int = 2  # retrainings of each winner
    batch: int = 16
    slots: int = 2
    seed: int = 0  # of each search
    device: str = "cpu"
    long: int = 0  # epochs of trainings beyond the horizon, of the defaults and of our winner; 0 for none
    long_seeds: int = 1  # of each

    @property
    def unit(self) -> str:
        """Unit of the budget: "cpu" seconds of all processes, or "gpu" seconds for which the GPU is held."""
        return "cpu" if self.device == "cpu" else "gpu"

    @property
    def new_seeds(self) -> tuple[int, ...]:
        """Seeds of the retrainings, none of them a search's."""
        return tuple(range(self.seed + 1000, self.seed + 1000 + self.seeds))

    @property
    def long_new_seeds(self) -> tuple[int, ...]:
        """Seeds of the trainings beyond the horizon; none without them."""
        return tuple(range(self.seed + 1000, self.seed + 1000 + (self.long_seeds if self.long else 0)))


@dataclass(frozen=True)
class Allowance:
    """The budget of each method. Exactly one of the two is set."""

    trainings: float | None = None  # of the defaults to the horizon
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str, unit: str) -> Allowance:
        """The budget that `text` names. Raises BadBudget for other words, and for seconds of another device."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*trainings?", text.strip().lower())
        if match is not None and float(match[1]) >= 1:
            return cls(trainings=float(match[1]))
        if match is not None or "trial" in text:
            raise BadBudget(f"the budget '{text}' pays for nothing that compares. Write 20trainings or 1800{unit}-s.")
        budget = Budget.parse(text)
        if budget.slot_s is None or budget.device != unit:
            raise BadBudget(f"the budget '{text}' is not in {unit} time. Write 20trainings, 1800{unit}-s or 1{unit}-h.")
        return cls(seconds=budget.slot_s)

    def seconds_at(self, training_s: float) -> float:
        """The budget in seconds, if a training of the defaults takes `training_s`."""
        return self.seconds if self.seconds is not None else (self.trainings or 0.0) * training_s


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Result of one method at its end or when its budget was used up."""

    params: Params  # of its winner, as far as they differ from Ultralytics' defaults
    epochs: int  # of the winner's retraining
    val: float  # best mAP50-95 of its winner on val
    trials: int
    finished: int  # trials that ran to the horizon
    used_s: float
    wall_s: float
    limited: bool  # stopped at the budget
    curve: Curve


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """One training of a winner with a new seed: mAP50-95 of its best weights."""

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
    n: int  # retrainings
    val_mean: float | None
    val_sd: float | None
    test_mean: float | None
    test_sd: float | None
    limited: bool


def row_of(method: str, finding: Finding, retrainings: Sequence[Retraining]) -> Row:
    """The row of a method, with the retrainings that have ended."""
    val, test = [training.val for training in retrainings], [training.test for training in retrainings]
    return Row(
        method=method,
        used_s=finding.used_s,
        wall_s=finding.wall_s,
        trials=finding.trials,
        finished=finding.finished,
        searched_val=finding.val,
        n=len(retrainings),
        val_mean=mean(val) if val else None,
        val_sd=stdev(val) if len(val) > 1 else None,
        test_mean=mean(test) if test else None,
        test_sd=stdev(test) if len(test) > 1 else None,
        limited=finding.limited,
    )


def long_row(method: str, trainings: Sequence[Retraining]) -> Row:
    """The row of trainings beyond the horizon, at least one."""
    finding = Finding(
        params={},
        epochs=0,
        val=math.nan,
        trials=len(trainings),
        finished=len(trainings),
        used_s=mean(training.used_s for training in trainings),
        wall_s=mean(training.wall_s for training in trainings),
        limited=False,
        curve=[],
    )
    return row_of(f"{method}-long", finding, trainings)


def long_epochs(budget_s: float, training_s: float, paid_s: float, epochs: int, margin: float = 0.03) -> int:
    """Epochs of one training that a budget pays for.

    training_s  seconds of a training of `epochs`
    paid_s      the part of it that grows with the epochs
    margin      share of the budget left over, so that the schedule is not cut off
    """
    epoch_s = paid_s / epochs
    return max(epochs, math.floor((budget_s * (1 - margin) - (training_s - paid_s)) / epoch_s))


def curve_of(spans: Iterable[Mapping[str, Any]], timeline: Sequence[Mapping[str, float]], unit: str) -> Curve:
    """Best score so far against seconds used, from the spans of validation and the meter's timeline."""
    key = "cpu_s" if unit == "cpu" else "wall_s"
    times = [line["at"] for line in timeline]
    curve: Curve = []
    scored = [span for span in spans if span["kind"] == "val" and math.isfinite(span.get("map50_95", math.nan))]
    for span in sorted(scored, key=lambda span: span["at"]):
        if span["by"] == PROBE or (curve and span["map50_95"] <= curve[-1][1]):
            continue
        curve.append((round(_used(span["at"], times, [line[key] for line in timeline]), 2), float(span["map50_95"])))
    return curve


def _used(at: float, times: Sequence[float], used: Sequence[float]) -> float:
    """Seconds used at a moment, interpolated between two lines of the timeline."""
    after = bisect_right(times, at)
    if after == 0:
        return 0.0
    if after == len(times):
        return used[-1]
    share = (at - times[after - 1]) / (times[after] - times[after - 1])
    return used[after - 1] + share * (used[after] - used[after - 1])


def counts(spans: Iterable[Mapping[str, Any]], epochs: int) -> tuple[int, int]:
    """Number of trainings that validated an epoch, and of those that validated the last one."""
    last: dict[str, int] = {}
    for span in spans:
        if span["kind"] == "val" and span["by"] != PROBE:
            last[span["run"]] = max(last.get(span["run"], 0), span["epoch"])
    return len(last), sum(epoch >= epochs for epoch in last.values())


def table(rows: Sequence[Row], unit: str) -> tuple[list[str], list[list[str]]]:
    """Head and cells, with a method in each row."""
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
    """Lines below the table."""
    lines = [
        f"mAP50-95, {settings.model} at {settings.imgsz} px, {settings.epochs} epochs a training, batch "
        f"{settings.batch}; {budget_s:.0f} {settings.unit} seconds for each method, {settings.slots} slots of one "
        "thread. Winners are trained again with new seeds. Their best weights are scored on val and, never seen by any "
        f"method, on {split}.",
        "Ranges are one standard deviation of the new seeds. The search's own figure is the best of many, so too high.",
    ]
    if settings.long:
        lines.append(
            f"Trained long: {settings.long} epochs with new seeds, beyond every budget. If the search had changed "
            "warm-up or the end of mosaic, they keep their shares of the epochs. Seconds are those of one training."
        )
    if missing:
        lines.append(f"Still missing: {', '.join(missing)}. Run the same command again to continue.")
    return lines


def _spread(middle: float | None, sd: float | None) -> str:
    if middle is None:
        return "-"
    return f"{middle:.4f}" if sd is None else f"{middle:.4f} ± {sd:.4f}"
