"""What every driver does around the search: charge, record, announce. Drivers only bring time and slots."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Protocol

from automl import figures
from automl.costs import plan
from automl.files import folders
from automl.policy import Search
from automl.records import EpochMetrics, Listener, Notice, Outcome, Purpose, TrainJob, Trial, TrialState
from automl.scores.words import trial_name

HEARTBEAT_S = 5.0
REPLANNED = 1.25  # the rest is planned again when epochs cost by so much more, or less, than was said
SAME, LONG_S = 0.1, 900.0  # nothing is said of so small a change in trials, where the end is nearer than that
STOP_POLL_S = 0.5  # also how long a row waits for its group at most


class Record(Protocol):
    """What the session writes down; `automl.store.Recorder` keeps it in the database."""

    def trial_started(
        self, trial: Trial, *, at: float, node: str | None, device: str | None, pid: int | None
    ) -> object: ...
    def epoch(self, trial: int, attempt: int, metrics: EpochMetrics, *, slot_s: float, at: float) -> object: ...
    def trial_closed(self, trial: int, outcome: Outcome, *, slot_s: float, at: float) -> object: ...
    def trial_given_up(self, trial: int, outcome: Outcome, *, at: float) -> object: ...
    def heartbeat(self, *, at: float, slot_s: float, wall_s: float, running: Mapping[int, float]) -> object: ...
    def event(self, kind: str, text: str, *, trial: int | None = None, at: float) -> object: ...
    def stop_requested(self) -> bool: ...


class Keeper(Protocol):
    """Keeps the files of the best trials and deletes those of the rest."""

    def pin(self, numbers: Collection[int]) -> object: ...
    def closed(self, number: int, outcome: Outcome, score: float | None) -> str | None: ...


class Session:
    """One driver's turn at a study: the search with its record, between begin or resume and end.

    posix_offset_s  what turns study wall seconds into POSIX seconds in this session
    """

    def __init__(
        self,
        search: Search,
        record: Record,
        *,
        posix_offset_s: float,
        listener: Listener = lambda notice: None,
        keeper: Keeper | None = None,
    ) -> None:
        self.search = search
        self._record = record
        self._offset_s = posix_offset_s
        self._listener = listener
        self._keeper = keeper
        self._attempts: dict[int, tuple[Trial, float]] = {}  # the latest attempt of each trial and its start
        self._paid: dict[tuple[int, int], tuple[float, float]] = {}  # seconds of running trials' epochs
        self._reached: dict[int, int] = {}  # the last epoch that any attempt of a trial reported
        self._point = search.operating.chosen  # told already
        self._ratio = self._cost_ratio() if search.trials else 1.0  # told already
        self._rung = search.rungs.lowest  # told already
        self._beat_at = float("-inf")
        self._polled_at = float("-inf")

    @property
    def running(self) -> tuple[int, ...]:
        """Trials that hold a slot."""
        return self.search.ledger.held

    def job(self, trial: Trial, device: str) -> TrainJob:
        """Where the trial's files lie and what it may use."""
        spec = self.search.spec
        return TrainJob(
            data=str(folders.data(spec.directory)),
            weights=spec.weights,
            fixed=spec.fixed,
            directory=str(folders.trial(spec.directory, trial.number)),
            cache=str(folders.cache(spec.directory)),
            device=device,
            threads=spec.slots.threads,
            pause_file=str(folders.pause(spec.directory)),
        )

    def next_trial(self, at: float) -> Trial | None:
        """The trial for a free slot, recorded as started; None when there is none now."""
        trial = self.search.next_trial(at)
        if trial is None:
            self._give_up(at)
        if trial is not None:
            if trial.purpose is Purpose.PRODUCTION:
                self.note(self._production_begins(trial), at, trial.number)
            elif trial.repeats is not None and self.search.confirming.begun == 1:
                why = f"{self.search.searched}: " if self.search.searched else ""
                self.note(
                    f"{why}the defaults and the best trials by their score run again with other seeds",
                    at,
                )
            self._begin(trial, at)
            self._say(
                "trial_started",
                at,
                trial.number,
                params=trial.params,
                origin=trial.origin if trial.repeats is None else f"{trial.origin} of {trial.repeats}",
                repeats=trial.repeats,
                attempt=trial.attempt,
                done_epochs=trial.done_epochs,
                epochs=trial.epochs,
                slot_s=self.search.ledger.cost_s(trial.number),
            )
        return trial

    def _production_begins(self, trial: Trial) -> str:
        search, wanted = self.search, self.search.spec.train
        less = f", of the {wanted} asked for: what is left pays for these" if trial.epochs < wanted else ""
        why = f"{search.searched}: " if search.searched and not search.confirming.begun else ""
        trains = f"{trial_name(trial.repeats or 0)} {'trains' if trial.repeats else 'train'}"
        return f"{why}{trains} for production, {trial.epochs} epochs{less}"

    def _give_up(self, at: float) -> None:
        """Writes down that interrupted trials stay as they are, once the search has ended."""
        for number, outcome in self.search.give_up():
            self._record.trial_given_up(number, outcome, at=self._posix(at))
            self.note(f"trial {number} is {outcome.state.value}: {outcome.reason}", at, number)
            self._keep(number, outcome, at)

    def placed(self, number: int, *, node: str, device: str, pid: int) -> None:
        """The trial's current attempt runs there."""
        trial, at = self._attempts[number]
        self._record.trial_started(trial, at=self._posix(at), node=node, device=device, pid=pid)

    def restarted(self, number: int, at: float) -> None:
        """The trial's worker was lost and another one goes on from the snapshot: a new attempt."""
        trial, _ = self._attempts[number]
        again = replace(trial, attempt=trial.attempt + 1)
        self._begin(again, at)
        self.note(f"trial {number} goes on in another worker (attempt {again.attempt})", at, number)

    def _begin(self, trial: Trial, at: float) -> None:
        self._attempts[trial.number] = (trial, at)
        self._reached.setdefault(trial.number, trial.done_epochs)
        self._record.trial_started(trial, at=self._posix(at), node=None, device=None, pid=None)

    def epoch(self, number: int, metrics: EpochMetrics, at: float) -> Outcome | None:
        """Takes a finished epoch; the outcome with which the trial has ended, or None when it goes on."""
        outcome = self.search.report(number, metrics, at)
        cost_s = self.search.ledger.cost_s(number)
        seconds = (metrics.train_s, metrics.val_s)
        if self._paid.get((number, metrics.epoch)) == seconds:
            return self._ended(number, outcome, at)  # told again from a snapshot, not trained again
        self._paid[number, metrics.epoch] = seconds
        attempt = self._attempts[number][0].attempt
        self._record.epoch(number, attempt, metrics, slot_s=cost_s, at=self._posix(at))
        if metrics.epoch > self._reached[number]:  # else it is trained again, and what is known of it stays
            self._reached[number] = metrics.epoch
            self._say(
                "epoch", at, number, epoch=metrics.epoch, map50_95=metrics.map50_95, map50=metrics.map50, slot_s=cost_s
            )
        self._tell_rung(at)
        if number == 0:
            self._plan_again(at, decided=False)  # before a second trial is paid by the probe's price
        return self._ended(number, outcome, at)

    def _tell_rung(self, at: float) -> None:
        """Notes when the rungs at which trials are stopped have changed."""
        rungs = self.search.rungs
        if rungs.lowest == self._rung:
            return
        level = min(self._rung, rungs.lowest)
        self._rung = rungs.lowest
        trust = next(known for known in rungs.trust() if known.level == level)
        verdict = "trials are stopped at it again" if trust.stops else "no trial is stopped at it any more"
        self.note(
            f"rung {level} ranks {trust.trials} trials like rung {trust.following} with a correlation of "
            f"{trust.correlation or 0.0:.2f}: {verdict}",
            at,
        )

    def _ended(self, number: int, outcome: Outcome | None, at: float) -> Outcome | None:
        if outcome is not None:
            self.close(number, outcome, at)
            for epoch in range(1, self.search.trial(number).epochs + 1):
                self._paid.pop((number, epoch), None)
        return outcome

    def failed(self, number: int, reason: str, error: str | None, at: float) -> None:
        """The training failed: data, not a crash."""
        self.close(number, Outcome(state=TrialState.FAILED, reason=reason, error=error), at)

    def close(self, number: int, outcome: Outcome, at: float) -> None:
        """Ends the trial, frees its slot and writes both down."""
        search = self.search
        cost_s = search.close(number, outcome, at)
        self._record.trial_closed(number, outcome, slot_s=cost_s, at=self._posix(at))
        self._say(
            "trial_ended",
            at,
            number,
            state=outcome.state.value,
            reason=outcome.reason,
            map50_95=self.search.best(number),
            slot_s=cost_s,
        )
        decided = search.operating.chosen != self._point
        if decided:
            self._point = search.operating.chosen
            self.note(search.operating.reason, at)
        self._plan_again(at, decided=decided)
        self._keep(number, outcome, at)

    def _keep(self, number: int, outcome: Outcome, at: float) -> None:
        """Leaves the files of an ended trial to the keeper."""
        if self._keeper is None:
            return
        self._keeper.pin(self.search.at_stake)
        repeat = self.search.trial(number).repeats is not None  # its weights do not compete; a production's are pinned
        problem = self._keeper.closed(number, outcome, None if repeat else self.search.score(number))
        if problem is not None:
            self.pause(problem, at)

    def _cost_ratio(self) -> float:
        """Measured by planned slot-seconds of an epoch, where the search tunes now."""
        search = self.search
        if not search.spec.plan:
            return 1.0
        planned_s = plan.planned_epoch_s(search.spec.plan, search.operating.of(search.operating.arguments({})))
        return search.epoch_cost_s() / planned_s if planned_s > 0 else 1.0

    def _plan_again(self, at: float, *, decided: bool) -> None:
        """Says how far what is left goes when epochs cost otherwise than planned. The horizon stays."""
        search, ratio = self.search, self._cost_ratio()
        same = max(ratio / self._ratio, self._ratio / ratio) <= REPLANNED
        over = search.searched is not None or search.ended is not None
        if not search.spec.plan or over or (same and not decided):
            return
        self._ratio = ratio
        spec, ledger, repeats, limit = search.spec, search.ledger, search.confirming, search.ledger.trial_limit
        epoch_s = ratio * plan.planned_epoch_s(spec.plan, search.operating.chosen if spec.points else "")
        more, wall_s = plan.rest(
            plan.Course(epochs=spec.epochs, rungs=spec.rungs, epoch_s=epoch_s),
            left_s=ledger.left_s(at) - repeats.reserve_s(),
            wall_left_s=ledger.wall_left_s(at) - repeats.reserve_wall_s(),
            slots=spec.slots.count,
            most=None if limit is None else max(0, limit - repeats.trials_left - search.trials),
        )
        wall_s += search.production.reserve_s()
        trials = search.trials + more
        if not decided and abs(trials - spec.plan["trials"]) <= SAME * trials and wall_s < LONG_S:
            return
        self.note(
            f"planned again: an epoch costs {epoch_s:.1f} s, {ratio:.2f} times what was planned; about "
            f"{trials} trials instead of {spec.plan['trials']}, ending in {wall_s / 60:.0f} min"
            + "; too few to keep repeats with other seeds" * (spec.reserve_trials > repeats.planned)
            + "; too dear to keep a production training" * (search.production.waits and not search.production.kept),
            at,
        )

    def begin(self, at: float, *, begun: int, ended: int) -> None:
        """Announces where the study stands as this session begins."""
        search = self.search
        self._say(
            "study",
            at,
            None,
            spec=search.spec,
            spent_s=search.ledger.spent_s(),
            begun=begun,
            ended=ended,
            baseline=search.baseline,
            best_epoch=search.best_epoch,
        )

    def settle(self, settled: list[tuple[int, Outcome]], at: float) -> None:
        """Writes down the ends that a dead driver had not."""
        for number, outcome in settled:
            self._begin(self.search.trial(number), at)  # its row was closed as interrupted: open it once more
            cost_s = self.search.ledger.cost_s(number)
            self._record.trial_closed(number, outcome, slot_s=cost_s, at=self._posix(at))

    def pause(self, reason: str, at: float, hint: str = "") -> None:
        """No new trials; the running ones end after their epoch, with a snapshot.

        hint  what else the user may do meanwhile
        """
        if not self.search.paused:
            folders.pause(self.search.spec.directory).touch()
            self.search.pause(reason)
            self.note(f"{reason}; {self._until_then()}{hint}", at)

    def _until_then(self) -> str:
        """For how long running trials go on after a pause, in words."""
        if not self.running:
            return "nothing is running"
        epoch_s = max(self.search.epoch_cost_s(self.search.trial(number).params) for number in self.running)
        return f"running epochs are finished first (up to {figures.duration(epoch_s)})"

    def tick(self, at: float) -> None:
        """Called a few times a second of real time: keeps the heartbeat and looks for a request to stop."""
        if at - self._beat_at >= HEARTBEAT_S:
            self._beat_at = at
            self.beat(at)
        if at - self._polled_at >= STOP_POLL_S:
            self._polled_at = at
            if self._record.stop_requested():
                self.pause("stopped by `automl stop`", at)

    def beat(self, at: float) -> None:
        """Writes down what has been spent until now, so that a crash loses no more than a few seconds of it."""
        ledger = self.search.ledger
        running = {number: ledger.advance(number, at) for number in ledger.held}
        self._record.heartbeat(at=self._posix(at), slot_s=ledger.spent_s(), wall_s=at, running=running)

    def note(self, text: str, at: float, trial: int | None = None) -> None:
        """A line of the study's log."""
        self._record.event("note", text, trial=trial, at=self._posix(at))
        self._say("note", at, trial, text=text)

    def _posix(self, at: float) -> float:
        return self._offset_s + at

    def _say(self, kind: str, at: float, trial: int | None, **values: Any) -> None:
        self._listener(Notice(kind=kind, at=at, trial=trial, values=values))
