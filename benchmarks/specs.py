"""Specs of studies that run in virtual time."""

from __future__ import annotations

from automl.costs.budget import Budget
from automl.records import Params, Slots, Start, StudySpec
from automl.scores.halving import rung_levels
from automl.space import SearchSpace


def virtual_spec(
    name: str,
    space: SearchSpace,
    defaults: Params,
    *,
    sampler: str,
    seed: int,
    epochs: int,
    warmup: float,
    epoch_s: float,
    budget: Budget,
    slots: int,
    directory: str = "",
) -> StudySpec:
    """A study without data and weights on CPU slots, with the defaults as its first trial.

    epoch_s  slot-seconds of an epoch of the defaults
    """
    return StudySpec(
        name=name,
        data="",
        data_fingerprint="",
        trainer="surrogate",
        models=("surrogate",),
        imgsz=(640,),
        weights=None,
        weights_sha256=None,
        space=space.document(),
        sampler=sampler,
        seed=seed,
        epochs=epochs,
        rungs=rung_levels(warmup, epochs),
        budgets=(budget.text,),
        slots=Slots(count=slots, device="cpu"),
        fixed=defaults,
        given=(Start("defaults", defaults),),
        probe_s=0.0,
        epoch_s=epoch_s,
        versions={},
        directory=directory,
    )
