"""The search: told what happened, it answers what to do next. No I/O, no clock, no engine.

Drivers call `next_trial` for a free slot, `report` after every epoch and `close` at the end of a trial.
Times (`at`) are wall seconds since the study began, without the pauses between its sessions.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from automl.costs.budget import Ledger
from automl.policy.confirming import Confirmation
from automl.policy.full_length import FullLength
from automl.policy.history import RESUMABLE, events
from automl.policy.losses import Loss, ending
from automl.policy.means import Means
from automl.policy.operating import Operating
from automl.policy.prices import Prices
from automl.policy.production import Production
from automl.policy.proposals import Proposals
from automl.policy.repeats import Repeat, Repeats, repeat_of
from automl.policy.reserve import Reserve
from automl.policy.runs import Failures, Run, Runs
from automl.records import (
    EndedBy,
    Ending,
    EpochMetrics,
    EpochRow,
    Outcome,
    Purpose,
    StudySpec,
    Trial,
    TrialRow,
    TrialState,
)
from automl.sampler.protocol import Sampler
from automl.scores.ending import Promise
from automl.scores.halving import Rungs, final, smoothed


class Search:
    """Policy and memory of one study."""

    def __init__(self, spec: StudySpec, sampler: Sampler, ledger: Ledger) -> None:
        self.spec = spec
        self.ledger = ledger
        self.rungs = Rungs(spec.rungs, spec.epochs)
        self.operating = Operating(spec)
        self.runs = Runs()
        self.prices = Prices(spec, self.operating, self.runs)
        self.production = Production(spec, ledger, self.prices, self.operating)
        self.repeats = Repeats(spec, ledger, self.prices, self.runs)
        self.reserve = Reserve(spec, ledger, self.prices, self.repeats, self.production)
        self.failures = Failures()
        self.confirmation = Confirmation(spec, ledger, self.prices, self.production, self.repeats, self.runs)
        self._means = Means(spec, ledger, self.prices, self.reserve, self.runs, self.rungs, self.operating)
        self._full_length = FullLength(spec, self.production, self.runs, self.operating)
        self._proposals = Proposals(spec, sampler, self.operating)
        self._resumable: deque[Trial] = deque()
        self._search_end = self.confirmation.search_end
        self.ending: Ending | None = None
        self.pause_ending: Ending | None = None
        self._promise = Promise()

    # -- what a driver calls ----------------------------------------------------------------------

    def next_trial(self, at: float) -> Trial | None:
        """The trial for a free slot; None when there is none now, or, once `ended` is set, any more."""
        if self.pause_ending is not None or self.ending is not None:
            return None
        spent = self.ledger.exhausted(at)
        if spent is not None:
            repeated = self.repeats.summary() if self.repeats.begun else ""
            self._end_with(Ending(EndedBy.BUDGET, spent), repeated)
            return None
        trial = self._resumed() or self._new_trial(at)
        if trial is not None:
            self.ledger.hold(trial.number, at)
        return trial

    def report(self, number: int, metrics: EpochMetrics, at: float) -> Outcome | None:
        """Take a finished epoch; answer how the trial ends, or None while it goes on."""
        self.ledger.advance(number, at)
        run = self.runs[number]
        if metrics.epoch > len(run.scores):
            run.trained_s += metrics.train_s + metrics.val_s
            run.lost = 0
            outcome = self._take(run, metrics.epoch, metrics.map50_95)
            if outcome is not None:
                return outcome
        if self.failure is not None:
            return Outcome(state=TrialState.CUT, reason="the search has ended without an answer")
        spent = self.ledger.exhausted(at) or self.reserve.cut_due(run.trial, at, metrics.epoch)
        if spent is not None:
            return Outcome(state=TrialState.CUT, reason=f"{spent} after epoch {metrics.epoch}")
        if self.pause_ending is not None:
            return Outcome(state=TrialState.INTERRUPTED, reason=self.pause_ending.sentence)
        return None

    def lost(self, number: int, loss: Loss, reason: str) -> Outcome:
        """A trial's worker is gone; the outcome to close it with. An interrupted one is then offered again."""
        return ending(self.runs[number], loss, reason)

    def close(self, number: int, outcome: Outcome, at: float) -> float:
        """End a trial and free its slot; its cost in slot-seconds."""
        cost_s = self.ledger.release(number, at)
        run = self.runs[number]
        self._finish(run, outcome)
        if outcome.state is TrialState.INTERRUPTED and run.given_up:
            self.failures.baseline_lost(outcome.reason)
            self._end_on_failure()
        elif outcome.state is TrialState.INTERRUPTED and self.pause_ending is None:
            again = replace(run.trial, attempt=run.trial.attempt + bool(run.lost), done_epochs=len(run.scores))
            self._resumable.appendleft(again)
        return cost_s

    def give_up(self) -> list[tuple[int, Outcome]]:
        """End the interrupted trials that nothing will resume: those that wait for a slot once the search has ended.

        Once the baseline has failed, also those of this session: such a study is not resumed.
        """
        if self.ending is None:
            return []
        numbers = [trial.number for trial in self._resumable]
        self._resumable.clear()
        if self.failures.final:
            numbers += [number for number, run in self.runs.items() if run.interrupted and number not in numbers]
        outcome = Outcome(state=TrialState.CUT, reason=f"{self.ending.sentence} before it could go on")
        for number in numbers:
            self._finish(self.runs[number], outcome)
        return [(number, outcome) for number in numbers]

    def pause(self, ending: Ending) -> None:
        """Begin no new trials; running ones end as INTERRUPTED after their epoch, to be resumed later."""
        self.pause_ending = ending

    # -- what is known ----------------------------------------------------------------------------

    @property
    def searched(self) -> str | None:
        """Reason for no further trial but repeats and a production training; None while the search goes on."""
        return None if self._search_end is None else self._search_end.sentence

    @property
    def ended(self) -> str | None:
        """Reason for no further trial at all; None before."""
        return None if self.ending is None else self.ending.sentence

    @property
    def paused(self) -> str | None:
        """Reason of a pause; None without one."""
        return None if self.pause_ending is None else self.pause_ending.sentence

    @property
    def failure(self) -> str | None:
        """Reason for an end without an answer; None without one."""
        return self.failures.reason

    @property
    def trials(self) -> int:
        """Number of trials that have begun."""
        return len(self.runs)

    @property
    def at_stake(self) -> set[int]:
        """Trials of which one may win: those with repeats, or that would have some now, and those for production."""
        return self.repeats.at_stake() | self.production.numbers

    # -- memory of earlier sessions ---------------------------------------------------------------

    def replay(self, trials: Iterable[TrialRow], epochs: Iterable[EpochRow]) -> list[tuple[int, Outcome]]:
        """Rebuild sampler, rungs and ledger from stored rows, in the order in which things happened.

        Trials that were running or interrupted are offered first by `next_trial`, as a new attempt. Returns those
        that had reported their last epoch when the study process ended, with their outcomes.
        """
        rows = {row.number: row for row in trials}
        for number in sorted(rows):
            self._restore(rows[number])
        verdicts: dict[int, Outcome | None] = {}
        for number, epoch in events(rows.values(), epochs):
            run, row = self.runs[number], rows[number]
            if epoch is None:
                self._finish(run, Outcome(state=row.state, reason=row.reason, error=row.error))
            elif epoch.epoch == len(run.scores) + 1:
                run.trained_s += epoch.train_s + epoch.val_s
                verdicts[number] = self._take(run, epoch.epoch, epoch.map50_95)
        ends: list[tuple[int, Outcome]] = []
        for number in sorted(n for n, row in rows.items() if row.state in RESUMABLE and n >= self.confirmation.since):
            outcome = verdicts.get(number)
            if outcome is None:
                self._queue_again(rows[number])
            else:
                self._finish(self.runs[number], outcome)
                ends.append((number, outcome))
        self.failures.resumed()
        self.production.resumed()
        self.ending = Ending(EndedBy.FAILURE, self.failure) if self.failure is not None else None
        return ends

    def _restore(self, row: TrialRow) -> None:
        trial = row.trial()
        if trial.purpose is Purpose.PRODUCTION:
            self.production.begun(trial)
        elif trial.purpose.searched:
            self._proposals.begun(row.number, row.params)
        else:
            self.repeats.repeat_begun(trial)
        self.runs[row.number] = Run(trial)
        self.ledger.charge(row.number, row.slot_s)

    def _queue_again(self, row: TrialRow) -> None:
        run = self.runs[row.number]
        self._resumable.append(replace(run.trial, attempt=row.attempt + 1, done_epochs=len(run.scores)))

    # -- the next trial ---------------------------------------------------------------------------

    def _resumed(self) -> Trial | None:
        """The next interrupted trial, which goes on."""
        if not self._resumable:
            return None
        trial = self._resumable.popleft()
        self.runs[trial.number].trial = trial
        self.runs[trial.number].outcome = None
        if trial.purpose is Purpose.PRODUCTION:
            self.production.begun(trial)
        return trial

    def _new_trial(self, at: float) -> Trial | None:
        if self.spec.confirming is not None:
            return self._confirming(at)
        over = self._search_end is not None or (not self.operating.open and self._means.spent(at) is not None)
        trial = self._full_length.defaults(at, over=over)
        if trial is None:
            trial = self._searched(at) or self._after_search(at)
        if trial is not None:
            self.runs[trial.number] = Run(trial)
        return trial

    def _searched(self, at: float) -> Trial | None:
        return self._proposals.next(len(self.runs), self.runs.searched) if self._may_propose(at) else None

    def _confirming(self, at: float) -> Trial | None:
        """The next further seed after the end of the search; ends the study once none will follow."""
        trial = self.confirmation.next(at)
        if trial is None and not self.ledger.held:
            self._end_with(Ending(EndedBy.CONFIRMED, ""), "")
        return trial

    def _may_propose(self, at: float) -> bool:
        """True if the sampler may propose another trial now; ends the search once it never may again."""
        if self._search_end is None:
            reason = self.reserve.search_over(at, len(self.runs))
            if reason is not None and self._full_length.lacks_winner:
                return False
            self._search_end = Ending(EndedBy.BUDGET, reason) if reason is not None else None
        if self._search_end is not None:
            return False
        if not self.runs:
            return True
        if self.spec.defaults_alone:
            self._search_end = Ending(EndedBy.EXHAUSTED, self.spec.defaults_alone.rstrip("."))
            return False
        if self.runs.baseline is None:
            return False  # the set-up has to prove itself on the baseline before more is spent
        if not self._proposals.endless and self.runs.searched >= len(self.spec.given):
            self._search_end = Ending(EndedBy.EXHAUSTED, "nothing but model and image size was to be searched")
            return False
        return self._payable(at)

    def _payable(self, at: float) -> bool:
        """True if what is left pays for another training; ends the search where that promises too little."""
        left_s, wall_left_s = self._means.left_s(at)
        if self.spec.early_end:
            slots = self.spec.slots
            reason = self._promise.nothing_left(min(left_s, wall_left_s * slots.count), slots.device)
            if reason is not None:
                self._search_end = Ending(EndedBy.EARLY, reason)
                return False
        if self._means.pays(at):
            return True
        unpaid = self._means.unpaid(at)
        if unpaid is not None and not self._full_length.lacks_winner:
            self._search_end = Ending(EndedBy.BUDGET, unpaid)
        return False

    def _after_search(self, at: float) -> Trial | None:
        """The next repeat, after them the production training; ends the study when none will follow."""
        if self._search_end is None:
            return None
        repeat = self._repeat_due(at)
        if repeat is not None:
            trial = repeat_of(self.runs[repeat.trial].trial, len(self.runs), repeat.seed)
            self.repeats.repeat_begun(trial)
            return trial
        beside = self.production.numbers
        if (self._repeats_wanted or self.spec.train) and not beside.issuperset(self.ledger.held):
            return None  # a running trial may still decide what follows
        trained = self._full_length.defaults(at, over=True)
        trained = trained or self._full_length.winner(at) or self._full_length.repeat(at)
        if trained is None and not self.production.running:
            self._end_with(self._search_end, self.repeats.summary() if self._repeats_wanted else "")
        return trained

    @property
    def _repeats_wanted(self) -> bool:
        """True if repeats were planned, or if the search ended early and so left the means for them."""
        early = self._search_end is not None and self._search_end.by is EndedBy.EARLY
        return bool(self.spec.confirm) and bool(self.reserve.repeats or self.repeats.begun or early)

    def _repeat_due(self, at: float) -> Repeat | None:
        if self.production.winner is not None or not self._repeats_wanted:
            return None
        return self.repeats.due(self.reserve.room(at, len(self.runs)), self.reserve.repeats)

    def _end_with(self, ending: Ending, repeated: str) -> None:
        """End the study: the search's reason, what came of the repeats and of the production training."""
        parts = filter(None, (ending.sentence, repeated, self.production.summary()))
        confirming = self.spec.confirming is not None
        self.ending = Ending(ending.by, self.confirmation.summary(ending.sentence) if confirming else "; ".join(parts))

    # -- epochs and ends --------------------------------------------------------------------------

    def _take(self, run: Run, epoch: int, score: float) -> Outcome | None:
        """Remember a new epoch's score; how the trial ends with it, or None while it goes on."""
        if not math.isfinite(score):
            run.diverged = True
            reason = f"mAP50-95 is not a number after epoch {epoch}: the training diverged"
            return Outcome(state=TrialState.FAILED, reason=reason)
        self.runs.add(run, score)
        if run.trial.purpose.searched:
            self._proposals.report(run.trial.number, epoch, score)
            return self._judge(run, epoch)
        if run.trial.purpose is Purpose.PRODUCTION:
            return self.production.verdict(run.trial.number, run.scores)
        return self._completed() if epoch >= self.spec.epochs else None

    def _completed(self) -> Outcome:
        return Outcome(state=TrialState.COMPLETED, reason=f"trained all {self.spec.epochs} epochs")

    def _judge(self, run: Run, epoch: int) -> Outcome | None:
        """Compare the trial with the others at a rung; the defaults are never stopped early."""
        number = run.trial.number
        if epoch >= self.spec.epochs:
            self.rungs.record(number, self.spec.epochs, final(run.scores, self.spec.epochs))
            return self._completed()
        if epoch not in self.rungs.levels:
            return None
        verdict = self.rungs.judge(number, epoch, smoothed(run.scores))
        if verdict.survives or self.operating.exempt(number):
            return None
        return Outcome(
            state=TrialState.STOPPED,
            reason=f"weak at epoch {epoch}: mean mAP50-95 {verdict.value:.3f}, and {verdict.threshold:.3f} goes on",
        )

    def _finish(self, run: Run, outcome: Outcome) -> None:
        run.outcome = outcome
        if run.trial.purpose is Purpose.PRODUCTION:
            self._finish_production(run, outcome)
        elif not run.trial.purpose.searched:
            if outcome.state is TrialState.COMPLETED:
                self.repeats.repeat_completed(run.trial)
        elif outcome.state not in RESUMABLE:
            self._finish_searched(run, outcome)

    def _finish_searched(self, run: Run, outcome: Outcome) -> None:
        number, cost_s = run.trial.number, self.ledger.cost_s(run.trial.number)
        run.told = score = self._score_to_tell(run, outcome)
        if outcome.state is TrialState.COMPLETED and score is not None:
            self.repeats.trial_completed(number, score)
        if score is not None:
            self._promise.trial_ended(score, cost_s, completed=outcome.state is TrialState.COMPLETED)
        self._proposals.tell(number, score)
        self.prices.trial_ended(run, cost_s, self.rungs.levels[0] if self.rungs.levels else run.trial.epochs)
        self.failures.trial_ended(number, outcome)
        self._end_on_failure()
        if self.operating.trial_ended(run.trial, outcome, run.score):
            self._proposals.narrow(self.runs)
        if not self.operating.open and self._search_end is None:
            reason = self.runs.target_met(self.spec.target)
            self._search_end = Ending(EndedBy.TARGET, reason) if reason is not None else None

    def _score_to_tell(self, run: Run, outcome: Outcome) -> float | None:
        """The score for the sampler: extrapolated to the horizon for a trial that ended before it."""
        if outcome.state is TrialState.FAILED or run.score is None:
            return None
        if outcome.state is TrialState.COMPLETED:
            return run.score
        return self.rungs.extrapolate(run.trial.number, run.score)

    def _finish_production(self, run: Run, outcome: Outcome) -> None:
        """A failure other than divergence lets it begin anew: once in this session, then when the study is resumed."""
        number = run.trial.number
        self.production.ended(number, outcome)
        if outcome.state is TrialState.FAILED and not run.diverged and not self.production.failed(number):
            self.failures.production_failed(outcome.reason)
            self._end_on_failure()

    def _end_on_failure(self) -> None:
        if self.ending is None and self.failure is not None:
            self.ending = Ending(EndedBy.FAILURE, self.failure)
