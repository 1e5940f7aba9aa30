"""The production training: the trial to take home, trained for longer with what the search has left for it. Pure.

Its length and its patience are the guide's (Ultralytics, "Tips for Best YOLOv5 Training Results": 300 epochs; an end
after 50 epochs without a better one). Its schedule is laid out for the epochs that can be paid when it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from automl.costs.budget import Ledger, parse_all
from automl.costs.shares import MARGIN, affordable
from automl.records import (
    Outcome,
    Params,
    ParamValue,
    Purpose,
    StudySpec,
    Trial,
    TrialState,
)
from automl.scores.words import trial_name
from automl.space import EPOCH_KEYS, trainer_key

PATIENCE = 50  # epochs without a better one


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
        return f"{trial_name(self.trial.repeats or 0)} trained for production as trial {self.trial.number}"


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
