"""How long the page takes to draw a large study, and how much memory a session adds: on SQLite and on Postgres.

A fresh database is filled with a made-up study of thousands of trials, a running one of as many with a tenth of the
epochs, and dropped at the end. Each view is then drawn in a process of its own; `probe` says what is measured.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

from automl.errors import AutoMLError
from automl.page import app_file
from automl.store import bulk
from automl.store.engine import open_store
from benchmarks.page.probe import LARGE, LIVE, RUNNING, SIDE_BY_SIDE, SMALL, VIEWS, Job
from benchmarks.page.study import MadeUp

FEW = 40  # trials of the small study
SHORT = 10  # the running study's trainings are shorter by this


@dataclass(frozen=True, kw_only=True)
class PageRow:
    """One view over one database; medians where it was measured more than once."""

    page: str
    backend: str  # "sqlite" or "postgres"
    render_s: float  # wall seconds of the first full render
    cpu_s: float  # CPU seconds of the page's process meanwhile
    peak_mb: float  # memory that the session added at its peak


@dataclass(frozen=True, kw_only=True)
class QueryRow:
    """What is asked again and again."""

    backend: str
    leaderboard_query_s: float  # of the first hundred trials by score
    leaderboard_slowest_s: float  # of the slowest order or filter
    live_refresh_s: float  # of the running study's whole page, drawn again after two epochs, an end and a beginning
    live_refresh_cpu_s: float
    live_rows: int  # the most records that one of these refreshes read
    fill_s: float  # that the bench took to fill the database


@dataclass(frozen=True, kw_only=True)
class PageFigures:
    """All that was measured."""

    trials: int  # of the large study, and of the running one
    epoch_rows: int  # of the large study
    rows: tuple[PageRow, ...]
    queries: tuple[QueryRow, ...]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is made up."""

    trials: int  # of the large study, and of the running one
    epochs: int  # mean epochs of a trial of the large one
    seed: int = 0


def run(
    size: Size,
    *,
    servers: Sequence[str] = (),
    repeat: int = 1,
    views: Sequence[str] = tuple(VIEWS),
    listener: Callable[[str], None] = lambda line: None,
) -> PageFigures:
    """Measures the views, a running study's among them always, on SQLite and on a new database of each Postgres server.

    servers  URLs; their users must be allowed to create databases

    Raises AutoMLError where a size is too small, a server cannot be used or a view fails.
    """
    if size.trials < FEW or min(size.epochs, repeat) < 1:
        raise AutoMLError(f"--trials is {FEW} or more, --epochs and --repeat are 1 or more.")
    app_file()
    for each in servers:
        with bulk.scratch(each):  # what is wrong with it is told before the work, not in the middle of it
            pass
    rows: list[PageRow] = []
    queries: list[QueryRow] = []
    epoch_rows = 0
    for server in (None, *servers):
        backend = "sqlite" if server is None else "postgres"
        listener(f"{backend}: writing {size.trials} trials, twice")
        with _filled(server, size) as filled:
            epoch_rows = filled.epoch_rows
            told: dict[str, Mapping[str, float]] = {}
            for view in dict.fromkeys((*views, RUNNING)):
                listener(f"{backend}: {view}")
                job = replace(filled.job, view=view, refresh=view == RUNNING)
                told[view] = _median([_probe(job) for _ in range(repeat)])
                rows.append(_page_row(view, backend, told[view]))
            asked = _probe(replace(filled.job, queries=True))
            queries.append(_query_row(backend, asked, told[RUNNING], filled.fill_s))
    return PageFigures(trials=size.trials, epoch_rows=epoch_rows, rows=tuple(rows), queries=tuple(queries))


@dataclass(frozen=True, kw_only=True)
class _Filled:
    """Two databases with made-up studies, for as long as they are there."""

    job: Job  # on the running study, with the large one's best trials to compare
    epoch_rows: int  # of the large study
    fill_s: float


@contextmanager
def _filled(server: str | None, size: Size) -> Iterator[_Filled]:
    """A small study in a database of its own, a large and a running one in another."""
    with bulk.scratch(server) as url, bulk.scratch(server) as small_url:
        began = time.perf_counter()
        _fill(small_url, SMALL, replace(size, trials=FEW, epochs=4), running=False)
        _fill(url, LIVE, replace(size, epochs=max(1, size.epochs // SHORT)), running=True)
        large = _fill(url, LARGE, size, running=False)
        fill_s = round(time.perf_counter() - began, 1)
        compare = ",".join(str(number) for number in _best(large))
        yield _Filled(
            job=Job(view=RUNNING, url=url, small_url=small_url, compare=compare),
            epoch_rows=sum(row.done_epochs for row in large.rows),
            fill_s=fill_s,
        )


def document(found: PageFigures) -> dict[str, object]:
    """Plain containers for JSON."""
    return asdict(found)


def table(found: PageFigures) -> tuple[list[str], list[list[str]]]:
    """A line a view: seconds (of them CPU) and megabytes on each database."""
    backends = list(dict.fromkeys(row.backend for row in found.rows))
    head = ["", *(f"{backend}{unit}" for backend in backends for unit in (", s", ", CPU s", ", MB"))]
    by = {(row.page, row.backend): row for row in found.rows}
    lines = []
    for view in dict.fromkeys(row.page for row in found.rows):
        line = [view]
        for row in (by[view, backend] for backend in backends):
            line += [f"{row.render_s:.2f}", f"{row.cpu_s:.2f}", f"{row.peak_mb:.0f}"]
        lines.append(line)
    return head, lines


def captions(found: PageFigures) -> list[str]:
    """What the table does not hold."""
    lines = [f"{found.trials} trials, {found.epoch_rows} epochs; first full render in a fresh process, caches empty."]
    for each in found.queries:
        lines.append(
            f"{each.backend}: leaderboard {1000 * each.leaderboard_query_s:.0f} ms (slowest order or filter "
            f"{1000 * each.leaderboard_slowest_s:.0f}), live refresh {1000 * each.live_refresh_s:.0f} ms "
            f"({1000 * each.live_refresh_cpu_s:.0f} of CPU), which read {each.live_rows} rows."
        )
    if all(each.backend == "sqlite" for each in found.queries):
        lines.append("Postgres too: --db postgresql://USER:PASSWORD@HOST/NAME; a database is made there, and dropped.")
    return lines


def _fill(url: str, name: str, size: Size, *, running: bool) -> MadeUp:
    made = MadeUp(
        name=name,
        trials=size.trials,
        mean_epochs=size.epochs,
        directory=f"/runs/{name}",
        now=time.time(),
        seed=size.seed,
        running=running,
    )
    engine = open_store(url)
    try:
        study = made.study
        events, evaluations = made.events(), made.evaluations()
        bulk.write_study(engine, study, made.rows, made.epochs(), events=events, evaluations=evaluations)
    finally:
        engine.dispose()
    return made


def _best(made: MadeUp) -> list[int]:
    rows = sorted(made.rows, key=lambda row: -(row.best_map50_95 or 0.0))
    return [row.number for row in rows[:SIDE_BY_SIDE]]


def _probe(job: Job) -> Mapping[str, float]:
    command = [sys.executable, "-m", "benchmarks.page.probe"]
    done = subprocess.run(command, input=json.dumps(asdict(job)), capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join(done.stderr.splitlines()[-5:])
        raise AutoMLError(f"'{job.view}' could not be measured. The last lines of its process:\n{tail}")
    found: Mapping[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _median(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: statistics.median(each[key] for each in found) for key in found[0]}


def _page_row(view: str, backend: str, told: Mapping[str, float]) -> PageRow:
    figures = {key: told[key] for key in ("render_s", "cpu_s", "peak_mb")}
    return PageRow(page=view, backend=backend, **figures)


def _query_row(backend: str, asked: Mapping[str, float], live: Mapping[str, float], fill_s: float) -> QueryRow:
    return QueryRow(
        backend=backend,
        leaderboard_query_s=asked["leaderboard_query_s"],
        leaderboard_slowest_s=asked["leaderboard_slowest_s"],
        live_refresh_s=live["live_refresh_s"],
        live_refresh_cpu_s=live["live_refresh_cpu_s"],
        live_rows=int(live["live_rows"]),
        fill_s=fill_s,
    )
