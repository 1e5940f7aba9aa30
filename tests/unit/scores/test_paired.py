from __future__ import annotations

import numpy as np
import pytest

from automl.scores.paired import PAIR_SD, paired


def test_the_mean_is_that_of_the_differences() -> None:
    assert paired([0.3, 0.4], [0.32, 0.44]).mean == pytest.approx(0.03)


def test_one_pair_has_an_interval_from_recorded_noise() -> None:
    interval = paired([0.3], [0.32])
    assert interval.half > PAIR_SD


def test_more_pairs_are_surer() -> None:
    assert paired([0.3] * 8, [0.32] * 8).half < paired([0.3] * 2, [0.32] * 2).half


def test_noisier_pairs_are_less_sure() -> None:
    assert paired([0.3, 0.3], [0.2, 0.4]).half > paired([0.3, 0.3], [0.29, 0.31]).half


def test_nine_of_ten_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        interval = paired([0.0] * 3, list(rng.normal(0.02, PAIR_SD, 3)))
        hits += interval.low <= 0.02 <= interval.high
    assert hits / 400 == pytest.approx(0.92, abs=0.06)


def test_no_pair_is_no_difference() -> None:
    with pytest.raises(ValueError, match="no pair"):
        paired([], [])
