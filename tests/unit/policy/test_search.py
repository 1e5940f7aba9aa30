"""Search: told what happened, it answers what to do next."""

from __future__ import annotations

import math

import pytest

from automl.costs.budget import Ledger, limits_of
from automl.policy import Search
from automl.policy.runs import FAILURES_IN_A_ROW
from automl.records import EndedBy, Ending, Outcome, Params, Purpose, Slots, Start, TrialState
from automl.sampler import open_sampler
from automl.space import SearchSpace
from automl.trainers.surrogate import DEFAULTS
from tests.builders.factories import EPOCH_S, make_metrics, make_search, make_spec

DONE = Outcome(state=TrialState.COMPLETED)
BROKEN = Outcome(state=TrialState.FAILED, reason="boom", error="Traceback ...\nValueError: boom")
TWO_GIVEN = (Start("defaults", dict(DEFAULTS)), Start("scratch-low", {**DEFAULTS, "x0": 0.4}))


def begun(search: Search, at: float = 0.0) -> int:
    """The number of the trial that begins."""
    trial = search.next_trial(at)
    assert trial is not None
    return trial.number


def train(search: Search, number: int, scores: list[float], at: float = 0.0) -> tuple[Outcome | None, float]:
    """Reports epochs of a minute until the search ends the trial, and closes it then."""
    for epoch, score in enumerate(scores, start=1):
        at += EPOCH_S
        outcome = search.report(number, make_metrics(epoch, score), at)
        if outcome is not None:
            search.close(number, outcome, at)
            return outcome, at
    return None, at


def after_baseline(score: float = 0.5, **changes: object) -> tuple[Search, float]:
    """A search whose baseline scored that at each of its 12 epochs."""
    search = make_search(make_spec(**changes))
    _, at = train(search, begun(search), [score] * 12)
    return search, at


def test_the_first_trial_is_the_baseline_with_the_defaults() -> None:
    trial = make_search(make_spec()).next_trial(0.0)
    assert trial is not None
    assert (trial.number, trial.purpose, trial.origin) == (0, Purpose.BASELINE, "defaults")
    assert trial.params == DEFAULTS
    assert trial.epochs == 12


def test_nothing_begins_before_the_baseline_has_scored() -> None:
    search = make_search(make_spec(slots=Slots(count=2, device="cpu")))
    begun(search)
    assert search.next_trial(1.0) is None
    assert search.ended is None
    search.report(0, make_metrics(1, 0.0), EPOCH_S)
    assert begun(search, EPOCH_S) == 1


def test_given_trials_run_before_proposed_ones() -> None:
    search, at = after_baseline(given=TWO_GIVEN)
    second = search.next_trial(at)
    third = search.next_trial(at)
    assert second is not None
    assert third is not None
    assert (second.origin, second.purpose, second.params["x0"]) == ("scratch-low", Purpose.SEARCH, 0.4)
    assert third.origin == "random"


def test_every_trial_is_told_the_full_horizon_and_the_studys_seed() -> None:
    search, at = after_baseline(seed=7)
    trial = search.next_trial(at)
    assert trial is not None
    assert (trial.epochs, trial.seed) == (12, 7)


def test_a_trial_that_reached_the_horizon_is_completed() -> None:
    search = make_search(make_spec())
    outcome, _ = train(search, begun(search), [0.1] * 12)
    assert outcome == Outcome(state=TrialState.COMPLETED, reason="trained all 12 epochs")


def test_a_weak_trial_is_stopped_at_a_rung_with_both_figures() -> None:
    search, at = after_baseline(0.5)
    outcome, _ = train(search, begun(search, at), [0.1, 0.2, 0.3], at)
    assert outcome is not None
    assert outcome.state is TrialState.STOPPED
    assert outcome.reason == "weak at epoch 3: mean mAP50-95 0.200, and 0.400 goes on"


def test_a_trial_is_judged_at_rungs_only() -> None:
    search, at = after_baseline(0.5)
    assert train(search, begun(search, at), [0.1, 0.1], at)[0] is None


def test_of_the_given_trials_only_the_baseline_is_never_stopped_early() -> None:
    search = make_search(make_spec(given=TWO_GIVEN, slots=Slots(count=2, device="cpu")))
    baseline = begun(search)
    for epoch in (1, 2):
        search.report(baseline, make_metrics(epoch, 0.1), epoch * EPOCH_S)
    second, outcome = begun(search, 2 * EPOCH_S), None
    for epoch in range(1, 13):
        outcome = search.report(second, make_metrics(epoch, 0.9), (2 + epoch) * EPOCH_S) or outcome
    assert outcome is not None
    assert outcome.state is TrialState.COMPLETED
    assert search.report(baseline, make_metrics(3, 0.1), 15 * EPOCH_S) is None


def test_a_weak_given_trial_is_stopped_like_any_other() -> None:
    search, at = after_baseline(0.9, given=TWO_GIVEN)
    outcome, _ = train(search, begun(search, at), [0.0] * 12, at)
    assert outcome is not None
    assert outcome.state is TrialState.STOPPED


def test_scores_of_zero_stop_nobody() -> None:
    search, at = after_baseline(0.0)
    for _ in range(5):
        outcome, at = train(search, begun(search, at), [0.0] * 12, at)
        assert outcome is not None
        assert outcome.state is TrialState.COMPLETED


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_a_score_that_is_no_number_fails_the_trial_and_not_the_search(score: float) -> None:
    search, at = after_baseline(0.5)
    outcome, at = train(search, begun(search, at), [0.6, score], at)
    assert outcome is not None
    assert outcome.state is TrialState.FAILED
    assert outcome.reason == "mAP50-95 is not a number after epoch 2: the training diverged"
    assert search.failure is None
    assert begun(search, at) == 2


def test_a_failed_baseline_ends_the_search_with_its_error() -> None:
    search = make_search(make_spec())
    search.close(begun(search), BROKEN, 1.0)
    assert search.failure == search.ended == "the baseline training failed: ValueError: boom"
    assert search.next_trial(1.0) is None


def fail(search: Search, times: int, at: float) -> None:
    for _ in range(times):
        search.close(begun(search, at), BROKEN, at)


def test_five_failures_in_a_row_end_the_search_with_the_last_error() -> None:
    search, at = after_baseline()
    fail(search, FAILURES_IN_A_ROW - 1, at)
    assert search.failure is None
    fail(search, 1, at)
    assert search.failure == "5 trials failed one after the other, the last with: ValueError: boom"
    assert search.next_trial(at) is None


def test_a_trial_that_ends_well_begins_the_count_of_failures_anew() -> None:
    search, at = after_baseline()
    fail(search, FAILURES_IN_A_ROW - 1, at)
    search.close(begun(search, at), DONE, at)
    fail(search, FAILURES_IN_A_ROW - 1, at)
    assert search.failure is None


def test_so_many_trials_begin_as_the_budget_says() -> None:
    search, at = after_baseline(budgets=("2trials",))
    begun(search, at)
    assert search.next_trial(at) is None
    assert search.ended == "2 trials have begun"


def test_a_running_trial_is_cut_when_the_slot_time_is_spent() -> None:
    search = make_search(make_spec(budgets=("5cpu-min",)))
    outcome, at = train(search, begun(search), [0.1] * 12)
    assert outcome == Outcome(state=TrialState.CUT, reason="the budget is spent after epoch 5")
    assert search.next_trial(at) is None
    assert search.ended == "the budget is spent"


def test_a_running_trial_is_cut_when_the_wall_time_is_over() -> None:
    search = make_search(make_spec(budgets=("5min",)))
    outcome, _ = train(search, begun(search), [0.1] * 12)
    assert outcome == Outcome(state=TrialState.CUT, reason="the wall time is over after epoch 5")


def test_the_probe_is_paid_from_the_same_budget() -> None:
    search = make_search(make_spec(budgets=("5cpu-min",), probe_s=120.0))
    outcome, _ = train(search, begun(search), [0.1] * 12)
    assert outcome is not None
    assert outcome.reason == "the budget is spent after epoch 3"


@pytest.mark.parametrize("budget", ["23cpu-min", "23min"])
def test_no_trial_begins_that_could_not_be_paid_to_its_end(budget: str) -> None:
    search, at = after_baseline(budgets=(budget,))
    assert search.next_trial(at) is None
    assert search.ended == "what is left cannot pay for another training (12.0 cpu-min)"


@pytest.mark.parametrize("budget", ["24cpu-min", "24min"])
def test_a_trial_that_can_be_paid_to_its_end_begins(budget: str) -> None:
    search, at = after_baseline(budgets=(budget,))
    assert begun(search, at) == 1


def test_a_newcomer_waits_for_what_running_trials_need_to_their_next_rung() -> None:
    two = Slots(count=2, device="cpu")
    search = make_search(make_spec(budgets=("23cpu-min",), slots=two))
    begun(search)
    search.report(0, make_metrics(1, 0.5), EPOCH_S)
    assert search.next_trial(EPOCH_S) is None
    assert search.ended is None  # what the baseline leaves over may still pay
    roomy = make_search(make_spec(budgets=("24cpu-min",), slots=two))
    begun(roomy)
    roomy.report(0, make_metrics(1, 0.5), EPOCH_S)
    assert begun(roomy, EPOCH_S) == 1


def test_an_epochs_cost_is_the_probes_until_a_trial_has_ended() -> None:
    search = make_search(make_spec(epoch_s=33.0))
    number = begun(search)
    assert search.prices.epoch_s() == 33.0
    train(search, number, [0.1] * 12)
    assert search.prices.epoch_s() == EPOCH_S


def test_a_pause_interrupts_running_trials_and_begins_none() -> None:
    search, at = after_baseline()
    number = begun(search, at)
    search.pause(Ending(EndedBy.USER, "stopped by the user"))
    assert search.report(number, make_metrics(1, 0.1), at + 1) == Outcome(
        state=TrialState.INTERRUPTED, reason="stopped by the user"
    )
    assert search.next_trial(at) is None
    assert search.ended is None
    assert search.paused == "stopped by the user"
    assert search.pause_ending is not None
    assert search.pause_ending.by is EndedBy.USER


def test_a_trial_that_ends_in_the_epoch_of_a_pause_has_ended() -> None:
    search, at = after_baseline()
    number = begun(search, at)
    for epoch in (1, 2):
        search.report(number, make_metrics(epoch, 0.1), at + epoch)
    search.pause(Ending(EndedBy.USER, "stopped by the user"))
    outcome = search.report(number, make_metrics(3, 0.1), at + 3)
    assert outcome is not None
    assert outcome.state is TrialState.STOPPED


def test_an_epoch_that_is_reported_again_counts_once() -> None:
    search, at = after_baseline(0.5)
    number = begun(search, at)
    search.report(number, make_metrics(1, 0.7), at + 1)
    search.report(number, make_metrics(1, 0.9), at + 2)
    assert search.runs[number].best == 0.7


def test_the_best_epoch_is_that_of_any_trial() -> None:
    search, at = after_baseline(0.5)
    assert search.runs.best_epoch == (0.5, 0)
    train(search, begun(search, at), [0.8, 0.6], at)
    assert search.runs.best_epoch == (0.8, 1)
    assert search.runs.baseline == 0.5
    assert search.trials == 2


class Pupil:
    """A sampler that proposes the same for ever and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, float | None]] = []

    def ask(self, number: int, given: Params | None = None) -> Params:
        return given or {"x0": 0.5}

    def report(self, number: int, epoch: int, score: float) -> None:
        """Learns from ends only."""

    def tell(self, number: int, score: float | None) -> None:
        self.told.append((number, score))


def taught() -> tuple[Search, Pupil]:
    """A search and its sampler."""
    pupil, spec = Pupil(), make_spec()
    return Search(spec, pupil, Ledger(limits_of(spec))), pupil


def test_the_sampler_is_told_what_a_stopped_trial_would_have_reached() -> None:
    search, pupil = taught()
    _, at = train(search, begun(search), [0.5, 0.5, 0.5, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8, 0.9, 0.9, 0.9])
    train(search, begun(search, at), [0.1, 0.1, 0.1], at)
    assert pupil.told == [(0, pytest.approx(0.9)), (1, pytest.approx(0.1 + (0.78 - 0.5) + (0.9 - 0.78)))]


def test_the_sampler_is_told_no_score_of_a_failed_trial_and_nothing_of_an_interrupted_one() -> None:
    search, pupil = taught()
    _, at = train(search, begun(search), [0.5] * 12)
    train(search, begun(search, at), [0.9, math.nan], at)
    number = begun(search, at)
    search.report(number, make_metrics(1, 0.9), at)
    search.close(number, Outcome(state=TrialState.INTERRUPTED), at)
    assert pupil.told == [(0, 0.5), (1, None)]


def test_a_search_without_dimensions_ends_after_what_was_given() -> None:
    spec = make_spec(space={"parameters": {}}, given=(Start("defaults", {}),))
    search = Search(spec, open_sampler("random", SearchSpace(()), 0), Ledger(limits_of(spec)))
    _, at = train(search, begun(search), [0.1 * epoch for epoch in range(1, spec.epochs + 1)])
    assert search.next_trial(at) is None
    assert search.ended is not None
    assert "nothing but model and image size" in search.ended


def test_the_price_of_the_running_baseline_counts_before_any_trial_has_ended() -> None:
    search = make_search(make_spec(budgets=("35cpu-min",), slots=Slots(count=2, device="cpu")))
    begun(search)
    assert search.prices.ratio == 1.0
    slow = make_metrics(1, 0.3, train_s=1.5 * EPOCH_S, val_s=0.5 * EPOCH_S)
    assert search.report(0, slow, 2 * EPOCH_S) is None
    assert search.prices.ratio == pytest.approx(2.0)
    assert search.next_trial(2 * EPOCH_S) is None, "what is left pays the baseline, and no second training at its price"
    assert search.ended is None


def test_one_dear_epoch_of_a_trial_that_was_cut_is_no_price() -> None:
    search = make_search(make_spec(budgets=("5cpu-h",)))
    _, at = train(search, begun(search), [0.1] * 12)
    assert search.prices.ratio == pytest.approx(1.0)
    assert search.next_trial(at) is not None
    search.report(1, make_metrics(1, 0.1), at + 10 * EPOCH_S)  # most of it its start
    search.close(1, Outcome(state=TrialState.CUT), at + 10 * EPOCH_S)
    assert search.prices.ratio == pytest.approx(1.0)
