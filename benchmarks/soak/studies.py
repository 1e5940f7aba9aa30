"""Studies of many kinds, drawn by a seed."""

from __future__ import annotations

import random
from dataclasses import replace

from automl.costs import shares
from automl.costs.budget import Budget
from automl.costs.split import Division
from automl.records import StudySpec
from automl.scores.halving import rung_levels
from automl.setup.request import surrogate_space
from automl.trainers import surrogate
from benchmarks.specs import virtual_spec

EPOCH_S = 60.0
_SAMPLERS = {"random": 10, "evolve": 4, "cmaes": 3, "tpe": 2, "gp": 1}


def draw_spec(draw: random.Random, name: str, directory: str, *, gentle: bool) -> StudySpec:
    """A study of a few trainings up to some dozen.

    gentle  True: with one slot and no limit of wall time, so that a pause changes no decision
    """
    sampler = draw.choices(list(_SAMPLERS), list(_SAMPLERS.values()))[0]
    epochs, slots = draw.randint(2, 12), 1 if gentle else draw.randint(1, 4)
    budget = _budget(draw, epochs, slots, gentle=gentle)
    spec = virtual_spec(
        name,
        surrogate_space(),
        dict(surrogate.DEFAULTS),
        sampler=sampler,
        seed=draw.randrange(10_000),
        epochs=epochs,
        warmup=0,
        epoch_s=EPOCH_S,
        budget=budget,
        slots=slots,
        directory=directory,
    )
    spec = replace(spec, rungs=rung_levels(0, epochs), probe_s=draw.choice((0.0, draw.uniform(1.0, 60.0))))
    spec = replace(spec, early_end=draw.random() < 0.3, target=draw.choice((None, None, None, 0.55)))
    return _with_reserve(spec, budget, confirm=draw.choice((0, 3)), train=draw.choice((0, 0, 2 * epochs)))


def _budget(draw: random.Random, epochs: int, slots: int, *, gentle: bool) -> Budget:
    minutes = int(epochs * draw.uniform(1.5, 12.0)) + 1
    trials = draw.randint(1, 12)
    kinds = [f"{minutes}cpu-min", f"{minutes}cpu-min", f"{trials}trials"]
    wall = [] if gentle else [f"{max(1, minutes // slots)}min"]
    return Budget.parse(draw.choice(kinds + wall))


def _with_reserve(spec: StudySpec, budget: Budget, *, confirm: int, train: int) -> StudySpec:
    """The study with what a plan keeps from the search."""
    left = Division(epochs=spec.epochs, production=train).searching((budget,), spec.slots, EPOCH_S)
    repeats, reserve_s = shares.repeats(left, spec.epochs * EPOCH_S, spec.slots, confirm)
    return replace(spec, confirm=confirm, train=train, compare=train > 0, reserve_trials=repeats, reserve_s=reserve_s)
