"""Chances of raw suspicions, from errors that were made on purpose."""

from __future__ import annotations

import numpy as np
import pytest

from automl.checks.suspects_chances import curve


def test_a_chance_rises_with_the_suspicion_and_stays_within_one() -> None:
    rng = np.random.default_rng(0)
    chances = curve(rng.beta(5, 2, 500), np.concatenate([rng.beta(5, 2, 60), rng.beta(1, 8, 900)]))
    values = chances(np.linspace(0, 1, 101))
    assert (np.diff(values) >= -2e-3).all()
    assert 0 <= values.min() <= values.max() <= 1


@pytest.mark.parametrize("errors", [20, 60, 150])
def test_the_sum_of_the_chances_is_near_the_number_of_errors(errors: int) -> None:
    """Errors that look like those that were made, among a thousand sound labels."""
    rng = np.random.default_rng(1)
    present = np.concatenate([rng.beta(6, 2, errors), rng.beta(1, 9, 1000)])
    total = float(curve(rng.beta(6, 2, 600), present)(present).sum())
    assert 0.6 * errors < total < 2.0 * errors + 20


def test_too_few_errors_make_no_sure_chance() -> None:
    assert curve(np.array([0.9]), np.array([0.9, 0.1]))(np.array([1.0])).max() <= 0.5


def test_nothing_to_learn_from_is_no_error() -> None:
    assert curve(np.zeros(0), np.zeros(0))(np.zeros(0)).shape == (0,)


def test_a_rare_kind_has_no_more_errors_than_may_be_there() -> None:
    rng = np.random.default_rng(2)
    present = rng.uniform(0.9, 1, 400)
    assert float(curve(rng.uniform(0.9, 1, 400), present, most=20.0)(present).sum()) < 30
