"""Shares of a budget that the search does not get: probe, baseline, repeats, measuring, production. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from automl.costs.budget import Budget
from automl.costs.points import full_trainings
from automl.errors import BudgetTooSmall
from automl.figures import format_cost
from automl.records import ENOUGH_TRAININGS, FEWEST_TRAININGS, Slots

ROUNDS = 3  # new seeds of one configuration at most
MEASURED_AT_MOST = 0.2  # of a budget, for the figures on unseen images: they may decide
MARGIN = 1.05  # so many times the price of a search's epoch may one of the production training cost


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """Everything that the search does not get of a budget."""

    probe_s: float = 0.0  # slot-seconds that probing has cost
    repeats: int = 0  # trials kept for repeats with other seeds
    repeats_s: float = 0.0  # their slot-seconds
    measuring_s: float = 0.0  # seconds of measuring on unseen images, booked as confirmation too
    production_s: float = 0.0  # slot-seconds of the production trainings
    last_s: float = 0.0  # of these, the winner's, which runs alone after the search
    production_epochs: int = 0  # epochs of each; 0 for none


def check_baseline(
    budgets: Sequence[Budget], *, epoch_s: float, startup_s: float, spent_s: float, epochs: int, slots: Slots
) -> None:
    """Raise BudgetTooSmall, with the figure that is needed, if a budget cannot pay for the baseline.

    spent_s  slot-seconds that the probe has cost already
    """
    training_s = startup_s + epoch_s * epochs
    for budget in budgets:
        needed_s = training_s + (spent_s if budget.slot_s is not None else 0.0)
        if budget.limit_s is None or budget.limit_s >= needed_s:
            continue
        wall = f"{needed_s / 60:.1f} min of wall time"
        raise BudgetTooSmall(
            f"the budget '{budget.text}' cannot pay for the baseline: {epochs} epochs of {epoch_s:.1f} s each need "
            f"{wall if budget.slot_s is None else format_cost(needed_s, slots.device)}. Raise --budget to at least "
            f"{budget.at_least(needed_s)}, lower --epochs or --imgsz, or choose a smaller model."
        )


def repeats(budgets: Sequence[Budget], training_s: float, slots: Slots, best: int) -> tuple[int, float]:
    """Number of repeats with other seeds to keep from the search, and their slot-seconds.

    From ENOUGH_TRAININGS on a tenth of the affordable trainings. From FEWEST_TRAININGS on two: of the defaults and
    of the best trial. Below that none, since the search needs everything. Wall time pays whole waves of all slots,
    which would idle otherwise; none if they take more than a third of it.

    best  trials to repeat beside the defaults; 0 for no repeats
    """
    trainings = full_trainings(budgets, training_s, slots)
    if best < 1 or trainings < FEWEST_TRAININGS:
        return 0, 0.0
    most = (best + 1) * ROUNDS
    count = 2 if trainings < ENOUGH_TRAININGS else int(max(2, min(trainings / 10, most)))
    wall_s = min((budget.wall_s for budget in budgets if budget.wall_s is not None), default=math.inf)
    waves = math.ceil(count / slots.count)
    if waves * training_s > wall_s / 3:
        return 0, 0.0
    if trainings >= ENOUGH_TRAININGS and slots.count * wall_s / training_s <= trainings:
        count = min(most, waves * slots.count)
    return count, count * training_s


def measuring(budgets: Sequence[Budget], unseen_s: float, networks: int = 2) -> float:
    """Seconds to keep from the search for measuring networks on unseen images.

    At most MEASURED_AT_MOST of a budget, so that a large split does not end a search. What that does not pay is not
    measured.

    unseen_s  seconds of measuring one network
    networks  2, the defaults and the winner
    """
    limits = [budget.limit_s for budget in budgets if budget.limit_s is not None]
    return min([networks * unseen_s, *(MEASURED_AT_MOST * limit_s for limit_s in limits)])
