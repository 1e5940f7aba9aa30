"""What one view of the page takes, in a process of its own: run by `automl bench page`.

`python -m benchmarks.page.probe` reads a job, one JSON object, from its input: a database's URL may hold a
password, which a command line would show. It prints another object. The page runs in Streamlit's own test
bench: the server's work for one session without the network and the browser.

First the same view is drawn over a small study: that loads every library and fills what Python keeps. Then the
caches are emptied and the large study is drawn.

render_s   wall seconds of that first full render
cpu_s      CPU seconds of this process meanwhile; a Postgres server's are not among them
peak_mb    the process' peak resident memory after it, less its resident memory before it: what the session added,
           temporary objects and caches included
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
SIDE_BY_SIDE = 10  # trials that the comparison shows
TIMES = 7  # of which the median is told
SMALL, LARGE, LIVE = "small", "large", "live"  # studies that the bench has filled

VIEWS: Mapping[str, tuple[str, Mapping[str, str]]] = {  # the file and what the link says, beside the study
    "Studies": ("studies", {}),
    "Study, overview": ("study", {"tab": "Overview"}),
    "Study, trials": ("study", {"tab": "Trials", "compare": ""}),
    "Study, insight": ("study", {"tab": "Insight"}),
    "Trial": ("trial", {}),
    "Export": ("export", {}),
    "Ensembles": ("ensembles", {}),
    "Data": ("data", {}),
    "Running study": ("study", {"tab": "Overview"}),
}
RUNNING = "Running study"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is measured, over which database."""

    view: str  # one of VIEWS
    url: str
    small_url: str
    compare: str = ""  # numbers of the trials side by side
    refresh: bool = False  # the refreshes that follow the first render of a running study
    queries: bool = False  # the leaderboard's query alone


def main(text: str) -> dict[str, float]:
    """The figures of a job."""
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
    found = {
        "render_s": round(time.perf_counter() - began, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
        "peak_mb": round(max(0, _peak_bytes() - before) / 1e6, 1),
    }
    return {**found, **_refreshes(app, job.url)} if job.refresh else found


def _show(job: Job, url: str, study: str) -> AppTest:
    from streamlit.testing.v1 import AppTest

    import automl.sampler.importance  # noqa: F401  a library that a small study does not need

    os.environ["AUTOML_DB"] = url
    file, link = VIEWS[job.view]
    app = AppTest.from_file(str(app_file()), default_timeout=LIMIT_S)
    for key, value in {"study": study, **link}.items():
        app.query_params[key] = value or (job.compare if study == LARGE else "0,1")
    app.switch_page(f"views/{file}.py")
    return _sound(app.run())


def _sound(app: AppTest) -> AppTest:
    """Raises RuntimeError where the page shows an error: its time would say nothing."""
    told: list[Any] = [*app.error, *app.warning, *app.exception]
    if told:
        raise RuntimeError(f"the page tells of an error: {told[0].value}")
    return app


def _forget() -> None:
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()


def _forget_peak() -> None:
    """Lets the peak begin anew, where Linux can: else that of the imports hides what a small view adds."""
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
    """A driver goes on, and the page is drawn again: the whole page, of which a live refresh draws the most part.

    live_rows  the most records that one refresh read; the study's own row and the log's new lines are among them
    """
    driver = _Driver(url)
    seconds, cpu_s, rows = [], [], []
    for _ in range(TIMES):
        driver.goes_on()
        with _counted(read) as counted:
            began, cpu = time.perf_counter(), time.process_time()
            _sound(app.run())
            seconds.append(time.perf_counter() - began)
            cpu_s.append(time.process_time() - cpu)
        rows.append(sum(counted))
    driver.close()
    return {
        "live_refresh_s": round(statistics.median(seconds), 4),
        "live_refresh_cpu_s": round(statistics.median(cpu_s), 4),
        "live_rows": max(rows),
    }


class _Driver:
    """The live study's driver: between two looks two trials report an epoch, one ends and a new one begins."""

    def __init__(self, url: str) -> None:
        self._engine = open_store(url)
        self._study = read.study(self._engine, LIVE)
        self._running = read.running_trials(self._engine, LIVE)
        self._next = self._study.trials
        self._slot_s = self._study.slot_s
        self._recorder = write.Recorder(self._engine, LIVE)

    def goes_on(self) -> None:
        """A few seconds of a search."""
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
    """Notes how many records each answer of the module holds, while it lasts."""
    told: list[int] = []
    own = {
        name: value
        for name, value in vars(questions).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == questions.__name__
    }

    def spied(question: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(question)
        def ask(*given: Any, **named: Any) -> Any:
            answer = question(*given, **named)
            told.append(len(answer) if isinstance(answer, list | tuple | dict) else 1)
            return answer

        return ask

    for name, question in own.items():
        setattr(questions, name, spied(question))
    try:
        yield told
    finally:
        for name, question in own.items():
            setattr(questions, name, question)


def _queries(url: str) -> dict[str, float]:
    """Median seconds of the leaderboard's first page, and of its slowest order and filter."""
    engine = open_store(url, create=False, read_only=True)
    asked = [Board(order=order) for order in read.ORDERS]
    asked += [Board(states=(TrialState.COMPLETED,)), Board(origin="scratch"), Board(offset=5000)]
    found = [_median_s(partial(read.trial_page, engine, LARGE, board)) for board in asked]
    engine.dispose()
    return {"leaderboard_query_s": round(found[0], 4), "leaderboard_slowest_s": round(max(found), 4)}


def _median_s(question: Callable[[], object]) -> float:
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        question()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    print(json.dumps(main(sys.stdin.read())))
