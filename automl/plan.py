"""The budget compiler: from measured epochs, budgets and slots to a horizon, points, shares and an end. Pure.

Figures about real trainings are those of yolov5n on BCCD: 35 trainings of 12 epochs, 13 of 42.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from automl.budget import Budget, format_cost
from automl.errors import BudgetTooSmall
from automl.points import FEWEST_TRAININGS, LONGEST, WANTED_TRAININGS, Point, full_trainings, shown
from automl.records import Purpose, Slots

ROUNDS = 3  # new seeds of one configuration at most
MEASURED_AT_MOST = 0.1  # of a budget, for the figures on unseen images
MEASURED_SHARE = 12 / 42  # shortest horizon, as a share of production's, of which rank agreement was measured


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a search is going to do with its budget."""

    device: str
    slots: int
    budgets: tuple[str, ...]
    points: tuple[Point, ...]  # the baseline's first
    epochs: int  # the horizon
    rungs: tuple[int, ...]
    reach: tuple[tuple[int, float], ...]  # rung or horizon, and how many trials are expected to reach it
    trials: int  # expected in all, the baseline and the compared points among them
    shares: Mapping[str, float]  # slot-seconds by purpose
    budget_s: float | None  # slot-seconds that the budgets pay in all; None with a trial count alone
    wall_s: float  # expected wall seconds from the first trial to the end
    disk_bytes: int
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def baseline(self) -> Point:
        """Where the defaults are trained first."""
        return self.points[0]

    @property
    def compared(self) -> tuple[Point, ...]:
        """The other points at which the defaults are trained."""
        return tuple(point for point in self.points if point.role == "compared")

    def document(self) -> dict[str, Any]:
        """Plain containers for a study's row."""
        return asdict(self)


def check_affordable(
    budgets: Sequence[Budget], *, epoch_s: float, startup_s: float, spent_s: float, epochs: int, slots: Slots
) -> None:
    """Raises BudgetTooSmall, with the figure that is needed, when the baseline cannot be paid.

    spent_s  slot-seconds that the probe has cost already
    """
    training_s = startup_s + epoch_s * epochs
    for budget in budgets:
        needed_s = training_s + (spent_s if budget.slot_s is not None else 0.0)
        has_s = budget.slot_s if budget.slot_s is not None else budget.wall_s
        if has_s is not None and has_s < needed_s:
            unit = f"{slots.device}-" if budget.slot_s is not None else ""
            needed = format_cost(needed_s, slots.device) if unit else f"{needed_s / 60:.1f} min of wall time"
            raise BudgetTooSmall(
                f"the budget '{budget.text}' cannot pay for the baseline: {epochs} epochs of "
                f"{epoch_s:.1f} s each need {needed}. Raise --budget to at least {round_up(needed_s, unit)}, "
                "lower --epochs or --imgsz, or choose a smaller model."
            )


def confirmation(budgets: Sequence[Budget], training_s: float, slots: Slots, best: int) -> tuple[int, float]:
    """Repeats with other seeds to keep from the search, and their slot-seconds.

    A tenth of the trainings that the budget pays, from 20 on; two, of the defaults and the best, from 10 on;
    below that the search needs everything. Within wall time whole waves of all slots, which idle otherwise;
    none where those would take more than a third of it.

    best  trials to repeat beside the defaults; 0 for no repeats
    """
    trainings = full_trainings(budgets, training_s, slots)
    if best < 1 or trainings < FEWEST_TRAININGS:
        return 0, 0.0
    most = (best + 1) * ROUNDS
    repeats = 2 if trainings < WANTED_TRAININGS else int(max(2, min(trainings / 10, most)))
    wall_s = min((b.wall_s for b in budgets if b.wall_s is not None), default=math.inf)
    waves = math.ceil(repeats / slots.count)
    if waves * training_s > wall_s / 3:
        return 0, 0.0
    if trainings >= WANTED_TRAININGS and slots.count * wall_s / training_s <= trainings:
        repeats = min(most, waves * slots.count)
    return repeats, repeats * training_s


def measuring(budgets: Sequence[Budget], unseen_s: float) -> float:
    """Seconds to keep from the search for measuring the defaults and the winner on unseen images.

    A tenth of a budget at most: a large split does not end a search, what is over goes beyond the budget.

    unseen_s  of one of the two
    """
    limits = [b.slot_s or b.wall_s or math.inf for b in budgets]
    return min([2 * unseen_s, *(MEASURED_AT_MOST * limit for limit in limits)])


def draw_up(
    points: Sequence[Point],
    budgets: Sequence[Budget],
    slots: Slots,
    *,
    epochs: int,
    rungs: Sequence[int],
    given: int,
    probe_s: float,
    reserve_trials: int = 0,
    reserve_s: float = 0.0,
    measuring_s: float = 0.0,
    eta: int = 3,
    disk_bytes: int = 0,
    notes: Sequence[str] = (),
) -> Plan:
    """The plan for those points; the shares never sum to more than the tightest budget pays.

    given      trials that run first and are never stopped: the baseline and the compared points
    probe_s    slot-seconds that probing has cost
    reserve_*  repeats kept for the confirmation, and their slot-seconds
    measuring_s  slot-seconds kept for measuring on unseen images, booked as confirmation too
    """
    first = points[0]
    compared = [point for point in points if point.role == "compared"]
    slot_s = min((b.slot_s for b in budgets if b.slot_s is not None), default=math.inf)
    wall_s = min((b.wall_s for b in budgets if b.wall_s is not None), default=math.inf)
    limit = min((b.trials - reserve_trials for b in budgets if b.trials is not None), default=None)
    left_s = max(0.0, min(slot_s - probe_s, wall_s * slots.count))
    shares = {Purpose.PROBE.value: probe_s}
    for purpose, wanted_s in (
        (Purpose.BASELINE, first.training_s),
        (Purpose.POINTS, sum(point.training_s for point in compared)),
        (Purpose.CONFIRMATION, reserve_s + measuring_s),
    ):
        shares[purpose.value] = min(wanted_s, left_s)
        left_s -= shares[purpose.value]
    tuned = max((first, *compared), key=lambda point: point.training_s)  # which pays is not known yet: the dearest
    startup_s = tuned.training_s - tuned.epoch_s * epochs
    whole = max(0, given - 1 - len(compared))
    if limit is not None:
        whole = max(0, min(whole, limit - 1 - len(compared)))
    whole = int(min(whole, left_s / tuned.training_s)) if tuned.training_s else whole
    most = _MANY if limit is None else max(0, limit - 1 - len(compared) - whole)
    proposals = _affordable(left_s, most, whole, rungs, epochs, eta, tuned.epoch_s, startup_s)
    reach = expected_reach(proposals, whole, rungs, epochs, eta)
    needed_s = _cost_s(reach, tuned.epoch_s, startup_s)
    shares[Purpose.SEARCH.value] = left_s if math.isfinite(left_s) and proposals < most else min(left_s, needed_s)
    total_s = min(slot_s, wall_s * slots.count + probe_s)
    spent_s = sum(shares.values()) - probe_s
    return Plan(
        device=slots.device,
        slots=slots.count,
        budgets=tuple(budget.text for budget in budgets),
        points=tuple(points),
        epochs=epochs,
        rungs=tuple(rungs),
        reach=tuple((level, round(trials, 1)) for level, trials in reach),
        trials=1 + len(compared) + whole + proposals,
        shares=shares,
        budget_s=total_s if math.isfinite(total_s) else None,
        wall_s=min(wall_s, max(spent_s / slots.count, shares[Purpose.BASELINE.value])),
        disk_bytes=disk_bytes,
        warnings=tuple(_warnings(first, epochs)),
        notes=(*notes, *(f"{shown(p.name)} is left out: {p.why}." for p in points if p.role == "left out")),
    )


def planned_epoch_s(plan: Mapping[str, Any], point: str | None) -> float:
    """Slot-seconds of an epoch at that point as the plan's document has it, with its share of the start-up.

    point  None: at the dearest of those that are compared, as long as it is not known which one is tuned at
    """
    open_ = [each for each in plan["points"] if each["role"] != "left out"]
    found = [each for each in open_ if each["name"] == point] if point is not None else open_
    return max(float(each["training_s"]) for each in found or open_[:1]) / int(plan["epochs"])


def rest(
    *,
    epoch_s: float,
    left_s: float,
    wall_left_s: float,
    slots: int,
    rungs: Sequence[int],
    epochs: int,
    most: int | None,
) -> tuple[int, float]:
    """How many more trials what is left is expected to pay, and the wall seconds until it is spent.

    left_s, wall_left_s  slot-seconds and wall seconds; infinite where there is no such budget
    most                 trials that may still begin; None for any number
    """
    open_s = max(0.0, min(left_s, wall_left_s * slots))
    trials = _affordable(open_s, _MANY if most is None else most, 0, rungs, epochs, 3, epoch_s, 0.0)
    needed_s = _cost_s(expected_reach(trials, 0, rungs, epochs, 3), epoch_s, 0.0)
    spent_s = needed_s if trials == most or not math.isfinite(open_s) else open_s
    return trials, min(wall_left_s, spent_s / slots)


_MANY = 10**6


def expected_reach(
    proposals: float, exempt: int, rungs: Sequence[int], epochs: int, eta: int
) -> tuple[tuple[int, float], ...]:
    """How many trials are expected to reach each rung and the horizon, ranks being random.

    exempt  trials that come first and are never stopped
    """
    reach = []
    for level in rungs:
        reach.append((level, exempt + proposals))
        proposals = _survivors(proposals, exempt, eta)
    return (*reach, (epochs, exempt + proposals))


def _survivors(entrants: float, exempt: int, eta: int) -> float:
    """Expected survivors of a rung: the j-th to arrive passes if it is among the best j - ceil((j-1)(1-1/eta))."""
    whole = int(min(entrants, 300.0))
    chances = [_chance(exempt + 1 + j, eta) for j in range(whole + 1)]
    passed = sum(chances[:whole]) + (entrants - whole) * (chances[whole] if whole < 300 else 1 / eta)
    return min(entrants, passed)


def _chance(arrived: int, eta: int) -> float:
    return (arrived - math.ceil((arrived - 1) * (1 - 1 / eta) - 1e-9)) / arrived


def _cost_s(reach: Sequence[tuple[int, float]], epoch_s: float, startup_s: float) -> float:
    cost, before = startup_s * reach[0][1], 0
    for level, trials in reach:
        cost += (level - before) * epoch_s * trials
        before = level
    return cost


def _affordable(
    left_s: float, most: int, exempt: int, rungs: Sequence[int], epochs: int, eta: int, epoch_s: float, startup_s: float
) -> int:
    """The most proposals whose expected cost is within what is left."""

    def fits(proposals: int) -> bool:
        return _cost_s(expected_reach(proposals, exempt, rungs, epochs, eta), epoch_s, startup_s) <= left_s

    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _warnings(first: Point, epochs: int) -> list[str]:
    told = []
    if first.trainings < 4:
        told.append(
            f"The budget pays {first.trainings:.1f} trainings of the defaults: too few for a search (from 4 on little "
            "can be expected, from 10 on a search was worth its cost). Train the defaults, or lower --epochs."
        )
    elif first.trainings < FEWEST_TRAININGS:
        told.append(
            f"The budget pays {first.trainings:.1f} trainings of the defaults: expect little of the search "
            "(it was worth its cost from 10 on)."
        )
    if epochs < MEASURED_SHARE * LONGEST:
        told.append(
            f"A horizon of {epochs} epochs is {epochs / LONGEST:.0%} of a production training's {LONGEST}, less than "
            f"any share of which it is known what it says about the end: on BCCD 12 whole epochs ranked recipes like "
            f"42 with .64 (1 would be the same order; n=13), a third of the 42 with .4 to .7. "
            "Train the winner and the defaults for the production length before you trust the order."
        )
    return told


def round_up(seconds: float, device_prefix: str) -> str:
    """A budget that is at least that long, as a user would write it: '12cpu-min', '3gpu-h'."""
    if seconds > 2 * 3600:
        return f"{-(-seconds // 3600):.0f}{device_prefix}h"
    if seconds > 120:
        return f"{-(-seconds // 60):.0f}{device_prefix}min"
    return f"{max(1, -(-seconds // 1)):.0f}{device_prefix}s"
