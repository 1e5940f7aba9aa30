"""Division of a budget: full-length trainings of the defaults and of the winner, and a search between them. Pure.

A recipe is worth what it gives at the length at which people train: 300 epochs (Ultralytics, "Tips for Best YOLOv5
Training Results"). On BCCD a recipe led by .084 at 40 epochs and by .031 at 300; on another set by .093 at 20 epochs
and lost by .052 at 300 (yolov5n at 128 px, test split). So the answer compares at production length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from automl.costs.budget import Budget
from automl.costs.points import LONGEST, NEAR_END, SHORTEST, Probe, longest, shown
from automl.costs.shares import MARGIN
from automl.errors import BudgetTooSmall
from automl.figures import format_cost
from automl.records import ENOUGH_TRAININGS, FEWEST_TRAININGS, Prepared, Slots

LEAST_EPOCHS = NEAR_END  # of a search's training beside production
LEAST_SHARE = 1 / 8  # of the production length
COMPARED = 2  # production trainings: of the defaults and of the best recipe found


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Lengths that the user asked for."""

    epochs: int | None = None  # of the search's trainings
    train: int | None = None  # of production
    recipe_only: bool = False  # no production trainings

    @property
    def length(self) -> int:
        """Epochs of a production training."""
        return self.train or LONGEST


@dataclass(frozen=True, kw_only=True)
class Division:
    """Lengths of a study's trainings."""

    epochs: int  # of the search's trainings: the horizon
    production: int = 0  # of the production trainings; 0: there are none beside the search's own
    searches: bool = True  # False: the defaults are trained, and nothing else
    at_length: bool = False  # True: the search's own trainings are of production length
    sentence: str = ""  # for the plan

    def searching(self, budgets: Sequence[Budget], slots: Slots, epoch_s: float) -> tuple[Budget, ...]:
        """Budgets without the production trainings at that price of an epoch."""
        if not self.production:
            return tuple(budgets)
        return _less(budgets, slots, MARGIN * self.production * epoch_s)


def least_epochs(length: int) -> int:
    """Shortest horizon of a search beside production trainings of that length."""
    return min(length, max(LEAST_EPOCHS, math.ceil(LEAST_SHARE * length)))


def divide(budgets: Sequence[Budget], slots: Slots, prepared: Prepared, asked: Asked, *, besides_s: float) -> Division:
    """Lengths with which the budgets are expected to give the best model of known worth.

    From ENOUGH_TRAININGS of production length on, the search itself runs at that length. Below that the defaults and
    the best recipe are each trained at it, and a search at a shorter horizon takes the rest. Where the rest does not
    pay FEWEST_TRAININGS of `least_epochs`, the defaults are trained and nothing else.

    prepared   at the operating point in question
    besides_s  seconds of probing and of measuring on unseen images

    Raises BudgetTooSmall where the user named both lengths and the budgets do not pay them.
    """
    timed = [budget for budget in budgets if budget.limit_s is not None]
    length = asked.length
    if asked.recipe_only or (not timed and not asked.train):
        return Division(epochs=asked.epochs or max(SHORTEST, longest(budgets, prepared, slots)))
    if asked.epochs is not None and asked.epochs >= length:
        return Division(epochs=asked.epochs)
    if not timed and asked.epochs is None:
        return Division(epochs=length, at_length=True)
    if not timed:
        _check_trials(budgets, length)
        epochs = asked.epochs or length
        return Division(epochs=epochs, production=length, sentence=_shared(slots, prepared, length, epochs))
    if asked.epochs is not None:
        return _with_epochs(budgets, slots, prepared, asked, asked.epochs, besides_s)
    if longest(timed, prepared, slots, most=length) >= length or _pays_full(timed, slots, prepared, length, besides_s):
        text = f"The budget pays {ENOUGH_TRAININGS} or more trainings of {length} epochs: every recipe trains that long"
        return Division(epochs=length, at_length=True, sentence=f"{text}.")
    left = _less(timed, slots, MARGIN * length * prepared.epoch_s, besides_s)
    least = least_epochs(length)
    if least < length and longest(left, prepared, slots, FEWEST_TRAININGS, length) >= least:
        _check_trials(budgets, length)
        epochs = min(length, max(least, longest(left, prepared, slots, most=length)))
        return Division(epochs=epochs, production=length, sentence=_shared(slots, prepared, length, epochs))
    return _defaults_alone(timed, slots, prepared, length, besides_s)


def shortened(
    division: Division, budgets: Sequence[Budget], slots: Slots, others: Sequence[Probe]
) -> tuple[Division, str]:
    """The division with a horizon of which ENOUGH_TRAININGS are paid at a dearer point too, and a sentence on it.

    The dearest point that keeps the least horizon: a point that is never trained cannot win, and compute bought as
    much by pixels as by epochs. Unchanged, with an empty sentence, where there is none or nothing is searched. A
    search at production length stays at it.

    others  points that may be compared with the baseline's
    """
    if not division.searches or division.at_length:
        return division, ""
    least = least_epochs(division.production) if division.production else NEAR_END
    reach = {
        other.point: longest(division.searching(budgets, slots, other.prepared.epoch_s), other.prepared, slots)
        for other in others
        if other.prepared is not None
    }
    dearest = min((name for name in reach if least <= reach[name] < division.epochs), key=reach.__getitem__, default="")
    if not dearest:
        return division, ""
    epochs = reach[dearest]
    return replace(division, epochs=epochs), (
        f"A horizon of {epochs} epochs leaves {ENOUGH_TRAININGS} trainings at {shown(dearest)} too; for the "
        f"baseline alone it would be {division.epochs}."
    )


def _with_epochs(
    budgets: Sequence[Budget], slots: Slots, prepared: Prepared, asked: Asked, epochs: int, besides_s: float
) -> Division:
    """Division for a horizon that the user named."""
    length = asked.length
    trainings = 1 if asked.train else FEWEST_TRAININGS
    left = _less(budgets, slots, MARGIN * length * prepared.epoch_s, besides_s)
    if longest(left, prepared, slots, trainings, epochs) >= epochs:
        _check_trials(budgets, length)
        return Division(epochs=epochs, production=length, sentence=_shared(slots, prepared, length, epochs))
    needed_s = _needed_s(slots, prepared, length, epochs, trainings, besides_s)
    if asked.train:
        tightest = min((b for b in budgets if b.limit_s is not None), key=lambda b: b.limit_s or 0.0)
        if tightest.slot_s is None:
            needed_s = _wall_s(slots, needed_s, prepared, length)
        raise BudgetTooSmall(
            f"the budget '{tightest.text}' cannot pay for --train {length}: the defaults and the winner train for "
            f"{length} epochs each, and the search needs a training of {epochs} at least. Raise --budget to at least "
            f"{tightest.at_least(needed_s)}, lower --train, or answer at the search's length with --recipe-only."
        )
    cost = format_cost(needed_s, slots.device)
    return Division(
        epochs=epochs,
        sentence=(
            f"The answer compares recipes at {epochs} epochs: from {cost} on the defaults and the winner would train "
            f"for {length} epochs too."
        ),
    )


def _check_trials(budgets: Sequence[Budget], length: int) -> None:
    """Raise BudgetTooSmall for a number of trials that the production trainings leave nothing of."""
    for budget in budgets:
        if budget.trials is not None and budget.trials <= COMPARED:
            raise BudgetTooSmall(
                f"the budget '{budget.text}' leaves nothing to search with: the trainings of the defaults and of the "
                f"winner for {length} epochs take {COMPARED} of its trials. Raise --budget to at least "
                f"{COMPARED + 1}trials, or answer at the search's length with --recipe-only."
            )


def _shared(slots: Slots, prepared: Prepared, length: int, epochs: int) -> str:
    cost = format_cost(length * prepared.epoch_s, slots.device)
    return (
        f"The defaults and the best recipe found train for up to {length} epochs each (about {cost}); the rest of the "
        f"budget searches with trainings of {epochs} epochs."
    )


def _defaults_alone(
    budgets: Sequence[Budget], slots: Slots, prepared: Prepared, length: int, besides_s: float
) -> Division:
    """The defaults alone, for as many epochs as are paid."""
    (tightest,) = sorted(budgets, key=lambda b: b.limit_s or 0.0)[:1]
    epochs = min(length, longest(_minus(budgets, besides_s), prepared, slots, 1.0, length))
    needed_s = _needed_s(slots, prepared, length, least_epochs(length), FEWEST_TRAININGS, besides_s)
    if tightest.slot_s is None:
        needed_s = _wall_s(slots, needed_s, prepared, length)
    pays = (
        f"one training of {length} epochs" if epochs >= length else f"{epochs} of the {length} epochs of one training"
    )
    return Division(
        epochs=max(SHORTEST, epochs),
        searches=False,
        sentence=(
            f"{tightest.text} pays {pays}: the defaults are trained, and nothing is searched. From "
            f"{tightest.at_least(needed_s)} on a search can help; --recipe-only searches at a shorter length now."
        ),
    )


def _needed_s(slots: Slots, prepared: Prepared, length: int, epochs: int, trainings: float, besides_s: float) -> float:
    """Slot-seconds that pay both production trainings and so many of the search."""
    search_s = trainings * (prepared.startup_s + epochs * prepared.epoch_s)
    return COMPARED * MARGIN * length * prepared.epoch_s + search_s + besides_s


def _wall_s(slots: Slots, needed_s: float, prepared: Prepared, length: int) -> float:
    """Wall seconds for so many slot-seconds, of which the winner's training has one slot at the end."""
    last_s = MARGIN * length * prepared.epoch_s
    return last_s + max(last_s, (needed_s - last_s) / slots.count)


def _pays_full(budgets: Sequence[Budget], slots: Slots, prepared: Prepared, length: int, besides_s: float) -> bool:
    """True if a search at a length below LEAST_EPOCHS, which leaves no shorter one, is paid at that length."""
    if least_epochs(length) < length:
        return False
    return longest(_minus(budgets, besides_s), prepared, slots, FEWEST_TRAININGS, length) >= length


def _minus(budgets: Sequence[Budget], seconds: float) -> tuple[Budget, ...]:
    return tuple(budget.less(slot_s=seconds, wall_s=seconds) for budget in budgets)


def _less(budgets: Sequence[Budget], slots: Slots, training_s: float, besides_s: float = 0.0) -> tuple[Budget, ...]:
    """Budgets without both production trainings. In wall time the first one runs beside the search."""
    beside_s = training_s / slots.count  # of the first one's slot, shared out over the wall time of all
    return tuple(
        budget.less(
            slot_s=COMPARED * training_s + besides_s,
            wall_s=training_s + beside_s + besides_s,
            trials=COMPARED,
        )
        for budget in budgets
    )
