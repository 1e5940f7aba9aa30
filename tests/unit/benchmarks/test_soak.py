"""The soak: it sees what does not hold, and says how to replay it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from automl.records import AttemptRow, StudyState, TrialState
from automl.store.batch import Batch
from automl.store.engine import open_store
from automl.store.replay import Replayed
from benchmarks.cli import app
from benchmarks.soak import invariants, story
from benchmarks.soak.invariants import Rows
from benchmarks.soak.records import Invariant, Told, Violation
from benchmarks.soak.soak import Soaked, captions, table
from benchmarks.soak.story import tell
from tests.builders.factories import make_epoch_row, make_row, make_spec, make_study

LONGEST_S = 60.0
WITH_REPLAYS = 20  # seed of a study whose journal is needed
Damage = Callable[[Rows], Rows]


def attempt(trial: int, slot_s: float, number: int = 1) -> AttemptRow:
    return AttemptRow(
        trial=trial,
        number=number,
        node=None,
        device=None,
        pid=None,
        started_at=0.0,
        ended_at=1.0,
        first_epoch=1,
        outcome=TrialState.COMPLETED,
        slot_s=slot_s,
    )


def sound() -> Rows:
    """A finished study of two trials of two epochs."""
    spec = make_spec(epochs=2, budgets=("4cpu-min",))
    trials = [make_row(n, epochs=2, done_epochs=2, slot_s=120.0, paid_s=120.0) for n in (0, 1)]
    epochs = [make_epoch_row(n, epoch, 0.5, 60.0 * epoch) for n in (0, 1) for epoch in (1, 2)]
    study = make_study(spec=spec, slot_s=240.0, wall_s=240.0)
    return Rows(study, trials, epochs, [attempt(0, 120.0), attempt(1, 120.0)])


def trial_1(rows: Rows, **changes: object) -> Rows:
    return replace(rows, trials=[rows.trials[0], replace(rows.trials[1], **changes)])  # type: ignore[arg-type]


def broken(violations: Iterator[Violation]) -> set[Invariant]:
    return {violation.invariant for violation in violations}


def test_a_sound_study_breaks_nothing() -> None:
    assert list(invariants.always(sound(), LONGEST_S)) == []
    assert list(invariants.kept(sound(), sound())) == []
    assert list(invariants.same(sound(), sound())) == []


@pytest.mark.parametrize(
    ("damage", "invariant"),
    [
        (lambda rows: replace(rows, trials=rows.trials[1:]), Invariant.KEPT),
        (lambda rows: replace(rows, epochs=rows.epochs[:-1]), Invariant.ONCE),
        (lambda rows: replace(rows, epochs=[*rows.epochs, rows.epochs[0]]), Invariant.ONCE),
        (lambda rows: replace(rows, epochs=[replace(rows.epochs[0], attempt=2), *rows.epochs[1:]]), Invariant.ONCE),
        (lambda rows: replace(rows, attempts=rows.attempts[1:]), Invariant.ONCE),
        (lambda rows: replace(rows, attempts=[attempt(0, 119.0), rows.attempts[1]]), Invariant.LEDGER),
        (lambda rows: replace(rows, study=replace(rows.study, slot_s=239.0)), Invariant.LEDGER),
        (lambda rows: trial_1(rows, paid_s=121.0), Invariant.LEDGER),
        (lambda rows: trial_1(rows, slot_s=190.0), Invariant.BUDGET),
        (lambda rows: trial_1(rows, state=TrialState.RUNNING), Invariant.RUNNING),
        (lambda rows: trial_1(rows, state=TrialState.INTERRUPTED), Invariant.RUNNING),
        (
            lambda rows: replace(rows, attempts=[rows.attempts[0], replace(rows.attempts[1], outcome=None)]),
            Invariant.RUNNING,
        ),
    ],
)
def test_damage_is_seen(damage: Damage, invariant: Invariant) -> None:
    assert invariant in broken(invariants.always(damage(sound()), LONGEST_S))


@pytest.mark.parametrize(
    "damage",
    [
        lambda rows: replace(rows, trials=rows.trials[:1]),
        lambda rows: replace(rows, epochs=rows.epochs[1:]),
        lambda rows: replace(rows, epochs=[replace(rows.epochs[0], map50_95=0.6), *rows.epochs[1:]]),
        lambda rows: trial_1(rows, params={"lr0": 0.02}),
        lambda rows: trial_1(rows, slot_s=119.0),
        lambda rows: trial_1(rows, state=TrialState.CUT),
    ],
)
def test_what_is_gone_or_has_changed_is_seen(damage: Damage) -> None:
    assert broken(invariants.kept(sound(), damage(sound()))) == {Invariant.KEPT}


@pytest.mark.parametrize(
    "damage",
    [
        lambda rows: trial_1(rows, done_epochs=1),
        lambda rows: replace(rows, trials=rows.trials[:1]),
        lambda rows: replace(rows, study=replace(rows.study, reason="another")),
        lambda rows: trial_1(rows, slot_s=121.0),
    ],
)
def test_another_decision_is_seen(damage: Damage) -> None:
    assert broken(invariants.same(sound(), damage(sound()))) == {Invariant.SAME}


def test_a_study_that_still_runs_may_have_trials_that_run() -> None:
    rows = trial_1(sound(), state=TrialState.RUNNING)
    rows = replace(rows, study=replace(rows.study, state=StudyState.RUNNING))
    assert list(invariants.always(rows, LONGEST_S)) == []


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(f"sqlite:///{tmp_path / 'automl.db'}")
    yield engine
    engine.dispose()


def test_a_store_that_forgets_a_cost_is_found(sqlite: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    charge = Batch.charge
    monkeypatch.setattr(Batch, "charge", lambda self, *args: charge(self, args[0], args[1], 0.5 * args[2]))
    told = tell(sqlite, tmp_path, 3)
    assert Invariant.LEDGER in {violation.invariant for violation in told.violations}


def test_rows_that_stay_in_a_journal_are_found(sqlite: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "replay", lambda *args: Replayed(0))
    told = tell(sqlite, tmp_path, WITH_REPLAYS)
    assert Invariant.KEPT in {violation.invariant for violation in told.violations}


def test_an_unforeseen_error_is_one_too(sqlite: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Batch, "end", lambda *args, **options: 1 / 0)
    told = tell(sqlite, tmp_path, 3)
    assert [violation.invariant for violation in told.violations] == [Invariant.SOUND]
    assert "ZeroDivisionError" in told.violations[0].text


def test_some_studies_pass_and_one_is_told_in_full() -> None:
    result = CliRunner().invoke(app, ["soak", "--studies", "1", "--seed", "5", "--json"])
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert (figures["studies"], figures["violations"], figures["seeds"]) == (1, {}, [])
    assert "trial 0 begins (attempt 1, 0 epochs done)" in result.stderr


def test_a_violation_is_counted_and_its_seed_is_named() -> None:
    soaked = Soaked()
    soaked.add(Told(seed=7, gentle=True, state="finished", violations=[Violation(Invariant.ONCE, "twice")]))
    soaked.add(Told(seed=8, gentle=False, state="finished"))
    assert ["violations: none is counted twice", "1"] in table(soaked)[1]
    assert captions(soaked)[-1] == "Seeds with a violation: 7. Replay one: --seed N --studies 1"
