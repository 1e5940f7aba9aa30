"""Production trainings: the defaults and the best recipe found, each at the length at which people train. Pure.

Length and patience are the guide's (Ultralytics, "Tips for Best YOLOv5 Training Results": 300 epochs; an end after 50
epochs without a better one). The defaults train beside the search, the winner after it. Further seeds follow while the
two cannot be told apart and something is left of the budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from automl.costs.budget import Ledger, limits_of
from automl.costs.points import full_trainings
from automl.costs.shares import MARGIN
from automl.policy.operating import Operating
from automl.policy.prices import Prices
from automl.policy.repeats import HOPELESS, SURE, Repeat
from automl.records import Outcome, Params, ParamValue, Purpose, StudySpec, Trial, TrialState
from automl.scores.length import compared
from automl.scores.words import trial_name
from automl.space import EPOCH_KEYS, trainer_key

PATIENCE = 50  # epochs without a better one
MOST_SEEDS = 3  # of each of the two recipes
HALF = 0.5  # of a budget at most for a production training in studies without a comparison
PACE = 5  # epochs after which its own cost tells more of a training than the others' do
FAILURES = 2  # failed trainings that end a session


class Production:
    """The production trainings of one study, as far as they have come."""

    def __init__(self, spec: StudySpec, ledger: Ledger, prices: Prices, operating: Operating) -> None:
        self._spec = spec
        self._ledger = ledger
        self._prices = prices
        self._operating = operating
        self._budgets = limits_of(spec)
        self._failures = 0  # in this session
        self._trials: dict[int, Trial] = {}  # by number
        self._scores: dict[int, Sequence[float]] = {}  # mAP50-95 by epoch
        self._outcomes: dict[int, Outcome] = {}
        self._reason_against = ""

    # -- events -----------------------------------------------------------------------------------

    def begun(self, trial: Trial) -> None:
        """One begins, or has begun in an earlier session."""
        self._trials[trial.number] = trial
        self._outcomes.pop(trial.number, None)

    def ended(self, number: int, outcome: Outcome) -> None:
        """One has ended, or was interrupted."""
        self._outcomes[number] = outcome

    def failed(self, number: int) -> bool:
        """Its training failed: forget it, so that it may begin anew. True if it may do so in this session."""
        del self._trials[number], self._outcomes[number]
        self._failures += 1
        return self._failures < FAILURES

    def resumed(self) -> None:
        """The study is resumed, so the cause of failures may have been mended."""
        self._failures = 0

    def given_up(self, reason: str) -> None:
        """The winner's will not begin."""
        self._reason_against = reason

    # -- queries ----------------------------------------------------------------------------------

    @property
    def defaults(self) -> int:
        """The searched trial of the defaults at the operating point that is tuned at."""
        return self._operating.defaults

    @property
    def numbers(self) -> set[int]:
        """The trials that are production trainings."""
        return set(self._trials)

    @property
    def winner(self) -> int | None:
        """The searched trial that was trained as the winner; None before."""
        return next((t.repeats for t in self._trials.values() if t.repeats is not None and self._is_winner(t)), None)

    def _is_winner(self, trial: Trial) -> bool:
        return not self._spec.compare or trial.repeats != self.defaults

    @property
    def waiting(self) -> bool:
        """True while the winner's may still begin."""
        return self._spec.train > 0 and self.winner is None and not self._reason_against

    @property
    def defaults_wait(self) -> bool:
        """True while the defaults' has not begun."""
        return self._spec.compare and not self._of(self.defaults)

    @property
    def kept(self) -> bool:
        """True while something is kept for those to come: the whole budget pays them, and a search beside them.

        Without a comparison (studies of an earlier version) half of the budget has to pay a trial's epochs.
        """
        if not self.waiting:
            return False
        epoch_s = self._epoch_s()
        if not self._spec.compare:
            return HALF * self._limit_s >= MARGIN * self._spec.epochs * epoch_s
        search_s = self._spec.epochs * self._prices.epoch_s()
        return self._limit_s >= 2 * MARGIN * self.expected * epoch_s + search_s

    @property
    def _limit_s(self) -> float:
        """Slot-seconds of the tightest budget."""
        timed = [budget for budget in self._budgets if budget.trials is None]
        return full_trainings(timed, 1.0, self._spec.slots)

    @property
    def running(self) -> bool:
        """True while one holds a slot."""
        return not self.numbers.isdisjoint(self._ledger.held)

    @property
    def trials_left(self) -> int:
        """Trials of a limited number that are kept for them."""
        return int(self.kept) + int(self.kept and self.defaults_wait)

    @property
    def paid_s(self) -> float:
        """Slot-seconds that they have cost so far."""
        return sum(self._ledger.cost_s(number) for number in self._trials)

    def reserve_s(self) -> float:
        """Slot-seconds that search and repeats must leave for them."""
        if not self._spec.train:
            return 0.0
        waiting = self.trials_left * self._training_s()
        return waiting + sum(self._rest_s(trial) for trial in self._running())

    def reserve_wall_s(self) -> float:
        """Wall seconds that search and repeats must leave: the winner's trains after them."""
        if self._spec.slots.count == 1 or not self._spec.compare:
            return self.reserve_s()
        last_s = self._training_s() if self.kept else 0.0
        beside_s = self._training_s() if self.kept and self.defaults_wait else 0.0
        return max([last_s, beside_s, *(self._rest_s(trial) for trial in self._running())])

    def payable(self, at: float, trials: int, params: Params) -> int:
        """Epochs of one that what is left pays now.

        trials  number of trials that have begun
        params  of its recipe
        """
        spec, ledger = self._spec, self._ledger
        if ledger.trial_limit is not None and trials >= ledger.trial_limit:
            return 0
        owed_s = sum(self._rest_s(trial) for trial in self._running())
        left_s = min(ledger.left_s(at) - owed_s, ledger.wall_left_s(at))
        left_s -= spec.measuring_s * max(1.0, self._prices.ratio)
        epoch_s = MARGIN * self._epoch_s(params)
        return int(min(spec.train, max(0.0, left_s) / epoch_s)) if epoch_s > 0 else spec.train

    @property
    def expected(self) -> int:
        """Epochs until one is expected to end: where patience ended the defaults', the winner's needs as many."""
        lengths = [len(self._scores.get(number, ())) for number in self._of(self.defaults) if self._whole(number)]
        return max(lengths, default=self._spec.train)

    def repeat_due(self) -> Repeat | None:
        """The searched trial to train for production with another seed; None when none is needed.

        The one with fewer seeds is next, and of equals the winner: as long as the chance that it beats the defaults
        is neither near one nor near zero.
        """
        winner = self.winner
        if winner is None or not self._spec.compare or not self._whole_pair(winner):
            return None
        chance = compared(self.best(self.defaults), self.best(winner)).chance
        if not HOPELESS < chance < SURE:
            return None
        seeds, trial = min((len(self._of(trial)), trial) for trial in (winner, self.defaults))
        if len(self._of(winner)) == seeds:
            trial = winner
        return Repeat(trial, self._spec.seed + seeds) if seeds < MOST_SEEDS else None

    def best(self, trial: int) -> list[float]:
        """Best epochs of the whole production trainings of a recipe, by its searched trial."""
        return [max(self._scores[number]) for number in self._of(trial) if self._whole(number)]

    def seeds(self, trial: int) -> int:
        """Number of production trainings of a recipe that have begun, by its searched trial."""
        return len(self._of(trial))

    def scored(self, trial: int) -> bool:
        """True if a production training of the recipe has a score and has not failed."""
        ends = {number: self._outcomes.get(number) for number in self._of(trial) if self._scores.get(number)}
        return any(end is None or end.state is not TrialState.FAILED for end in ends.values())

    def costs_s(self, trial: int) -> list[float]:
        """Slot-seconds of each whole production training of the recipe."""
        return [self._ledger.cost_s(number) for number in self._of(trial) if self._whole(number)]

    def _whole_pair(self, winner: int) -> bool:
        return bool(self.best(winner)) and bool(self.best(self.defaults)) and not self.running

    def _of(self, searched: int) -> list[int]:
        return [number for number, trial in self._trials.items() if trial.repeats == searched]

    def _whole(self, number: int) -> bool:
        outcome = self._outcomes.get(number)
        return outcome is not None and outcome.state is TrialState.COMPLETED and bool(self._scores.get(number))

    def _running(self) -> list[Trial]:
        return [trial for number, trial in self._trials.items() if number in self._ledger.held]

    def _training_s(self) -> float:
        training_s = MARGIN * self.expected * self._epoch_s()
        return training_s if self._spec.compare else min(training_s, HALF * self._limit_s)

    def _rest_s(self, trial: Trial) -> float:
        """Slot-seconds that a running one still needs."""
        left = max(1, min(trial.epochs, self.expected) - len(self._scores.get(trial.number, ())))
        return MARGIN * left * self._epoch_s(trial.params)

    def _epoch_s(self, params: Params | None = None) -> float:
        """Slot-seconds of an epoch: of the latest one that has had PACE epochs, else by the search's price.

        The search's price is that of ended trials, which may be old: while the defaults train on, it can halve.
        """
        done = {number: len(scores) for number, scores in self._scores.items() if number in self._trials}
        paced = [number for number, epochs in done.items() if epochs >= PACE]
        return self._ledger.cost_s(paced[-1]) / done[paced[-1]] if paced else self._prices.epoch_s(params)

    def verdict(self, number: int, scores: Sequence[float]) -> Outcome | None:
        """The outcome with its latest epoch; None while it goes on.

        scores  finite mAP50-95 by epoch, at least one
        """
        self._scores[number] = scores
        done, top = len(scores), max(scores)
        best = scores.index(top) + 1
        if done >= self._trials[number].epochs:
            return Outcome(state=TrialState.COMPLETED, reason=f"trained all {done} epochs")
        if top > 0 and done - best >= PATIENCE:  # before that it has not begun to learn, as with Ultralytics' own
            reason = f"no epoch was better than epoch {best} for {PATIENCE} epochs"
            return Outcome(state=TrialState.COMPLETED, reason=reason)
        return None

    def summary(self) -> str:
        """Sentence part for the end of the study: what came of them; empty if none was asked for."""
        if not self._trials:
            missing = "nothing was left for the production training" if self._spec.train else ""
            return self._reason_against or missing
        parts = []
        for number, trial in sorted(self._trials.items()):
            outcome = self._outcomes.get(number)
            name = trial_name(trial.repeats or 0)
            if outcome is not None and outcome.state is TrialState.FAILED:
                parts.append(f"the production training of {name}, trial {number}, failed")
            else:
                parts.append(f"{name} trained for production as trial {number}")
        return "; ".join([*parts, *filter(None, [self._reason_against])])


def production_of(spec: StudySpec, searched: Trial, number: int, epochs: int, seed: int | None = None) -> Trial:
    """The production training of a searched trial as a trial of its own, under that number.

    seed  None: that of the searched trial
    """
    return Trial(
        number=number,
        params={**searched.params, **longer(spec, searched.number, searched.params, searched.epochs, epochs)},
        epochs=epochs,
        seed=searched.seed if seed is None else seed,
        purpose=Purpose.PRODUCTION,
        origin="production",
        repeats=searched.number,
    )


def longer(spec: StudySpec, number: int, params: Mapping[str, Any], horizon: int, epochs: int) -> dict[str, ParamValue]:
    """Arguments that change for a training of another length.

    An argument that is counted in epochs and that the sampler moved away from the defaults keeps its share of the
    epochs. Recipes that ran first are taken as written, and a value that equals the defaults stays with them, so that
    both remain comparable. The defaults become those that `optimizer=auto` stands for at that length.

    number   the trial that was searched
    params   its arguments
    horizon  its epochs
    """
    if number < len(spec.beyond):
        beyond_epochs, long_defaults = spec.beyond[number]
        if epochs <= beyond_epochs:
            return {}
        return {key: value for key, value in long_defaults.items() if params.get(key) != value}
    if number < len(spec.given):
        return {}
    searched = {trainer_key(name) for name in spec.space.get("parameters", {})}
    defaults = {**spec.fixed, **dict(spec.given).get("defaults", {})}
    changes: dict[str, ParamValue] = {}
    for key in EPOCH_KEYS:
        value = params.get(key)
        if key in searched and isinstance(value, int | float):
            default = defaults.get(key)
            if isinstance(default, int | float) and value in (default, min(default, horizon)):  # cut at the horizon
                continue
            stretched = value * epochs / horizon
            changes[key] = round(stretched) if isinstance(value, int) else float(f"{stretched:.6g}")
    return changes
