"""Search, session and store in any order of events: what holds whatever happens, as in the soak."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine

from automl.drivers.clock import posix_offset_s
from automl.drivers.deadlines import Patience
from automl.drivers.ends import INTERRUPTED, ending_of, state_after
from automl.drivers.session import Session
from automl.errors import RowsWait
from automl.files import folders
from automl.policy.losses import Loss
from automl.records import EndedBy, Ending, Heartbeat, Outcome, Slots, StudyState, TrialState
from automl.store import read, write
from automl.store.engine import open_store
from automl.store.replay import replay
from benchmarks.soak import invariants
from benchmarks.soak.invariants import ENDED, Rows
from benchmarks.soak.recorder import TurnRecorder
from benchmarks.soak.world import Line, World
from tests.builders.factories import make_metrics, make_search, make_spec

SLOTS, EPOCHS = 2, 4
TICK_S = 5.0  # between two looks for a worker that hangs
PATIENCE = Patience(least_s=60.0, factor=2.0, start_s=30.0)
SESSIONS = 12  # that a study may take to its end once nothing happens any more
seconds = st.floats(1.0, 300.0)
scores = st.floats(0.05, 0.9)
_numbers = itertools.count()


class Machine(RuleBasedStateMachine):
    """One study; a driver has it or none, and a worker trains each running trial."""

    def __init__(self, engine: Engine, folder: Path, *, journaled: bool) -> None:
        super().__init__()
        self.engine = engine
        self.world = World()
        self.line = Line(self.world)
        self.stack = ExitStack()
        self.stack.enter_context(self.line.between(engine))
        name = f"study-{next(_numbers)}"
        directory = folder / name
        directory.mkdir()
        slots = Slots(count=SLOTS, device="cpu")
        self.spec = make_spec(
            name=name, budgets=("40cpu-min",), epochs=EPOCHS, rungs=(1,), slots=slots, directory=str(directory)
        )
        self.session: Session | None = None
        self.recorder: TurnRecorder | None = None
        self.journals = folders.journals(directory) if journaled else None
        self.late = False  # the writer of the database gets no turn
        self.at = self.longest_s = 0.0
        self.signs: dict[int, float] = {}  # of life, by running trial: wall seconds of the study
        self.done: dict[int, int] = {}  # epochs by running trial
        self.lags: dict[int, int] = {}  # epochs that the snapshot of a lost worker lies behind, by trial
        self.scores: dict[tuple[int, int], float] = {}  # on disk, by trial and epoch
        write.begin_study(engine, self.spec, at=self.world.posix(), host="here", pid=0)
        self.before = self.rows

    @property
    def rows(self) -> Rows:
        return Rows.of(self.engine, self.spec.name)

    @property
    def driven(self) -> bool:
        return self.session is not None

    def running(self) -> list[int]:
        return sorted(self.session.running) if self.session is not None else []

    def pass_time(self, by: float) -> None:
        self.at += by
        self.world.now += by
        self.longest_s = max([self.longest_s, *(self.at - sign for sign in self.signs.values())])

    # -- what happens -----------------------------------------------------------------------------

    @precondition(lambda self: not self.driven and self.before.study.state not in ENDED)
    @rule()
    def resume(self) -> None:
        self.catch_up()
        row = read.study(self.engine, self.spec.name)
        if row.state in ENDED:
            return
        dead = row.heartbeat if row.state is StudyState.RUNNING else None
        mine = Heartbeat(host="here", pid=row.pid + 1, at=self.world.posix())
        write.reopen_study(self.engine, self.spec.name, mine, dead=dead)
        rows, search = self.rows, make_search(self.spec)
        ends = search.replay(rows.trials, rows.epochs)
        self.recorder = TurnRecorder(
            self.engine,
            self.spec.name,
            claimed=write.Claimed(mine.pid, mine.process),
            journals=self.journals,
            clock=self.world.monotonic,
            sleep=self.world.sleep,
            late=lambda: self.late,
        )
        self.at = rows.study.wall_s
        offset_s = posix_offset_s(self.world.posix(), self.at, rows.trials, rows.epochs)
        self.session = Session(search, self.recorder, posix_offset_s=offset_s, patience=PATIENCE)
        self.session.settle(ends, self.at)
        self.signs, self.done, self.lags = {}, {}, {}

    @precondition(lambda self: self.driven and len(self.running()) < SLOTS)
    @rule()
    def fill_a_slot(self) -> None:
        assert self.session is not None
        trial = self.session.next_trial(self.at)
        if trial is not None:
            self.signs[trial.number] = self.at
            self.done[trial.number] = max(0, trial.done_epochs - self.lags.pop(trial.number, 0))
        elif not self.running():
            self.end()

    @precondition(lambda self: self.running())
    @rule(data=st.data(), by=seconds, score=scores)
    def finish_an_epoch(self, data: st.DataObject, by: float, score: float) -> None:
        self.report(data.draw(st.sampled_from(self.running())), by, score)

    @precondition(lambda self: self.running())
    @rule(data=st.data(), by=seconds)
    def diverge(self, data: st.DataObject, by: float) -> None:
        number = data.draw(st.sampled_from(self.running()))
        if number:  # that of the baseline ends the study
            self.report(number, by, math.nan)

    @precondition(lambda self: self.running())
    @rule(data=st.data(), by=seconds)
    def run_out_of_memory(self, data: st.DataObject, by: float) -> None:
        number = data.draw(st.sampled_from(self.running()))
        assert self.session is not None
        if number:
            self.pass_time(by)
            self.session.failed(number, "CUDA out of memory", None, self.at)
            del self.signs[number]

    @precondition(lambda self: self.running())
    @rule(data=st.data(), lag=st.integers(0, 2))
    def lose_a_worker(self, data: st.DataObject, lag: int) -> None:
        number = data.draw(st.sampled_from(self.running()))
        assert self.session is not None
        self.session.lost(number, Loss.DIED, self.at)
        self.lags[number] = lag
        del self.signs[number]

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def hang(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.running()))
        assert self.session is not None
        while number in self.running():
            self.pass_time(TICK_S)
            for ended in self.session.tick(self.at):
                del self.signs[ended]

    @precondition(lambda self: self.driven)
    @rule()
    def kill_the_driver(self) -> None:
        assert self.recorder is not None
        self.recorder.die()
        self.session = self.recorder = None
        self.signs = {}

    @rule(late=st.booleans())
    def hold_the_writer_up(self, late: bool) -> None:
        self.late = late

    @precondition(lambda self: self.driven)
    @rule()
    def beat(self) -> None:
        assert self.session is not None
        self.session.beat(self.at)

    @precondition(lambda self: self.driven)
    @rule(by=st.sampled_from([EndedBy.USER, EndedBy.DISK, EndedBy.STOP]))
    def pause(self, by: EndedBy) -> None:
        assert self.session is not None
        self.session.pause(Ending(by, INTERRUPTED), self.at)

    @precondition(lambda self: self.driven)
    @rule()
    def interrupt_twice(self) -> None:
        assert self.session is not None
        for number in self.running():
            reason = "interrupted before the epoch's end"
            self.session.close(number, Outcome(state=TrialState.INTERRUPTED, reason=reason), self.at)
        self.end()

    @rule(by=st.sampled_from([1.0, 90.0, 1000.0]), arrives=st.booleans())
    def cut_the_line(self, by: float, arrives: bool) -> None:
        self.line.cut(by, arrives=arrives, error="the line was cut")

    @rule(by=st.sampled_from([-86400.0, -60.0, 3600.0]))
    def set_the_clock(self, by: float) -> None:
        self.world.skew_s += by

    # -- what follows from it ---------------------------------------------------------------------

    def report(self, number: int, by: float, score: float) -> None:
        assert self.session is not None
        assert self.recorder is not None
        self.pass_time(by)
        self.done[number] += 1
        metrics = make_metrics(self.done[number], score, train_s=0.9 * by, val_s=0.1 * by)
        ended = self.session.epoch(number, metrics, self.at) is not None
        self.recorder.flush()
        if self.recorder.durable:
            stored = {(row.trial, row.epoch): row.map50_95 for row in self.before.epochs}
            key = (number, self.done[number])
            self.scores.setdefault(key, stored.get(key, score))
        if ended:
            del self.signs[number]
        else:
            self.signs[number] = self.at

    def end(self) -> None:
        """The driver's session ends, with rows that may still wait for the database."""
        assert self.session is not None
        assert self.recorder is not None
        search, at = self.session.search, self.world.posix()
        ending = ending_of(search, interrupted=False)
        state, slot_s = state_after(search, ending), search.ledger.spent_s()
        if self.journals is None:
            self.line.wait()
        self.recorder.study_closed(state, ending.sentence, at=at, slot_s=slot_s, wall_s=self.at)
        with suppress(RowsWait):
            self.recorder.close()
        self.recorder.die()
        self.session = self.recorder = None
        self.signs = {}
        self.catch_up()
        now, rebuilt = self.rows, make_search(self.spec)
        rebuilt.replay(now.trials, now.epochs)
        assert list(invariants.remembered(search, rebuilt, now)) == []

    def catch_up(self) -> None:
        """Once the database is back, all that was on disk is in it."""
        self.line.wait()
        replay(self.engine, self.rows.study)
        assert list(invariants.told(self.scores, self.rows)) == []

    @invariant()
    def what_was_stored_holds(self) -> None:
        now = self.rows
        assert [*invariants.always(now, self.longest_s), *invariants.kept(self.before, now)] == []
        self.before = now

    def teardown(self) -> None:
        """Every study ends or can be resumed: once nothing happens any more it ends."""
        try:
            for _ in range(SESSIONS):
                self.before = self.rows
                if not self.driven:
                    self.catch_up()
                if not self.driven and self.rows.study.state in ENDED:
                    break
                self.go_on()
            assert self.rows.study.state in ENDED
            self.what_was_stored_holds()
        finally:
            self.stack.close()

    def go_on(self) -> None:
        """A session without a fault, from where the study stands."""
        self.late = False
        if not self.driven:
            self.resume()
        while self.driven:
            while self.driven and len(self.running()) < SLOTS:
                begun = len(self.running())
                self.fill_a_slot()
                if len(self.running()) == begun:
                    break
            assert self.running() or not self.driven, "nothing runs, and nothing ends"
            for number in self.running():
                self.report(number, 60.0, 0.5)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(f"sqlite:///{tmp_path / 'automl.db'}")
    yield engine
    engine.dispose()


@pytest.mark.parametrize("journaled", [True, False])
def test_no_order_of_events_loses_anything_or_exceeds_a_budget(sqlite: Engine, tmp_path: Path, journaled: bool) -> None:
    quick = settings(max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(lambda: Machine(sqlite, tmp_path, journaled=journaled), settings=quick)
