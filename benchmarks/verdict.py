"""Rules for the verdict of a search, on simulated studies with a known truth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice, product
from typing import NamedTuple

import numpy as np

from automl.policy.repeats import MOST, next_to_repeat
from automl.scores.trust import CLAIM, DEFAULTS, SEED_RUNS, SEED_SD, Confidence, estimates

TRIALS = 12  # whole trainings of a search, beside the defaults
BELOW = 0.02  # mAP50-95: half-normal distance of the other recipes below the best
REPEATED = 3  # best recipes that may be repeated
REPEATS = 4  # planned: a tenth of 40 trainings
OWN_RUNS = 6  # degrees of freedom of a study's own evidence of its noise
THRESHOLDS = (0.5, 0.7, 0.9)
OLD = "as it was"


@dataclass(frozen=True, kw_only=True)
class Row:
    """Result of one rule in one cell, over its studies. Scores in mAP50-95."""

    gap: float  # of the best recipe above the defaults
    seed_sd: float
    rule: str
    delivered: float  # true gain of what was handed over
    half: float  # half of its 90 % interval
    changed: float  # share of studies in which another recipe than the defaults was handed over
    claims: float  # share of studies with a proven winner
    false: float  # share of studies with a proven winner that is no better
    repeats: float  # mean number of repeats


class Answer(NamedTuple):
    """One rule's answer in one study."""

    gain: float
    changed: bool
    claim: bool
    false: bool
    repeats: int


class Study:
    """A simulated study: the truth, the search's runs and as many further seeds as asked for."""

    def __init__(self, gap: float, seed_sd: float, rng: np.random.Generator) -> None:
        below = np.abs(rng.normal(0, BELOW, TRIALS))
        self.truth = {DEFAULTS: 0.4, **{1 + n: 0.4 + gap - (float(below[n]) if n else 0.0) for n in range(TRIALS)}}
        self.scatter = seed_sd * math.sqrt(rng.chisquare(OWN_RUNS) / OWN_RUNS)
        self._seeds = {n: mean + rng.normal(0, seed_sd, 2 + MOST * REPEATS) for n, mean in self.truth.items()}
        self.runs = {number: [float(seeds[0])] for number, seeds in self._seeds.items()}

    def candidates(self) -> list[int]:
        """The best recipes by the search's run that are above the defaults."""
        above = [number for number in self.runs if number and self.runs[number][0] > self.runs[DEFAULTS][0]]
        return sorted(above, key=lambda number: -self.runs[number][0])[:REPEATED]

    def again(self, runs: dict[int, list[float]], number: int) -> None:
        """Another seed of a recipe."""
        runs[number].append(float(self._seeds[number][len(runs[number])]))

    def answer(self, number: int, claim: bool, repeats: int) -> Answer:
        """The answer that hands over this recipe."""
        gain = self.truth[number] - self.truth[DEFAULTS]
        return Answer(gain, number != DEFAULTS, claim, claim and gain <= 1e-12, repeats)


def simulate(studies: int, gaps: Sequence[float], seed_sds: Sequence[float], seed: int) -> Iterator[Row]:
    """All rules on the same studies, a cell at a time.

    studies   number a cell
    gaps      of the best recipe above the defaults, in mAP50-95
    seed_sds  standard deviations of a run, in mAP50-95
    """
    for gap, seed_sd in product(gaps, seed_sds):
        rng = np.random.default_rng([seed, round(gap * 1e4), round(seed_sd * 1e4)])
        answers: dict[str, list[Answer]] = {}
        for _ in range(studies):
            study = Study(gap, seed_sd, rng)
            answers.setdefault(OLD, []).append(old(study))
            for name, answer in new(study).items():
                answers.setdefault(name, []).append(answer)
        for rule, found in answers.items():
            yield _row(gap, seed_sd, rule, found)


def _row(gap: float, seed_sd: float, rule: str, found: Sequence[Answer]) -> Row:
    gains = np.array([answer.gain for answer in found])
    return Row(
        gap=gap,
        seed_sd=seed_sd,
        rule=rule,
        delivered=float(gains.mean()),
        half=float(1.645 * gains.std(ddof=1) / math.sqrt(len(gains))),
        changed=float(np.mean([answer.changed for answer in found])),
        claims=float(np.mean([answer.claim for answer in found])),
        false=float(np.mean([answer.false for answer in found])),
        repeats=float(np.mean([answer.repeats for answer in found])),
    )


# -- the rules ----------------------------------------------------------------------------------------


def new(study: Study) -> Mapping[str, Answer]:
    """Answers by `trust.estimates` with sequential repeats, for each threshold from which on a recipe is delivered."""
    runs = {number: list(scores) for number, scores in study.runs.items()}
    candidates, repeats = study.candidates(), 0
    ranked = estimates(runs, study.scatter)
    while repeats < MOST * REPEATS:
        number = next_to_repeat(ranked, {}, candidates)
        if number is None:
            break
        study.again(runs, number)
        repeats += 1
        ranked = estimates(runs, study.scatter)
    answers = {}
    for threshold in THRESHOLDS:
        best = next((row for row in ranked if (row.chance or 0.0) >= threshold), None)
        claim = best is not None and best.confidence is Confidence.PROVEN
        number = DEFAULTS if best is None else best.trial
        answers[f"delivered from {threshold:g}"] = study.answer(number, claim, repeats)
    return answers


def old(study: Study) -> Answer:
    """The rule as it was: whole rounds of the defaults and the best with new seeds, and only what is proven wins.

    One population of the defaults and the repeated recipes, from new seeds alone (and the first run of the defaults).
    """
    candidates = study.candidates()
    if not candidates:
        return study.answer(DEFAULTS, False, 0)
    group = [DEFAULTS, *candidates]
    repeats = math.ceil(REPEATS / len(group)) * len(group)
    runs = {number: list(study.runs[number]) for number in group}
    for number in islice(cycle(group), repeats):
        study.again(runs, number)
    chances = old_chances({number: scores[1:] if number else scores for number, scores in runs.items()})
    proven = [(mean, number) for number, (mean, chance) in chances.items() if chance >= CLAIM]
    return study.answer(max(proven)[1] if proven else DEFAULTS, bool(proven), repeats)


def old_chances(runs: Mapping[int, Sequence[float]]) -> dict[int, tuple[float, float]]:
    """Posterior mean of each recipe and its chance to beat the defaults, with the defaults in the same population.

    Spread half-Cauchy with scale .01; noise of seeds scaled inverse chi-square (SEED_RUNS, SEED_SD).
    """
    numbers = sorted(runs)
    counts = np.array([len(runs[number]) for number in numbers], float)
    means = np.array([np.mean(runs[number]) for number in numbers])
    within = sum(float(np.var(runs[number])) * len(runs[number]) for number in numbers)
    free = float(np.sum(counts - 1))
    sigma = np.geomspace(SEED_SD / 12, 8 * max(SEED_SD, math.sqrt(within / max(1.0, free))), 40)
    grid = np.meshgrid(sigma, np.geomspace(0.01 / 40, 0.6, 40), indexing="ij")
    noise, tau = grid[0].reshape(-1, 1), grid[1].reshape(-1, 1)
    precision = 1 / (noise**2 / counts + tau**2)
    mu_variance = 1 / precision.sum(axis=1, keepdims=True)
    mu = mu_variance * (precision * means).sum(axis=1, keepdims=True)
    log = -(SEED_RUNS + free) * np.log(noise) - (SEED_RUNS * SEED_SD**2 + within) / (2 * noise**2)
    log += np.log(tau) - np.log1p((tau / 0.01) ** 2) + 0.5 * np.log(mu_variance)
    log += (0.5 * np.log(precision) - 0.5 * precision * (means - mu) ** 2).sum(axis=1, keepdims=True)
    weights = np.exp(log - log.max())[:, 0]
    weights /= weights.sum()
    own = tau**2 * precision
    theta, variance = own * means + (1 - own) * mu, own * noise**2 / counts
    answers = {}
    for column in range(1, len(numbers)):
        gap = theta[:, column] - theta[:, 0]
        spread = variance[:, column] + variance[:, 0] + (own[:, column] - own[:, 0]) ** 2 * mu_variance[:, 0]
        above = [0.5 * math.erfc(-x / math.sqrt(2)) for x in gap / np.sqrt(spread)]
        answers[numbers[column]] = (float(weights @ theta[:, column]), float(weights @ np.array(above)))
    return answers


HEAD = ["gap", "seed sd", "rule", "delivered (.001)", "not the defaults", "proven", "falsely", "repeats"]


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Headings and lines of a printed table: scores in thousandths of mAP50-95."""
    return HEAD, [
        [
            f"{row.gap:g}",
            f"{row.seed_sd:g}",
            row.rule,
            f"{1000 * row.delivered:+.1f} ± {1000 * row.half:.1f}",
            f"{row.changed:.2f}",
            f"{row.claims:.2f}",
            f"{row.false:.2f}",
            f"{row.repeats:.1f}",
        ]
        for row in rows
    ]


def captions(studies: int) -> list[str]:
    """Lines on what was simulated."""
    return [
        f"{studies} studies a cell, {TRIALS} whole trainings beside the defaults; the best recipe lies the gap above",
        f"the defaults, the others |N(0, {BELOW:g})| below it. Delivered: true gain of what is handed over, with its",
        f"90 % interval. {REPEATS} repeats are planned; new rules use {MOST * REPEATS} at most, one at a time.",
    ]
