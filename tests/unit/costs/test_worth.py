from __future__ import annotations

import pytest

from automl.costs import worth
from automl.records import SuspectKind


def test_every_kind_of_suspect_has_a_recorded_loss() -> None:
    assert {row.kind for row in worth.LOSSES} == set(SuspectKind)


def test_a_loss_grows_with_its_share() -> None:
    small, large = (worth.recorded_loss({SuspectKind.LOOSE: share}) for share in (0.1, 0.2))
    assert large.mean == pytest.approx(2 * small.mean)
    assert large.half == pytest.approx(2 * small.half)


def test_kinds_add_up() -> None:
    shares = dict.fromkeys(SuspectKind, 0.1)
    parts = [worth.recorded_loss({kind: share}).mean for kind, share in shares.items()]
    assert worth.recorded_loss(shares).mean == pytest.approx(sum(parts))


def test_no_suspects_cost_nothing() -> None:
    assert worth.recorded_loss({}).mean == 0


@pytest.mark.parametrize(
    ("loss", "beaten", "rival"), [(0.001, None, 4), (0.005, 4, 8), (0.012, 8, 15), (0.1, 15, None)]
)
def test_a_loss_stands_between_two_searches(loss: float, beaten: int | None, rival: int | None) -> None:
    below, above = worth.beaten_by(loss), worth.beats(loss)
    assert (below.trainings if below else None) == beaten
    assert (above.trainings if above else None) == rival
