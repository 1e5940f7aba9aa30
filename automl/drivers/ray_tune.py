"""The driver of a search on Ray Tune.

Tune places one trial in each slot and keeps the worker processes; what to train and when to stop is Search's to
say. Tune's own searchers, schedulers and storage stay unused.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from types import FrameType
from typing import Any

from automl.drivers import ray_patches, worker
from automl.drivers.cluster import loading, resources  # first: it imports Ray
from automl.drivers.session import Session
from automl.errors import AutoMLError
from automl.host import hangup
from automl.records import EndedBy, Ending, Outcome, Slots, TrialState

# isort: split
with loading():
    import ray
    from ray import tune
    from ray.tune.schedulers import FIFOScheduler, TrialScheduler
    from ray.tune.search import Searcher
    from ray.tune.stopper import Stopper

INTERRUPTED = "interrupted by the user"
HUNG_UP = "the terminal is gone, and the search goes on without it; `automl attach` shows it"
MAX_FAILURES = 2  # so often a trial whose worker died goes on in another one


class TrialWorker(tune.Trainable):  # type: ignore[misc]
    """A worker process in Tune's terms: one step is one epoch."""

    def setup(self, config: dict[str, Any]) -> None:
        self._renew = False
        self._process = worker.TrialProcess()
        self._process.begin(config["automl"])

    def step(self) -> dict[str, Any]:
        if self._renew:  # not in reset_config: Tune recovers trials that run, and gives up those that are to begin
            os._exit(0)
        return self._process.step()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._process.begin(new_config["automl"])
        self._renew = self._process.grown()
        return True

    def rest(self) -> None:
        """Let an ended trial write its last files now. Tune keeps the process for another trial."""
        self._process.end()

    def cleanup(self) -> None:
        self._process.end()


class _NoReport(tune.ProgressReporter):  # type: ignore[misc]
    """Reporter of nothing. In a notebook Tune would choose one that clears the cell's output."""

    def should_report(self, trials: list[Any], done: bool = False) -> bool:
        return False

    def report(self, trials: list[Any], done: bool, *sys_info: str) -> None:
        """Never called."""


class _Unpickled:
    """A part that Tune pickles into its own checkpoints and that is never read back."""

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return dict, ()


class RayTuneDriver:
    """Driver of a session on the open cluster.

    resume_command  the command line that continues the study, for an error
    """

    def __init__(
        self,
        session: Session,
        trainer: str,
        slots: Slots,
        *,
        wall_s: float = 0.0,
        growth: float = worker.GROWTH,
        resume_command: str = "automl resume",
    ) -> None:
        self._session = session
        self._trainer = trainer
        self._slots = slots
        self._growth = growth
        self._resume_command = resume_command
        self._began = time.monotonic() - wall_s
        self._numbers: dict[str, int] = {}
        self._tokens: dict[int, list[str]] = {}
        self._interrupts = 0

    def at(self) -> float:
        """Wall seconds of the study until now."""
        return time.monotonic() - self._began

    def run(self) -> bool:
        """Run to the end; True if the user interrupted it. Running trials are then left to be resumed."""
        for note in ray_patches.notes():
            self._session.note(note, self.at())
        scratch = tempfile.mkdtemp(prefix="automl-tune-")
        handlers = {signal.SIGINT: self._on_interrupt, signal.SIGTERM: self._on_terminate, **hangup.handlers()}
        main = threading.current_thread() is threading.main_thread()  # elsewhere Python sets no handlers
        before = {number: signal.signal(number, handler) for number, handler in handlers.items() if main}
        try:
            tune.run(
                TrialWorker,
                name="search",
                storage_path=scratch,
                num_samples=-1,
                resources_per_trial=resources(self._slots),
                search_alg=_Proposals(self),
                scheduler=_Decisions(self),
                stop=_Ticks(self),
                reuse_actors=True,
                max_failures=MAX_FAILURES,
                raise_on_failed_trial=False,
                trial_name_creator=lambda trial: f"trial-{trial.trial_id}",
                trial_dirname_creator=lambda trial: f"trial-{trial.trial_id}",
                verbose=0,
                progress_reporter=_NoReport(),
            )
        except KeyboardInterrupt:
            self._interrupts += 1
        except (ray.exceptions.RayError, tune.TuneError, ConnectionError) as error:
            if error.__context__ is not None and _of_a_part(error.__context__):
                raise error.__context__ from None
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip().rstrip(".")
            raise AutoMLError(f"Ray ended unexpectedly: {reason}. Go on with: {self._resume_command}") from error
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)
            shutil.rmtree(scratch, ignore_errors=True)
            for number in self._session.running:
                reason = "interrupted before the epoch's end"
                self._session.close(number, Outcome(state=TrialState.INTERRUPTED, reason=reason), self.at())
        return self._interrupts > 0

    # -- called by the three parts below ----------------------------------------------------------

    def propose(self, ray_id: str) -> dict[str, Any] | str | None:
        """The next trial's config for Tune, None for not now, FINISHED when none will come."""
        session = self._session
        if len(session.running) >= self._slots.count:
            return None
        trial = session.next_trial(self.at())
        if trial is None:
            return None if session.running else str(Searcher.FINISHED)
        self._numbers[ray_id] = trial.number
        return {"automl": worker.encode(self._trainer, trial, self._session.job(trial), self._growth)}

    def result(self, ray_id: str, result: Mapping[str, Any]) -> bool:
        """Take a worker's report; True while the trial goes on."""
        session, number, at = self._session, self._numbers[ray_id], self.at()
        if number not in session.running or not self._current(number, result, at):
            return True
        if "failure" in result:
            session.failed(number, str(result["failure"]), str(result["error"]) or None, at)
            return False
        return session.epoch(number, worker.decode_metrics(result["metrics"]), at) is None

    def lost(self, ray_id: str) -> None:
        """Tune has given the trial up: its worker died before it began, or too often."""
        number = self._numbers[ray_id]
        if number in self._session.running:
            reason = "its worker process died (killed, or out of memory) and Ray Tune gave the trial up"
            self._session.failed(number, reason, None, self.at())

    def tick(self) -> None:
        """Look for interrupts, and keep the session's time. Called a few times a second."""
        at = self.at()
        if self._interrupts:
            self._session.pause(Ending(EndedBy.USER, INTERRUPTED), at, "; Ctrl-C again ends at once")
        if hangup.taken():
            self._session.note(HUNG_UP, at)
        self._session.tick(at)

    def _current(self, number: int, result: Mapping[str, Any], at: float) -> bool:
        """True if the result comes from the trial's latest worker; a new worker is a new attempt."""
        tokens = self._tokens.setdefault(number, [])
        token = str(result["token"])
        if token not in tokens:
            if tokens:
                self._session.restarted(number, at)
            tokens.append(token)
            node, pid = str(result["node_name"]), int(result["process"])
            self._session.placed(number, node=node, device=str(result["visible"]), pid=pid)
        return token == tokens[-1]

    def _on_interrupt(self, signum: int, frame: FrameType | None) -> None:
        self._interrupts += 1
        if self._interrupts > 1:
            raise KeyboardInterrupt

    def _on_terminate(self, signum: int, frame: FrameType | None) -> None:
        """Ray's own processes may have got the signal too: there is no time for another epoch.

        Nor does Tune have to give back its placement groups: for an answer of a cluster that is gone it would wait a
        minute, and abort.
        """
        ray_patches.leave_placement_groups()
        raise KeyboardInterrupt


def _of_a_part(error: BaseException) -> bool:
    """True if the error was raised below one of the parts that Tune calls, by a listener or a database."""
    return any(frame.f_code.co_filename == __file__ for frame, _ in traceback.walk_tb(error.__traceback__))


class _Proposals(_Unpickled, Searcher):  # type: ignore[misc]
    def __init__(self, driver: RayTuneDriver) -> None:
        super().__init__(metric="training_iteration", mode="max")
        self._driver = driver

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        return self._driver.propose(trial_id)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Called with an error only when Tune gives a trial up; else the session has closed it already."""
        if error:
            self._driver.lost(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Our tables are the only truth."""

    def restore(self, checkpoint_path: str) -> None:
        """Our tables are the only truth."""


class _Decisions(_Unpickled, FIFOScheduler):  # type: ignore[misc]
    def __init__(self, driver: RayTuneDriver) -> None:
        super().__init__()
        self._driver = driver

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        goes_on = self._driver.result(trial.trial_id, result)
        process = trial.temporary_state.ray_actor
        if not goes_on and process is not None:
            process.rest.remote()  # not waited for: what Tune asks of the process next comes after it
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)


class _Ticks(_Unpickled, Stopper):  # type: ignore[misc]
    def __init__(self, driver: RayTuneDriver) -> None:
        self._driver = driver

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        self._driver.tick()
        return False
