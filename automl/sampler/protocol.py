"""What Search knows of a sampler: ask, report, tell."""

from __future__ import annotations

from typing import Protocol

from automl.errors import UnknownName
from automl.records import Params
from automl.space import SearchSpace

SAMPLERS = ("gp", "tpe", "cmaes", "evolve", "random")


class Sampler(Protocol):
    """Proposes values of a space. With the same history and number it proposes the same."""

    def ask(self, number: int, given: Params | None = None) -> Params:
        """Values for trial `number`; `given` ones are taken over instead of proposed."""
        ...

    def report(self, number: int, epoch: int, score: float) -> None:
        """A finished epoch's mAP50-95 on val."""
        ...

    def tell(self, number: int, score: float | None) -> None:
        """The trial ended. score: at the horizon, extrapolated if it was stopped; None if it failed."""
        ...


def open_sampler(name: str, space: SearchSpace, seed: int) -> Sampler:
    """The sampler of that name; raises UnknownName."""
    if name == "tpe":
        from automl.sampler.tpe import TpeSampler

        return TpeSampler(space, seed)
    if name == "gp":
        from automl.sampler.gp import GpSampler

        return GpSampler(space, seed)
    if name == "random":
        from automl.sampler.random import RandomSampler

        return RandomSampler(space, seed)
    if name == "cmaes":
        from automl.sampler.cmaes import CmaesSampler

        return CmaesSampler(space, seed)
    if name == "evolve":
        from automl.sampler.evolve import EvolveSampler

        return EvolveSampler(space, seed)
    raise UnknownName("sampler", name, SAMPLERS)
