"""Earlier trainings for a new search: recipes that run first, and scores for its sampler. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain, zip_longest

from automl.figures import listed
from automl.records import EarlierTraining, Params, ParamValue, Start
from automl.space import POINT, SearchSpace, portfolio, trainer_key
from automl.space.portfolio import OF_ITS_OPTIMIZER, distinct, fit

STARTS = 3  # recipes of earlier trainings that run again at most
TRAININGS_EACH = 10  # affordable trainings per such recipe, so that they are a tenth at most; the first needs none
TOLD = 100  # earlier scores that a sampler gets at most, the newest: the study's row keeps them
_RANKED = 10  # best recipes of one source that may run again


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """One configuration that was trained before, by a study or by another tool."""

    source: str  # "birds-1", "evolve.csv"
    params: Params  # known arguments of the trainer
    score: float | None  # by which its source ranks it
    done_epochs: int = 0  # epochs behind the score, which is extrapolated if they are fewer than the horizon
    epochs: int | None = None  # the horizon; None unless data, trainer and weights were those of the new study


@dataclass(frozen=True, kw_only=True)
class NewStudy:
    """Facts about a new study on which its first trials depend."""

    base: Params  # every argument of a trial that changes nothing
    whole: Params  # and those that no trial changes
    space: SearchSpace
    before: tuple[Start, ...]  # trials that run first
    trainings: float  # full trainings that the budget pays
    epochs: int  # the horizon


def beginnings(
    earlier: Sequence[Earlier], study: NewStudy, *, known_good: bool
) -> tuple[tuple[Start, ...], tuple[str, ...]]:
    """Trials that run after the defaults, earlier recipes and then the portfolio, and sentences on them.

    known_good  True if the user wants the portfolio and the trainer knows its arguments
    """
    warm = starts(earlier, study)
    notes = [f"Tried again from earlier trainings: {', '.join(name for name, _ in warm)}."] if warm else []
    notes += _on_changes(earlier, warm, study)
    notes += _untried(earlier, warm, study)
    recipes: tuple[Start, ...] = ()
    if known_good:
        recipes = portfolio.starts(study.base, study.space, [*study.before, *warm], study.trainings)
        notes.append(portfolio.words(recipes, study.trainings))
    return (*warm, *recipes), tuple(note for note in notes if note)


def starts(earlier: Sequence[Earlier], study: NewStudy) -> tuple[Start, ...]:
    """From 1 to STARTS of the best earlier recipes: one per TRAININGS_EACH affordable trainings, all different.

    Scores of different sources do not compare, so each source's best comes before any second best. Recipes that
    did not beat the defaults of their own source are skipped. If a source trained the same as this study only its
    best recipe runs again: the sampler gets the scores of the others.
    """
    running = [study.base, *(params for _, params in study.before)]
    ranked = [_worth(trainings, study, running) for trainings in _by_source(earlier).values()]
    recipes: list[Start] = []
    for start in chain.from_iterable(zip_longest(*ranked)):
        if start is not None:
            recipes += distinct([start], [*running, *(params for _, params in recipes)])
    return tuple(recipes[: min(STARTS, max(1, round(study.trainings) // TRAININGS_EACH))])


class _Change(Enum):
    """What became of a value of an earlier recipe."""

    END = "its range ends before it"
    OTHER_OPTIMIZER = "it belongs to an optimizer that the trial does not have"
    UNNAMED = "it is tried with the optimizer of the defaults"
    UNNAMED_BEYOND = "it does not fit the optimizer of the defaults"
    LOST = "the space does not hold it"


def _on_changes(earlier: Sequence[Earlier], warm: Sequence[Start], study: NewStudy) -> list[str]:
    """Sentences on values that the space changed in recipes that run, or that equal a trial that runs anyway."""
    running = [study.base, *(params for _, params in (*study.before, *warm))]
    changes: dict[tuple[str, _Change], dict[str, tuple[str, str]]] = {}  # by key: the value, and what it became
    for training in sorted(earlier, key=_rank):
        arguments = fit(training.params, study.base, study.space)
        for key, value in training.params.items() if arguments in running else ():
            change = _change(training, key, arguments, study)
            if change is not None:
                values = changes.setdefault((training.source, change), {})
                values.setdefault(key, (f"{key} {value}", f"{arguments.get(key)}"))
    return [_sentence(change, source, values, study) for (source, change), values in changes.items()]


def _change(training: Earlier, key: str, arguments: Params, study: NewStudy) -> _Change | None:
    """What became of one value of a recipe in its trial; None if nothing did.

    Of an earlier study only values beyond a range count: it had other fixed arguments.
    """
    value, optimizer = training.params[key], training.params.get("optimizer")
    if _beyond(study.space, key, value, arguments.get(key)):
        return _Change.END
    if training.done_epochs:
        return None
    searched = any(trainer_key(parameter.name) == key for parameter in study.space.parameters)
    unnamed = searched and key in OF_ITS_OPTIMIZER and optimizer is None and "optimizer" in study.base
    if {**study.whole, **arguments}.get(key) == value:
        return _Change.UNNAMED if unnamed and value != study.base.get(key) else None
    if unnamed:
        return _Change.UNNAMED_BEYOND
    if key in OF_ITS_OPTIMIZER and optimizer is not None and optimizer != arguments.get("optimizer"):
        return _Change.OTHER_OPTIMIZER
    return _Change.LOST


def _sentence(change: _Change, source: str, values: Mapping[str, tuple[str, str]], study: NewStudy) -> str:
    """Sentence on values of one source of which the same became, with the way out where there is one."""
    before, after = (listed(side) for side in zip(*values.values(), strict=True))
    one, optimizer = len(values) == 1, study.base.get("optimizer")
    subject = f"{before} of {source} {'is' if one else 'are'}"
    searched = next((p.choices for p in study.space.parameters if p.name == "optimizer"), ())
    other = next((choice for choice in searched if choice != optimizer), None)
    if change is _Change.END:
        ranges, ends = (
            ("its searched range", "becomes its end") if one else ("their searched ranges", "become their ends")
        )
        return f"{subject} beyond {ranges} and {ends}, {after}."
    if change is _Change.OTHER_OPTIMIZER:
        return f"{subject} not tried: {'it belongs' if one else 'they belong'} to another optimizer than {optimizer}."
    if change is _Change.UNNAMED:
        way_out = f"; if it was trained with another, add --set optimizer={other}" if other else ""
        return f"{subject} tried with {optimizer}, as the defaults are: {source} names no optimizer{way_out}."
    if change is _Change.UNNAMED_BEYOND:
        way_out = f"; name it to try {'it' if one else 'them'}: --set optimizer={other}" if other else ""
        reason = f"{source} names no optimizer, and with {optimizer} other values are searched"
        return f"{subject} not tried: {reason}{way_out}."
    return f"{subject} not tried: the search space does not hold {'it' if one else 'them'}."


def _beyond(space: SearchSpace, key: str, value: ParamValue, end: ParamValue) -> bool:
    """True for a number outside a range that became `end`, an end of the range."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    ranges = [p for p in space.parameters if trainer_key(p.name) == key and p.kind != "choice"]
    return any(end == p.low > value or end == p.high < value for p in ranges)


def _untried(earlier: Sequence[Earlier], warm: Sequence[Start], study: NewStudy) -> list[str]:
    """Sentences on files of other tools of which no recipe runs again, with the reason."""
    tried = {name for name, _ in warm}
    running = [study.base, *(params for _, params in (*study.before, *warm))]
    reasons: dict[str, list[str]] = {}
    for source, trainings in _by_source(earlier).items():
        if f"warm:{source}" in tried or any(training.done_epochs for training in trainings):
            continue
        recipes = [fit(training.params, study.base, study.space) for training in trainings]
        if all(recipe in running for recipe in recipes):
            reason = "within the search space it equals a trial that runs anyway"
        elif _worth(trainings, study, [study.base, *(params for _, params in study.before)]):
            reason = f"the budget pays {study.trainings:.0f} trainings, of which {len(warm)} may be earlier recipes"
        else:
            reason = "none of its recipes has a better score than the defaults have there"
        reasons.setdefault(reason, []).append(source)
    return [f"Not tried again: {listed(sources)}; {reason}." for reason, sources in reasons.items()]


def _by_source(earlier: Sequence[Earlier]) -> dict[str, list[Earlier]]:
    sources: dict[str, list[Earlier]] = {}
    for training in earlier:
        sources.setdefault(training.source, []).append(training)
    return sources


def _worth(trainings: Sequence[Earlier], study: NewStudy, running: Sequence[Params]) -> list[Start]:
    """Recipes of one source that may run again, best first: better than its defaults, and new to the study."""
    fits = [(training, fit(training.params, study.base, study.space)) for training in sorted(trainings, key=_rank)]
    bar = max((t.score for t, params in fits if t.score is not None and params in running), default=-math.inf)
    better = [(t, params) for t, params in fits if params not in running and (t.score is None or t.score > bar)]
    most = 1 if any(training.epochs == study.epochs for training, _ in better) else _RANKED
    return [Start(f"warm:{training.source}", params) for training, params in better[:most]]


def comparable(
    earlier: Sequence[Earlier], bases: Sequence[Params], space: SearchSpace, epochs: int
) -> tuple[EarlierTraining, ...]:
    """Earlier trainings that this study could have done itself, with searched arguments only; the newest last.

    They had the same data, as many epochs, and equal arguments outside the space.

    earlier  the newest source first, each with every argument of its training
    bases    every argument of the defaults, at each operating point of the study
    """
    defaults_at = {_point(base): base for base in bases}
    searched = {trainer_key(p.name) for p in space.parameters} | {"model", "imgsz"}
    joint = any(p.name == POINT for p in space.parameters)
    trainings = []
    for training in earlier:
        base = defaults_at.get(_point(training.params))
        if training.epochs != epochs or training.score is None or base is None:
            continue
        arguments = fit(training.params, base, space)
        if all(training.params.get(key, value) == value for key, value in arguments.items()):
            keys = searched if joint else searched - {"model", "imgsz"}
            values = {key: value for key, value in arguments.items() if key in keys}
            trainings.append(EarlierTraining(training.source, values, training.score, training.done_epochs))
    return tuple(reversed(trainings[:TOLD]))


def words(trainings: tuple[EarlierTraining, ...]) -> tuple[str, ...]:
    """Sentence on the scores with which the sampler begins, by source; empty without any."""
    counts: dict[str, int] = {}
    for training in trainings:
        counts[training.source] = counts.get(training.source, 0) + 1
    sources = ", ".join(f"{count} of {source}" for source, count in counts.items())
    return (f"The sampler begins with scores of the same training: {sources}.",) if counts else ()


def _rank(training: Earlier) -> float:
    return -training.score if training.score is not None else 0.0


def _point(params: Params) -> str:
    return f"{params.get('model')}@{params.get('imgsz')}"
