"""Further seeds of the best recipe found and of the defaults, once a study has finished. Pure.

They train in turn until the pair is decided, each side has its seeds, or the budget for them is spent: at production
length where the study has compared at it, else at the search's horizon. What is next follows from ended trainings and
begun ones alone, so that a resumed study trains the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from automl.costs.budget import Ledger
from automl.policy.prices import Prices
from automl.policy.production import Production, production_of
from automl.policy.repeats import HOPELESS, SURE, Repeat, Repeats, repeat_of
from automl.policy.runs import Run, Runs
from automl.records import EndedBy, Ending, StudySpec, Trial
from automl.scores.length import compared
from automl.scores.words import chance_text, trial_name

ABREAST = 2  # trainings side by side at most, however many slots there are: one of each side


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """Trainings of a confirmation at most."""

    trial: int  # the best recipe found, by its searched trial
    defaults: int
    chance: float | None  # that it beats the defaults, so far
    epochs: int  # of each training at most
    cost_s: float  # expected slot-seconds of one seed of both


class Confirmation:
    """The further seeds of one study, as far as they have come. It trains none unless `spec.confirming` is set."""

    def __init__(
        self, spec: StudySpec, ledger: Ledger, prices: Prices, production: Production, repeats: Repeats, runs: Runs
    ) -> None:
        self._spec = spec
        self._ledger = ledger
        self._prices = prices
        self._production = production
        self._repeats = repeats
        self._runs = runs

    # -- queries ----------------------------------------------------------------------------------

    @property
    def search_end(self) -> Ending | None:
        """The end of the search, which is over while the study is confirmed; None before."""
        before = self._spec.confirming
        return None if before is None else Ending(EndedBy.CONFIRMED, before.reason)

    @property
    def since(self) -> int:
        """Number of the first trial that may be one of the further seeds."""
        return 0 if self._spec.confirming is None else self._spec.confirming.trials

    @property
    def pair(self) -> tuple[int, int] | None:
        """Searched trials of the best recipe found and of the defaults; None where nothing is to be confirmed."""
        if self.at_length:
            return self._production.winner or 0, self._production.defaults
        leader = self._repeats.leader
        return None if leader is None else (leader, 0)

    @property
    def at_length(self) -> bool:
        """True if the study has compared at production length."""
        winner = self._production.winner
        compares = self._spec.compare and winner is not None
        return compares and all(self._production.scored(trial) for trial in (winner or 0, self._production.defaults))

    @property
    def chance(self) -> float | None:
        """Chance that the best recipe found beats the defaults; None before it can be told."""
        pair = self.pair
        if pair is None:
            return None
        if not self.at_length:
            return next((row.chance for row in self._runs.estimates if row.trial == pair[0]), None)
        scores = [self._production.best(trial) for trial in pair]
        return compared(scores[1], scores[0]).chance if all(scores) else None

    @property
    def decided(self) -> bool:
        """True once further seeds would tell nothing new."""
        if not self.at_length:
            return self.pair is not None and self._repeats.to_repeat is None
        chance = self.chance
        return chance is not None and not HOPELESS < chance < SURE

    def prospect(self) -> Prospect | None:
        """Trainings of this confirmation at most; None where nothing is to be confirmed."""
        pair = self.pair
        if pair is None:
            return None
        return Prospect(
            trial=pair[0],
            defaults=pair[1],
            chance=self.chance,
            epochs=self._spec.train if self.at_length else self._spec.epochs,
            cost_s=sum(self._cost_s(trial) for trial in pair),
        )

    def further(self, *, defaults: bool) -> int:
        """Number of further seeds that have begun, of the defaults or of recipes found."""
        return sum(self._is_of_defaults(trial) is defaults for trial in self._begun)

    @property
    def _begun(self) -> list[Trial]:
        """Trainings of this confirmation; one for production that failed is trained anew, so it does not count."""
        known = self._production.numbers
        trials = [run.trial for number, run in self._runs.items() if number >= self.since]
        return [
            trial for trial in trials if trial.repeats is not None and (not self.at_length or trial.number in known)
        ]

    def _is_of_defaults(self, trial: Trial) -> bool:
        return trial.repeats == (self._production.defaults if self.at_length else 0)

    def _cost_s(self, trial: int) -> float:
        """Slot-seconds of another seed of the searched trial, at the length that is compared at."""
        if not self.at_length:
            return self._repeats.cost_s(trial)
        paid = self._production.costs_s(trial)
        epoch_s = self._prices.epoch_s(self._runs[trial].trial.params)
        return sum(paid) / len(paid) if paid else self._production.expected * epoch_s

    # -- the next training ------------------------------------------------------------------------

    def next(self, at: float) -> Trial | None:
        """The next training, which begins; None where none is due or what is left does not pay it."""
        repeat = self._due()
        if repeat is None or not self._payable(at, repeat.trial):
            return None
        searched, number = self._runs[repeat.trial].trial, len(self._runs)
        if self.at_length:
            trial = production_of(self._spec, searched, number, self._spec.train, repeat.seed)
            self._production.begun(trial)
        else:
            trial = repeat_of(searched, number, repeat.seed)
            self._repeats.repeat_begun(trial)
        self._runs[number] = Run(trial)
        return trial

    def _due(self) -> Repeat | None:
        """The side with fewer seeds, as long as nothing is decided and it has not had all of them."""
        pair, before = self.pair, self._spec.confirming
        if pair is None or before is None or self.decided or len(self._ledger.held) >= ABREAST:
            return None
        sides = [
            (self._seeds(trial), trial == pair[self.at_length], trial)
            for trial, defaults in zip(pair, (False, True), strict=True)
            if self.further(defaults=defaults) < before.seeds
        ]
        if not sides:
            return None
        seeds, _, trial = min(sides)
        return Repeat(trial, self._spec.seed + seeds)

    def _seeds(self, trial: int) -> int:
        """Trainings of a recipe that have begun, at the length that is compared at."""
        return self._production.seeds(trial) if self.at_length else self._repeats.seeds(trial)

    def _payable(self, at: float, trial: int) -> bool:
        """True if what is left pays the training to its end, beside the running one."""
        ledger, before = self._ledger, self._spec.confirming
        limited = before is not None and bool(before.budgets)  # else the seeds are counted, not failed trainings
        if limited and ledger.trial_limit is not None and len(self._runs) >= ledger.trial_limit:
            return False
        held = [self._runs[number].trial for number in ledger.held]
        owed_s = sum(max(0.0, self._cost_s(one.repeats or 0) - ledger.cost_s(one.number)) for one in held)
        measuring_s = self._spec.measuring_s * max(1.0, self._prices.ratio)
        cost_s = self._cost_s(trial) + measuring_s
        return ledger.left_s(at) - owed_s >= cost_s and ledger.wall_left_s(at) >= cost_s

    # -- words ------------------------------------------------------------------------------------

    def began(self, trial: Trial) -> str:
        """Sentence for the log: what is trained, and why."""
        words = f"{trial_name(trial.repeats or 0)} {'trains' if trial.repeats else 'train'}"
        length = "at production length" if self.at_length else "at the search's length"
        text = f"{words} again {length} with seed {trial.seed}"
        if self.pair is None or self.chance is None:
            return text
        recipe = trial_name(self.pair[0])
        return f"{text}: so far the chance that {recipe} beats the defaults is {chance_text(self.chance)}"

    def summary(self, spent: str) -> str:
        """Sentence for the end of the study: why it had ended before, and what came of the further seeds.

        spent  sentence on the budget that is spent; empty while something is left of it
        """
        reason = self._spec.confirming.reason if self._spec.confirming is not None else ""
        if self.pair is None or self.chance is None:
            return "; ".join(filter(None, [reason, spent]))
        counts = [self.further(defaults=side) for side in (False, True)]
        recipe, defaults = (f"{count} further seed{'' if count == 1 else 's'}" for count in counts)
        why = spent or ("what is left pays no further training" if self._due() else "all of them are trained")
        return (
            f"{reason}; {trial_name(self.pair[0])} trained with {recipe} and the defaults with {defaults}: "
            f"{'decided' if self.decided else why}, with a chance of {chance_text(self.chance)} to beat the defaults"
        )
