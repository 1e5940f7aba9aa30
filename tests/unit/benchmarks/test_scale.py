"""The scale benchmark: its counts, and the slot time that a busy driver costs."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from automl.drivers.virtual import VirtualDriver
from automl.errors import UnknownName
from benchmarks import scale
from benchmarks.cli import app


@pytest.mark.parametrize("sqlite", [False, True])
def test_every_trial_is_run_and_every_decision_timed(sqlite: bool) -> None:
    result = scale.run(40, 8, sampler="random", parameters=12, sqlite=sqlite)
    assert (result.trials, result.slots, result.parameters) == (40, 8, 12)
    assert result.epochs > 40
    assert 0 < result.decision_ms_p50 <= result.decision_ms_p99 <= result.decision_ms_max
    assert 0 < result.idle_share < 1


def test_slots_idle_while_the_driver_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver with 10 s a decision cannot serve sixteen slots with epochs of about 40 s."""
    quick = scale.run(64, 16, sampler="random", parameters=8)
    init = VirtualDriver.__init__

    def slow(self: VirtualDriver, *arguments: object, decided_s: object, **options: object) -> None:
        init(self, *arguments, decided_s=lambda: 10.0, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(VirtualDriver, "__init__", slow)
    assert scale.run(64, 16, sampler="random", parameters=8).idle_share > 0.6 > quick.idle_share


def test_a_wrong_option_ends_with_2() -> None:
    with pytest.raises(UnknownName):
        scale.run(2, 1, sampler="nonsense")
    result = CliRunner().invoke(app, ["scale", "--sampler", "nonsense"])
    assert (result.exit_code, "unknown sampler" in result.stderr) == (2, True)
    assert CliRunner().invoke(app, ["scale", "--slots", "0"]).exit_code == 2
