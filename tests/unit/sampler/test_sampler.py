"""What is particular to one sampler; what all keep is in tests/contract/test_samplers.py."""

from __future__ import annotations

import random

import pytest

from automl.errors import UnknownName
from automl.records import Params
from automl.sampler import open_sampler
from automl.sampler import tpe as tpe_module
from automl.sampler.tpe import HISTORY, STARTUP_TRIALS, TpeSampler
from automl.space import SearchSpace

SPACE = SearchSpace.from_document(
    {"parameters": {key: {"uniform": [0.0, 1.0], "default": 0.5} for key in ("x", "y", "z")}}
)


def score(values: Params) -> float:
    return 1.0 - (float(values["x"] or 0.0) - 0.9) ** 2


def trained(sampler: TpeSampler, trials: int) -> TpeSampler:
    """A sampler that has seen so many flat draws."""
    rng = random.Random(0)
    for number in range(trials):
        values = {key: rng.random() for key in ("x", "y", "z")}
        sampler.ask(number, values)
        sampler.tell(number, score(values))
    return sampler


def test_an_unknown_sampler_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownName, match=r"unknown sampler 'grid'\. Known: gp, tpe, cmaes, evolve, random"):
        open_sampler("grid", SPACE, 0)


def test_the_first_proposals_of_tpe_are_draws_near_the_defaults() -> None:
    tpe, plain = open_sampler("tpe", SPACE, 5), open_sampler("random", SPACE, 5)
    assert [tpe.ask(n) for n in range(STARTUP_TRIALS)] == [plain.ask(n) for n in range(STARTUP_TRIALS)]


def test_tpe_moves_to_where_scores_were_good() -> None:
    sampler = trained(TpeSampler(SPACE, 0), 40)
    xs = [float(sampler.ask(number)["x"] or 0.0) for number in range(40, 60)]
    assert sum(xs) / len(xs) > 0.7


def test_a_failed_trial_does_not_count_as_seen() -> None:
    sampler, plain = TpeSampler(SPACE, 0), open_sampler("random", SPACE, 0)
    for number in range(STARTUP_TRIALS):
        sampler.ask(number)
        sampler.tell(number, None)
    assert sampler.ask(50) == plain.ask(50)


def test_the_history_that_tpe_sees_is_bounded() -> None:
    sampler = trained(TpeSampler(SPACE, 0), 3 * HISTORY)
    assert len(sampler._history) <= HISTORY * 3 // 2


def test_the_best_trial_is_never_forgotten() -> None:
    sampler = TpeSampler(SPACE, 0)
    sampler.ask(0, {"x": 0.9, "y": 0.123, "z": 0.5})
    sampler.tell(0, 2.0)
    for number in range(1, 2 * HISTORY):
        sampler.ask(number, {"x": 0.1, "y": 0.1, "z": 0.1})
        sampler.tell(number, 0.1)
    assert sampler._best(1) == [{"x": 0.9, "y": 0.123, "z": 0.5}]


def test_a_long_search_takes_small_steps_from_the_best_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tpe_module, "LOCAL_PER", 20)
    sampler = trained(TpeSampler(SPACE, 0), 25)
    best = sampler._best(5)
    step = sampler.ask(51)
    assert min(sum(abs(float(step[k] or 0) - float(b[k] or 0)) for k in step) for b in best) < 0.5
    assert sampler.ask(51) == step
