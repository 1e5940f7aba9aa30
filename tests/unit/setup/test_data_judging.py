"""What is left of a budget for a price, and data that cannot be judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.checks.report import report_of
from automl.checks.scan import scan
from automl.costs.budget import Budget
from automl.setup.data_judging import judged, left_of
from automl.setup.data_request import CheckRequest
from automl.setup.judging import Judgement
from tests.builders.data_folder import Make


@pytest.mark.parametrize(
    ("text", "left"),
    [("2cpu-min", "70cpu-s"), ("1gpu-min", "10gpu-s"), ("1min", "35s"), ("50cpu-s", ""), ("25s", "")],
)
def test_a_price_gets_what_judging_has_left(text: str, left: str) -> None:
    judgement = Judgement(suspects=(), judged="", slot_s=50.0, wall_s=25.0)
    assert left_of(Budget.parse(text), judgement) == left


def test_data_that_cannot_be_trained_on_are_not_judged(make: Make) -> None:
    data = make()
    (data.parent / "labels" / "train" / "a.txt").write_text("7 0.5 0.5 0.2 0.2\n")
    request = CheckRequest(data=data, baseline="wheat")
    assert judged(report_of(scan(data)), request, home=Path("nowhere"), db=None, say=print) is None
