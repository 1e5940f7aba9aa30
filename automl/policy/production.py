"""The production training: the trial to take home, trained for longer with what the search has left for it. Pure.

Its length and its patience are the guide's (Ultralytics, "Tips for Best YOLOv5 Training Results": 300 epochs; an end
after 50 epochs without a better one). Its schedule is laid out for the epochs that can be paid when it begins.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from automl.costs.budget import Budget, Ledger, parse_all
from automl.costs.plan import round_up
from automl.errors import BudgetTooSmall
from automl.figures import format_cost, score
from automl.records import (
    EvaluationRow,
    Outcome,
    Params,
    ParamValue,
    Prepared,
    Purpose,
    Slots,
    StudyRow,
    StudySpec,
    Trial,
    TrialRow,
    TrialState,
)
from automl.scores.leaderboard import unseen_in_words
from automl.space import EPOCH_KEYS, trainer_key

PATIENCE = 50  # epochs without a better one
AT_MOST = 0.5  # share of a budget that may be kept for it
MARGIN = 1.05  # an epoch of it may cost so much more than those of the search


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """The production training as a plan has it."""

    epochs: int = 0  # 0: none is asked for
    cost_s: float = 0.0  # slot-seconds
    notes: tuple[str, ...] = ()  # what the user should know of it, in sentences


def foresee(
    budgets: Sequence[Budget],
    slots: Slots,
    baseline: Prepared,
    *,
    wanted: int,
    horizon: int,
    epoch_s: float,
    besides_s: float,
) -> Foreseen:
    """The production training that the budgets pay. Raises BudgetTooSmall when they cannot pay it, at the baseline's
    point, beside a search.

    wanted     epochs at most; 0 for none
    horizon    epochs of a trial
    epoch_s    slot-seconds of an epoch of it, at the dearest point that may be chosen
    besides_s  slot-seconds for what neither trains the baseline nor it: probing, measuring on unseen images
    """
    if not wanted:
        return Foreseen()
    training_s = baseline.startup_s + baseline.epoch_s * horizon
    for budget in budgets:
        epochs, cost_s = affordable([budget], baseline.epoch_s, wanted)
        (left,) = without([budget], cost_s)
        has_s = left.slot_s if left.slot_s is not None else left.wall_s
        if has_s is not None and (has_s < training_s + besides_s or epochs < horizon):
            enough_s = max(training_s + besides_s, MARGIN * baseline.epoch_s * horizon) / AT_MOST
            raise BudgetTooSmall(
                f"the budget '{budget.text}' cannot pay for --train {wanted}: half of it pays {epochs} epochs of a "
                f"production training, and the rest must pay for the baseline's {horizon}. Raise --budget to at least "
                f"{round_up(enough_s, f'{slots.device}-' if budget.slot_s is not None else '')}, lower --epochs, or "
                "leave out --train."
            )
    epochs, cost_s = affordable(budgets, epoch_s, wanted)
    told = f"At the end what is taken home trains for up to {epochs} epochs (--train)"
    told += f", which half of the budget pays, instead of {wanted}" * (epochs < wanted)
    told += ", on one slot" * (slots.count > 1)
    return Foreseen(epochs=epochs, cost_s=cost_s, notes=(f"{told}: about {format_cost(cost_s, slots.device)}.",))


def affordable(budgets: Sequence[Budget], epoch_s: float, wanted: int) -> tuple[int, float]:
    """Epochs of a production training that the budgets are expected to pay, and its slot-seconds.

    Those that are wanted, or what half of the tightest budget pays.

    epoch_s  slot-seconds of an epoch
    """
    limit_s = min((b.slot_s or b.wall_s or math.inf for b in budgets), default=math.inf)
    epochs = int(min(wanted, AT_MOST * limit_s / (MARGIN * epoch_s))) if epoch_s > 0 else wanted
    return epochs, min(MARGIN * epochs * epoch_s, AT_MOST * limit_s)


def without(budgets: Sequence[Budget], cost_s: float) -> tuple[Budget, ...]:
    """What the budgets leave for the search, under their own names.

    Raises BudgetTooSmall for a number of trials that leaves none.

    cost_s  slot-seconds of the production training, which has one slot
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


class Production:
    """The production training of one study: what the search must leave for it, and when it begins.

    epoch_s  slot-seconds that an epoch is expected to cost as things are: with those parameters, or where the
             search tunes
    """

    def __init__(self, spec: StudySpec, ledger: Ledger, epoch_s: Callable[[Params | None], float]) -> None:
        self._spec = spec
        self._ledger = ledger
        self._epoch_s = epoch_s
        self._budgets = parse_all(spec.budgets, spec.slots.device)
        self._given_up = ""  # why it will not begin
        self._outcome: Outcome | None = None
        self.trial: Trial | None = None

    # -- what happened ----------------------------------------------------------------------------

    def begins(self, trial: Trial) -> None:
        """It begins, or has begun in an earlier session."""
        self.trial, self._outcome = trial, None

    def closes(self, outcome: Outcome) -> None:
        """It has ended, or been interrupted."""
        self._outcome = outcome

    def forget(self) -> None:
        """Its training failed, and may begin anew: in a study that is resumed."""
        self.trial = self._outcome = None

    def give_up(self, why: str) -> None:
        """It will not begin."""
        self._given_up = why

    # -- what the search may spend ----------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """Whether it is asked for and may still begin."""
        return self._spec.train > 0 and self.trial is None and not self._given_up

    @property
    def kept(self) -> bool:
        """Whether something is kept for it: not where half of the budget pays fewer epochs than a trial has."""
        return self.waits and self._foreseen()[0] >= self._spec.epochs

    @property
    def trials_left(self) -> int:
        """Trials of a limited number that are kept for it."""
        return int(self.kept)

    def reserve_s(self) -> float:
        """Slot-seconds, and wall seconds too, that the rest must leave for it."""
        return self._foreseen()[1] if self.kept else 0.0

    def _foreseen(self) -> tuple[int, float]:
        return affordable(self._budgets, self._epoch_s(None), self._spec.train)

    # -- when it begins, and how it ends ----------------------------------------------------------

    def payable(self, at: float, trials: int, taken: Trial) -> int:
        """Epochs of it that what is left pays now.

        trials  how many have begun
        taken   the trial to take home
        """
        spec, ledger = self._spec, self._ledger
        if ledger.trial_limit is not None and trials >= ledger.trial_limit:
            return 0
        left_s = min(ledger.left_s(at), ledger.wall_left_s(at)) - spec.measuring_s
        epoch_s = MARGIN * self._epoch_s(taken.params)
        return int(min(spec.train, max(0.0, left_s) / epoch_s)) if epoch_s > 0 else spec.train

    def due(self, at: float, trials: int, taken: Trial) -> Trial | None:
        """The training as a trial of its own, which begins now; None, once and for all, where fewer epochs can be
        paid than a trial has. As `payable`."""
        epochs = self.payable(at, trials, taken)
        if epochs < self._spec.epochs:
            self.give_up(f"what is left pays {epochs} epochs of a production training, fewer than a trial's")
            return None
        return self.propose(trials, taken, epochs)

    def propose(self, number: int, taken: Trial, epochs: int) -> Trial:
        """The training as a trial of its own, which begins now.

        number  its own
        """
        trial = Trial(
            number=number,
            params={**taken.params, **longer(self._spec, taken.number, taken.params, taken.epochs, epochs)},
            epochs=epochs,
            seed=taken.seed,
            purpose=Purpose.PRODUCTION,
            origin="production",
            repeats=taken.number,
        )
        self.begins(trial)
        return trial

    def ends(self, scores: Sequence[float]) -> Outcome | None:
        """How it ends with its latest epoch; None when it goes on.

        scores  finite mAP50-95 by epoch
        """
        assert self.trial is not None, "it has begun"
        done, top = len(scores), max(scores)
        best = scores.index(top) + 1
        if done >= self.trial.epochs:
            return Outcome(state=TrialState.COMPLETED, reason=f"trained all {done} epochs")
        if top > 0 and done - best >= PATIENCE:  # before that it has not begun to learn, as with Ultralytics' own
            told = f"no epoch was better than epoch {best} for {PATIENCE} epochs"
            return Outcome(state=TrialState.COMPLETED, reason=told)
        return None

    def summary(self) -> str:
        """What came of it, in words that follow why the search ended; empty where it was not asked for."""
        if self.trial is None:
            return self._given_up or "nothing was left for the production training" * (self._spec.train > 0)
        if self._outcome is not None and self._outcome.state is TrialState.FAILED:
            return f"its production training, trial {self.trial.number}, failed"
        return f"{named(self.trial.repeats or 0)} trained for production as trial {self.trial.number}"


def missing_in_words(study: StudyRow) -> str:
    """That the production training which was asked for has not been done, and how to do it; for an ended study."""
    why = study.reason.rpartition("; ")[2]
    return (
        f"The production training (--train {study.spec.train}) was not done: {why}. Do it with: automl export "
        f"{shlex.quote(study.name)} --epochs {study.spec.train} -o hyp.yaml, then yolo detect train cfg=hyp.yaml"
    )


def named(number: int) -> str:
    """A trial in a sentence."""
    return f"trial {number}" if number else "the defaults"


def in_words(row: TrialRow, device: str, evaluations: Iterable[EvaluationRow] = ()) -> str:
    """What the production training has reached, in a sentence. No gain: no other training was as long.

    device  "gpu" or "cpu": what its cost is counted in
    """
    told = f"Production (trial {row.number}): {named(row.repeats or 0)} trained for {row.done_epochs} of {row.epochs} "
    told += f"epochs, {format_cost(row.slot_s, device)}"
    if row.state in (TrialState.RUNNING, TrialState.INTERRUPTED):
        return f"{told} so far: best epoch {score(row.best_map50_95)} on val."
    if row.best_map50_95 is not None:
        told += f": best epoch {score(row.best_map50_95)} on val (epoch {row.best_epoch}, one seed)"
    found = next((each for each in evaluations if each.trial == row.number), None)
    if found is not None:
        told += f", {unseen_in_words(found)} ({found.split})"
    if row.state is TrialState.COMPLETED and row.done_epochs < row.epochs:
        told += f"; it ended there, since {row.reason}"
    ended = {TrialState.CUT: f". It was cut: {row.reason}.", TrialState.FAILED: f". It failed: {row.reason}."}
    return told + ended.get(row.state, ".")


def longer(spec: StudySpec, number: int, given: Mapping[str, Any], horizon: int, epochs: int) -> dict[str, ParamValue]:
    """Arguments that change for a training of another length.

    What the sampler moved away from the defaults and is counted in epochs keeps its share of them. Recipes that were
    given mean what they say, and what equals the defaults stays as the defaults have it: so both remain comparable.
    The defaults change to what `optimizer=auto` stands for at that length.

    number  of the trial that was searched with `given` and that horizon
    """
    if number < len(spec.beyond):
        switch_epochs, defaults = spec.beyond[number]
        return {key: value for key, value in defaults.items() if epochs > switch_epochs and given.get(key) != value}
    if number < len(spec.given):
        return {}
    searched = {trainer_key(name) for name in spec.space.get("parameters", {})}
    usual_of = {**spec.fixed, **dict(spec.given).get("defaults", {})}
    found: dict[str, ParamValue] = {}
    for key in EPOCH_KEYS:
        value = given.get(key)
        if key in searched and isinstance(value, int | float):
            usual = usual_of.get(key)
            if isinstance(usual, int | float) and value in (usual, min(usual, horizon)):  # cut at the horizon
                continue
            stretched = value * epochs / horizon
            found[key] = round(stretched) if isinstance(value, int) else float(f"{stretched:.6g}")
    return found
