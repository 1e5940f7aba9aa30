"""Test of a curve that falls and then rises, against one that only falls, without any shape beyond that.

Two curves are fitted by least squares: one that never rises, and a valley, which falls to some epoch and rises from
it. The statistic is the misfit that the valley spares. Its distribution where nothing rises is that of curves drawn
around the first fit with the noise of the curve, which second differences show: a smooth curve has nearly none.
Neighbouring epochs are averaged first, since they err alike, and the noise is taken for larger by the likeness left.

Sources: Robertson, Wright and Dykstra, "Order Restricted Statistical Inference", 1988 (the test); Stout, "Unimodal
regression via prefix isotonic regression", 2008 (the fit); Gasser, Sroka and Jennen-Steinmetz, "Residual variance and
residual pattern in nonlinear regression", 1986 (the noise); Efron and Tibshirani, 1993 (the draws).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.diagnosis.curves import Floats

DRAWS = 199
TURNS = 40  # draws of the turning point
POINTS = 20  # most points of a curve: longer ones are averaged over neighbours
FEWEST = 8  # points below which nothing is said
_MANY = DRAWS // 10  # draws above which there is no rise to speak of
_ALIKE = 0.3  # correlation of neighbouring points that is reckoned with
_NEAR = 3  # points on either side from which the noise of one is taken
_MEDIAN = 0.6745  # of the size of a standard normal number
_MIDDLE = 0.9  # share of the draws in the interval of the turning point


@dataclass(frozen=True, kw_only=True)
class Valley:
    """The turning point of a curve, and how sure it is that the curve rises after it."""

    turn: int  # position of the last low point
    low: int  # interval of it, 90 %
    high: int
    rise: float  # from the low point to the end, as a share of the low point
    confidence: float  # 1 less the share of curves without a rise that would look so


def valley(values: Floats, seed: int = 0, least: float = 0.0) -> Valley | None:
    """The turn of a curve of positive values; None for a short one, and for one that rises by less than `least`."""
    if len(values) < FEWEST:
        return None
    means, width = _averaged(values)
    turn, fit = _lowest(means)
    rise = float(fit[-1] / fit[turn] - 1) if fit[turn] > 0 else 0.0
    if rise <= least:
        return None
    noise, rng = _noise(means), np.random.default_rng(seed)
    confidence = _confidence(means, noise, rng)
    turns = [_lowest(fit + noise * rng.standard_normal(len(means)))[0] for _ in range(TURNS)]
    low, high = np.quantile(turns, [(1 - _MIDDLE) / 2, (1 + _MIDDLE) / 2])
    return Valley(
        turn=_place(turn, width, len(values)),
        low=_place(int(low), width, len(values)),
        high=_place(int(high), width, len(values)),
        rise=rise,
        confidence=confidence,
    )


def _confidence(values: Floats, noise: Floats, rng: np.random.Generator) -> float:
    """1 less the share of curves without a rise that look more like a valley; once that is large, drawing ends."""
    falling, observed, beaten = _falling(values), _spared(values), 0
    drawn = 0
    while drawn < DRAWS and beaten <= _MANY:
        drawn += 1
        beaten += _spared(falling + noise * rng.standard_normal(len(values))) >= observed
    return 1 - (1 + beaten) / (1 + drawn)


def _averaged(values: Floats) -> tuple[Floats, int]:
    """Means of neighbours, POINTS at most, and the number of epochs of each; what is left over belongs to the first."""
    width = -(-len(values) // POINTS)
    spare = len(values) % width
    whole = values[spare:].reshape(-1, width).mean(axis=1)
    return (np.concatenate([[values[:spare].mean()], whole]) if spare else whole), width


def _place(point: int, width: int, length: int) -> int:
    """Position in the curve of the last epoch of a mean."""
    points = -(-length // width)
    return max(0, length - 1 - (points - 1 - point) * width)


def _noise(values: Floats) -> Floats:
    """(n,) standard deviation of each value around a smooth curve, from the second differences near it.

    The median is taken, so that the bends of a curve that has just begun to fall count little.
    """
    bends = np.abs(np.diff(values, 2)) / np.sqrt(6 - 8 * _ALIKE + 2 * _ALIKE**2)
    bends = np.concatenate([bends[:1], bends, bends[-1:]])
    near = [bends[max(0, at - _NEAR) : at + _NEAR + 1] for at in range(len(values))]
    return np.array([np.median(part) for part in near]) / _MEDIAN


def _spared(values: Floats) -> float:
    """Misfit of the curve that only falls, less that of the valley."""
    down, up = _misfits(values), _misfits(values[::-1])[::-1]
    return float(down[-1] - (down + np.append(up[1:], 0.0)).min())


def _lowest(values: Floats) -> tuple[int, Floats]:
    """The valley that fits best: position of its last low point, and its values."""
    down, up = _misfits(values), _misfits(values[::-1])[::-1]
    cut = int(np.argmin(down + np.append(up[1:], 0.0))) + 1
    fit = np.concatenate([_falling(values[:cut]), _falling(values[cut:][::-1])[::-1]])
    lows = np.flatnonzero(fit <= fit.min())
    return int(lows[-1]), fit


def _falling(values: Floats) -> Floats:
    """Values of the curve that never rises and fits best."""
    means, counts = _blocks(values)
    return np.repeat(means, counts)


def _blocks(values: Floats) -> tuple[list[float], list[int]]:
    means: list[float] = []
    counts: list[int] = []
    for value in values.tolist():
        mean, count = value, 1
        while means and means[-1] < mean:
            other, size = means.pop(), counts.pop()
            mean, count = (mean * count + other * size) / (count + size), count + size
        means.append(mean)
        counts.append(count)
    return means, counts


def _misfits(values: Floats) -> npt.NDArray[np.float64]:
    """(n,) sum of squares that the best curve that never rises misses of the first 1, 2 ... n values."""
    blocks: list[tuple[float, int, float]] = []  # mean, size, misfit of it and of all before it
    misfits = []
    for value in values.tolist():
        mean, size, own = value, 1, 0.0
        while blocks and blocks[-1][0] < mean:
            other, count, total = blocks.pop()
            own += total - (blocks[-1][2] if blocks else 0.0) + (mean - other) ** 2 * size * count / (size + count)
            mean, size = (mean * size + other * count) / (size + count), size + count
        blocks.append((mean, size, own + (blocks[-1][2] if blocks else 0.0)))
        misfits.append(blocks[-1][2])
    return np.array(misfits)
