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
from automl.figures import format_cost
from automl.policy.history import RESUMABLE, happened, restored
from automl.policy.operating import Operating
from automl.policy.production import Production
from automl.policy.proposals import Proposals
from automl.policy.repeats import Confirming
from automl.policy.runs import Failures, Run, best_epoch, dearest, leader, met
from automl.records import EpochMetrics, EpochRow, Outcome, Params, Purpose, StudySpec, Trial, TrialRow, TrialState
from automl.sampler.protocol import Sampler
from automl.scores.ending import LOOK_BACK, nothing_left
from automl.scores.halving import Rungs, final, quantile, smoothed


class Search:
    """One study's policy and memory."""

    def __init__(self, spec: StudySpec, sampler: Sampler, ledger: Ledger) -> None:
        self.spec = spec
        self.ledger = ledger
        self.rungs = Rungs(spec.rungs, spec.epochs)
        self.production = Production(spec, ledger, self.epoch_cost_s)
        self.confirming = Confirming(spec, ledger, self._training_s, self.production)
        self.searched: str | None = None  # why no trial but repeats will begin any more
        self.ended: str | None = None  # why no trial at all will begin any more
        self.operating = Operating(spec)
        self._proposals = Proposals(spec, sampler, self.operating)
        self._runs: dict[int, Run] = {}
        self._resumable: deque[Trial] = deque()
        self.failures = Failures()
        self._paused: str | None = None
        self._epoch_costs: deque[float] = deque(maxlen=50)  # an epoch by the probed cost, of trials that came to a rung
        self._best_epoch: tuple[float, int] | None = None
        self._settled: float | None = None  # best mean of the last epochs of a completed trial
        self._latest: deque[tuple[float, float]] = deque(maxlen=LOOK_BACK)  # score and slot-seconds of ended trials

    # -- what a driver calls ----------------------------------------------------------------------

    def next_trial(self, at: float) -> Trial | None:
        """The trial for a free slot; None when there is none now, or, with `ended` set, any more."""
        if self._paused is not None or self.ended is not None:
            return None
        spent = self.ledger.exhausted(at)
        if spent is not None:
            told = [spent, self.confirming.summary() if self.confirming.begun else "", self.production.summary()]
            self.ended = "; ".join(filter(None, told))
            return None
        if self._resumable:
            trial = self._resumable.popleft()
            self._runs[trial.number].trial = trial
            self._runs[trial.number].outcome = None
        else:
            found = self._proposals.next(len(self._runs)) if self._may_begin(at) else self._repeat(at)
            if found is None:
                return None
            trial = found
            self._runs[trial.number] = Run(trial)
        self.ledger.hold(trial.number, at)
        return trial

    def report(self, number: int, metrics: EpochMetrics, at: float) -> Outcome | None:
        """Takes a finished epoch; answers how the trial ends, or None when it goes on."""
        self.ledger.advance(number, at)
        run = self._runs[number]
        if metrics.epoch > len(run.scores):
            run.trained_s += metrics.train_s + metrics.val_s
            ended = self._take(run, metrics.epoch, metrics.map50_95)
            if ended is not None:
                return ended
        if self.failure is not None:
            return Outcome(state=TrialState.CUT, reason="the search has ended without an answer")
        spent = self.ledger.exhausted(at) or self.confirming.cuts(run.trial, at, metrics.epoch)
        if spent is not None:
            return Outcome(state=TrialState.CUT, reason=f"{spent} after epoch {metrics.epoch}")
        if self._paused is not None:
            return Outcome(state=TrialState.INTERRUPTED, reason=self._paused)
        return None

    def close(self, number: int, outcome: Outcome, at: float) -> float:
        """Ends a trial and frees its slot; returns its cost in slot-seconds."""
        cost_s = self.ledger.release(number, at)
        run = self._runs[number]
        self._finish(run, outcome)
        return cost_s

    def give_up(self) -> list[tuple[int, Outcome]]:
        """Ends the interrupted trials that wait for a slot when the search has ended: nothing will resume them."""
        given_up = []
        while self.ended is not None and self._resumable:
            outcome = Outcome(state=TrialState.CUT, reason=f"{self.ended} before it could go on")
            given_up.append((self._resumable.popleft().number, outcome))
            self._finish(self._runs[given_up[-1][0]], outcome)
        return given_up

    def pause(self, reason: str) -> None:
        """No new trials; running ones end as INTERRUPTED after their epoch, to be resumed later."""
        self._paused = reason

    # -- what is known ----------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        """Whether `pause` was called."""
        return self._paused is not None

    @property
    def failure(self) -> str | None:
        """Why the search ended without an answer."""
        return self.failures.reason

    @property
    def pause_reason(self) -> str | None:
        """Why it was paused."""
        return self._paused

    @property
    def best_epoch(self) -> tuple[float, int] | None:
        """Best mAP50-95 of a single epoch on val so far and its trial."""
        return self._best_epoch

    @property
    def baseline(self) -> float | None:
        """Best mAP50-95 of trial 0 so far."""
        return self._runs[0].best if 0 in self._runs else None

    @property
    def trials(self) -> int:
        """How many trials have begun."""
        return len(self._runs)

    @property
    def epochs(self) -> int:
        """How many epochs were reported, those of all trials together."""
        return sum(len(run.scores) for run in self._runs.values())

    @property
    def leader(self) -> int | None:
        """The trial that would be taken home now, by the rule of `leaderboard.choose`; None before the first epoch."""
        return leader(self._runs)

    @property
    def at_stake(self) -> set[int]:
        """The trials one of which is taken home: those that run again, or would now, and the production training."""
        last = self.production.trial
        return self.confirming.at_stake | ({last.number} if last is not None else set())

    def trial(self, number: int) -> Trial:
        """The trial as it was proposed."""
        return self._runs[number].trial

    def best(self, number: int) -> float | None:
        """The trial's best mAP50-95 so far."""
        return self._runs[number].best

    def score(self, number: int) -> float | None:
        """The mean of the trial's last epochs, by which it is compared."""
        return self._runs[number].score

    def told(self, number: int) -> float | None:
        """The score that the sampler was told at the trial's end; None before, or when it failed."""
        return self._runs[number].told

    def epoch_cost_s(self, params: Params | None = None) -> float:
        """Expected slot-seconds of one epoch at the trial's point, or at the one that is tuned at.

        What was probed there, times the median of what the latest trials cost by what was probed.
        """
        probed_s = self.operating.epoch_s(self.operating.arguments({}) if params is None else params)
        return probed_s * self.cost_ratio

    @property
    def cost_ratio(self) -> float:
        """Measured by probed slot-seconds of an epoch: the median of the latest trials that came to a rung, since of a
        shorter one the start weighs too much; before any has ended, what those that run have cost so far; 1 before the
        first epoch."""
        costs = sorted(self._epoch_costs)
        return quantile(costs, 0.5) if costs else dearest(self._runs.values(), self.operating.epoch_s)

    def _training_s(self, trial: int | None) -> float:
        return self.epoch_cost_s(None if trial is None else self._runs[trial].trial.params) * self.spec.epochs

    # -- memory of earlier sessions ---------------------------------------------------------------

    def replay(self, trials: Iterable[TrialRow], epochs: Iterable[EpochRow]) -> list[tuple[int, Outcome]]:
        """Rebuilds sampler, rungs and ledger from stored rows, in the order in which things happened.

        Trials that were running or interrupted are offered first by `next_trial`, as a new attempt.
        Returns those that had reported their last epoch when the driver died: they end with the outcome.
        """
        rows = {row.number: row for row in trials}
        for number in sorted(rows):
            self._restore(rows[number])
        verdicts: dict[int, Outcome | None] = {}
        for number, epoch in happened(rows.values(), epochs):
            run, row = self._runs[number], rows[number]
            if epoch is None:
                self._finish(run, Outcome(state=row.state, reason=row.reason, error=row.error))
            elif epoch.epoch == len(run.scores) + 1:
                run.trained_s += epoch.train_s + epoch.val_s
                verdicts[number] = self._take(run, epoch.epoch, epoch.map50_95)
        settled: list[tuple[int, Outcome]] = []
        for number in sorted(n for n, row in rows.items() if row.state in RESUMABLE):
            outcome = verdicts.get(number)
            if outcome is None:
                self._queue_again(rows[number])
            else:
                self._finish(self._runs[number], outcome)
                settled.append((number, outcome))
        self.failures.forgive()
        self.ended = self.failure
        return settled

    def _restore(self, row: TrialRow) -> None:
        trial = restored(row)
        if trial.purpose is Purpose.PRODUCTION:
            self.production.begins(trial)
        elif trial.repeats is None:
            self._proposals.begun(row.number, row.params)
        else:
            self.confirming.begins(trial)
        self._runs[row.number] = Run(trial)
        self.ledger.charge(row.number, row.slot_s)

    def _queue_again(self, row: TrialRow) -> None:
        run = self._runs[row.number]
        self._resumable.append(replace(run.trial, attempt=row.attempt + 1, done_epochs=len(run.scores)))

    # -- policy -----------------------------------------------------------------------------------

    def _may_begin(self, at: float) -> bool:
        """Whether the sampler may propose another trial; sets `searched` when it never may again."""
        self.searched = self.searched or self.confirming.share_spent(at, len(self._runs))
        if self.searched is not None:
            return False
        if not self._runs:
            return True
        if self.baseline is None:
            return False  # the set-up has to prove itself on the baseline before more is spent
        if not self._proposals.endless and len(self._runs) >= len(self.spec.given):
            self.searched = "nothing but model and image size was to be searched"
            return False
        cost_s = self.epoch_cost_s() * self.spec.epochs
        left_s = self.ledger.left_s(at) - self.confirming.reserve_s()
        left_s -= self._committed_s() if math.isfinite(left_s) else 0.0
        if self.spec.early_end:
            self.searched = self._nothing_left(left_s, self.ledger.wall_left_s(at) - self.confirming.reserve_wall_s())
            if self.searched is not None:
                return False
        if left_s >= cost_s and self.ledger.wall_left_s(at) - self.confirming.reserve_wall_s() >= cost_s:
            return True
        if not self.ledger.held:
            cost = format_cost(cost_s, self.spec.slots.device)
            unpaid = f"what is left cannot pay for another training ({cost})"
            kept = self.confirming.planned or self.production.kept
            self.searched = self.confirming.share_words() if kept else unpaid
        return False

    def _nothing_left(self, left_s: float, wall_left_s: float) -> str | None:
        """Why the rest of the budget is better kept; None while it may still pay."""
        if self._settled is None:
            return None
        slots = self.spec.slots
        return nothing_left(self._latest, self._settled, min(left_s, wall_left_s * slots.count), slots.device)

    def _repeat(self, at: float) -> Trial | None:
        """The next repeat with another seed, after them the production training; sets `ended` when the search is over
        and none will follow."""
        if self.searched is None:
            return None
        due = self.confirming.due(at, len(self._runs)) if self.production.trial is None else None
        if due is not None:
            return self.confirming.propose(len(self._runs), self._runs[due[0]].trial, due[1])
        if self.ledger.held and (self.confirming.planned or self.spec.train):
            return None
        taken = self.leader
        if taken is not None and self.production.waits:
            last = self.production.due(at, len(self._runs), self._runs[taken].trial)
            if last is not None:
                return last
        confirmed = self.confirming.summary() if self.confirming.planned else ""
        self.ended = "; ".join(filter(None, (self.searched, confirmed, self.production.summary())))
        return None

    def _exempt(self, number: int) -> bool:
        """Whether the trial is never stopped early: the baseline, and the defaults at the compared points."""
        return number < max(1, len(self.spec.points))

    def _committed_s(self) -> float:
        """Slot-seconds that the running trials need to their next rung: theirs before a newcomer's."""
        committed_s = 0.0
        for number in self.ledger.held:
            if self._runs[number].trial.repeats is not None:
                continue
            done = len(self._runs[number].scores)
            levels = self.rungs.levels[-1:] if self._exempt(number) else self.rungs.levels
            epochs = next((level - done for level in levels if level > done), 0)
            committed_s += epochs * self.operating.epoch_s(self._runs[number].trial.params)
        return committed_s * self.cost_ratio

    def _take(self, run: Run, epoch: int, score: float) -> Outcome | None:
        """Remembers a new epoch's score; how the trial ends with it, or None when it goes on."""
        if not math.isfinite(score):
            run.diverged = True
            reason = f"mAP50-95 is not a number after epoch {epoch}: the training diverged"
            return Outcome(state=TrialState.FAILED, reason=reason)
        if run.trial.repeats is None:
            self._note(run, epoch, score)
            return self._judge(run, epoch)
        run.scores.append(score)
        run.best = max(run.scores)
        if run.trial.purpose is Purpose.PRODUCTION:
            return self.production.ends(run.scores)
        return self._completed() if epoch >= self.spec.epochs else None

    def _completed(self) -> Outcome:
        return Outcome(state=TrialState.COMPLETED, reason=f"trained all {self.spec.epochs} epochs")

    def _note(self, run: Run, epoch: int, score: float) -> None:
        run.scores.append(score)
        self._proposals.report(run.trial.number, epoch, score)
        if run.best is None or score > run.best:
            run.best = score
            if self._best_epoch is None or score > self._best_epoch[0]:
                self._best_epoch = (score, run.trial.number)

    def _judge(self, run: Run, epoch: int) -> Outcome | None:
        """Holds the trial against the others at a rung; the defaults are never stopped early."""
        number = run.trial.number
        if epoch >= self.spec.epochs:
            self.rungs.record(number, self.spec.epochs, final(run.scores, self.spec.epochs))
            return self._completed()
        if epoch not in self.rungs.levels:
            return None
        verdict = self.rungs.judge(number, epoch, smoothed(run.scores))
        if verdict.survives or self._exempt(number):
            return None
        return Outcome(
            state=TrialState.STOPPED,
            reason=f"rung {epoch}: mean mAP50-95 {verdict.value:.3f} below the threshold {verdict.threshold:.3f}",
        )

    def _finish(self, run: Run, outcome: Outcome) -> None:
        run.outcome = outcome
        if run.trial.purpose is Purpose.PRODUCTION:
            self._close_production(run, outcome)
            return
        self.confirming.ends(run.trial, whole=outcome.state is TrialState.COMPLETED)
        if outcome.state in RESUMABLE or run.trial.repeats is not None:
            return
        number, score = run.trial.number, run.score
        if outcome.state is TrialState.COMPLETED and score is not None:
            self.confirming.completed(number, score)
        if outcome.state is TrialState.FAILED:
            score = None
        elif score is not None and outcome.state is not TrialState.COMPLETED:
            score = self.rungs.extrapolate(number, score)
        run.told = score
        if score is not None:
            self._latest.append((score, self.ledger.cost_s(number)))
            if outcome.state is TrialState.COMPLETED:
                self._settled = max(score, self._settled or 0.0)
        self._proposals.tell(number, score)
        probed_s = self.operating.epoch_s(run.trial.params)
        first = self.rungs.levels[0] if self.rungs.levels else run.trial.epochs
        long_enough = len(run.scores) >= first or not self._epoch_costs  # else it is the start that was dear
        if run.scores and probed_s > 0 and long_enough:
            self._epoch_costs.append(self.ledger.cost_s(number) / len(run.scores) / probed_s)
        if outcome.state is TrialState.FAILED:
            self._best_epoch = best_epoch(self._runs)
        self.failures.take(number, outcome)
        self.ended = self.ended or self.failure
        if self.operating.finished(run.trial, outcome, run.score):
            self._proposals.narrow(self._runs)
        if not self.operating.open:
            self.searched = self.searched or met(self._runs, self.spec.target)

    def _close_production(self, run: Run, outcome: Outcome) -> None:
        """One that failed otherwise than by diverging begins anew when the study is resumed."""
        self.production.closes(outcome)
        if outcome.state is TrialState.FAILED and not run.diverged:
            self.production.forget()
            self.failures.give_reason(f"the production training failed: {outcome.reason}")
            self.ended = self.ended or self.failure
