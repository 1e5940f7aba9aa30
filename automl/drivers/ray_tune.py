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
from automl.drivers.ends import INTERRUPTED
from automl.drivers.ray_session import RaySession, SessionGone
from automl.drivers.ray_workers import Workers
from automl.drivers.session import Session
from automl.host import hangup
from automl.policy.losses import Loss
from automl.records import EndedBy, Ending, Outcome, Slots, TrialState

# isort: split
with loading():
    import ray
    from ray import tune
    from ray.tune.schedulers import FIFOScheduler, TrialScheduler
    from ray.tune.search import Searcher
    from ray.tune.stopper import Stopper

RAY_ENDED = "Ray ended unexpectedly"
HUNG_UP = "the terminal is gone, and the search goes on without it; `automl attach` shows it"


class TrialWorker(tune.Trainable):  # type: ignore[misc]
    """A worker process in Tune's terms: one step is one epoch."""

    def setup(self, config: dict[str, Any]) -> None:
        self._renew = self._announced = False
        self._process = worker.TrialProcess()
        self._process.begin(config["automl"])

    def step(self) -> dict[str, Any]:
        if self._announced:
            os._exit(0)  # the search offers the trial again, to another worker
        if self._renew:
            self._announced = True
            return {"renewed": True}
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
    """Driver of a session on the open cluster."""

    def __init__(
        self,
        session: Session,
        trainer: str,
        slots: Slots,
        *,
        wall_s: float = 0.0,
        growth: float = worker.GROWTH,
    ) -> None:
        self._session = session
        self._trainer = trainer
        self._slots = slots
        self._growth = growth
        self._began = time.monotonic() - wall_s
        self._attempts: dict[str, int] = {}  # the trial of each attempt that runs, by Tune's name of the attempt
        self._renewed: set[str] = set()  # attempts whose worker makes room for a new one before it trains
        self._workers = Workers()
        self._ray = RaySession()
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
                max_failures=0,  # the search offers a trial again: Tune counts over a life, and not between two trials
                raise_on_failed_trial=False,
                trial_name_creator=lambda trial: f"trial-{trial.trial_id}",
                trial_dirname_creator=lambda trial: f"trial-{trial.trial_id}",
                verbose=0,
                progress_reporter=_NoReport(),
            )
        except KeyboardInterrupt:
            self._interrupts += 1
        except SessionGone as error:
            self._end_with_ray(str(error))
        except (ray.exceptions.RayError, tune.TuneError, ConnectionError) as error:
            if error.__context__ is not None and _of_a_part(error.__context__):
                raise error.__context__ from None
            self._end_with_ray((str(error).strip().splitlines() or [type(error).__name__])[-1].strip().rstrip("."))
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)
            shutil.rmtree(scratch, ignore_errors=True)
            self._ray.forget()
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
        self._attempts[ray_id] = trial.number
        return {"automl": worker.encode(self._trainer, trial, self._session.job(trial), self._growth)}

    def result(self, ray_id: str, result: Mapping[str, Any]) -> bool:
        """Take a worker's report; True while the trial goes on. An attempt that is over has nothing to say."""
        session, number, at = self._session, self._attempts.get(ray_id), self.at()
        if number is None or number not in session.running:
            return False
        if "renewed" in result:
            self._renewed.add(ray_id)
            return True
        where = self._workers.placed(ray_id, result)
        if where is not None:
            session.placed(number, node=where.node, device=where.device, pid=where.pid)
        if "outside" in result:
            session.interrupted(number, Ending(EndedBy(result["outside"]), str(result["failure"])), at)
            self._over(ray_id)
            return False
        if "failure" in result:
            session.failed(number, str(result["failure"]), str(result["error"]) or None, at)
        elif session.epoch(number, worker.decode_metrics(result["metrics"]), at) is None:
            return True
        self._over(ray_id)
        return False

    def added(self, ray_id: str, trial: Any) -> None:
        """Tune has made the attempt's trial."""
        self._workers.add(ray_id, trial)

    def lost(self, ray_id: str) -> None:
        """The attempt's worker has died: as it trained, or before it began."""
        number = self._attempts.get(ray_id)
        if number is not None and number in self._session.running:
            if ray_id in self._renewed:
                self._session.renewed(number, self.at())
            else:
                self._session.lost(number, Loss.DIED, self.at())
        self._over(ray_id)

    def tick(self) -> None:
        """Look for interrupts, for workers that hang and for a dead Ray, and keep the session's time.

        Called a few times a second.
        """
        at = self.at()
        if self._interrupts:
            self._session.pause(Ending(EndedBy.USER, INTERRUPTED), at, "; Ctrl-C again ends at once")
        if hangup.taken():
            self._session.note(HUNG_UP, at)
        for number in self._session.tick(at):
            for ray_id in [name for name, trial in self._attempts.items() if trial == number]:
                self._workers.kill(ray_id)
                self._over(ray_id)
        self._ray.look(at)

    def _over(self, ray_id: str) -> None:
        """The attempt has ended."""
        self._attempts.pop(ray_id, None)
        self._workers.remove(ray_id)

    def _end_with_ray(self, reason: str) -> None:
        """The Ray session is gone: leave the study to be resumed. After a signal that was the user's doing."""
        if self._interrupts:
            return
        ray_patches.leave_placement_groups()
        self._session.pause(Ending(EndedBy.ERROR, f"{RAY_ENDED}: {reason}"), self.at())

    def _on_interrupt(self, signum: int, frame: FrameType | None) -> None:
        self._interrupts += 1
        if self._interrupts > 1:
            raise KeyboardInterrupt

    def _on_terminate(self, signum: int, frame: FrameType | None) -> None:
        """Ray's own processes may have got the signal too: there is no time for another epoch.

        Nor does Tune have to give back its placement groups: for an answer of a cluster that is gone it would wait a
        minute, and abort.
        """
        self._interrupts += 1  # remembered: a destructor that runs just now would swallow the exception
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

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        self._driver.added(trial.trial_id, trial)

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
