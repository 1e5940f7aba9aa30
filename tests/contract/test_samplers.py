"""What every sampler keeps, whatever its name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from automl.records import Params
from automl.sampler import SAMPLERS, Sampler, open_sampler
from automl.space import SearchSpace

SPACE = SearchSpace.from_document(
    {
        "parameters": {
            "optimizer": {"choice": ["SGD", "AdamW"], "default": "SGD"},
            "lr0": {"log": [0.002, 0.05], "default": 0.01, "when": {"optimizer": ["SGD"]}},
            "lr0@AdamW": {"log": [0.0002, 0.005], "default": 0.001, "when": {"optimizer": ["AdamW"]}},
            "box": {"uniform": [4.1234567, 14.7654321], "default": 7.5},
            "close_mosaic": {"int": [0, 20], "default": 10},
            "cos_lr": {"choice": [False, True], "default": False},
        }
    }
)
BASELINE = {"optimizer": "SGD", "lr0": 0.01, "box": 7.5, "close_mosaic": 10, "cos_lr": False}
Opener = Callable[[int], Sampler]


@pytest.fixture(params=SAMPLERS)
def sampler_of(request: pytest.FixtureRequest) -> Opener:
    """Opens a sampler of each kind with a seed."""
    return lambda seed: open_sampler(request.param, SPACE, seed)


def score(values: Params) -> float:
    """Best on AdamW with a small box weight."""
    return (0.3 if values["optimizer"] == "AdamW" else 0.1) + 0.02 * (14 - float(values["box"] or 0.0))


def live(sampler: Sampler, numbers: range) -> list[Params]:
    """Asks for those trials, one after the other; every fifth fails."""
    asked = []
    for number in numbers:
        values = sampler.ask(number, BASELINE if number == 0 else None)
        asked.append(values)
        for epoch in (1, 2):
            sampler.report(number, epoch, score(values) * epoch / 2)
        sampler.tell(number, None if number % 5 == 4 else score(values))
    return asked


def test_the_same_seed_and_history_propose_the_same(sampler_of: Opener) -> None:
    assert live(sampler_of(3), range(30)) == live(sampler_of(3), range(30))


def test_another_seed_proposes_something_else(sampler_of: Opener) -> None:
    assert live(sampler_of(3), range(30))[1:] != live(sampler_of(4), range(30))[1:]


def test_a_sampler_rebuilt_from_given_values_goes_on_alike(sampler_of: Opener) -> None:
    first = sampler_of(0)
    past = live(first, range(25))
    second = sampler_of(0)
    for number, values in enumerate(past):
        second.ask(number, values)
        for epoch in (1, 2):
            second.report(number, epoch, score(values) * epoch / 2)
        second.tell(number, None if number % 5 == 4 else score(values))
    assert live(first, range(25, 35)) == live(second, range(25, 35))


def test_proposals_lie_within_their_bounds(sampler_of: Opener) -> None:
    parameters = {p.name: p for p in SPACE.parameters}
    for values in live(sampler_of(1), range(60)):
        assert all(parameters[name].holds(value) for name, value in values.items())


def test_inactive_dimensions_are_absent_and_active_ones_present(sampler_of: Opener) -> None:
    for values in live(sampler_of(2), range(60)):
        assert set(values) == {p.name for p in SPACE.parameters if p.active(values)}


def test_given_values_are_taken_over(sampler_of: Opener) -> None:
    assert sampler_of(0).ask(0, BASELINE) == BASELINE


def test_given_values_outside_the_space_are_no_error(sampler_of: Opener) -> None:
    sampler = sampler_of(0)
    sampler.ask(0, {"optimizer": "MuSGD", "box": 99.0, "unheard_of": 1})
    sampler.tell(0, 0.5)
    assert sampler.ask(1)


def test_trials_may_end_in_another_order_than_they_began(sampler_of: Opener) -> None:
    sampler = sampler_of(0)
    values = {number: sampler.ask(number) for number in range(12)}
    for number in reversed(range(12)):
        sampler.tell(number, score(values[number]))
    assert sampler.ask(12)


def test_failures_alone_keep_no_sampler_from_proposing(sampler_of: Opener) -> None:
    sampler = sampler_of(0)
    for number in range(30):
        assert sampler.ask(number)
        sampler.tell(number, None)


def test_earlier_trainings_are_told_under_negative_numbers(sampler_of: Opener) -> None:
    asked = []
    for _ in range(2):
        sampler = sampler_of(0)
        for number in range(1, 16):
            sampler.ask(-number, {**BASELINE, "box": 5.0 + number / 2})
            sampler.report(-number, 2, number / 20)
            sampler.tell(-number, number / 20)
        asked.append(live(sampler, range(12)))
    assert asked[0] == asked[1]
