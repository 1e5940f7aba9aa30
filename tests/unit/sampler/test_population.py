"""What is particular to cmaes and evolve; what all samplers keep is in tests/contract/test_samplers.py."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import pytest

from automl.records import Params
from automl.sampler import Sampler, open_sampler
from automl.sampler.cmaes import NARROWEST, CmaesSampler
from automl.sampler.evolve import PARENTS, EvolveSampler
from automl.space import SearchSpace

SPACE = SearchSpace.from_document(
    {
        "parameters": {
            "mode": {"choice": ["plain", "good", "bad"], "default": "plain"},
            **{key: {"uniform": [0.0, 10.0], "default": 5.0} for key in ("x", "y", "z")},
            "lr0": {"log": [1e-4, 1e-1], "default": 1e-2},
            "extra": {"uniform": [0.0, 1.0], "default": 0.5, "when": {"mode": ["good"]}},
        }
    }
)
DEFAULTS = {p.name: p.default for p in SPACE.parameters if p.name != "extra"}
BOTH = pytest.mark.parametrize("name", ["cmaes", "evolve"])


def number(values: Params, key: str) -> float:
    return float(values[key] or 0.0)


def score(values: Params) -> float:
    """Best with x at 8, y at 2 and mode good; z and lr0 do not matter."""
    bonus = {"plain": 0.0, "good": 1.0, "bad": -1.0}[str(values["mode"])]
    return bonus - ((number(values, "x") - 8) / 3) ** 2 - ((number(values, "y") - 2) / 3) ** 2


def trained(sampler: Sampler, trials: int, worth: Callable[[Params], float] = score) -> Sampler:
    """A sampler after so many trials of its own, the defaults first."""
    for trial in range(trials):
        sampler.tell(trial, worth(sampler.ask(trial, DEFAULTS if trial == 0 else None)))
    return sampler


@BOTH
def test_proposals_move_to_where_scores_were_good(name: str) -> None:
    sampler = trained(open_sampler(name, SPACE, 1), 120)
    late = [sampler.ask(trial) for trial in range(120, 160)]
    assert statistics.mean(number(values, "x") for values in late) == pytest.approx(8.0, abs=0.8)
    assert statistics.mean(number(values, "y") for values in late) == pytest.approx(2.0, abs=0.8)
    assert sum(values["mode"] == "good" for values in late) > 25


@BOTH
def test_good_trials_of_others_draw_the_proposals_to_them(name: str) -> None:
    taught, alone = open_sampler(name, SPACE, 0), open_sampler(name, SPACE, 0)
    for trial in range(1, 30):
        for sampler, x in ((taught, 9.0), (alone, 5.0)):
            sampler.ask(-trial, {**DEFAULTS, "x": x + 0.01 * trial})
            sampler.tell(-trial, x)
    assert statistics.mean(number(taught.ask(trial), "x") for trial in range(20)) > 7.5
    assert statistics.mean(number(alone.ask(trial), "x") for trial in range(20)) < 6.5


@BOTH
def test_the_first_proposals_stay_near_the_defaults(name: str) -> None:
    sampler = open_sampler(name, SPACE, 0)
    sampler.tell(0, score(sampler.ask(0, DEFAULTS)))
    steps = [abs(number(sampler.ask(trial), "z") - 5.0) / 10.0 for trial in range(1, 200)]
    assert 0.02 < statistics.mean(steps) < 0.15


def test_evolve_keeps_the_best_trials_only() -> None:
    sampler = EvolveSampler(SPACE, 0)
    for trial in range(40):
        sampler.ask(trial, {**DEFAULTS, "z": trial / 10})
        sampler.tell(trial, trial % 20 / 20)
    assert [-minus for _, minus, _ in sampler._best] == [19, 39, 18, 38, 17]
    assert len(sampler._best) == PARENTS


def test_a_child_of_equal_parents_differs_from_them() -> None:
    sampler = EvolveSampler(SPACE, 0)
    for trial in range(5):
        sampler.ask(trial, DEFAULTS)
        sampler.tell(trial, 0.5)
    assert all(sampler.ask(trial) != DEFAULTS for trial in range(5, 300))


def test_a_child_takes_dimensions_from_several_parents() -> None:
    sampler = EvolveSampler(SPACE, 0)
    for trial, corner in enumerate(({"x": 1.0, "y": 1.0}, {"x": 9.0, "y": 9.0})):
        sampler.ask(trial, {**DEFAULTS, **corner})
        sampler.tell(trial, 0.5)
    mixed = [abs(number(child, "x") - number(child, "y")) > 5 for child in map(sampler.ask, range(2, 100))]
    assert 5 < sum(mixed) < 70


def test_a_gene_that_was_inactive_in_a_parent_starts_at_its_default() -> None:
    sampler = EvolveSampler(SPACE, 0)
    sampler.ask(0, DEFAULTS)
    sampler.tell(0, 0.5)
    switched = [child for child in map(sampler.ask, range(1, 400)) if child["mode"] == "good"]
    assert statistics.mean(number(child, "extra") for child in switched) == pytest.approx(0.5, abs=0.1)


def test_the_widths_of_cmaes_shrink_where_it_matters_and_have_an_end() -> None:
    sampler = CmaesSampler(SPACE, 0)
    trained(sampler, 1200, lambda values: -((number(values, "x") - 5) ** 2))
    widths = dict(zip((p.name for p in sampler._numeric), sampler._widths(), strict=True))
    assert widths["x"] < widths["z"]
    assert sampler._sigma >= NARROWEST


def test_one_far_point_does_not_throw_cmaes_off() -> None:
    sampler = CmaesSampler(SPACE, 0)
    for trial in range(sampler._lambda):
        far = {"x": 10.0, "y": 0.0, "z": 10.0, "lr0": 1e-4}
        sampler.ask(trial, {**DEFAULTS, **(far if trial == 0 else {})})
        sampler.tell(trial, 1.0 if trial == 0 else 0.5)
    assert max(abs(place - p.unit(p.default)) for p, place in zip(sampler._numeric, sampler._mean, strict=True)) < 0.3


def test_a_space_of_choices_alone_is_searched_by_cmaes_too() -> None:
    space = SearchSpace.from_document({"parameters": {"mode": {"choice": ["a", "b", "c"], "default": "a"}}})
    sampler = CmaesSampler(space, 0)
    for trial in range(60):
        sampler.tell(trial, float(sampler.ask(trial)["mode"] == "c"))
    assert sum(sampler.ask(trial)["mode"] == "c" for trial in range(60, 100)) > 25
