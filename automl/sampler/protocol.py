"""Protocol of a sampler: ask, report, tell."""

from __future__ import annotations

from typing import Protocol

from automl.errors import UnknownName
from automl.records import Params
from automl.space import SearchSpace

SAMPLERS = ("gp", "tpe", "cmaes", "evolve", "random")


class Sampler(Protocol):
    """Source of proposals. The same history and number give the same proposal."""

    def ask(self, number: int, given: Params | None = None) -> Params:
        """Values for trial `number`: `given` ones where there are any, else a proposal."""
        ...

    def report(self, number: int, epoch: int, score: float) -> None:
        """Take the mAP50-95 of a finished epoch on val."""
        ...

    def tell(self, number: int, score: float | None) -> None:
        """Take the end of a trial.

        score  at the horizon, extrapolated if the trial was stopped; None if it failed
        """
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
