"""Ultralytics' genetic tuner on any space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from automl.records import Params, ParamValue
from automl.space import SearchSpace
from benchmarks.policies.tasks import FloatArray, at_share, share_of

PARENTS, SIGMA, MUTATION = 9, 0.2, 0.5
STALE_AFTER, STALE_DECAY = 25, 0.2
ELITE_FROM, ELITE_SHARE, ELITE_MOST, ELITE_RATE = 30, 0.2, 30, 0.4
TRIES = 100


class Genetic:
    """Bounded mutation of one of the nine best, drawn in proportion to its lead over the ninth.

    A gene is a dimension scaled to [0, 1]. Each is mutated with probability one half by a normal step of 0.2, which
    shrinks by up to a fifth while the best stays unbeaten for 25 trainings. From 30 trainings on some steps have the
    correlations of the best fifth. A known child is drawn again.

    Changes for a general space: a dimension has its own scale (Ultralytics is linear throughout), a category is a gene
    whose range is cut into equal parts, and an inactive dimension keeps its gene. Trials run side by side like its
    workers with a shared store: each mutates trials that have ended by then.
    Source: `ultralytics/engine/tuner.py` of Ultralytics 8.4.190, `Tuner._mutate`.
    """

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._rng = np.random.default_rng(seed)
        self._open: dict[int, FloatArray] = {}
        self._genes: list[FloatArray] = []
        self._fitness: list[float] = []

    def ask(self, number: int, start: Params | None = None) -> Params:
        """The values of `start`, or a child of one of the best; of the defaults before the first end."""
        genes = self._child() if start is None else self._genes_of(start)
        self._open[number] = genes
        values: dict[str, ParamValue] = {}
        for parameter, gene in zip(self._space.parameters, genes, strict=True):
            if parameter.active(values):
                values[parameter.name] = at_share(parameter, float(gene))
        return values

    def report(self, number: int, epoch: int, score: float) -> None:
        """Ignored: only ends count."""

    def tell(self, number: int, scores: Sequence[float], *, stopped: bool) -> None:
        """Record the end of a trial, whose fitness is its best epoch's score."""
        genes = self._open.pop(number)
        if scores:
            self._genes.append(genes)
            self._fitness.append(round(max(scores), 5))

    def _genes_of(self, values: Params) -> FloatArray:
        return np.array([share_of(p, values.get(p.name, p.default)) for p in self._space.parameters])

    def _child(self) -> FloatArray:
        population = self._genes or [self._genes_of({})]
        fitness = np.array(self._fitness or [0.0])
        order = np.argsort(-fitness, kind="stable")
        top = order[:PARENTS]
        lead = fitness[top] - fitness[top].min() + 1e-6
        decay = 1 - STALE_DECAY * min((len(fitness) - 1 - int(np.argmax(fitness))) / STALE_AFTER, 1)
        known = {tuple(np.round(genes, 9)) for genes in population}
        covariance, rate = self._elite(order, decay)
        for attempt in range(2 * TRIES):
            parent = population[int(self._rng.choice(top, p=lead / lead.sum()))]
            if attempt < TRIES:
                child = self._mutated(parent, SIGMA * decay, covariance, rate)
            else:
                child = self._rng.random(len(parent))
            if tuple(np.round(child, 9)) not in known:
                return child
        return child

    def _mutated(self, parent: FloatArray, sigma: float, covariance: FloatArray | None, rate: float) -> FloatArray:
        mask = self._rng.random(len(parent)) < MUTATION
        if covariance is not None and self._rng.random() < rate:
            steps = np.where(mask, self._rng.multivariate_normal(parent, covariance), parent)
            return np.asarray(1 - np.abs(steps % 2 - 1))  # mirrored at the ends
        return np.clip(parent + mask * self._rng.standard_normal(len(parent)) * sigma, 0.0, 1.0)

    def _elite(self, order: np.ndarray[tuple[int], np.dtype[np.intp]], decay: float) -> tuple[FloatArray | None, float]:
        """Covariance and frequency of correlated steps; None below 30 trainings."""
        count, dimensions = len(self._genes), len(self._space.parameters)
        if count < ELITE_FROM:
            return None, 0.0
        best = min(int(np.ceil(count * ELITE_SHARE)), ELITE_MOST)
        trust = min(best / dimensions, 1.0)
        elite = np.array([self._genes[index] for index in order[:best]])
        step = np.diag(np.full(dimensions, (SIGMA * decay) ** 2 / dimensions))
        spread = np.atleast_2d(np.cov(elite, rowvar=False))
        return np.asarray(spread * decay**2 * trust + step), ELITE_RATE * trust
