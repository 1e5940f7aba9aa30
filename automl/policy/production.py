"""The production training: the winner, trained for longer with what the search has left for it. Pure.

Its length and its patience are the guide's (Ultralytics, "Tips for Best YOLOv5 Training Results": 300 epochs; an end
after 50 epochs without a better one). Its schedule is laid out for the epochs that can be paid when it begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from automl.costs.budget import Ledger, limits_of
from automl.costs.shares import MARGIN, affordable
from automl.policy.prices import Prices
from automl.records import Outcome, Params, ParamValue, Purpose, StudySpec, Trial, TrialState
from automl.scores.words import trial_name
from automl.space import EPOCH_KEYS, trainer_key

PATIENCE = 50  # epochs without a better one


class Production:
    """The production training of one study, as far as it has come."""

    def __init__(self, spec: StudySpec, ledger: Ledger, prices: Prices) -> None:
        self._spec = spec
        self._ledger = ledger
        self._prices = prices
        self._budgets = limits_of(spec)
        self._reason_against = ""
        self._outcome: Outcome | None = None
        self.trial: Trial | None = None

    # -- events -----------------------------------------------------------------------------------

    def begun(self, trial: Trial) -> None:
        """It begins, or has begun in an earlier session."""
        self.trial, self._outcome = trial, None

    def ended(self, outcome: Outcome) -> None:
        """It has ended, or was interrupted."""
        self._outcome = outcome

    def failed(self) -> None:
        """Its training failed, and may begin anew when the study is resumed."""
        self.trial = self._outcome = None

    def given_up(self, reason: str) -> None:
        """It will not begin."""
        self._reason_against = reason

    # -- queries ----------------------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """True while it was asked for and may still begin."""
        return self._spec.train > 0 and self.trial is None and not self._reason_against

    @property
    def kept(self) -> bool:
        """True while something is kept for it: half of the budget pays at least as many epochs as a trial has."""
        return self.waiting and self._affordable()[0] >= self._spec.epochs

    @property
    def trials_left(self) -> int:
        """Trials of a limited number that are kept for it: 0 or 1."""
        return int(self.kept)

    def reserve_s(self) -> float:
        """Slot-seconds, and wall seconds too, that search and repeats must leave for it."""
        return self._affordable()[1] if self.kept else 0.0

    def _affordable(self) -> tuple[int, float]:
        return affordable(self._budgets, self._prices.epoch_s(), self._spec.train)

    def payable(self, at: float, trials: int, params: Params) -> int:
        """Epochs of it that what is left pays now.

        trials  number of trials that have begun
        params  of the winner
        """
        spec, ledger = self._spec, self._ledger
        if ledger.trial_limit is not None and trials >= ledger.trial_limit:
            return 0
        left_s = min(ledger.left_s(at), ledger.wall_left_s(at)) - spec.measuring_s
        epoch_s = MARGIN * self._prices.epoch_s(params)
        return int(min(spec.train, max(0.0, left_s) / epoch_s)) if epoch_s > 0 else spec.train

    def verdict(self, scores: Sequence[float]) -> Outcome | None:
        """The outcome with its latest epoch; None while it goes on.

        scores  finite mAP50-95 by epoch, at least one
        """
        assert self.trial is not None, "it has begun"
        done, top = len(scores), max(scores)
        best = scores.index(top) + 1
        if done >= self.trial.epochs:
            return Outcome(state=TrialState.COMPLETED, reason=f"trained all {done} epochs")
        if top > 0 and done - best >= PATIENCE:  # before that it has not begun to learn, as with Ultralytics' own
            reason = f"no epoch was better than epoch {best} for {PATIENCE} epochs"
            return Outcome(state=TrialState.COMPLETED, reason=reason)
        return None

    def summary(self) -> str:
        """Sentence part for the end of the study: what came of it; empty if it was not asked for."""
        if self.trial is None:
            missing = "nothing was left for the production training" if self._spec.train else ""
            return self._reason_against or missing
        if self._outcome is not None and self._outcome.state is TrialState.FAILED:
            return f"its production training, trial {self.trial.number}, failed"
        return f"{trial_name(self.trial.repeats or 0)} trained for production as trial {self.trial.number}"


def production_of(spec: StudySpec, winner: Trial, number: int, epochs: int) -> Trial:
    """The winner's production training as a trial of its own, under that number."""
    return Trial(
        number=number,
        params={**winner.params, **longer(spec, winner.number, winner.params, winner.epochs, epochs)},
        epochs=epochs,
        seed=winner.seed,
        purpose=Purpose.PRODUCTION,
        origin="production",
        repeats=winner.number,
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
