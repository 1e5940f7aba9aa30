"""One study under faults, session after session, until it ends."""

from __future__ import annotations

import random
import traceback
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine

from automl.costs.budget import Ledger, limits_of
from automl.drivers.clock import posix_offset_s
from automl.drivers.ends import ending_of, state_after
from automl.drivers.virtual import VirtualDriver
from automl.errors import RowsWait, StudyConflict
from automl.files import folders
from automl.policy import Search
from automl.records import Heartbeat, Outcome, StudySpec, StudyState, TrialState
from automl.sampler import open_sampler
from automl.space import SearchSpace
from automl.store import journal, read, write
from automl.store.replay import replay
from benchmarks.soak import invariants
from benchmarks.soak.actors import StormRecord, StormSession, StormTrainer
from benchmarks.soak.invariants import ENDED, Rows
from benchmarks.soak.recorder import TurnRecorder
from benchmarks.soak.records import FaultKind, Invariant, Told, Violation
from benchmarks.soak.storm import Frozen, Killed, Storm
from benchmarks.soak.studies import draw_spec
from benchmarks.soak.world import Line, World

STORMY = 25  # sessions after which nothing happens any more
CALM = 6  # sessions that a study may take then: as many as its trainings may fail again
JOURNALED = 0.75  # of all studies: their rows wait on disk, as under the driver of Ray Tune; else in memory
HOST = "soak"
SILENT_S = 60.0  # that a driver was stopped while another one took its study


def tell(engine: Engine, folder: Path, seed: int) -> Told:
    """The story of one study, with every violation in it."""
    draw = random.Random(seed)
    gentle = draw.random() < 0.4
    spec = draw_spec(draw, f"storm-{seed}", str(folder / f"storm-{seed}"), gentle=gentle)
    world = World()
    line = Line(world)
    journaled = draw.random() < JOURNALED
    story = Story(engine, spec, Storm(draw, world, line, gentle=gentle), world, line, journaled=journaled)
    told = story.play(Told(seed=seed, gentle=gentle))
    if gentle and not told.violations:
        told.violations += invariants.same(undisturbed(engine, spec, folder / f"calm-{seed}"), story.rows)
    return told


def undisturbed(engine: Engine, spec: StudySpec, folder: Path) -> Rows:
    """The same study without a fault."""
    from dataclasses import replace

    world = World()
    line = Line(world)
    storm = Storm(random.Random(0), world, line, gentle=True)
    twin = replace(spec, name=spec.name.replace("storm", "calm"), directory=str(folder))
    story = Story(engine, twin, storm, world, line, stormy=0)
    story.play(Told(seed=0, gentle=True))
    return story.rows


class Story:
    """A study, its rows, and the driver that has it or had it last."""

    def __init__(
        self,
        engine: Engine,
        spec: StudySpec,
        storm: Storm,
        world: World,
        line: Line,
        *,
        stormy: int = STORMY,
        journaled: bool = True,
    ) -> None:
        self._engine = engine
        self._spec = spec
        self._storm = storm
        self._world = world
        self._line = line
        self._stormy = stormy
        self._replays = 0
        self._journals = folders.journals(spec.directory) if journaled else None
        self._seen: dict[tuple[int, int], float] = {}
        self._frozen: tuple[StormSession, TurnRecorder] | None = None
        self._lived: Search | None = None  # the search of a session that closed its study
        Path(spec.directory).mkdir(parents=True)

    @property
    def rows(self) -> Rows:
        """The study's rows now."""
        return Rows.of(self._engine, self._spec.name)

    def play(self, told: Told) -> Told:
        """Go on until the study ends, or something does not hold."""
        spec, storm = self._spec, self._storm
        storm.say(f"{spec.slots.count} slots, {spec.epochs} epochs, {'/'.join(spec.budgets)}, {spec.sampler}")
        storm.say(f"rows wait {'on disk' if self._journals else 'in memory'}")
        write.begin_study(self._engine, spec, at=self._world.posix(), host=HOST, pid=0)
        before = self.rows
        try:
            with self._line.between(self._engine):
                while before.study.state not in ENDED and not told.violations and told.sessions < self._stormy + CALM:
                    told.violations += self._session(told.sessions)
                    told.sessions += 1
                    told.violations += self._check(before, self.rows)
                    before = self.rows
                    told.violations += self._catch_up(before)
                    before = self.rows
        except Exception:
            told.violations.append(Violation(Invariant.SOUND, traceback.format_exc().strip()))
        if before.study.state not in ENDED and not told.violations:
            text = f"{before.study.state} after {told.sessions} sessions: {before.study.reason}"
            told.violations.append(Violation(Invariant.END, text))
        told.trials, told.epochs, told.state = len(before.trials), len(before.epochs), before.study.state.value
        told.faults, told.log, told.replays = storm.faults, storm.log, self._replays
        return told

    def _check(self, before: Rows, now: Rows) -> Iterator[Violation]:
        yield from invariants.always(now, self._storm.longest_s)
        yield from invariants.kept(before, now)

    def _catch_up(self, before: Rows) -> Iterator[Violation]:
        """Store what waits in the journal, as `automl resume` does first; then all that was on disk is there."""
        self._line.wait()
        stored = replay(self._engine, before.study).rows
        if stored:
            self._replays += 1
            self._storm.say(f"{stored} rows waited in the journal")
        now = self.rows
        yield from self._check(before, now)
        yield from invariants.told(self._seen, now)
        if self._journals is not None and journal.files(self._journals):
            yield Violation(Invariant.KEPT, "a journal stays behind")
        if self._lived is not None:
            rebuilt = self._search()
            rebuilt.replay(now.trials, now.epochs)
            yield from invariants.remembered(self._lived, rebuilt, now)

    # -- a session, as `automl resume` has it -------------------------------------------------------

    def _session(self, number: int) -> Iterator[Violation]:
        """One driver's turn at the study."""
        self._storm.begin(calm=number >= self._stormy)
        self._lived = None
        if number:
            self._storm.faults[FaultKind.RESUME] += 1
            self._take_over()
        rows = self.rows
        search = self._search()
        ends = search.replay(rows.trials, rows.epochs)
        recorder = self._recorder(rows)
        yield from self._thaw()
        wall_s = rows.study.wall_s
        session = StormSession(
            search,
            StormRecord(recorder, self._storm, rows.scores, self._seen),
            self._storm,
            self._world,
            wall_s=wall_s,
            posix_offset_s=posix_offset_s(self._world.posix(), wall_s, rows.trials, rows.epochs),
            ask_to_stop=self._ask_to_stop,
        )
        try:
            session.settle(ends, wall_s)
            session.begin(wall_s, begun=len(rows.trials), ended=0)
            self._drive(session, number)
            self._close(session, recorder)
        except Killed:
            recorder.die()
        except Frozen:
            self._frozen = session, recorder

    def _drive(self, session: StormSession, number: int) -> None:
        driver = VirtualDriver(session, StormTrainer(self._storm, session=number), slots=self._spec.slots.count)
        try:
            driver.run(session.now)
        except KeyboardInterrupt:
            for trial in session.running:
                outcome = Outcome(state=TrialState.INTERRUPTED, reason="interrupted before the epoch's end")
                session.close(trial, outcome, session.now)

    def _recorder(self, rows: Rows) -> TurnRecorder:
        return TurnRecorder(
            self._engine,
            self._spec.name,
            claimed=write.Claimed(rows.study.pid, rows.study.process),
            journals=self._journals,
            clock=self._world.monotonic,
            sleep=self._world.sleep,
            late=self._storm.late,
            full=lambda: self._storm.disk_full,
        )

    def _close(self, session: StormSession, recorder: TurnRecorder) -> None:
        search = session.search
        ending = ending_of(search, interrupted=False)
        state, slot_s = state_after(search, ending), search.ledger.spent_s()
        self._storm.say(f"the session ends: {ending.sentence}")
        recorder.study_closed(state, ending.sentence, at=self._world.posix(), slot_s=slot_s, wall_s=session.now)
        try:
            recorder.close()
        except RowsWait:
            self._storm.say(f"rows wait {'in the journal' if recorder.durable else 'in memory, and are lost'}")
        if recorder.durable:
            self._lived = search
        recorder.die()

    def _take_over(self) -> None:
        row = read.study(self._engine, self._spec.name)
        dead = row.heartbeat if row.state is StudyState.RUNNING else None
        mine = Heartbeat(host=HOST, pid=row.pid + 1, at=self._world.posix())
        write.reopen_study(self._engine, self._spec.name, mine, dead=dead)
        self._storm.say("resumed")

    def _search(self) -> Search:
        spec = self._spec
        ledger = Ledger(limits_of(spec))
        ledger.charge(None, spec.probe_s)
        return Search(spec, open_sampler(spec.sampler, SearchSpace.from_document(spec.space), spec.seed), ledger)

    def _ask_to_stop(self) -> None:
        if not self._line.away:
            write.request_stop(self._engine, self._spec.name)

    def _thaw(self) -> Iterator[Violation]:
        """Let a driver go on that was stopped while another one took its study."""
        if self._frozen is None:
            return
        (session, recorder), self._frozen = self._frozen, None
        calm, self._storm.calm = self._storm.calm, True
        before = self.rows
        at = session.now + SILENT_S
        session.beat(at)
        for trial in session.running:
            session.close(trial, Outcome(state=TrialState.INTERRUPTED, reason="late"), at)
        recorder.study_closed(StudyState.FINISHED, "late", at=self._world.posix(), slot_s=0.0, wall_s=at)
        try:
            recorder.close()
            yield Violation(Invariant.ALONE, "a driver that was replaced closed its study without an error")
        except StudyConflict:
            pass
        if self.rows != before:
            yield Violation(Invariant.ALONE, "a driver that was replaced wrote something")
        self._storm.calm = calm
