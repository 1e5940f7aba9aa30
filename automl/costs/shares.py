"""Shares of a budget that the search does not get: probe, baseline, repeats, measuring, production. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from automl.costs.budget import Budget
from automl.costs.points import full_trainings
from automl.errors import BudgetTooSmall
from automl.figures import format_cost
from automl.records import ENOUGH_TRAININGS, FEWEST_TRAININGS, Prepared, Slots

ROUNDS = 3  # new seeds of one configuration at most
MEASURED_AT_MOST = 0.1  # of a budget, for the figures on unseen images
PRODUCTION_AT_MOST = 0.5  # of a budget, for the production training
MARGIN = 1.05  # so many times the price of a search's epoch may one of the production training cost


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """Everything that the search does not get of a budget."""

    probe_s: float = 0.0  # slot-seconds that probing has cost
    repeats: int = 0  # trials kept for repeats with other seeds
    repeats_s: float = 0.0  # their slot-seconds
    measuring_s: float = 0.0  # seconds of measuring on unseen images, booked as confirmation too
    production_s: float = 0.0  # slot-seconds of the production training, on one slot
    production_epochs: int = 0  # its epochs; 0 for none


@dataclass(frozen=True, kw_only=True)
class ProductionShare:
    """The production training as a plan foresees it."""

    epochs: int = 0  # 0 without a production training
    cost_s: float = 0.0  # slot-seconds
    notes: tuple[str, ...] = ()  # sentences for the user


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

    At most MEASURED_AT_MOST of a budget, so that a large split does not end a search. The rest exceeds the budget.

    unseen_s  seconds of measuring one network
    networks  2, the defaults and the winner; 3 with a production training
    """
    limits = [budget.limit_s for budget in budgets if budget.limit_s is not None]
    return min([networks * unseen_s, *(MEASURED_AT_MOST * limit_s for limit_s in limits)])


def production(
    budgets: Sequence[Budget],
    slots: Slots,
    baseline: Prepared,
    *,
    most: int,
    horizon: int,
    epoch_s: float,
    besides_s: float,
) -> ProductionShare:
    """Share of the production training. Raises BudgetTooSmall if it leaves no search.

    most       epochs that the user asked for; 0 for no production training
    horizon    epochs of a trial
    epoch_s    slot-seconds of one of its epochs, at the dearest operating point that may win
    besides_s  slot-seconds of probing and measuring
    """
    if not most:
        return ProductionShare()
    for budget in budgets:
        _check_production(budget, baseline, most, horizon, besides_s)
    epochs, cost_s = affordable(budgets, epoch_s, most)
    less = f", which half of the budget pays, instead of {most}" if epochs < most else ""
    where = ", on one slot" if slots.count > 1 else ""
    note = f"At the end the winner trains for up to {epochs} epochs (--train){less}{where}: about "
    return ProductionShare(epochs=epochs, cost_s=cost_s, notes=(f"{note}{format_cost(cost_s, slots.device)}.",))


def _check_production(budget: Budget, baseline: Prepared, most: int, horizon: int, besides_s: float) -> None:
    """Raise BudgetTooSmall if one budget cannot pay for a production training of the defaults beside a search."""
    epochs, cost_s = affordable([budget], baseline.epoch_s, most)
    (search,) = without_production([budget], cost_s)
    needed_s = baseline.startup_s + baseline.epoch_s * horizon + besides_s
    if search.limit_s is None or (search.limit_s >= needed_s and epochs >= horizon):
        return
    enough_s = max(needed_s, MARGIN * baseline.epoch_s * horizon) / PRODUCTION_AT_MOST
    raise BudgetTooSmall(
        f"the budget '{budget.text}' cannot pay for --train {most}: half of it pays {epochs} epochs of a production "
        f"training, and the rest must pay for the baseline's {horizon}. Raise --budget to at least "
        f"{budget.at_least(enough_s)}, lower --epochs, or leave out --train."
    )


def affordable(budgets: Sequence[Budget], epoch_s: float, most: int) -> tuple[int, float]:
    """Epochs of a production training that the budgets pay, and its slot-seconds.

    All epochs that the user asked for, or as many as half of the tightest budget pays.

    epoch_s  slot-seconds of an epoch
    most     epochs that the user asked for
    """
    limit_s = min((budget.limit_s for budget in budgets if budget.limit_s is not None), default=math.inf)
    epochs = int(min(most, PRODUCTION_AT_MOST * limit_s / (MARGIN * epoch_s))) if epoch_s > 0 else most
    return epochs, min(MARGIN * epochs * epoch_s, PRODUCTION_AT_MOST * limit_s)


def without_production(budgets: Sequence[Budget], cost_s: float) -> tuple[Budget, ...]:
    """Budgets, under their own texts, less a production training of so many slot-seconds on one slot.

    Raises BudgetTooSmall for a budget of a single trial.
    """
    for budget in budgets:
        if budget.trials is not None and budget.trials < 2:
            raise BudgetTooSmall(
                f"the budget '{budget.text}' leaves nothing to search with: --train takes one of its trials. "
                "Raise --budget to at least 2trials, or leave out --train."
            )
    return tuple(
        replace(
            budget,
            slot_s=None if budget.slot_s is None else budget.slot_s - cost_s,
            wall_s=None if budget.wall_s is None else budget.wall_s - cost_s,
            trials=None if budget.trials is None else budget.trials - 1,
        )
        for budget in budgets
    )
