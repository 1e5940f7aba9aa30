"""Sentences for a study's log: what a search has begun, decided and planned anew."""

from __future__ import annotations

from automl import figures
from automl.costs import plan
from automl.policy import Search
from automl.records import Purpose, Trial
from automl.scores.words import trial_name

REPLANNED = 1.25  # what is left is planned anew once epochs cost so much more, or less, than was last said
SAME, LONG_S = 0.1, 900.0  # so small a change in trials is not worth a line if the end is nearer than that


class Commentary:
    """Commentary on one search. Each query answers a sentence, or None where there is nothing new to say."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._point = search.operating.chosen  # said already
        self._ratio = self._cost_ratio() if search.trials else 1.0  # said already
        self._rung = search.rungs.lowest  # said already

    def trial_begun(self, trial: Trial) -> str | None:
        """The first repeat, or the production training, begins."""
        search = self._search
        if search.spec.confirming is not None:
            return search.confirmation.began(trial)
        if trial.purpose is Purpose.PRODUCTION:
            return self._production_begun(trial)
        if trial.purpose.searched or search.repeats.begun != 1:
            return None
        reason = f"{search.searched}: " if search.searched else ""
        return f"{reason}the defaults and the leading trial run again with other seeds, in turn"

    def _production_begun(self, trial: Trial) -> str:
        search = self._search
        beside = search.searched is None  # the defaults' training does not end the search
        reason = f"{search.searched}: " if not beside and not search.repeats.begun else ""
        subject = f"{trial_name(trial.repeats or 0)} {'trains' if trial.repeats else 'train'}"
        short = trial.epochs < search.spec.train
        less = f", of the {search.spec.train} asked for: what is left pays for these" if short else ""
        seed = f", with seed {trial.seed}" if trial.seed != search.spec.seed else ""
        return f"{reason}{subject} for production, up to {trial.epochs} epochs{seed}{less}"

    def rungs_changed(self) -> str | None:
        """Trials are no longer stopped at a rung, or are again."""
        rungs = self._search.rungs
        if rungs.lowest == self._rung:
            return None
        level = min(self._rung, rungs.lowest)
        self._rung = rungs.lowest
        trust = next(trust for trust in rungs.trust() if trust.level == level)
        verdict = (
            f"trials end early at epoch {level} again" if trust.stops else f"none ends early at epoch {level} any more"
        )
        return (
            f"the order of {trust.trials} trials at epochs {level} and {trust.following} has a rank correlation of "
            f"{trust.correlation or 0.0:.2f}: {verdict}"
        )

    def point_chosen(self) -> str | None:
        """The search has chosen the operating point that it tunes at."""
        operating = self._search.operating
        if operating.chosen == self._point:
            return None
        self._point = operating.chosen
        return operating.reason

    def replanned(self, at: float, *, decided: bool) -> str | None:
        """Expected trials and end where epochs cost otherwise than planned. The horizon stays.

        decided  True if the operating point has just been chosen
        """
        search, ratio = self._search, self._cost_ratio()
        same = max(ratio / self._ratio, self._ratio / ratio) <= REPLANNED
        over = search.searched is not None or search.ended is not None
        if not search.spec.plan or over or (same and not decided):
            return None
        self._ratio = ratio
        spec, reserve, limit = search.spec, search.reserve, search.ledger.trial_limit
        epoch_s = ratio * plan.planned_epoch_s(spec.plan, search.operating.chosen if spec.points else "")
        more, wall_s = plan.rest(
            plan.Course(epochs=spec.epochs, rungs=spec.rungs, epoch_s=epoch_s),
            left_s=search.ledger.left_s(at) - reserve.slot_s(),
            wall_left_s=search.ledger.wall_left_s(at) - reserve.wall_s(),
            slots=spec.slots.count,
            most=None if limit is None else max(0, limit - reserve.trials - search.trials),
        )
        wall_s += search.production.reserve_wall_s()
        trials = search.trials + more
        if not decided and abs(trials - spec.plan["trials"]) <= SAME * trials and wall_s < LONG_S:
            return None
        no_repeats = "; too few to keep repeats with other seeds" if spec.reserve_trials > reserve.repeats else ""
        return (
            f"planned again: an epoch costs {epoch_s:.1f} s, {ratio:.2f} times what was planned; about {trials} trials "
            f"instead of {spec.plan['trials']}, ending in {wall_s / 60:.0f} min{no_repeats}"
        )

    def paused(self, reason: str, hint: str) -> str:
        """No trial begins any more, and how long the running ones take to finish their epochs."""
        search, running = self._search, self._search.ledger.held
        if not running:
            return f"{reason}; nothing is running{hint}"
        epoch_s = max(search.prices.epoch_s(search.runs[number].trial.params) for number in running)
        return f"{reason}; running epochs are finished first (up to {figures.duration(epoch_s)}){hint}"

    def _cost_ratio(self) -> float:
        """Measured by planned slot-seconds of an epoch, where the search tunes now."""
        search = self._search
        if not search.spec.plan:
            return 1.0
        planned_s = plan.planned_epoch_s(search.spec.plan, search.operating.of(search.operating.arguments({})))
        return search.prices.epoch_s() / planned_s if planned_s > 0 else 1.0


def trained_again(trial: int, epoch: int, reached: int) -> str:
    """Sentence on a trial that begins at an epoch although it had reached a later one."""
    if epoch == 1:
        return f"trial {trial} begins anew, for no snapshot of it can be used: it had reached epoch {reached}"
    return f"trial {trial} had reached epoch {reached} and goes on from its last snapshot, after epoch {epoch - 1}"
