"""The scale bench: what it counts, and that a busy driver costs slot time."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from automl.drivers.virtual import VirtualDriver
from automl.errors import UnknownName
from benchmarks import scale
from benchmarks.cli import app


@pytest.mark.parametrize("sqlite", [False, True])
def test_every_trial_is_played_and_every_decision_timed(sqlite: bool) -> None:
    found = scale.run(40, 8, sampler="random", parameters=12, sqlite=sqlite)
    assert (found.trials, found.slots, found.parameters) == (40, 8, 12)
    assert found.epochs > 40
    assert 0 < found.decision_ms_p50 <= found.decision_ms_p99 <= found.decision_ms_max
    assert 0 < found.idle_share < 1


def test_slots_idle_while_the_driver_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen slots with epochs of about 40 s ask more of a driver that needs 10 s a decision than it has."""
    quick = scale.run(64, 16, sampler="random", parameters=8)
    built = VirtualDriver.__init__

    def slow(self: VirtualDriver, *given: object, decided_s: object, **named: object) -> None:
        built(self, *given, decided_s=lambda: 10.0, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(VirtualDriver, "__init__", slow)
    assert scale.run(64, 16, sampler="random", parameters=8).idle_share > 0.6 > quick.idle_share


def test_a_wrong_word_ends_with_2() -> None:
    with pytest.raises(UnknownName):
        scale.run(2, 1, sampler="nonsense")
    found = CliRunner().invoke(app, ["scale", "--sampler", "nonsense"])
    assert (found.exit_code, "unknown sampler" in found.stderr) == (2, True)
    assert CliRunner().invoke(app, ["scale", "--slots", "0"]).exit_code == 2
