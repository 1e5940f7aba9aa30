"""The answer of a study: the recipe to hand over, against the defaults at the same length. Pure.

It compares at production length where both were trained at it, else at the search's horizon.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from automl.records import EvaluationRow, Purpose, StudySpec, TrialRow, TrialState
from automl.scores import leaderboard
from automl.scores.leaderboard import Verdict
from automl.scores.length import compared
from automl.scores.trust import DELIVER, TIE, Confidence, Interval, confidence_of

NEARLY = 0.9  # of the other training's epochs that a cut one needs
_USABLE = (TrialState.COMPLETED, TrialState.CUT)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One recipe at the length of the answer."""

    trial: TrialRow  # the searched trial that the recipe comes from
    scores: tuple[float, ...]  # observed mAP50-95 on val, one for each seed
    trained: TrialRow  # the training whose weights are the best of this recipe
    unseen: EvaluationRow | None = None  # its figure on images that the search never saw, which may veto
    reported: EvaluationRow | None = None  # on a test split beside those, which decides nothing

    def __repr__(self) -> str:
        seeds = f"{len(self.scores)} seed{'s' if len(self.scores) > 1 else ''}"
        return f"<Side of trial {self.trial.number}: mAP50-95 {self.mean:.3f}, {seeds}>"

    @property
    def mean(self) -> float:
        """Observed mean over the seeds."""
        return sum(self.scores) / len(self.scores)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The best recipe found against the defaults."""

    epochs: int  # at which both were trained
    defaults: Side
    recipe: Side | None = None  # None where nothing scored above the defaults
    gain: Interval | None = None  # of what was found above the defaults
    chance: float | None = None  # that it is above zero
    at_length: bool = False  # True: compared at production length
    vetoed: bool = False  # True: a clear loss on unseen images decided for the defaults

    def __repr__(self) -> str:
        side, gain, confidence = self.handed_over, self.gain, self.confidence
        name = f"trial {side.trial.number}" if self.delivers else "the defaults"
        interval = "" if gain is None else f", gain {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
        claim = "" if confidence is None else f", {confidence.value}"
        return f"<Answer: {name}, mAP50-95 {side.mean:.3f} at {self.epochs} epochs{interval}{claim}>"

    @property
    def confidence(self) -> Confidence | None:
        """Claim that the recipe found allows; None without one."""
        if self.gain is None or self.chance is None:
            return None
        return confidence_of(self.gain.mean, self.chance, provable=self.at_length or self.repeated)

    @property
    def repeated(self) -> bool:
        """True if the recipe found has been trained with a new seed."""
        return self.recipe is not None and len(self.recipe.scores) > 1

    @property
    def delivers(self) -> bool:
        """True if the recipe found is handed over, False if the defaults are."""
        return self.chance is not None and self.chance >= DELIVER and not self.vetoed

    @property
    def handed_over(self) -> Side:
        """The side whose recipe and weights the user takes."""
        return self.recipe if self.delivers and self.recipe is not None else self.defaults


def answer_of(
    rows: Iterable[TrialRow], evaluations: Sequence[EvaluationRow], spec: StudySpec, verdict: Verdict | None
) -> Answer | None:
    """The answer as things stand; None before the defaults have a score.

    rows     the trials of `leaderboard.finalists` at least
    verdict  of all trials
    """
    rows = list(rows)
    figures = {(row.split, row.trial): row for row in evaluations if not math.isnan(row.map50_95)}
    answer = (_at_length(rows, spec, verdict) if spec.compare else None) or _at_horizon(rows, spec, verdict)
    if answer is None:
        return None
    defaults = _measured(answer.defaults, figures, spec)
    recipe = None if answer.recipe is None else _measured(answer.recipe, figures, spec)
    return replace(answer, defaults=defaults, recipe=recipe, vetoed=_clear_loss(defaults, recipe))


def for_production(rows: Iterable[TrialRow], spec: StudySpec) -> tuple[list[TrialRow], list[TrialRow]]:
    """Usable production trainings of the defaults and of the recipe found, by number."""
    usable = [
        row
        for row in sorted(rows, key=lambda row: row.number)
        if row.purpose is Purpose.PRODUCTION and row.state in _USABLE and row.best_map50_95 is not None
    ]
    of_defaults = [row for row in usable if (row.repeats or 0) < max(1, len(spec.points))]
    return of_defaults, [row for row in usable if row not in of_defaults]


def _at_length(rows: Sequence[TrialRow], spec: StudySpec, verdict: Verdict | None) -> Answer | None:
    """The answer by the best epochs of the production trainings; None before both recipes have one."""
    of_defaults, of_recipe = for_production(rows, spec)
    if not of_defaults:
        return None
    defaults = _side(of_defaults, rows)
    of_recipe = [row for row in of_recipe if _as_long(row, defaults.trained)]
    if not of_recipe:
        alone = verdict is None or verdict.winner in (0, defaults.trial.number)
        return Answer(epochs=spec.train, defaults=defaults, at_length=True) if alone else None
    recipe = _side(of_recipe, rows)
    comparison = compared(defaults.scores, recipe.scores)
    return Answer(
        epochs=spec.train,
        defaults=defaults,
        recipe=recipe,
        gain=comparison.gain,
        chance=comparison.chance,
        at_length=True,
    )


def _as_long(row: TrialRow, other: TrialRow) -> bool:
    """True if a production training can be compared with the other: a cut one must have come nearly as far."""
    return row.state is TrialState.COMPLETED or row.done_epochs >= NEARLY * min(other.done_epochs, row.epochs)


def _side(trained: Sequence[TrialRow], rows: Sequence[TrialRow]) -> Side:
    whole = [row for row in trained if row.state is TrialState.COMPLETED] or list(trained)
    number = trained[0].repeats
    return Side(
        trial=next(row for row in rows if row.number == number),
        scores=tuple(float(row.best_map50_95 or 0.0) for row in whole),
        trained=max(whole, key=lambda row: (row.best_map50_95 or 0.0, -row.number)),
    )


def _measured(side: Side, figures: Mapping[tuple[str, int], EvaluationRow], spec: StudySpec) -> Side:
    number = side.trained.number
    reported = figures.get(("test", number)) if spec.reported else None
    return replace(side, unseen=figures.get((spec.unseen, number)), reported=reported)


def _clear_loss(defaults: Side, recipe: Side | None) -> bool:
    """True if the recipe found clearly loses on unseen images: its whole interval lies below the defaults."""
    if recipe is None or recipe.unseen is None or defaults.unseen is None:
        return False
    if recipe.unseen.gain_high is not None:
        return recipe.unseen.gain_high < 0
    return recipe.unseen.map50_95 - defaults.unseen.map50_95 < -TIE


def _at_horizon(rows: Sequence[TrialRow], spec: StudySpec, verdict: Verdict | None) -> Answer | None:
    """The answer by the search's own trainings and their repeats; None before the defaults have a score."""
    baseline = leaderboard.baseline_of(rows)
    if baseline is None or baseline.score is None or baseline.state is TrialState.FAILED:
        return None
    if verdict is None:
        defaults = Side(trial=baseline, scores=(baseline.score,), trained=baseline)
        return Answer(epochs=spec.epochs, defaults=defaults)
    best, defaults = verdict.best, Side(trial=baseline, scores=verdict.defaults.runs, trained=baseline)
    row = next((row for row in rows if row.number == best.trial), None)
    if row is None or best.gain is None or (best.gain.mean <= 0 and not verdict.winner):
        return Answer(epochs=spec.epochs, defaults=defaults)
    recipe = Side(trial=row, scores=best.runs, trained=row)
    return Answer(epochs=spec.epochs, defaults=defaults, recipe=recipe, gain=best.gain, chance=best.chance)
