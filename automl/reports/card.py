"""The answer of a study as a card: a few labelled lines that terminal and page begin with. Pure but for file checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeGuard

from automl.costs.budget import budget_words
from automl.figures import format_cost, span
from automl.files import folders
from automl.files.kept import WEIGHTS
from automl.files.shell import quoted, yolo_train
from automl.records import (
    PRODUCTION_EPOCHS,
    EvaluationRow,
    Params,
    ParamValue,
    StudyRow,
    StudyState,
    TrialRow,
    TrialState,
)
from automl.reports.overview import Overview
from automl.scores.answer import Answer, Side
from automl.scores.leaderboard import nothing_learnt
from automl.scores.trust import CLAIM, DELIVER, Confidence
from automl.scores.words import chance_text, measured_text, trial_name
from automl.space import Parameter, SearchSpace, trainer_key

MOST_CHANGES = 8  # parameters that the card shows
STILL_RISING = 0.95  # share of the epochs at which the best one of a training that may still rise lies
LEAST_CHANGE = 0.02  # of the searched range, that the card shows


class Line(NamedTuple):
    """A labelled line."""

    label: str
    text: str


class Change(NamedTuple):
    """A parameter of the recipe found, beside that of the defaults."""

    name: str
    value: ParamValue
    before: ParamValue
    size: float  # distance between them as a share of the searched range

    @property
    def text(self) -> str:
        """As in 'lr0 0.0042 (x0.42)' or 'mixup 0.1 (was 0)'."""
        value, before = self.value, self.before
        if _number(value) and _number(before) and value and before:
            return f"{self.name} {_short(value)} (x{float(value) / float(before):.2g})"
        return f"{self.name} {_short(value)} (was {_short(before)})"


def card(overview: Overview, *, db_words: str = "") -> tuple[Line, ...]:
    """Lines of the card; empty before the defaults have a score.

    db_words  the `--db` option with which commands reach the database
    """
    answer, study = overview.answer, overview.study
    if answer is None:
        return ()
    running = study.state in (StudyState.RUNNING, StudyState.INTERRUPTED)
    lines = [*_sides(answer, study), *_difference(answer, running=running)]
    sides = [side for side in (answer.defaults, answer.recipe) if side is not None]
    if not running and all(nothing_learnt(side.trained) for side in sides):
        text = "no training has learned enough to tell recipes apart: try more --epochs or a larger --imgsz"
        lines.append(Line("but", text))
    lines += [*_unseen(answer), *_length(answer)]
    cost = format_cost(sum(overview.spent_s.values()), study.spec.slots.device)
    lines.append(Line("cost", f"{cost} in {span(study.wall_s)} (budget {budget_words(study.spec)})"))
    if answer.recipe is not None:
        space = SearchSpace.from_document(study.spec.space)
        changes = largest_changes(answer.recipe.trial.params, _arguments(study, answer.defaults.trial), space)
        if changes:
            whose = "" if answer.delivers else "by the best found, which is not handed over: "
            lines.append(Line("changed", whose + ", ".join(change.text for change in changes)))
    weights = folders.trial(study.spec.directory, answer.handed_over.trained.number) / WEIGHTS[0]
    if weights.is_file():
        lines.append(Line("model", str(weights)))
    if study.state is StudyState.FINISHED and study.spec.trainer == "ultralytics":
        lines.append(Line("next", _next(answer, study, db_words)))
    return tuple(lines)


def lines_of_recipe(overview: Overview) -> tuple[Line, ...]:
    """Lines of the card that a recipe file repeats: without places and commands of this machine."""
    return tuple(line for line in card(overview) if line.label not in ("model", "next"))


def largest_changes(params: Params, before: Params, space: SearchSpace, most: int = MOST_CHANGES) -> list[Change]:
    """The parameters that lie farthest from the defaults, as a share of the searched range, farthest first.

    Those that moved by less than LEAST_CHANGE are left out.

    before  the defaults' arguments
    """
    dimensions = {trainer_key(p.name): p for p in space.parameters if p.active(params)}
    changes = [
        Change(name, value, before[name], _size(dimensions.get(name), value, before[name]))
        for name, value in params.items()
        if name in before and before[name] != value
    ]
    visible = [change for change in changes if change.size >= LEAST_CHANGE]
    return sorted(visible, key=lambda change: (-change.size, change.name))[:most]


def _size(dimension: Parameter | None, value: ParamValue, before: ParamValue) -> float:
    """Distance as a share of the range; 1 for a choice, and for what was not searched."""
    if dimension is None or dimension.kind == "choice" or not _number(value) or not _number(before):
        return 1.0
    low, high = dimension.low, dimension.high
    return abs(dimension.unit(min(high, max(low, value))) - dimension.unit(min(high, max(low, before))))


def _number(value: ParamValue) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: ParamValue) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _arguments(study: StudyRow, trial: TrialRow) -> Params:
    return {**study.spec.fixed, **trial.params}


def _sides(answer: Answer, study: StudyRow) -> list[Line]:
    defaults = Line("defaults", f"mAP50-95 {_figures(answer.defaults)} on val, {_epochs(answer, answer.defaults)}")
    if answer.recipe is None:
        short = study.state is StudyState.FINISHED
        none = "nothing searched" if study.spec.defaults_alone else "no completed trial scored above the defaults"
        return [defaults, Line("best found", none if short else f"{none} so far")]
    recipe = answer.recipe
    name = f"trial {recipe.trial.number}"
    return [Line("best found", f"mAP50-95 {_figures(recipe)} on val, {_epochs(answer, recipe)} ({name})"), defaults]


def _epochs(answer: Answer, side: Side) -> str:
    done = side.trained.done_epochs
    if side.trained.state is TrialState.COMPLETED and done < side.trained.epochs:
        return f"{done} of {answer.epochs} epochs (no gain for long)"
    return f"{done} epochs" if done == answer.epochs else f"{done} of {answer.epochs} epochs"


def _figures(side: Side) -> str:
    """Observed figures: '0.512', or '0.507 (mean of 0.512 and 0.502)'."""
    if len(side.scores) == 1:
        return f"{side.scores[0]:.3f} (one seed)"
    scores = [f"{score:.3f}" for score in side.scores]
    if len(scores) > 3:
        return f"{side.mean:.3f} (mean of {len(scores)} seeds, {min(scores)} to {max(scores)})"
    return f"{side.mean:.3f} (mean of {', '.join(scores[:-1])} and {scores[-1]})"


def _difference(answer: Answer, *, running: bool) -> list[Line]:
    if answer.recipe is None or answer.gain is None or answer.chance is None:
        return []
    gain = answer.gain
    interval = f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
    unproven = ", proven only with a new seed" if answer.chance >= CLAIM else ""
    words = {
        Confidence.PROVEN: f"proven better: {chance_text(answer.chance)} sure",
        Confidence.PROBABLE: f"probably better: {chance_text(answer.chance)} sure{unproven}",
        Confidence.NO_DIFFERENCE: f"no difference found ({chance_text(answer.chance)} sure that it is better)",
        Confidence.DOUBTFUL: (
            f"not sure enough that it is better: {chance_text(answer.chance)}"
            if answer.chance > 1 - CLAIM
            else f"worse: {chance_text(answer.chance)} chance that it is better"
        ),
    }[answer.confidence or Confidence.DOUBTFUL]
    if running:
        return [Line("difference", f"{interval}, {words}, so far")]
    outcome = f"{trial_name(answer.handed_over.trial.number)} {'is' if answer.delivers else 'are'} handed over"
    words = f"{chance_text(answer.chance)} sure on val alone" if answer.vetoed else words
    lines = [Line("difference", f"{interval}, {words}; {outcome}")]
    if answer.vetoed and answer.chance >= DELIVER:
        text = (
            "it clearly loses on unseen images, which decided for the defaults. It fits val too closely: more "
            "augmentation, fewer epochs or more images help."
        )
        used = answer.defaults.reported is None  # else the test split has decided nothing
        lines.append(Line("but", f"{text} Those images have now been used to choose." if used else text))
    elif answer.at_length and gain.mean < 0:
        text = f"it led in shorter trainings and does not hold at {answer.epochs} epochs"
        lines.append(Line("but", f"{text}: the defaults have the better schedule for that length."))
    return lines


def _unseen(answer: Answer) -> list[Line]:
    """Figures on the images that may veto, then on those that only report."""
    sides = [side for side in (answer.recipe, answer.defaults) if side is not None]
    pairs = [[side.unseen for side in sides], [side.reported for side in sides]]
    return [line for rows in pairs for line in _measured([row for row in rows if row is not None])]


def _measured(rows: Sequence[EvaluationRow]) -> list[Line]:
    if len(rows) < 2:
        return [Line(f"on {row.split}", f"mAP50-95 {measured_text(row)}") for row in rows]
    recipe, defaults = rows
    figures = f"{recipe.map50_95:.3f} against the defaults' {defaults.map50_95:.3f}"
    text = f"mAP50-95 {figures} on {recipe.images} unseen images"
    if recipe.gain is not None and recipe.gain_low is not None and recipe.gain_high is not None:
        text += f", {recipe.gain:+.3f} [{recipe.gain_low:+.3f}, {recipe.gain_high:+.3f}]"
    return [Line(f"on {recipe.split}", text)]


def _length(answer: Answer) -> list[Line]:
    """Advice on the production length from its curve, by the guide's rule; nothing before the training has ended.

    Source: Ultralytics, "Tips for Best YOLOv5 Training Results": without over-fitting by 300 epochs train longer.
    """
    row = answer.handed_over.trained
    if not answer.at_length or row.state is not TrialState.COMPLETED or row.best_epoch is None:
        return []
    best = f"best at epoch {row.best_epoch}"
    if row.done_epochs < row.epochs:
        return [Line("length", f"{best}, then no better one: fewer than {row.epochs} epochs are enough")]
    if row.best_epoch >= STILL_RISING * row.epochs:
        return [Line("length", f"{best} of {row.epochs}: not over-fitted yet, so a longer training may give more")]
    return []


def _next(answer: Answer, study: StudyRow, db_words: str) -> str:
    export = f"{quoted('automl', 'export', study.name)}{db_words} -o hyp.yaml, then {yolo_train('hyp.yaml')}"
    if answer.at_length or answer.epochs >= PRODUCTION_EPOCHS:
        return f"use the model above, or train it again: {export}"
    return f"{export} ({study.spec.train or PRODUCTION_EPOCHS} epochs)"
