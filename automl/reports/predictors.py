"""Predictors of a training's end from its first epochs, for `automl predictors`: pure.

A predictor sees the first epochs of all trainings of a group (same network, image size and horizon). It returns one
number for each training, higher for a better end, and is judged by Spearman's rank correlation with the end. The table
has two parts: all trainings with the predictors of scores, and those with recorded losses with all predictors. So every
predictor stands beside `smoothed`, by which the search compares trials, on the very same trainings.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from automl.errors import NothingToCompare, UnknownName
from automl.records import EpochMetrics
from automl.reports.recorded import Training
from automl.scores.halving import quantile, rank_correlation, smoothed

Predictor = Callable[[Sequence[Training], int], list[float]]
Pairs = list[tuple[float, float]]

FRACTIONS = (1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 5 / 6)
REFERENCE = "mAP50-95, mean of last 5 (smoothed)"
FEWEST = 5  # trainings that a group needs
ENDS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "best": max,
    "last3": lambda scores: sum(scores[-3:]) / len(scores[-3:]),
}


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """Rank correlation of one predictor with the ends of trainings, after a fraction of their epochs."""

    trainings: str  # "all", or "with losses"
    group: str  # "yolov5n 160 px x 12", or "pooled": the groups' mean, weighted by their size
    predictor: str
    fraction: float
    n: int
    rho: float
    low: float  # 90 % bootstrap interval over trainings
    high: float
    gain: float  # rho minus that of the reference on the same trainings
    gain_low: float
    gain_high: float
    wins: float  # share of resamples in which it beats the reference


def predict_table(
    trainings: Sequence[Training],
    *,
    end: str = "best",
    resamples: int = 400,
    seed: int = 0,
    fractions: Sequence[float] = FRACTIONS,
) -> list[Correlation]:
    """Every predictor at every fraction of the horizon, by group and pooled.

    Source of the interval: Efron and Tibshirani, "An introduction to the bootstrap", 1993 (percentile, trainings
    drawn with replacement within each group, the same draws for every predictor).
    Raises NothingToCompare below five trainings of one kind, UnknownName for an unknown end.
    """
    if end not in ENDS:
        raise UnknownName("end", end, list(ENDS))
    correlations = []
    with_losses = [training for training in trainings if training.has_losses]
    for kind, part in (("all", list(trainings)), ("with losses", with_losses)):
        groups = _groups(part)
        if kind == "all" and not groups:
            raise NothingToCompare(
                f"{len(trainings)} finished trainings are too few: a rank correlation needs {FEWEST} of one network, "
                "image size and horizon."
            )
        known = SCORE_PREDICTORS if kind == "all" else {**SCORE_PREDICTORS, **LOSS_PREDICTORS}
        draws = {name: _draws(len(group), resamples, seed) for name, group in groups.items()}
        for fraction in fractions:
            correlations += _judge(kind, groups, known, fraction, ENDS[end], draws)
    return correlations


def epochs_seen(horizon: int, fraction: float) -> int:
    """Whole epochs in a fraction of the horizon, at least one."""
    return max(1, math.floor(horizon * fraction + 1e-9))


def _groups(trainings: Sequence[Training]) -> dict[str, list[Training]]:
    groups: dict[str, list[Training]] = {}
    for training in trainings:
        model, imgsz, horizon = training.group
        groups.setdefault(f"{model} {imgsz} px x {horizon}".strip(), []).append(training)
    return {name: group for name, group in groups.items() if len(group) >= FEWEST}


def _draws(n: int, resamples: int, seed: int) -> list[list[int]]:
    generator = random.Random(seed)
    return [[generator.randrange(n) for _ in range(n)] for _ in range(resamples)]


def _judge(
    kind: str,
    groups: Mapping[str, list[Training]],
    known: Mapping[str, Predictor],
    fraction: float,
    end: Callable[[Sequence[float]], float],
    draws: Mapping[str, list[list[int]]],
) -> list[Correlation]:
    ends = {g: [end([epoch.map50_95 for epoch in t.epochs]) for t in group] for g, group in groups.items()}
    rhos: dict[tuple[str, str], tuple[float, list[float]]] = {}
    for predictor, predict in known.items():
        for name, group in groups.items():
            values = predict(group, epochs_seen(group[0].group[2], fraction))
            resampled = [_rho([(values[i], ends[name][i]) for i in draw]) for draw in draws[name]]
            rhos[predictor, name] = (_rho(list(zip(values, ends[name], strict=True))), resampled)
        if len(groups) > 1:
            rhos[predictor, "pooled"] = _pooled([(len(groups[g]), *rhos[predictor, g]) for g in groups])
    sizes = {**{name: len(group) for name, group in groups.items()}, "pooled": sum(map(len, groups.values()))}
    return [
        _correlation(kind, name, predictor, fraction, sizes[name], mine, rhos[REFERENCE, name])
        for (predictor, name), mine in rhos.items()
    ]


def _correlation(
    kind: str,
    group: str,
    predictor: str,
    fraction: float,
    n: int,
    mine: tuple[float, list[float]],
    reference: tuple[float, list[float]],
) -> Correlation:
    gains = sorted(a - b for a, b in zip(mine[1], reference[1], strict=True))
    resampled = sorted(mine[1])
    return Correlation(
        trainings=kind,
        group=group,
        predictor=predictor,
        fraction=fraction,
        n=n,
        rho=mine[0],
        low=quantile(resampled, 0.05),
        high=quantile(resampled, 0.95),
        gain=mine[0] - reference[0],
        gain_low=quantile(gains, 0.05),
        gain_high=quantile(gains, 0.95),
        wins=sum((gain > 0) + 0.5 * (gain == 0) for gain in gains) / len(gains),
    )


def _pooled(parts: Sequence[tuple[int, float, list[float]]]) -> tuple[float, list[float]]:
    total = sum(n for n, _, _ in parts)
    mean = sum(n * rho for n, rho, _ in parts) / total
    means = [
        sum(n * rho for (n, _, _), rho in zip(parts, rhos, strict=True)) / total
        for rhos in zip(*(resampled for _, _, resampled in parts), strict=True)
    ]
    return mean, means


def _rho(pairs: Pairs) -> float:
    """The correlation; 0 where one side has no spread."""
    return rank_correlation([a for a, _ in pairs], [b for _, b in pairs]) or 0.0


# -- predictors of one training: (scores or losses so far) -> a number ------------------------------


def linear_in_log(scores: Sequence[float], horizon: int) -> float:
    """Least-squares line of score against log(epoch), read at the horizon; needs two epochs."""
    xs = [math.log(epoch) for epoch in range(1, len(scores) + 1)]
    slope, middle, level = _line(xs, scores)
    return level + slope * (math.log(horizon) - middle)


def power_law(scores: Sequence[float], horizon: int) -> float:
    """a - b * epoch^-c by least squares over c in .1 to 2, read at the horizon; b is never negative.

    Source of the form: Domhan et al., "Speeding up automatic hyperparameter optimization of deep neural networks by
    extrapolation of learning curves", IJCAI 2015.
    """
    best = (math.inf, scores[-1])
    for step in range(1, 21):
        xs = [-(epoch ** -(step / 10)) for epoch in range(1, len(scores) + 1)]
        slope, middle, level = _line(xs, scores)
        slope = max(slope, 0.0)
        error = sum((level + slope * (x - middle) - y) ** 2 for x, y in zip(xs, scores, strict=True))
        best = min(best, (error, level + slope * (-(horizon ** -(step / 10)) - middle)))
    return best[1]


def trend(scores: Sequence[float], ahead: float, window: int = 5) -> float:
    """Least-squares line through the last epochs, read `ahead` epochs after the last."""
    last = scores[-window:]
    slope, middle, level = _line([float(i) for i in range(len(last))], last)
    return level + slope * (len(last) - 1 + ahead - middle)


def weighted(scores: Sequence[float], weight: Callable[[int], float]) -> float:
    """Mean of the scores, weighted by a function of the epoch, from 1."""
    weights = [weight(epoch) for epoch in range(1, len(scores) + 1)]
    return sum(w * score for w, score in zip(weights, scores, strict=True)) / sum(weights)


def _line(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float, float]:
    """Slope, mean x and mean y of the least-squares line; slope 0 through one point."""
    middle, level = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle) ** 2 for x in xs)
    slope = sum((x - middle) * (y - level) for x, y in zip(xs, ys, strict=True)) / spread if spread else 0.0
    return slope, middle, level


def _ranked(values: Sequence[float]) -> list[float]:
    """Share of the values that are lower, equals counted half."""
    return [sum((other < v) + 0.5 * (other == v) for other in values) / len(values) for v in values]


# -- the list --------------------------------------------------------------------------------------

Read = Callable[[EpochMetrics], float]
PARTS = ("box", "cls", "dfl")


def _map(epoch: EpochMetrics) -> float:
    return epoch.map50_95


def _of(read: Read, summary: Callable[[Sequence[float]], float]) -> Predictor:
    return lambda group, seen: [summary([read(epoch) for epoch in training.epochs[:seen]]) for training in group]


def _to_end(curve: Callable[[Sequence[float], int], float]) -> Predictor:
    return lambda group, seen: [
        curve([_map(e) for e in training.epochs[:seen]], training.group[2]) for training in group
    ]


def _left(share: float) -> Predictor:
    """Mean of the last epochs, in a window that shrinks to the end: a share of the epochs still to come."""

    def predict(scores: Sequence[float], horizon: int) -> float:
        return smoothed(scores, max(1, math.ceil((horizon - len(scores)) * share)))

    return _to_end(predict)


def _loss(parts: Sequence[str], summary: Callable[[Sequence[float]], float], split: str = "val") -> Predictor:
    """Minus the sum of some losses, divided by the gains that they were multiplied by."""

    def predict(group: Sequence[Training], seen: int) -> list[float]:
        return [
            -summary([sum(e.losses[f"{split}/{p}_loss"] / t.gains[p] for p in parts) for e in t.epochs[:seen]])
            for t in group
        ]

    return predict


def _rank_mean(*predictors: Predictor) -> Predictor:
    """Mean of the ranks that several predictors give within the group."""

    def predict(group: Sequence[Training], seen: int) -> list[float]:
        columns = [_ranked(predictor(group, seen)) for predictor in predictors]
        return [sum(row) / len(row) for row in zip(*columns, strict=True)]

    return predict


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _last(values: Sequence[float]) -> float:
    return values[-1]


def _last_part(share: float) -> Callable[[Sequence[float]], float]:
    return lambda values: smoothed(values, max(1, math.ceil(len(values) * share)))


def _fading(half_life: float) -> Callable[[Sequence[float]], float]:
    return lambda values: weighted(values, lambda epoch: 0.5 ** ((len(values) - epoch) / half_life))


SCORE_PREDICTORS: Mapping[str, Predictor] = {
    "mAP50-95, last": _of(_map, _last),
    "mAP50-95, mean of last 3": _of(_map, lambda values: smoothed(values, 3)),
    REFERENCE: _of(_map, smoothed),
    "mAP50-95, mean of last 10": _of(_map, lambda values: smoothed(values, 10)),
    "mAP50-95, mean of all": _of(_map, _mean),
    "mAP50-95, mean of last half": _of(_map, _last_part(1 / 2)),
    "mAP50-95, mean of as many as are left": _left(1.0),
    "mAP50-95, mean of half as many as are left": _left(0.5),
    "mAP50-95, max": _of(_map, max),
    "mAP50-95, weight epoch": _of(_map, lambda values: weighted(values, float)),
    "mAP50-95, weight 1/epoch (mean over log-epochs)": _of(_map, lambda values: weighted(values, lambda e: 1 / e)),
    "mAP50-95, fading, half-life 1": _of(_map, _fading(1)),
    "mAP50-95, fading, half-life 3": _of(_map, _fading(3)),
    "mAP50-95, line through last 5, 0 ahead": _of(_map, lambda values: trend(values, 0)),
    "mAP50-95, line through last 5, 3 ahead": _of(_map, lambda values: trend(values, 3)),
    "mAP50-95, line in log-epoch to the end": _to_end(linear_in_log),
    "mAP50-95, power law to the end": _to_end(power_law),
    "mAP50, last": _of(lambda e: e.map50, _last),
    "mAP50, mean of last 5": _of(lambda e: e.map50, smoothed),
    "mAP50, mean of all": _of(lambda e: e.map50, _mean),
    "mAP50 and mAP50-95, mean of last 5": _of(lambda e: (e.map50 + e.map50_95) / 2, smoothed),
    "mAP50 and mAP50-95, mean of all": _of(lambda e: (e.map50 + e.map50_95) / 2, _mean),
    "mAP50-95 / mAP50, mean of last 5": _of(lambda e: e.map50_95 / e.map50 if e.map50 else 0.0, smoothed),
}

LOSS_PREDICTORS: Mapping[str, Predictor] = {
    "precision and recall, mean of last 5": _of(lambda e: (e.precision + e.recall) / 2, smoothed),
    "precision and recall, mean of all": _of(lambda e: (e.precision + e.recall) / 2, _mean),
    "recall, mean of last 5": _of(lambda e: e.recall, smoothed),
    "- val box, mean of last 5": _loss(("box",), smoothed),
    "- val cls, mean of last 5": _loss(("cls",), smoothed),
    "- val dfl, mean of last 5": _loss(("dfl",), smoothed),
    "- val box, last": _loss(("box",), _last),
    "- val box, mean of all": _loss(("box",), _mean),
    "- val box + dfl, mean of last 5": _loss(("box", "dfl"), smoothed),
    "- val box + cls + dfl, last": _loss(PARTS, _last),
    "- val box + cls + dfl, mean of last 5": _loss(PARTS, smoothed),
    "- val box + cls + dfl, mean of all": _loss(PARTS, _mean),
    "- train box, mean of last 5": _loss(("box",), smoothed, "train"),
    "- train box + cls + dfl, mean of last 5": _loss(PARTS, smoothed, "train"),
    "ranks of smoothed and - val box": _rank_mean(_of(_map, smoothed), _loss(("box",), smoothed)),
    "ranks of smoothed and - val box + cls + dfl": _rank_mean(_of(_map, smoothed), _loss(PARTS, smoothed)),
    "ranks of mean of all and - val box, mean of all": _rank_mean(_of(_map, _mean), _loss(("box",), _mean)),
}


def rows_of(correlations: Sequence[Correlation]) -> list[dict[str, Any]]:
    """Plain rows for JSON."""
    return [
        {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(correlation).items()}
        for correlation in correlations
    ]


def table(correlations: Sequence[Correlation], trainings: str, group: str) -> tuple[list[str], list[list[str]]]:
    """Head and rows of one group: a predictor a row, a fraction a column, best at a third first."""
    cells = [cell for cell in correlations if (cell.trainings, cell.group) == (trainings, group)]
    fractions = sorted({cell.fraction for cell in cells})
    by_name: dict[str, dict[float, Correlation]] = {}
    for cell in cells:
        by_name.setdefault(cell.predictor, {})[cell.fraction] = cell
    order = sorted(by_name, key=lambda name: -sum(by_name[name][f].rho for f in fractions if 0.2 < f < 0.6))
    rows = [[name, *(_cell(by_name[name][fraction]) for fraction in fractions)] for name in order]
    return ["", *(f"{fraction:.2f}" for fraction in fractions)], rows


def _cell(cell: Correlation) -> str:
    return f"{cell.rho:.2f} {cell.low:.1f}…{cell.high:.1f} {cell.wins:.0%}"


def caption(trainings: str, group: str, n: int, end: str) -> str:
    """Line below a table."""
    name = "the best epoch" if end == "best" else "the mean of the last three epochs"
    return (
        f"{group}, {trainings} trainings, n = {n}. Rank correlation with {name} after a fraction of the epochs (90 % "
        "bootstrap interval over trainings), and the share of resamples in which it beats smoothed."
    )


def sections(correlations: Sequence[Correlation]) -> list[tuple[str, str, int]]:
    """Kind, group and number of trainings of each table, in the order of the correlations."""
    return list(dict.fromkeys((row.trainings, row.group, row.n) for row in correlations))
