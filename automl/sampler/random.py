"""Random draws near the defaults: the control that every other sampler has to beat."""

from __future__ import annotations

import random

from automl.records import Params
from automl.space import SearchSpace


class RandomSampler:
    """Independent draws; what trials score changes nothing."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._seed = seed

    def ask(self, number: int, given: Params | None = None) -> Params:
        """The given values, or a draw that depends on seed and number alone."""
        return given if given is not None else self._space.draw(random.Random(f"{self._seed}:{number}"))

    def report(self, number: int, epoch: int, score: float) -> None:
        """Random draws learn nothing."""

    def tell(self, number: int, score: float | None) -> None:
        """Random draws learn nothing."""
