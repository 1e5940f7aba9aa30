"""Measurement of one view of the page, in a process of its own, for `python -m benchmarks page`.

`python -m benchmarks.page.probe` reads a job, one JSON object, from its input, because a database's URL may hold a
password, which a command line would show. It prints another object. The page runs under Streamlit's own test class:
the server's work for one session, without network and browser.

First the view is drawn over a small study, which loads every library. Then the caches are emptied, and the view is
drawn over the large study.

render_s   wall seconds of that first full render
cpu_s      CPU seconds of this process meanwhile, without those of a Postgres server
peak_mb    memory that the session added, temporary objects and caches included: peak resident memory after the
           render, less the resident memory before it
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import psutil

from automl.page import app_file
from automl.records import Board, EpochMetrics, Outcome, Trial, TrialState
from automl.store import read, write
from automl.store.engine import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamlit.testing.v1 import AppTest

LIMIT_S = 300
SIDE_BY_SIDE = 10  # trials in the comparison
TIMES = 7  # repetitions, of which the median counts
SMALL, LARGE, LIVE = "small", "large", "live"  # names of the synthetic studies

VIEWS: Mapping[str, tuple[str, Mapping[str, str]]] = {  # file, and parameters of the link besides the study
    "Studies": ("studies", {}),
    "Study, overview": ("study", {"tab": "Overview"}),
    "Study, trials": ("study", {"tab": "Trials", "compare": ""}),
    "Study, insight": ("study", {"tab": "Insight"}),
    "Trial": ("trial", {}),
    "Export": ("export", {}),
    "Ensembles": ("ensembles", {}),
    "Data": ("data", {"part": "Findings"}),
    "Data, suspects": ("data", {"part": "Suspects"}),
    "Running study": ("study", {"tab": "Overview"}),
}
RUNNING = "Running study"


@dataclass(frozen=True, kw_only=True)
class Job:
    """View and databases of a measurement."""

    view: str  # one of VIEWS
    url: str
    small_url: str
    compare: str = ""  # numbers of the trials to compare
    refresh: bool = False  # also measure refreshes of the running study
    queries: bool = False  # measure the leaderboard's queries instead


def main(text: str) -> dict[str, float]:
    """Figures of a job."""
    job = Job(**json.loads(text))
    if job.queries:
        return _queries(job.url)
    _show(job, job.small_url, SMALL)
    _forget()
    process = psutil.Process()
    before = process.memory_info().rss
    _forget_peak()
    began, cpu = time.perf_counter(), time.process_time()
    app = _show(job, job.url, LIVE if job.view == RUNNING else LARGE)
    figures = {
        "render_s": round(time.perf_counter() - began, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
        "peak_mb": round(max(0, _peak_bytes() - before) / 1e6, 1),
    }
    return {**figures, **_refreshes(app, job.url)} if job.refresh else figures


def _show(job: Job, url: str, study: str) -> AppTest:
    from streamlit.testing.v1 import AppTest

    import automl.sampler.importance  # noqa: F401  a small study does not load it

    os.environ["AUTOML_DB"] = url
    file, link = VIEWS[job.view]
    app = AppTest.from_file(str(app_file()), default_timeout=LIMIT_S)
    for key, value in {"study": study, **link}.items():
        app.query_params[key] = value or (job.compare if study == LARGE else "0,1")
    app.switch_page(f"views/{file}.py")
    return _sound(app.run())


def _sound(app: AppTest) -> AppTest:
    """The page; raises RuntimeError if it shows an error, since its time would mean nothing."""
    errors: list[Any] = [*app.error, *app.warning, *app.exception]
    if errors:
        raise RuntimeError(f"the page shows an error: {errors[0].value}")
    return app


def _forget() -> None:
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()


def _forget_peak() -> None:
    """Reset the peak on Linux; else the peak of the imports hides the memory of a small view."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_bytes() -> int:
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def _refreshes(app: AppTest, url: str) -> dict[str, float]:
    """Figures of refreshes after steps of a driver. The whole page is drawn; a live refresh draws most of it.

    live_rows  most records that one refresh read, including the study's own row and new lines of the log
    """
    driver = _Driver(url)
    seconds, cpu_s, rows = [], [], []
    for _ in range(TIMES):
        driver.step()
        with _counted(read) as counts:
            began, cpu = time.perf_counter(), time.process_time()
            _sound(app.run())
            seconds.append(time.perf_counter() - began)
            cpu_s.append(time.process_time() - cpu)
        rows.append(sum(counts))
    driver.close()
    return {
        "live_refresh_s": round(statistics.median(seconds), 4),
        "live_refresh_cpu_s": round(statistics.median(cpu_s), 4),
        "live_rows": max(rows),
    }


class _Driver:
    """Driver of the live study: in a step two trials report an epoch, one ends and a new one begins."""

    def __init__(self, url: str) -> None:
        self._engine = open_store(url)
        self._study = read.study(self._engine, LIVE)
        self._running = read.running_trials(self._engine, LIVE)
        self._next = self._study.trials
        self._slot_s = self._study.slot_s
        self._recorder = write.Recorder(self._engine, LIVE)

    def step(self) -> None:
        """Write a few seconds of a search."""
        now, (first, second) = time.time(), self._running[:2]
        for row in (first, second):
            self._epoch(row.number, row.done_epochs + 1, now)
        ended = Outcome(state=TrialState.STOPPED, reason="rung 5: mean mAP50-95 0.100 below the threshold 0.110")
        self._recorder.trial_closed(first.number, ended, slot_s=first.slot_s, at=now)
        trial = Trial(number=self._next, params=first.params, epochs=first.epochs, seed=self._next, origin="gp")
        self._recorder.trial_started(trial, at=now, node="node-0", device="0", pid=1)
        self._recorder.event("stopped", f"trial {first.number} stopped", trial=first.number, at=now)
        self._slot_s += 80.0
        self._next += 1
        wall_s = self._study.wall_s + 40.0
        self._recorder.heartbeat(at=now, slot_s=self._slot_s, wall_s=wall_s, running={})
        self._recorder.flush()
        self._running = read.running_trials(self._engine, LIVE)

    def close(self) -> None:
        self._recorder.close()
        self._engine.dispose()

    def _epoch(self, trial: int, epoch: int, now: float) -> None:
        metrics = EpochMetrics(epoch=epoch, map50_95=0.1, map50=0.2, precision=0.2, recall=0.2, train_s=36.0, val_s=4.0)
        self._recorder.epoch(trial, 1, metrics, slot_s=40.0 * epoch, at=now)


@contextmanager
def _counted(questions: ModuleType) -> Iterator[list[int]]:
    """Numbers of records in the answers of the module's functions, inside the block."""
    counts: list[int] = []
    functions = {
        name: value
        for name, value in vars(questions).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == questions.__name__
    }

    def counting(question: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(question)
        def ask(*arguments: Any, **options: Any) -> Any:
            answer = question(*arguments, **options)
            counts.append(len(answer) if isinstance(answer, list | tuple | dict) else 1)
            return answer

        return ask

    for name, question in functions.items():
        setattr(questions, name, counting(question))
    try:
        yield counts
    finally:
        for name, question in functions.items():
            setattr(questions, name, question)


def _queries(url: str) -> dict[str, float]:
    """Median seconds of the leaderboard's first page, and of its slowest order and filter."""
    engine = open_store(url, create=False, read_only=True)
    boards = [Board(order=order) for order in read.ORDERS]
    boards += [Board(states=(TrialState.COMPLETED,)), Board(origin="scratch"), Board(offset=5000)]
    seconds = [_median_s(partial(read.trial_page, engine, LARGE, board)) for board in boards]
    engine.dispose()
    return {"leaderboard_query_s": round(seconds[0], 4), "leaderboard_slowest_s": round(max(seconds), 4)}


def _median_s(question: Callable[[], object]) -> float:
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        question()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    print(json.dumps(main(sys.stdin.read())))
