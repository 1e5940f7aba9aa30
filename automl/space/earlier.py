"""What earlier trainings give a new search: recipes to begin with and scores to learn from. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from automl.figures import listed
from automl.records import EarlierTraining, Params, ParamValue, Start
from automl.space import POINT, SearchSpace, portfolio, trainer_key
from automl.space.portfolio import distinct, fit

STARTS = 3  # recipes of earlier trainings that are trained again at most
TRAININGS_EACH = 10  # full trainings that the budget must pay for each of them but one
TOLD = 100  # earlier scores that a sampler is told at most, the newest: they are kept in the study's row
_RANKED = 10  # best recipes of one source that are looked at


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """One configuration that was trained before, by a study of ours or by another tool."""

    source: str  # "birds-1", "evolve.csv"
    params: Params  # the trainer's arguments, as far as they are known
    score: float | None  # by which its source ranks it
    done_epochs: int = 0  # after which the score was taken or, below the horizon, extrapolated from
    epochs: int | None = None  # the horizon, where data, trainer and weights were the new study's; None elsewhere


@dataclass(frozen=True, kw_only=True)
class NewStudy:
    """What a new study is going to train, as far as its first trials depend on it."""

    base: Params  # every argument of a trial that changes nothing
    space: SearchSpace
    before: tuple[Start, ...]  # what runs first; it is not run again
    trainings: float  # full trainings that the budget pays
    epochs: int  # the horizon


def beginnings(
    earlier: Sequence[Earlier], study: NewStudy, *, known_good: bool
) -> tuple[tuple[Start, ...], tuple[str, ...]]:
    """The trials to run after the defaults, and sentences on them: earlier recipes, then the portfolio.

    known_good  whether the portfolio is wanted and means something to the trainer
    """
    warm = starts(earlier, study)
    told = [f"Tried again from earlier trainings: {', '.join(name for name, _ in warm)}."] if warm else []
    told += _moved(earlier, warm, study)
    known: tuple[Start, ...] = ()
    if known_good:
        known = portfolio.starts(study.base, study.space, [*study.before, *warm], study.trainings)
        told.append(portfolio.words(known, study.trainings))
    return (*warm, *known), tuple(text for text in told if text)


def starts(earlier: Sequence[Earlier], study: NewStudy) -> tuple[Start, ...]:
    """The best recipes of each source in turn: three that differ, one for each full 10 trainings paid, at least one.

    Scores of different sources do not compare, so each source's best comes before anyone's second. What scored no
    better than the defaults of its own source is not worth another training. Of a source that trained just what
    this study trains only the best runs again: the sampler knows what the others scored.
    """
    known = [study.base, *(params for _, params in study.before)]
    sources: dict[str, list[Earlier]] = {}
    for each in earlier:
        sources.setdefault(each.source, []).append(each)
    ranked = [_worth(found, study, known) for found in sources.values()]
    turns = [each for each in chain.from_iterable(zip_longest(*ranked)) if each is not None]
    found: list[Start] = []
    for given in turns:
        found += distinct([given], [*known, *(other for _, other in found)])
    return tuple(found[: min(STARTS, max(1, round(study.trainings) // TRAININGS_EACH))])


def _moved(earlier: Sequence[Earlier], warm: Sequence[Start], study: NewStudy) -> list[str]:
    """What the space made of recipes that run, or that equal what runs anyway: a sentence for each source.

    A value beyond its range has become the range's end; a file's value that the space does not hold is not tried.
    """
    running = [study.base, *(params for _, params in (*study.before, *warm))]
    ends: dict[str, dict[str, tuple[str, str]]] = {}  # by source and key: what stands there, and the end
    lost: dict[str, dict[str, str]] = {}
    for each in sorted(earlier, key=_rank):
        fitted = fit(each.params, study.base, study.space)
        if fitted not in running:
            continue
        for key, value in each.params.items():
            if _beyond(study.space, key, value, fitted.get(key)):
                ends.setdefault(each.source, {}).setdefault(key, (f"{key} {value}", f"{fitted[key]}"))
            elif fitted.get(key) != value and not each.done_epochs:
                lost.setdefault(each.source, {}).setdefault(key, f"{key} {value}")
    told = []
    for source, found in ends.items():
        was, now = (listed(side) for side in zip(*found.values(), strict=True))
        verb = "is beyond its searched range and becomes its end"
        if len(found) > 1:
            verb = "are beyond their searched ranges and become their ends"
        told.append(f"{was} of {source} {verb}, {now}.")
    for source, words in lost.items():
        verb, them = ("is", "it") if len(words) == 1 else ("are", "them")
        told.append(f"{listed([*words.values()])} of {source} {verb} not tried: the search space does not hold {them}.")
    return told


def _beyond(space: SearchSpace, key: str, value: ParamValue, end: ParamValue) -> bool:
    """Whether a number lies outside its range, of which `end` is what was kept."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    ranges = [p for p in space.parameters if trainer_key(p.name) == key and p.kind != "choice"]
    return any(end == p.low > value or end == p.high < value for p in ranges)


def _worth(tried: Sequence[Earlier], study: NewStudy, known: Sequence[Params]) -> list[Start]:
    """What of one source may be trained again, best first: better than its defaults, and new to the study."""
    fitted = [(each, fit(each.params, study.base, study.space)) for each in sorted(tried, key=_rank)]
    bar = max((each.score for each, params in fitted if each.score is not None and params in known), default=-math.inf)
    found = [
        (each, params) for each, params in fitted if params not in known and (each.score is None or each.score > bar)
    ]
    most = 1 if any(each.epochs == study.epochs for each, _ in found) else _RANKED
    return [Start(f"warm:{each.source}", params) for each, params in found[:most]]


def comparable(
    earlier: Sequence[Earlier], bases: Sequence[Params], space: SearchSpace, epochs: int
) -> tuple[EarlierTraining, ...]:
    """Source, searched arguments, score and epochs of what was trained as this study would train it; the newest last.

    That is: on the same data, for as many epochs, and with equal arguments wherever the space holds none.

    earlier  the newest source first, each with every argument of its training
    bases    every argument of the defaults at each point of the study
    """
    at = {_point(base): base for base in bases}
    searched = {trainer_key(p.name) for p in space.parameters} | {"model", "imgsz"}
    joint = any(p.name == POINT for p in space.parameters)
    found = []
    for each in earlier:
        base = at.get(_point(each.params))
        if each.epochs != epochs or each.score is None or base is None:
            continue
        fitted = fit(each.params, base, space)
        if all(each.params.get(key, value) == value for key, value in fitted.items()):
            kept = searched if joint else searched - {"model", "imgsz"}
            arguments = {key: fitted[key] for key in fitted if key in kept}
            found.append(EarlierTraining(each.source, arguments, each.score, each.done_epochs))
    return tuple(reversed(found[:TOLD]))


def words(told: tuple[EarlierTraining, ...]) -> tuple[str, ...]:
    """How many scores of which source the sampler is told, in a sentence; nothing where there are none."""
    counts: dict[str, int] = {}
    for training in told:
        counts[training.source] = counts.get(training.source, 0) + 1
    named = ", ".join(f"{count} of {source}" for source, count in counts.items())
    return (f"The sampler begins with scores of the same training: {named}.",) if counts else ()


def _rank(each: Earlier) -> float:
    return -each.score if each.score is not None else 0.0


def _point(params: Params) -> str:
    return f"{params.get('model')}@{params.get('imgsz')}"
