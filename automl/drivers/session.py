"""A driver's work around the search: charge, record, announce. Drivers only bring time and slots."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from automl.drivers.commentary import Commentary, trained_again
from automl.drivers.deadlines import Deadlines, Patience
from automl.figures import span
from automl.files import folders
from automl.files.moved import network
from automl.policy import Search
from automl.policy.losses import Loss
from automl.records import (
    EndedBy,
    Ending,
    EpochMetrics,
    Listener,
    Notice,
    Outcome,
    Purpose,
    TrainJob,
    Trial,
    TrialState,
    model_of,
    weights_for,
)
from automl.scores.words import origin_text

HEARTBEAT_S = 5.0
STOP_POLL_S = 0.5  # also the longest time that a row waits for its group


class Record(Protocol):
    """Recorder of a session; `automl.store.write.Recorder` writes to the database."""

    def trial_started(
        self, trial: Trial, *, at: float, node: str | None, device: str | None, pid: int | None
    ) -> object: ...
    def epoch(self, trial: int, attempt: int, metrics: EpochMetrics, *, slot_s: float, at: float) -> object: ...
    def trial_closed(self, trial: int, outcome: Outcome, *, slot_s: float, at: float) -> object: ...
    def trial_given_up(self, trial: int, outcome: Outcome, *, at: float) -> object: ...
    def heartbeat(self, *, at: float, slot_s: float, wall_s: float, running: Mapping[int, float]) -> object: ...
    def event(self, kind: str, text: str, *, trial: int | None = None, at: float) -> object: ...
    def stop_requested(self) -> bool: ...
    def problem(self) -> str | None: ...
    def news(self) -> str | None: ...


class Keeper(Protocol):
    """Keeper of the files of the best trials; it deletes those of the rest."""

    def pin(self, numbers: Collection[int]) -> object: ...
    def closed(self, number: int, outcome: Outcome, score: float | None) -> object: ...
    def problem(self) -> str | None: ...


class Session:
    """One driver's turn at a study: the search with its record, between begin or resume and end.

    posix_offset_s  difference between POSIX seconds and wall seconds of the study in this session
    patience        seconds that its trials may leave it without a report
    """

    def __init__(
        self,
        search: Search,
        record: Record,
        *,
        posix_offset_s: float,
        listener: Listener = lambda notice: None,
        keeper: Keeper | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.search = search
        self.deadlines = Deadlines()
        self.patience = patience or Patience()
        self._record = record
        self._offset_s = posix_offset_s
        self._listener = listener
        self._keeper = keeper
        self._commentary = Commentary(search)
        self._attempts: dict[int, tuple[Trial, float]] = {}  # the latest attempt of each trial and its start
        self._reached: dict[int, int] = {}  # the last epoch that any attempt of a trial reported
        self._longest_s: dict[int, float] = {}  # seconds of a trial's longest epoch
        self._halved: dict[int, str] = {}  # sentences on trials with a smaller batch than they were to have
        self._shortened: set[int] = set()  # trials whose deadline was brought forward, since the budget is spent
        self._beat_at = float("-inf")
        self._polled_at = float("-inf")

    @property
    def running(self) -> tuple[int, ...]:
        """Trials that hold a slot."""
        return self.search.ledger.held

    def job(self, trial: Trial) -> TrainJob:
        """Inputs of the trial's training: where its files lie and what it may use."""
        spec = self.search.spec
        folder = folders.trial(spec.directory, trial.number)
        model = model_of(spec, trial.params)
        start, file = weights_for(spec, model), network(spec, model)
        weights = start.path if start is not None else None
        moved = file if file != model else ""
        return folders.job(spec.directory, folder, weights=weights, fixed=spec.fixed, slots=spec.slots, network=moved)

    # -- trials and epochs ------------------------------------------------------------------------

    def next_trial(self, at: float) -> Trial | None:
        """The trial for a free slot, recorded as started; None when there is none now."""
        trial = self.search.next_trial(at)
        if trial is None:
            self._give_up(at)
            return None
        production = trial.number if trial.purpose is Purpose.PRODUCTION else None
        self._comment(self._commentary.trial_begun(trial), at, production)
        known = self._attempts.get(trial.number)
        self._begin(trial, at)
        if known is not None and known[0].attempt == trial.attempt:
            return trial
        if known is not None:
            self.note(f"trial {trial.number} goes on in another worker (attempt {trial.attempt})", at, trial.number)
        self._say(
            "trial_started",
            at,
            trial.number,
            params=trial.params,
            origin=origin_text(trial.origin, trial.repeats),
            purpose=trial.purpose,
            repeats=trial.repeats,
            attempt=trial.attempt,
            done_epochs=trial.done_epochs,
            epochs=trial.epochs,
            slot_s=self.search.ledger.cost_s(trial.number),
        )
        return trial

    def _give_up(self, at: float) -> None:
        """Record that interrupted trials stay as they are, once the search has ended."""
        for number, outcome in self.search.give_up():
            self._record.trial_given_up(number, outcome, at=self._posix(at))
            self.note(f"trial {number} is {outcome.state.value}: {outcome.reason}", at, number)
            self._keep(number, outcome, at)

    def placed(self, number: int, *, node: str, device: str, pid: int) -> None:
        """The trial's current attempt runs there."""
        trial, at = self._attempts[number]
        self._record.trial_started(trial, at=self._posix(at), node=node, device=device, pid=pid)

    def lost(self, number: int, loss: Loss, at: float, why: str = "") -> Outcome:
        """The trial's worker is gone. It goes on in another one from its snapshot, as a new attempt, or has failed.

        why  the reason, where there is more to say than for any such loss
        """
        outcome = self.search.lost(number, loss, why or loss.value)
        self.close(number, outcome, at)
        return outcome

    def renewed(self, number: int, at: float) -> None:
        """The trial's worker made room for a new one before it trained: the next one takes the same attempt."""
        self.deadlines.end(number)
        self.search.close(number, Outcome(state=TrialState.INTERRUPTED), at)

    def _begin(self, trial: Trial, at: float) -> None:
        self._attempts[trial.number] = (trial, at)
        self._reached.setdefault(trial.number, trial.done_epochs)
        self._record.trial_started(trial, at=self._posix(at), node=None, device=None, pid=None)
        expected_s = self.search.prices.epoch_s(trial.params)
        self.deadlines.begin(trial.number, self.patience.first_s(expected_s, self.search.spec.probe_s), at)

    def epoch(self, number: int, metrics: EpochMetrics, at: float) -> Outcome | None:
        """Take a finished epoch; the outcome with which the trial has ended, or None while it goes on.

        An epoch that was read from a snapshot and is known already costs time, and is not recorded again.
        """
        outcome = self.search.report(number, metrics, at)
        new = metrics.epoch > self._reached[number]
        if new or not metrics.replayed:
            cost_s = self.search.ledger.cost_s(number)
            attempt = self._attempts[number][0].attempt
            self._record.epoch(number, attempt, metrics, slot_s=cost_s, at=self._posix(at))
            if new:  # else it was trained again, and what is known of it stays
                self._reached[number] = metrics.epoch
                scores = {"map50_95": metrics.map50_95, "map50": metrics.map50}
                self._say("epoch", at, number, epoch=metrics.epoch, **scores, slot_s=cost_s)
            elif metrics.applied is not None:  # the first of this attempt
                self._comment(trained_again(number, metrics.epoch, self._reached[number]), at, number)
            self._comment(self._commentary.rungs_changed(), at)
            self._comment(self._smaller_batch(number, metrics), at, number)
            if number == 0:  # before a second trial is paid by the probe's price
                self._comment(self._commentary.replanned(at, decided=False), at)
        if outcome is not None:
            self.close(number, outcome, at)
        else:
            self._await_next(number, metrics, at)
        return outcome

    def _smaller_batch(self, number: int, metrics: EpochMetrics) -> str | None:
        """Sentence on a batch that was halved in the training, for want of memory; None without one."""
        asked = {**self.search.spec.fixed, **self._attempts[number][0].params}.get("batch")
        trained = (metrics.applied or {}).get("batch")
        if not isinstance(asked, int) or not isinstance(trained, int) or not 0 < trained < asked:
            return None
        self._halved[number] = f"trained with batch {trained} in place of {asked}: out of memory"
        return f"trial {number} ran out of memory: from here it trains with batch {trained} in place of {asked}"

    def _await_next(self, number: int, metrics: EpochMetrics, at: float) -> None:
        """Set the deadline of the next epoch by the longest one until now."""
        self._longest_s[number] = max(self._longest_s.get(number, 0.0), metrics.train_s + metrics.val_s)
        self.deadlines.begin(number, self.patience.report_s(self._expected_s(number)), at)

    def _expected_s(self, number: int) -> float:
        """Seconds of an epoch of the trial: its longest in this attempt, or its price where that is more."""
        price_s = self.search.prices.epoch_s(self._attempts[number][0].params)
        return max(price_s, self._longest_s.get(number, 0.0))

    def failed(self, number: int, reason: str, error: str | None, at: float) -> None:
        """The training failed: data, not a crash."""
        self.close(number, Outcome(state=TrialState.FAILED, reason=reason, error=error), at)

    def interrupted(self, number: int, ending: Ending, at: float) -> None:
        """The training cannot go on for a reason outside it: so no other can, and all are resumed later."""
        self.pause(ending, at)
        self.close(number, Outcome(state=TrialState.INTERRUPTED, reason=ending.sentence), at)

    def close(self, number: int, outcome: Outcome, at: float) -> None:
        """End the trial, free its slot and record both."""
        self.deadlines.end(number)
        halved = self._halved.get(number)
        outcome = outcome if halved is None else replace(outcome, reason=f"{outcome.reason}; {halved}")
        cost_s = self.search.close(number, outcome, at)
        self._record.trial_closed(number, outcome, slot_s=cost_s, at=self._posix(at))
        self._say(
            "trial_ended",
            at,
            number,
            state=outcome.state.value,
            reason=outcome.reason,
            map50_95=self.search.runs[number].best,
            slot_s=cost_s,
        )
        choice = self._commentary.point_chosen()
        self._comment(choice, at)
        self._comment(self._commentary.replanned(at, decided=choice is not None), at)
        self._keep(number, outcome, at)
        if self.search.failures.final and not self.running:  # a pause may have come first, and no slot is filled then
            self._give_up(at)

    def _keep(self, number: int, outcome: Outcome, at: float) -> None:
        """Leave the files of an ended trial to the keeper."""
        if self._keeper is None:
            return
        self._keeper.pin(self.search.at_stake)
        run = self.search.runs[number]  # weights of a repeat do not compete; those of a production training are pinned
        self._keeper.closed(number, outcome, run.score if run.trial.purpose.searched else None)
        self._look_at_disk(at)

    def _look_at_disk(self, at: float) -> None:
        """Pause while there is still room for the snapshots of the running trials."""
        problem = None if self._keeper is None else self._keeper.problem()
        if problem is not None:
            self.pause(Ending(EndedBy.DISK, problem), at)

    # -- begin, pause and time --------------------------------------------------------------------

    def begin(self, at: float, *, begun: int, ended: int) -> None:
        """Announce where the study stands as this session begins."""
        search = self.search
        self._say(
            "study",
            at,
            None,
            spec=search.spec,
            spent_s=search.ledger.spent_s(),
            begun=begun,
            ended=ended,
            baseline=search.runs.baseline,
            best_epoch=search.runs.best_epoch,
        )

    def settle(self, ends: Sequence[tuple[int, Outcome]], at: float) -> None:
        """Record the ends of trials that the last study process had not recorded."""
        for number, outcome in ends:
            self._begin(self.search.runs[number].trial, at)  # its row was closed as interrupted: open it once more
            cost_s = self.search.ledger.cost_s(number)
            self._record.trial_closed(number, outcome, slot_s=cost_s, at=self._posix(at))

    def pause(self, ending: Ending, at: float, hint: str = "") -> None:
        """Begin no new trials; the running ones end after their epoch, with a snapshot.

        hint  further words on what the user may do meanwhile
        """
        if self.search.paused is None:
            with suppress(OSError):  # a disk that is full or gone: the running trials end after their epoch anyway
                folders.pause(self.search.spec.directory).touch()
            self.search.pause(ending)
            self.note(self._commentary.paused(ending.sentence, hint), at)

    def tick(self, at: float) -> tuple[int, ...]:
        """Keep the heartbeat, look for a request to stop and for reports that are overdue.

        Called a few times a second of real time. Returns the trials that it has ended: their workers hang, and the
        driver is to kill them.
        """
        if at - self._beat_at >= HEARTBEAT_S:
            self._beat_at = at
            self.beat(at)
            self._look_at_disk(at)
        if at - self._polled_at >= STOP_POLL_S:
            self._polled_at = at
            if self._record.stop_requested():
                self.pause(Ending(EndedBy.STOP, "stopped by `automl stop`"), at)
            self._mind_record(at)
        spent = self.search.ledger.exhausted(at)
        for number in self.running if spent is not None else ():
            self._last_epoch(number, at)
        late = [number for number in self.deadlines.look(at) if number in self.running]
        for number in late:
            self._end_late(number, spent, at)
        return tuple(late)

    def _last_epoch(self, number: int, at: float) -> None:
        """The budget is spent: the running epoch may not take much longer than it should.

        A production training has its full deadline: with its worker the weights would be lost.
        """
        production = self.search.runs[number].trial.purpose is Purpose.PRODUCTION
        if number not in self._shortened and not production:
            self._shortened.add(number)
            self.deadlines.shorten(number, self.patience.last_s(self._expected_s(number)), at)

    def _end_late(self, number: int, spent: str | None, at: float) -> None:
        """End a trial whose report is overdue."""
        waited = f"no epoch for {span(self.deadlines.allowed_s(number))}"
        if self.search.pause_ending is not None:
            outcome = Outcome(
                state=TrialState.INTERRUPTED, reason=f"{self.search.pause_ending.sentence}; its worker hung: {waited}"
            )
        elif spent is not None:
            outcome = Outcome(state=TrialState.CUT, reason=f"{spent} and its worker hung: {waited}")
        else:
            outcome = self.search.lost(number, Loss.LATE, f"its worker hung: {waited}")
        self.note(f"trial {number}: {outcome.reason}", at, number)
        self.close(number, outcome, at)

    def _mind_record(self, at: float) -> None:
        """Tell of a database that does not answer, and end in order where rows have no room any more."""
        self._comment(self._record.news(), at)
        problem = self._record.problem()
        if problem is not None:
            self.pause(Ending(EndedBy.DISK, problem), at)

    def beat(self, at: float) -> None:
        """Record what has been spent until now, so that a crash loses no more than a few seconds of it."""
        ledger = self.search.ledger
        running = {number: ledger.advance(number, at) for number in ledger.held}
        self._record.heartbeat(at=self._posix(at), slot_s=ledger.spent_s(), wall_s=at, running=running)

    def note(self, text: str, at: float, trial: int | None = None) -> None:
        """Add a line to the study's log."""
        self._record.event("note", text, trial=trial, at=self._posix(at))
        self._say("note", at, trial, text=text)

    def _comment(self, text: str | None, at: float, trial: int | None = None) -> None:
        if text is not None:
            self.note(text, at, trial)

    def _posix(self, at: float) -> float:
        return self._offset_s + at

    def _say(self, kind: str, at: float, trial: int | None, **values: Any) -> None:
        self._listener(Notice(kind=kind, at=at, trial=trial, values=values))
