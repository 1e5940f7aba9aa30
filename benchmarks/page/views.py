"""Time of the page for the views of a large study, and memory of a session, on SQLite and on Postgres.

A new database gets a synthetic study of thousands of trials, and a running one with as many trials and a tenth of the
epochs; it is dropped at the end. Each view is drawn in a process of its own, see `probe`.
"""

from __future__ import annotations

import json
import os
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
from automl.store.checks import keep
from automl.store.engine import open_store
from benchmarks.checkout import with_checkout
from benchmarks.page.probe import LARGE, LIVE, RUNNING, SIDE_BY_SIDE, SMALL, VIEWS, Job
from benchmarks.page.report import synthetic_report
from benchmarks.page.study import SyntheticStudy

FEW = 40  # trials of the small study
SHORT = 10  # factor by which the running study's trainings are shorter


@dataclass(frozen=True, kw_only=True)
class PageRow:
    """One view over one database; medians of repeated measurements."""

    page: str
    backend: str  # "sqlite" or "postgres"
    render_s: float  # wall seconds of the first full render
    cpu_s: float  # CPU seconds of the page's process meanwhile
    peak_mb: float  # peak memory that the session added


@dataclass(frozen=True, kw_only=True)
class QueryRow:
    """Queries and refreshes that happen again and again."""

    backend: str
    leaderboard_query_s: float  # of the first hundred trials by score
    leaderboard_slowest_s: float  # of the slowest order or filter
    live_refresh_s: float  # of the running study's whole page, after two epochs, an end and a start
    live_refresh_cpu_s: float
    live_rows: int  # most records that one refresh read
    fill_s: float  # to fill the database


@dataclass(frozen=True, kw_only=True)
class PageFigures:
    """All measurements."""

    trials: int  # of the large study, and of the running one
    epoch_rows: int  # of the large study
    rows: tuple[PageRow, ...]
    queries: tuple[QueryRow, ...]


@dataclass(frozen=True, kw_only=True)
class Size:
    """Size of the synthetic studies."""

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
    """Measure the views on SQLite and on a new database of each Postgres server. A running study is always included.

    servers  URLs of users that may create databases

    Raises AutoMLError if a size is too small, a server cannot be used or a view fails.
    """
    if size.trials < FEW or min(size.epochs, repeat) < 1:
        raise AutoMLError(f"--trials is {FEW} or more, --epochs and --repeat are 1 or more.")
    app_file()
    for server in servers:
        with bulk.scratch(server):  # an unusable server is an error before the work, not during it
            pass
    rows: list[PageRow] = []
    queries: list[QueryRow] = []
    epoch_rows = 0
    for url in (None, *servers):
        backend = "sqlite" if url is None else "postgres"
        listener(f"{backend}: writing {size.trials} trials, twice")
        with _filled(url, size) as filled:
            epoch_rows = filled.epoch_rows
            measurements: dict[str, Mapping[str, float]] = {}
            for view in dict.fromkeys((*views, RUNNING)):
                listener(f"{backend}: {view}")
                job = replace(filled.job, view=view, refresh=view == RUNNING)
                measurements[view] = _median([_probe(job) for _ in range(repeat)])
                rows.append(_page_row(view, backend, measurements[view]))
            leaderboard = _probe(replace(filled.job, queries=True))
            queries.append(_query_row(backend, leaderboard, measurements[RUNNING], filled.fill_s))
    return PageFigures(trials=size.trials, epoch_rows=epoch_rows, rows=tuple(rows), queries=tuple(queries))


@dataclass(frozen=True, kw_only=True)
class _Filled:
    """Two databases with synthetic studies, while they exist."""

    job: Job  # over the running study, with the best trials of the large one side by side
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


def document(figures: PageFigures) -> dict[str, object]:
    """Plain containers for JSON."""
    return asdict(figures)


def table(figures: PageFigures) -> tuple[list[str], list[list[str]]]:
    """Head and rows: for each view its seconds, CPU seconds and megabytes on each database."""
    backends = list(dict.fromkeys(row.backend for row in figures.rows))
    head = ["", *(f"{backend}{unit}" for backend in backends for unit in (", s", ", CPU s", ", MB"))]
    by = {(row.page, row.backend): row for row in figures.rows}
    lines = []
    for view in dict.fromkeys(row.page for row in figures.rows):
        line = [view]
        for row in (by[view, backend] for backend in backends):
            line += [f"{row.render_s:.2f}", f"{row.cpu_s:.2f}", f"{row.peak_mb:.0f}"]
        lines.append(line)
    return head, lines


def captions(figures: PageFigures) -> list[str]:
    """Lines below the table."""
    lines = [
        f"{figures.trials} trials, {figures.epoch_rows} epochs; first full render in a new process with empty caches."
    ]
    for row in figures.queries:
        lines.append(
            f"{row.backend}: leaderboard {1000 * row.leaderboard_query_s:.0f} ms (slowest order or filter "
            f"{1000 * row.leaderboard_slowest_s:.0f}), live refresh {1000 * row.live_refresh_s:.0f} ms "
            f"({1000 * row.live_refresh_cpu_s:.0f} of CPU), which read {row.live_rows} rows."
        )
    if all(row.backend == "sqlite" for row in figures.queries):
        lines.append("For Postgres: --db postgresql://USER:PASSWORD@HOST/NAME; a new database is made and dropped.")
    return lines


def _fill(url: str, name: str, size: Size, *, running: bool) -> SyntheticStudy:
    synthetic = SyntheticStudy(
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
        study = synthetic.study
        events, evaluations = synthetic.events(), synthetic.evaluations()
        bulk.write_study(engine, study, synthetic.rows, synthetic.epochs(), events=events, evaluations=evaluations)
        keep(engine, synthetic_report(time.time()))
    finally:
        engine.dispose()
    return synthetic


def _best(study: SyntheticStudy) -> list[int]:
    rows = sorted(study.rows, key=lambda row: -(row.best_map50_95 or 0.0))
    return [row.number for row in rows[:SIDE_BY_SIDE]]


def _probe(job: Job) -> Mapping[str, float]:
    command = [sys.executable, "-m", "benchmarks.page.probe"]
    done = subprocess.run(
        command,
        input=json.dumps(asdict(job)),
        env=with_checkout(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stderr.splitlines()[-5:])
        raise AutoMLError(f"'{job.view}' could not be measured. The last lines of its process:\n{tail}")
    measurement: Mapping[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measurement


def _median(measurements: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: statistics.median(measurement[key] for measurement in measurements) for key in measurements[0]}


def _page_row(view: str, backend: str, measurement: Mapping[str, float]) -> PageRow:
    figures = {key: measurement[key] for key in ("render_s", "cpu_s", "peak_mb")}
    return PageRow(page=view, backend=backend, **figures)


def _query_row(backend: str, leaderboard: Mapping[str, float], live: Mapping[str, float], fill_s: float) -> QueryRow:
    return QueryRow(
        backend=backend,
        leaderboard_query_s=leaderboard["leaderboard_query_s"],
        leaderboard_slowest_s=leaderboard["leaderboard_slowest_s"],
        live_refresh_s=live["live_refresh_s"],
        live_refresh_cpu_s=live["live_refresh_cpu_s"],
        live_rows=int(live["live_rows"]),
        fill_s=fill_s,
    )
