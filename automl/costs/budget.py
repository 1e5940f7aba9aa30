"""Budgets as users write them, and the ledger that charges slot-seconds to trials."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from automl.errors import BadBudget
from automl.records import StudySpec

_UNIT_S = {"h": 3600.0, "min": 60.0, "s": 1.0}
_PATTERN = re.compile(r"(?P<number>-?\d{1,12}(?:\.\d{1,12})?)\s*(?:(?P<device>gpu|cpu)-)?(?P<unit>h|min|s|trials?)")
_EXAMPLES = "Write for example 40gpu-h, 8cpu-h, 30gpu-min, 90min (wall time) or 200trials."


@dataclass(frozen=True)
class Budget:
    """One limit of a search. Exactly one of the three amounts is set."""

    text: str  # as the user wrote it
    slot_s: float | None = None  # seconds of slots of `device`
    device: str | None = None  # "gpu" or "cpu", with slot_s
    wall_s: float | None = None
    trials: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Budget that `text` names. Raises BadBudget, with examples, if it cannot be read."""
        match = _PATTERN.fullmatch(text.strip().lower())
        if match is None:
            raise BadBudget(f"cannot read the budget '{text}'. {_EXAMPLES}")
        amount, device, unit = float(match["number"]), match["device"], match["unit"]
        if amount <= 0:
            raise BadBudget(f"the budget '{text}' is not above zero. {_EXAMPLES}")
        if unit.startswith("trial"):
            if device is not None or amount != int(amount):
                raise BadBudget(f"cannot read the budget '{text}'. {_EXAMPLES}")
            return cls(text=text, trials=int(amount))
        seconds = amount * _UNIT_S[unit]
        if device is None:
            return cls(text=text, wall_s=seconds)
        return cls(text=text, slot_s=seconds, device=device)

    @property
    def limit_s(self) -> float | None:
        """Limit in slot-seconds or wall seconds; None for a number of trials."""
        return self.slot_s if self.slot_s is not None else self.wall_s

    def less(self, *, slot_s: float = 0.0, wall_s: float = 0.0, trials: int = 0) -> Self:
        """The budget under its own text, without so many slot-seconds, wall seconds or trials; 0 at least."""
        return replace(
            self,
            slot_s=None if self.slot_s is None else max(0.0, self.slot_s - slot_s),
            wall_s=None if self.wall_s is None else max(0.0, self.wall_s - wall_s),
            trials=None if self.trials is None else max(0, self.trials - trials),
        )

    def at_least(self, seconds: float) -> str:
        """Text of a budget of the same kind that is at least so long: '12cpu-min', '3h'."""
        kind = f"{self.device}-" if self.slot_s is not None else ""
        if seconds > 2 * 3600:
            return f"{-(-seconds // 3600):.0f}{kind}h"
        if seconds > 120:
            return f"{-(-seconds // 60):.0f}{kind}min"
        return f"{max(1, -(-seconds // 1)):.0f}{kind}s"


def parse_all(texts: Iterable[str], device: str) -> tuple[Budget, ...]:
    """Budgets of a search on slots of `device`.

    Raises BadBudget for no budget, one that cannot be read, or one of another device.
    """
    budgets = tuple(Budget.parse(text) for text in texts)
    if not budgets:
        raise BadBudget(f"no budget given. {_EXAMPLES}")
    for budget in budgets:
        if budget.device is not None and budget.device != device:
            here = "no GPU was found" if device == "cpu" else "the slots are GPUs"
            offer = budget.text.lower().replace(budget.device, device)
            raise BadBudget(f"the budget '{budget.text}' cannot be spent: {here}. Use for example {offer}.")
    return budgets


def limits_of(spec: StudySpec) -> tuple[Budget, ...]:
    """Budgets of a study, read from the texts in its spec.

    Once it is confirmed: what it had spent before and the budget for that; without one the number of further seeds.
    """
    before = spec.confirming
    if before is None:
        return parse_all(spec.budgets, spec.slots.device)
    seeds = Budget(text="further seeds", trials=2 * before.seeds)
    more = parse_all(before.budgets, spec.slots.device) if before.budgets else (seeds,)
    return tuple(budget.less(slot_s=-before.slot_s, wall_s=-before.wall_s, trials=-before.trials) for budget in more)


def budget_words(spec: StudySpec) -> str:
    """Budgets of a study as the user wrote them: '40gpu-h / 3h', '40gpu-h and 2gpu-h to confirm'."""
    text = " / ".join(spec.budgets)
    if spec.confirming is None:
        return text
    more = " / ".join(spec.confirming.budgets) or "further seeds"
    return f"{text} and {more} to confirm"


class Ledger:
    """Slot-seconds charged by trial, and what the limits of a search leave. Purposes stand in the trials' rows.

    Times (`at`) are wall seconds since the study began, without the pauses between its sessions. A trial is
    charged from the moment at which a slot is held for it until the slot is released.
    """

    def __init__(self, budgets: Iterable[Budget]) -> None:
        budgets = tuple(budgets)
        self._slot_limit_s = min((b.slot_s for b in budgets if b.slot_s is not None), default=None)
        self._wall_limit_s = min((b.wall_s for b in budgets if b.wall_s is not None), default=None)
        self.trial_limit = min((b.trials for b in budgets if b.trials is not None), default=None)
        self._total_s = 0.0
        self._held: dict[int, float] = {}  # by trial: time up to which its slot is charged
        self._since_s = 0.0  # sum of these times
        self._trial_s: dict[int, float] = defaultdict(float)

    def charge(self, trial: int | None, slot_s: float) -> None:
        """Add a cost that was measured elsewhere: by the probe, or in earlier sessions.

        trial  None for a cost of no trial
        """
        self._total_s += slot_s
        if trial is not None:
            self._trial_s[trial] += slot_s

    def hold(self, trial: int, at: float) -> None:
        """Begin to charge a slot to the trial."""
        self._held[trial] = at
        self._since_s += at

    def advance(self, trial: int, at: float) -> float:
        """Charge a held slot up to now, and return the trial's slot-seconds so far."""
        since = self._held[trial]
        self.charge(trial, max(0.0, at - since))
        self._held[trial] = max(at, since)
        self._since_s += max(0.0, at - since)
        return self._trial_s[trial]

    def release(self, trial: int, at: float) -> float:
        """Charge a held slot for the last time, and return the trial's slot-seconds."""
        cost = self.advance(trial, at)
        since = self._held.pop(trial)
        self._since_s = self._since_s - since if self._held else 0.0
        return cost

    @property
    def held(self) -> tuple[int, ...]:
        """Trials that hold a slot."""
        return tuple(self._held)

    def cost_s(self, trial: int) -> float:
        """Slot-seconds charged to the trial."""
        return self._trial_s.get(trial, 0.0)

    def spent_s(self, at: float | None = None) -> float:
        """Slot-seconds charged; with `at` also those of held slots since their last charge."""
        if at is None:
            return self._total_s
        return self._total_s + max(0.0, len(self._held) * at - self._since_s)

    def left_s(self, at: float) -> float:
        """Slot-seconds left; infinite without a budget of slot time."""
        return float("inf") if self._slot_limit_s is None else self._slot_limit_s - self.spent_s(at)

    def wall_left_s(self, at: float) -> float:
        """Wall seconds left; infinite without a wall budget."""
        return float("inf") if self._wall_limit_s is None else self._wall_limit_s - at

    def exhausted(self, at: float) -> str | None:
        """Sentence on the budget that is spent; None while something is left of each."""
        if self.left_s(at) <= 0:
            return "the budget is spent"
        if self.wall_left_s(at) <= 0:
            return "the wall time is over"
        return None

    def share_spent(self, at: float, trials: int) -> float:
        """Largest spent share of any budget; above 1 by the last epoch at most.

        trials  number of trials that have begun
        """
        shares = [0.0]
        if self._slot_limit_s is not None:
            shares.append(self.spent_s(at) / self._slot_limit_s)
        if self._wall_limit_s is not None:
            shares.append(at / self._wall_limit_s)
        if self.trial_limit is not None:
            shares.append(trials / self.trial_limit)
        return max(shares)
