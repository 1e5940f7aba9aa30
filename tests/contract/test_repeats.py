"""Repeats with other seeds, in whole searches in virtual time."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.costs import shares
from automl.costs.budget import parse_all
from automl.policy.repeats import MOST, Repeat, Room
from automl.records import EpochMetrics, Purpose, Slots, StudySpec, TrainJob, Trial, TrialRow, TrialState
from automl.scores.leaderboard import LEARNT, rank, verdict
from automl.trainers.surrogate import Fault, FaultKind, SurrogateTrainer
from tests.builders.factories import (
    EPOCH_S,
    MemoryRecord,
    Played,
    make_metrics,
    make_prepared,
    make_search,
    make_spec,
    play,
)

TRAINING_S = 12 * EPOCH_S
quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def spec_of(*budgets: str, slots: int = 1, confirm: int = 3, **changes: Any) -> StudySpec:
    """A study with the reserve that the plan keeps for those budgets."""
    places = Slots(count=slots, device="cpu")
    spec = make_spec(budgets=budgets, slots=places, confirm=confirm, **changes)
    training_s = spec.epochs * spec.epoch_s
    repeats, reserve_s = shares.repeats(parse_all(budgets, "cpu"), training_s, places, confirm)
    return replace(spec, reserve_trials=repeats, reserve_s=reserve_s)


def repeats_of(played: Played) -> list[TrialRow]:
    return [row for _, row in sorted(played.record.trials.items()) if row.repeats is not None]


def begun_in_order(played: Played) -> list[tuple[int | None, int]]:
    return [(row.repeats, row.seed) for row in repeats_of(played)]


def best_completed(played: Played, count: int) -> list[int]:
    ranked = [row for row in rank(played.record.trials.values()) if row.state is TrialState.COMPLETED and row.number]
    return [row.number for row in ranked[:count]]


class Flat:
    """A trainer whose cost and score are read off the parameters: x0 is the score, x1 the epoch's seconds.

    drift  repeats cost so many times what the trial did that they repeat
    """

    def __init__(self, costs: list[float], scores: list[float], drift: float = 1.0) -> None:
        self._costs, self._scores, self._drift = costs, scores, drift

    def prepare(self, job: TrainJob, epochs: int, seed: int) -> object:
        return make_prepared()

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        of = trial.number if trial.repeats is None else trial.repeats
        cost, score = self._costs[of % len(self._costs)], self._scores[of % len(self._scores)]
        cost *= 1.0 if trial.repeats is None else self._drift
        for epoch in range(trial.done_epochs + 1, trial.epochs + 1):
            yield make_metrics(epoch, score, train_s=cost, val_s=0.0)


class Noisy(Flat):
    """Such a trainer whose repeats score higher and lower in turn, by so much."""

    def __init__(self, costs: list[float], scores: list[float], noise: float) -> None:
        super().__init__(costs, scores)
        self._noise = noise

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        shift = 0.0 if trial.repeats is None else self._noise * (1 if trial.seed % 2 else -1)
        for metrics in super().run(trial, job):
            yield replace(metrics, map50_95=metrics.map50_95 + shift)


def test_the_defaults_and_the_leader_run_again_in_turn_with_the_next_seeds(tmp_path: Path) -> None:
    spec = replace(spec_of("18cpu-h", seed=7), early_end=False)  # 90 trainings
    played = play(spec, tmp_path, Noisy([60.0], [0.50, *[0.47] * 5, 0.51, *[0.44] * 500], 0.03))
    assert spec.reserve_trials == 9
    order = begun_in_order(played)
    assert order[0] == (0, 8)
    assert [trial == 0 for trial, _ in order] == [number % 2 == 0 for number in range(len(order))]
    assert len(order) > 2
    for row in repeats_of(played):
        assert (row.purpose, row.origin, row.state) == (Purpose.CONFIRMATION, "confirmation", TrialState.COMPLETED)
        assert row.params == played.record.trials[row.repeats or 0].params
    assert len(set(order)) == len(order)
    assert played.search.ended is not None
    assert "ran again with other seeds" in played.search.ended


def test_repeats_end_once_they_have_decided_and_nothing_is_kept_for_more(tmp_path: Path) -> None:
    spec = spec_of("12cpu-h")  # six repeats are planned
    played = play(spec, tmp_path, Flat([60.0], [0.5, 0.4, 0.6, *[0.3] * 500]))
    assert begun_in_order(played) == [(0, 1), (2, 1)]
    assert played.search.repeats.decided
    assert played.search.reserve.slot_s() == 0.0
    assert played.search.reserve.trials == 0


def test_repeats_go_on_while_undecided_up_to_twice_as_many_as_planned(tmp_path: Path) -> None:
    spec = replace(spec_of("100trials"), budgets=("200trials",), early_end=False)
    scores = [0.50, *(0.43 + 0.01 * (number % 7) for number in range(300))]
    scores[5] = 0.515
    played = play(spec, tmp_path, Noisy([60.0], scores, 0.02))
    assert len(repeats_of(played)) == 10  # the reserve of a number of trials is all that is left of it
    search = make_search(spec_of("40cpu-h"))
    room = Room(slot_s=math.inf, wall_s=math.inf, trials=math.inf)
    search.replay(played.record.trials.values(), played.record.epochs)
    assert search.repeats.due(room, 6) == Repeat(0, 6)  # twelve may begin
    assert search.repeats.due(room, 10 // MOST) is None


@pytest.mark.parametrize(
    ("budget", "repeats"), [("9trials", 0), ("10trials", 2), ("19trials", 2), ("20trials", 2), ("40trials", 2)]
)
def test_a_number_of_trials_counts_the_repeats_in(tmp_path: Path, budget: str, repeats: int) -> None:
    played = play(spec_of(budget), tmp_path, Flat([60.0], [0.5, 0.6]))
    assert len(repeats_of(played)) == repeats
    left = 2 if budget == "40trials" else 0  # four are kept; two have decided
    assert len(played.record.trials) == int(budget.removesuffix("trials")) - left


def test_repeats_teach_the_search_nothing(tmp_path: Path) -> None:
    spec = spec_of("40trials", sampler="tpe")
    confirmed = play(spec, tmp_path)
    alone = play(replace(spec, budgets=("36trials",), reserve_trials=0), tmp_path)
    assert confirmed.decisions[:36] == alone.decisions
    assert confirmed.search.runs.best_epoch == alone.search.runs.best_epoch
    assert [confirmed.search.rungs.reached()] == [alone.search.rungs.reached()]


def test_with_no_repeats_asked_for_the_search_has_it_all(tmp_path: Path) -> None:
    spec = spec_of("6cpu-h", confirm=0)
    assert spec.reserve_trials == 0
    assert play(spec, tmp_path).decisions == play(make_spec(budgets=("6cpu-h",)), tmp_path).decisions


def test_where_nothing_beats_the_defaults_nothing_is_repeated_and_the_reserve_stays(tmp_path: Path) -> None:
    spec = spec_of("6cpu-h")
    played = play(spec, tmp_path, Flat([60.0], [0.5, *[0.4] * 500]))
    assert repeats_of(played) == []
    assert "no completed trial scored above the defaults, so there was nothing to confirm" in (
        played.search.ended or ""
    )
    assert played.search.ledger.spent_s() <= 6 * 3600 - spec.reserve_s


def test_only_trials_above_the_defaults_are_repeated(tmp_path: Path) -> None:
    played = play(spec_of("12cpu-h"), tmp_path, Flat([60.0], [0.5, 0.49, 0.505, *[0.45] * 500]))
    assert {trial for trial, _ in begun_in_order(played)} == {0, 2}


def test_running_trials_are_cut_when_the_search_comes_to_its_reserve(tmp_path: Path) -> None:
    spec = spec_of("4cpu-h", slots=4)  # 20 trainings
    dearer = [*[60.0] * 12, *[110.0] * 80]
    played = play(spec, tmp_path, Flat(dearer, [number / 100 for number in range(1, 92)]))
    cut = [row for row in played.record.trials.values() if row.state is TrialState.CUT]
    assert cut
    assert all("the search's share of the budget is spent after epoch" in row.reason for row in cut)
    assert [row.state for row in repeats_of(played)] == [TrialState.COMPLETED] * 2


@pytest.mark.parametrize(("dearer", "repeated"), [(2.0, [0, 1]), (5.0, [])])
def test_the_defaults_run_again_only_where_the_best_can_too(tmp_path: Path, dearer: float, repeated: list[int]) -> None:
    spec = replace(spec_of("10cpu-h"), budgets=("3cpu-h",), reserve_trials=2, reserve_s=2 * TRAINING_S)
    played = play(spec, tmp_path, Flat([60.0, 60.0 * dearer, *[60.0] * 100], [0.5, 0.6, *[0.3] * 100]))
    assert [row.repeats for row in repeats_of(played)] == repeated
    if not repeated:
        assert "what is left cannot pay for a repeat" in (played.search.ended or "")


def test_a_search_that_comes_to_its_reserve_says_so(tmp_path: Path) -> None:
    spec = replace(spec_of("12cpu-h"), early_end=False)
    played = play(spec, tmp_path, Flat([60.0, 60.0, 90.0, *[60.0] * 500], [0.5, 0.4, 0.6, *[0.3] * 500]))
    assert (played.search.ended or "").startswith("the search's share of the budget is spent; ")


def test_a_search_whose_trainings_turn_out_too_dear_keeps_nothing_for_repeats(tmp_path: Path) -> None:
    spec = spec_of("2cpu-h")  # ten trainings, two repeats
    assert spec.reserve_trials == 2
    played = play(spec, tmp_path, Flat([100.0], [0.5, 0.6]))  # six trainings
    assert repeats_of(played) == []
    assert played.search.reserve.empty
    assert (played.search.ended or "").startswith("what is left cannot pay for another training")


def test_a_trial_that_is_all_but_trained_is_not_cut_for_the_reserve(tmp_path: Path) -> None:
    spec = spec_of("4cpu-h")
    search = make_search(spec)
    search.reserve._reached = lambda at: True  # type: ignore[method-assign]
    trial = Trial(number=3, params={}, epochs=12, seed=0)
    assert search.reserve.cut_due(trial, 0.0, 11) is None
    assert search.reserve.cut_due(trial, 0.0, 10) is not None


def test_repeats_that_do_not_reach_their_end_confirm_nothing_and_say_so(tmp_path: Path) -> None:
    played = play(spec_of("4cpu-h"), tmp_path, Flat([60.0], [0.5, 0.6], drift=4.0))
    assert {row.state for row in repeats_of(played)} == {TrialState.CUT}
    assert (played.search.ended or "").endswith("did not reach their end, so nothing is confirmed")


def test_repeats_use_all_slots_side_by_side(tmp_path: Path) -> None:
    played = play(spec_of("8cpu-h", slots=4), tmp_path, Flat([60.0], [0.5, 0.4, 0.52, *[0.3] * 500]))
    starts = [row.started_at or 0.0 for row in repeats_of(played)]
    ends = [row.ended_at or 0.0 for row in repeats_of(played)]
    assert [trial for trial, _ in begun_in_order(played)][:4] == [0, 2, 0, 2]
    assert max(starts[1:4]) < min(ends[1:4])


def test_a_repeat_that_fails_is_data(tmp_path: Path) -> None:
    spec = spec_of("40trials")
    faults = tuple(Fault(trial=number, epoch=2, kind=FaultKind.ERROR) for number in range(36, 40))
    played = play(spec, tmp_path, SurrogateTrainer(faults=faults))
    assert [row.state for row in repeats_of(played)] == [TrialState.FAILED] * 4
    assert played.search.failure is None
    found = verdict(played.record.trials.values())
    assert found is not None
    assert not found.repeated


def test_a_verdict_comes_of_it(tmp_path: Path) -> None:
    played = play(spec_of("18cpu-h"), tmp_path)
    found = verdict(played.record.trials.values())
    assert found is not None
    assert found.winner in best_completed(played, 3)
    assert found.winner == played.search.runs.winner
    repeated = [row.repeats for row in repeats_of(played)]
    assert {each.trial: each.new_seeds for each in found.estimates if each.new_seeds} == dict(Counter(repeated))
    assert found.cost_s == pytest.approx(played.spent_s[Purpose.CONFIRMATION.value])


@pytest.mark.parametrize("budget", ["1cpu-h", "18cpu-h", "1h"])
def test_measuring_on_unseen_images_finds_its_seconds_left(budget: str, tmp_path: Path) -> None:
    spec = spec_of(budget, measuring_s=300.0)
    played = play(spec, tmp_path)
    limit_s = 3600.0 * (18 if budget == "18cpu-h" else 1)
    spent_s = played.at if budget == "1h" else played.search.ledger.spent_s()
    assert limit_s / 2 < spent_s <= limit_s - spec.measuring_s


# -- the reserve is kept, whatever trials cost --------------------------------------------------------

costs_ = st.lists(st.floats(40.0, 80.0), min_size=1, max_size=9)


def kept(spec: StudySpec, trainer: Flat) -> Played:
    with tempfile.TemporaryDirectory() as folder:
        return play(spec, Path(folder), trainer)


@quick
@given(costs=costs_, scores=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9), drift=st.floats(0.5, 2.0),
       slots=st.integers(1, 5), minutes=st.integers(12, 900), wall=st.booleans(), confirm=st.integers(0, 4))  # fmt: skip
def test_no_search_with_repeats_overspends_by_more_than_an_epoch_a_slot(
    costs: list[float], scores: list[float], drift: float, slots: int, minutes: int, wall: bool, confirm: int
) -> None:
    spec = spec_of(f"{minutes}min" if wall else f"{minutes}cpu-min", "80trials", slots=slots, confirm=confirm)
    played = kept(spec, Flat(costs, scores, drift))
    dearest, ledger = max(costs) * max(1.0, drift), played.search.ledger
    assert played.search.ended is not None
    assert sum(row.slot_s for row in played.record.trials.values()) == pytest.approx(ledger.spent_s())
    assert not {TrialState.RUNNING, TrialState.INTERRUPTED} & set(played.states)
    assert len(played.record.trials) <= 80
    if wall:
        assert played.at <= 60 * minutes + dearest + 1e-6
    else:
        assert ledger.spent_s() <= 60 * minutes + slots * dearest + 1e-6


@quick
@given(costs=costs_, scores=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9), slots=st.integers(1, 5),
       minutes=st.integers(240, 1200), kind=st.sampled_from(["slots", "wall", "trials"]))  # fmt: skip
def test_what_is_reserved_confirms_the_best(
    costs: list[float], scores: list[float], slots: int, minutes: int, kind: str
) -> None:
    budget = {"slots": f"{minutes}cpu-min", "wall": f"{minutes}min", "trials": f"{minutes // 12}trials"}[kind]
    spec = spec_of(budget, slots=slots)
    assert spec.reserve_trials >= 2
    played = kept(spec, Flat(costs, scores))
    rows = played.record.trials
    assert rows[0].score is not None
    above = [n for n in best_completed(played, 3) if (rows[n].score or 0.0) > (rows[0].score or 0.0)]
    repeated = begun_in_order(played)
    if not above:
        assert repeated == []
        return
    if max(row.score or 0.0 for row in rows.values()) < LEARNT:
        return  # nothing can be compared
    assert {trial for trial, _ in repeated} <= {0, *above}
    assert (0, 1) in repeated
    assert len({trial for trial, _ in repeated}) >= 2
    assert {row.state for row in repeats_of(played)} == {TrialState.COMPLETED}
    assert len(repeated) >= 2


# -- interrupted and killed ---------------------------------------------------------------------------


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize(("budget", "sampler"), [("4cpu-h", "random"), ("24trials", "tpe")])
def test_a_study_interrupted_in_either_phase_goes_on_as_if_it_had_not_been(
    tmp_path: Path, budget: str, sampler: str, killed: bool
) -> None:
    spec = spec_of(budget, sampler=sampler)
    whole = play(spec, tmp_path)
    assert len(repeats_of(whole)) == 2
    last = len(whole.record.epochs)
    for epochs in (*range(1, last - 28, 61), *range(last - 28, last, 3)):
        first = play(spec, tmp_path, pause_after=epochs)
        if killed:
            first.record.die()
        again = play(spec, tmp_path, record=first.record, at=first.at)
        assert again.decisions == whole.decisions
        assert begun_in_order(again) == begun_in_order(whole)
        assert again.spent_s == pytest.approx(whole.spent_s)
        assert again.search.ledger.spent_s() == pytest.approx(whole.search.ledger.spent_s())
        assert again.search.ended == whole.search.ended
        assert again.search.runs.best_epoch == whole.search.runs.best_epoch


@quick
@given(slots=st.integers(2, 4), epochs=st.integers(1, 260), killed=st.booleans())
def test_several_slots_are_resumed_without_losing_a_repeat(slots: int, epochs: int, killed: bool) -> None:
    spec = spec_of("4cpu-h", slots=slots)
    with tempfile.TemporaryDirectory() as folder:
        first = play(spec, Path(folder), pause_after=epochs)
        if killed:
            first.record.die()
        again = play(spec, Path(folder), record=first.record, at=first.at)
    rows = again.record.trials
    assert sorted(rows) == list(range(len(rows)))
    assert sum(row.slot_s for row in rows.values()) == pytest.approx(again.search.ledger.spent_s())
    assert again.search.ended is not None
    assert not {TrialState.RUNNING, TrialState.INTERRUPTED} & set(again.states)
    assert len(set(begun_in_order(again))) == len(repeats_of(again)) == 2


def test_a_repeat_goes_on_from_its_last_epoch(tmp_path: Path) -> None:
    spec = spec_of("24trials")
    whole = play(spec, tmp_path)
    record = MemoryRecord()
    record.trials = dict(whole.record.trials)
    last = max(record.trials)
    record.trials[last] = replace(record.trials[last], state=TrialState.RUNNING, ended_at=None, done_epochs=5)
    record.epochs = [epoch for epoch in whole.record.epochs if epoch.trial < last or epoch.epoch <= 5]
    again = play(spec, tmp_path, record=record, at=whole.at)
    assert begun_in_order(again) == begun_in_order(whole)
    assert (again.record.trials[last].attempt, again.record.trials[last].state) == (2, TrialState.COMPLETED)
