"""Many studies under faults, in some processes, and their table."""

from __future__ import annotations

import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from automl.store.address import default_url
from automl.store.engine import open_store
from benchmarks.soak.records import FaultKind, Invariant, Told
from benchmarks.soak.story import tell

_LONGEST_LOG = 60  # lines of what happened, the last ones
_log = logging.getLogger("automl")
_engine: Engine | None = None
_folder = Path()


@dataclass
class Soaked:
    """Studies that were played, and what did not hold."""

    studies: int = 0
    gentle: int = 0  # of them, compared with an undisturbed study
    sessions: int = 0
    trials: int = 0
    epochs: int = 0
    replays: int = 0  # of journals with rows that the database did not have
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    seeds: list[int] = field(default_factory=list)  # of the studies with a violation

    def add(self, told: Told) -> None:
        """Count a study."""
        self.studies += 1
        self.gentle += told.gentle
        self.sessions += told.sessions
        self.trials += told.trials
        self.epochs += told.epochs
        self.replays += told.replays
        self.faults += told.faults
        self.states[told.state] += 1
        self.violations.update(violation.invariant.value for violation in told.violations)
        if told.violations:
            self.seeds.append(told.seed)

    def document(self) -> dict[str, Any]:
        """All figures as plain containers for JSON."""
        counts = {name: dict(getattr(self, name)) for name in ("faults", "violations", "states")}
        return {**vars(self), **counts}


def run(studies: int, seed: int, jobs: int, say: Callable[[str], None]) -> Soaked:
    """Play studies of the seeds `seed`, `seed` + 1 ... and say what did not hold as it is found.

    A single study is told in full.
    """
    soaked, began = Soaked(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="automl-soak-") as folder:
        for told in _played(range(seed, seed + studies), min(jobs, studies), Path(folder)):
            soaked.add(told)
            for line in _lines(told, in_full=studies == 1):
                say(line)
            if soaked.studies % 100 == 0:
                say(f"{soaked.studies} studies, {len(soaked.seeds)} with a violation")
    soaked.seconds = round(time.monotonic() - began, 1)
    return soaked


def table(soaked: Soaked) -> tuple[tuple[str, ...], list[list[str]]]:
    """Faults by kind and violations by invariant, for a terminal."""
    faults = [[f"fault: {kind}", str(soaked.faults[kind])] for kind in FaultKind]
    broken = [[f"violations: {invariant}", str(soaked.violations[invariant])] for invariant in Invariant]
    counts = [["studies", str(soaked.studies)], ["sessions", str(soaked.sessions)]]
    counts += [["trials", str(soaked.trials)], ["epochs", str(soaked.epochs)]]
    counts += [["journals with rows to replay", str(soaked.replays)]]
    return ("", "number"), counts + faults + broken


def captions(soaked: Soaked) -> list[str]:
    """What the table cannot say."""
    ends = ", ".join(f"{number} {state}" for state, number in sorted(soaked.states.items()))
    lines = [
        f"Ended: {ends}. {soaked.seconds} s.",
        f"{soaked.gentle} studies met only faults that change no score and no time: their decisions were compared with "
        "those of an undisturbed one. Of all others every search was compared with the one rebuilt from its rows.",
    ]
    if soaked.seeds:
        lines.append(f"Seeds with a violation: {', '.join(map(str, soaked.seeds))}. Replay one: --seed N --studies 1")
    return lines


def _played(seeds: range, jobs: int, folder: Path) -> Iterator[Told]:
    if jobs <= 1:
        level = _log.level
        try:
            _open(folder)
            yield from map(_tell, seeds)
        finally:
            _log.setLevel(level)
        return
    with ProcessPoolExecutor(jobs, initializer=_open, initargs=(folder,)) as pool:
        yield from pool.map(_tell, seeds, chunksize=4)


def _open(folder: Path) -> None:
    """Open a database for the studies of this process."""
    global _engine, _folder
    _log.setLevel(logging.ERROR)  # an outage is no news here
    _folder = Path(tempfile.mkdtemp(dir=folder))
    _engine = open_store(default_url(_folder))


def _tell(seed: int) -> Told:
    assert _engine is not None
    return tell(_engine, _folder, seed)


def _lines(told: Told, *, in_full: bool) -> Iterator[str]:
    if in_full:
        yield from told.log
    elif told.violations:
        yield f"seed {told.seed}, replay it with: python -m benchmarks soak --seed {told.seed} --studies 1"
        yield from told.log[-_LONGEST_LOG:]
    for violation in told.violations:
        yield f"seed {told.seed}: NOT SO: {violation.invariant}: {violation.text}"
