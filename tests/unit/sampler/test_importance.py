from __future__ import annotations

import random

from automl.sampler.importance import FEWEST, importances
from automl.space import Parameter

SPACE = [
    Parameter("matters", "uniform", 0.5, low=0.0, high=1.0),
    Parameter("idle", "uniform", 0.5, low=0.0, high=1.0),
    Parameter("still", "uniform", 0.5, low=0.0, high=1.0),
]


def draws(count: int) -> list[tuple[dict[str, float], float]]:
    rng = random.Random(0)
    found = []
    for _ in range(count):
        values = {"matters": rng.random(), "idle": rng.random(), "still": 0.5}
        found.append((values, 1 - (values["matters"] - 0.8) ** 2))
    return found


def test_what_matters_comes_first_and_shares_add_up_to_one() -> None:
    found = importances(draws(200), SPACE)
    assert list(found) == ["matters", "idle"]
    assert found["matters"] > 0.8
    assert abs(sum(found.values()) - 1) < 1e-9


def test_of_few_trials_nothing_is_said() -> None:
    assert importances(draws(FEWEST - 1), SPACE) == {}


def test_trials_outside_the_range_count_for_nothing() -> None:
    strange = [({"matters": 5.0, "idle": 0.5, "still": 0.5}, 9.0)] * 10
    assert importances([*draws(100), *strange], SPACE) == importances(draws(100), SPACE)
