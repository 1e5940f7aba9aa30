"""Figures of a contest: mean regrets, speed-ups over the peers, and their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.policies.contest import Result, Standing
from benchmarks.policies.race import GRID
from benchmarks.policies.tasks import FloatArray

SHARES = (0.25, 0.5, 1.0)  # of the budget, for the regrets in the table
LEVEL = 0.9
RESAMPLES = 1000
PEERS = ("E", "F")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One policy on one family, with 90 % intervals."""

    policy: str
    family: str
    slots: int
    budget: float  # median full trainings
    tasks: int
    seeds: int
    regret: list[float]  # at 25, 50 and 100 % of the budget
    speedup_vs_E: float | None  # noqa: N815  (None without E among the runs)
    speedup_vs_F: float | None  # noqa: N815
    intervals: dict[str, list[list[float]] | list[float] | None]  # of the regrets and of both speed-ups
    trials: float  # means of a run
    cpu_s: float


def rows(standing: Standing, *, seed: int = 0) -> list[Row]:
    """Rows by family and policy, in the order of the contest."""
    every: list[Row] = []
    for family in standing.contest.families:
        results = [result for result in standing.results if result.family == family]
        if results:
            every += _family(standing, family, results, seed)
    return every


def _family(standing: Standing, family: str, results: Sequence[Result], seed: int) -> list[Row]:
    contest = standing.contest
    policies = [name for name in contest.policies if any(result.policy == name for result in results)]
    curves = {name: table([result for result in results if result.policy == name]) for name in policies}
    tasks, seeds, _ = next(iter(curves.values())).shape
    means = {name: curve.mean(axis=(0, 1)) for name, curve in curves.items()}
    samples = resample(curves, seed)
    family_rows = []
    for name in policies:
        own = [result for result in results if result.policy == name]
        speedups = {peer: speedup(means[name], means[peer]) if peer in means else None for peer in PEERS}
        intervals: dict[str, list[list[float]] | list[float] | None] = {
            "regret": [_interval(samples[name][:, index(share)]) for share in SHARES]
        }
        for peer in PEERS:
            intervals[f"speedup_vs_{peer}"] = (
                _interval(np.array([speedup(a, b) for a, b in zip(samples[name], samples[peer], strict=True)]))
                if peer in samples
                else None
            )
        family_rows.append(
            Row(
                policy=name,
                family=family,
                slots=contest.slots,
                budget=contest.trainings,
                tasks=tasks,
                seeds=seeds,
                regret=[round(float(means[name][index(share)]), 4) for share in SHARES],
                speedup_vs_E=speedups["E"],
                speedup_vs_F=speedups["F"],
                intervals=intervals,
                trials=round(sum(result.trials for result in own) / len(own), 1),
                cpu_s=round(sum(result.cpu_s for result in own) / len(own), 2),
            )
        )
    return family_rows


def index(share: float) -> int:
    """Index of a share of the budget on the grid."""
    return round(share * GRID) - 1


def table(results: Sequence[Result]) -> FloatArray:
    """(tasks, seeds, GRID) regrets of one policy."""
    tasks = sorted({result.task for result in results})
    seeds = sorted({result.seed for result in results})
    by = {(result.task, result.seed): result.regrets for result in results}
    return np.array([[by[task, seed] for seed in seeds] for task in tasks])


def speedup(own: FloatArray, peer: FloatArray) -> float:
    """Budget at which the peer reaches its final mean regret, divided by that at which `own` reaches it.

    own, peer  (GRID,) mean regrets
    Below 1 if `own` is later. If it never reaches that regret, nothing is extrapolated: the result is the share of the
    budget at which the peer has reached the final regret of `own`.
    """
    if own.min() <= peer[-1]:
        return round((_first(peer, peer[-1]) + 1) / (_first(own, peer[-1]) + 1), 3)
    return round((_first(peer, own[-1]) + 1) / GRID, 3)


def _first(curve: FloatArray, level: float) -> int:
    """First index at which the curve is at or below the level."""
    return int(np.flatnonzero(curve <= level)[0])


def resample(curves: Mapping[str, FloatArray], seed: int) -> dict[str, FloatArray]:
    """(RESAMPLES, GRID) mean regrets of each policy: tasks drawn with replacement, then seeds within each.

    All policies ran on the same tasks with the same seeds, and share the draws.
    Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 8 (two-level resampling).
    """
    rng = np.random.default_rng(seed)
    tasks, seeds, _ = next(iter(curves.values())).shape
    samples: dict[str, list[FloatArray]] = {name: [] for name in curves}
    for _ in range(RESAMPLES):
        tasks_drawn = np.asarray(rng.integers(tasks, size=(tasks, 1)))
        seeds_drawn = np.asarray(rng.integers(seeds, size=(tasks, seeds)))
        for name, curve in curves.items():
            samples[name].append(curve[tasks_drawn, seeds_drawn].mean(axis=(0, 1)))
    return {name: np.array(means) for name, means in samples.items()}


def _interval(values: FloatArray) -> list[float]:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [round(float(low), 4), round(float(high), 4)]


def printed(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Head and cells of the table for people."""
    head = ["", "family", "25 %", "50 %", "100 %", "over E", "over F", "trials", "CPU s"]
    cells = []
    for row in rows:
        final = row.intervals["regret"]
        bounds = _bounds(final[-1] if final else None)
        cells.append(
            [
                row.policy,
                row.family,
                *(f"{value:.3f}" for value in row.regret[:-1]),
                f"{row.regret[-1]:.3f}{bounds}",
                *(
                    "–" if value is None else f"{value:.2f}{_bounds(row.intervals[f'speedup_vs_{peer}'])}"
                    for peer, value in (("E", row.speedup_vs_E), ("F", row.speedup_vs_F))
                ),
                f"{row.trials:.0f}",
                f"{row.cpu_s:.1f}",
            ]
        )
    return head, cells


def _bounds(interval: object) -> str:
    return f" [{interval[0]:.2f}, {interval[1]:.2f}]" if isinstance(interval, list) else ""


def captions(standing: Standing, rows: Sequence[Row]) -> list[str]:
    """Lines below the table."""
    contest = standing.contest
    lines = [
        f"Mean regret at 25, 50 and 100 % of {contest.trainings:g} median full trainings on {contest.slots} slots: "
        "0 the best known, 1 a median random configuration.",
        "Over E, over F: the peer's budget over the budget that reaches its final regret. "
        "Intervals: 90 %, bootstrap over tasks, then seeds.",
    ]
    sizes = {(row.family, row.tasks, row.seeds) for row in rows}
    lines += [f"{family}: {tasks} tasks × {seeds} seeds." for family, tasks, seeds in sorted(sizes)]
    return lines + [f"{family} was skipped: {reason}." for family, reason in standing.skipped.items()]
