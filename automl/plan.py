"""From a budget and a measured epoch to a horizon and rungs."""

from __future__ import annotations

from collections.abc import Sequence

from automl.budget import Budget, format_cost
from automl.errors import BudgetTooSmall
from automl.records import Slots

SHORTEST, LONGEST = 10, 300  # epochs; 300 is the guide's production training
WANTED_TRAININGS = 20  # full trainings that a search should be able to pay


def full_trainings(budgets: Sequence[Budget], training_s: float, slots: Slots) -> float:
    """How many full trainings the tightest of the budgets pays; infinite with a trial count alone."""
    paid = [b.slot_s / training_s for b in budgets if b.slot_s is not None]
    paid += [slots.count * b.wall_s / training_s for b in budgets if b.wall_s is not None]
    paid += [float(b.trials) for b in budgets if b.trials is not None]
    return min(paid, default=float("inf"))


def horizon(budgets: Sequence[Budget], epoch_s: float, slots: Slots, requested: int | None) -> int:
    """Epochs of every trial's schedule: as asked for, else the longest that leaves enough trainings."""
    if requested is not None:
        return requested
    limits = [b for b in budgets if b.trials is None]
    epochs = full_trainings(limits, epoch_s * WANTED_TRAININGS, slots)
    return int(max(SHORTEST, min(LONGEST, epochs)))


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


def round_up(seconds: float, device_prefix: str) -> str:
    """A budget that is at least that long, as a user would write it: '12cpu-min', '3gpu-h'."""
    if seconds > 2 * 3600:
        return f"{-(-seconds // 3600):.0f}{device_prefix}h"
    if seconds > 120:
        return f"{-(-seconds // 60):.0f}{device_prefix}min"
    return f"{max(1, -(-seconds // 1)):.0f}{device_prefix}s"
