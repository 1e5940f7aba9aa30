"""Trainings of the defaults and the winner at production length, in whole searches in virtual time."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.policy.production import MOST_SEEDS
from automl.records import PointCost, Purpose, Start, TrialState
from automl.scores.answer import answer_of
from automl.scores.leaderboard import verdict
from automl.trainers.surrogate import DEFAULTS
from tests.builders.factories import EPOCH_S, MemoryRecord, Played, play
from tests.builders.production import TRAIN, Breaking, Curve, produced, spec_of

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CLOSE = Curve(long=(0.5, 0.505))  # one seed each cannot tell them apart
FAR = Curve(long=(0.5, 0.8))


def sources(played: Played) -> list[int]:
    """The searched trials that were trained for production, in order: 0 stands for the defaults."""
    return [row.repeats if row.repeats is not None else -1 for row in produced(played)]


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_the_defaults_train_beside_the_search_and_the_winner_after_it(slots: int, tmp_path: Path) -> None:
    played = play(spec_of("12cpu-h", slots=slots), tmp_path, FAR)
    defaults, winner = produced(played)
    searched = [row for row in played.record.trials.values() if row.purpose.searched]
    assert defaults.repeats == 0
    assert winner.repeats == played.search.runs.winner not in (None, 0)
    assert defaults.number == 1, "right after the given trials"
    assert winner.number == max(played.record.trials)
    assert (winner.started_at or 0.0) >= max(row.ended_at or 0.0 for row in searched)
    assert any((row.started_at or 0.0) > (defaults.started_at or 0.0) for row in searched)
    assert {row.state for row in (defaults, winner)} == {TrialState.COMPLETED}
    assert {(row.epochs, row.done_epochs, row.origin) for row in (defaults, winner)} == {(TRAIN, TRAIN, "production")}
    assert played.spent_s["production"] == pytest.approx(2 * TRAIN * EPOCH_S, rel=0.01)
    assert (played.search.ended or "").endswith(
        f"the defaults trained for production as trial 1; trial {winner.repeats} trained for production as trial "
        f"{winner.number}"
    )
    texts = [note for note in played.record.notes if "for production, up to" in note]
    assert texts[0] == f"the defaults train for production, up to {TRAIN} epochs"
    assert f"trial {winner.repeats} trains for production, up to {TRAIN} epochs" in texts[1]


@pytest.mark.parametrize("slots", [1, 2])
def test_given_trials_keep_their_places(slots: int, tmp_path: Path) -> None:
    starts = (
        Start("defaults", dict(DEFAULTS)),
        *(Start(f"recipe{n}", {**DEFAULTS, "x0": 0.6 + n / 10}) for n in (1, 2)),
    )
    played = play(spec_of("12cpu-h", slots=slots, given=starts), tmp_path, FAR)
    rows = played.record.trials
    assert [rows[number].origin for number in range(3)] == ["defaults", "recipe1", "recipe2"]
    assert [rows[number].params["x0"] for number in range(3)] == pytest.approx([0.5, 0.7, 0.8])
    assert produced(played)[0].number == 3


def test_the_defaults_of_the_chosen_point_are_those_that_train_for_production(tmp_path: Path) -> None:
    starts = tuple(Start(f"defaults@{n}", {**DEFAULTS, "model": name, "imgsz": 64}) for n, name in enumerate("ab"))
    points = tuple(PointCost(f"{name}@64", EPOCH_S) for name in "ab")
    spec = spec_of("20cpu-h", given=starts, points=points)
    played = play(spec, tmp_path, Curve(scores=(0.4, 0.6, 0.65)))
    assert played.search.operating.chosen == "b@64"
    assert sources(played)[0] == 1
    assert produced(played)[0].number == 2
    assert len(set(sources(played))) == 2
    answer = answer_of(played.record.trials.values(), (), spec, verdict(played.record.trials.values()))
    assert answer is not None
    assert answer.defaults.trial.number == 1


@pytest.mark.parametrize(
    ("minutes", "epochs_s"),
    [
        (282, (1.8, 2.8, 2.0, 1.0, 1.0)),  # before a recipe is found, the kept share seems to need all that is left
        (318, (2.0, 2.5, 3.0, 1.2, 1.0)),  # the price of the first trials is the search's when the winner's is paid
        (240, (3.0, 1.5, 1.0, 1.0, 1.0)),  # at the first price the share is spent before the defaults' long training
        (318, (2.2, 1.0, 1.0, 1.0, 1.0)),  # and what is left seems to pay not even one more trial
    ],
)
def test_a_price_that_has_fallen_since_the_first_trials_leaves_nothing_unspent(
    minutes: int, epochs_s: tuple[float, ...], tmp_path: Path
) -> None:
    starts = (
        Start("defaults", dict(DEFAULTS)),
        *(Start(f"recipe{n}", {**DEFAULTS, "x0": 0.6 + n / 10}) for n in (1, 2)),
    )
    costs = tuple(factor * EPOCH_S for factor in epochs_s)
    curve = Curve(scores=(0.5, 0.4, 0.4, 0.4, 0.6), long=(0.5, 0.8), epoch_s=costs)
    played = play(spec_of(f"{minutes}cpu-min", slots=2, given=starts), tmp_path, curve)
    assert [row.state for row in produced(played)] == [TrialState.COMPLETED] * 2, played.search.ended
    assert sum(played.spent_s.values()) > 0.8 * 60 * minutes
    origins = [row.origin for row in played.record.trials.values() if row.purpose.searched]
    assert origins[:3] == ["defaults", "recipe1", "recipe2"], "none of the given recipes is passed over"


@pytest.mark.parametrize("budgets", [("10cpu-h",), ("8h",), ("10cpu-h", "9h"), ("14trials",)])
@pytest.mark.parametrize("slots", [1, 2, 3])
def test_the_search_leaves_what_both_cost(budgets: tuple[str, ...], slots: int, tmp_path: Path) -> None:
    played = play(spec_of(*budgets, slots=slots), tmp_path, FAR, startup_s=1.0)
    assert [row.done_epochs for row in produced(played)] == [TRAIN, TRAIN]
    assert {row.state for row in produced(played)} == {TrialState.COMPLETED}
    if budgets == ("14trials",):
        assert len(played.record.trials) == 14


def test_where_nothing_scores_above_the_defaults_they_alone_are_trained(tmp_path: Path) -> None:
    played = play(spec_of("12cpu-h"), tmp_path, Curve(scores=(0.5, 0.4)))
    assert sources(played) == [0]
    assert "no recipe scored above the defaults, so none was trained for production" in (played.search.ended or "")
    answer = answer_of(played.record.trials.values(), (), played.search.spec, verdict(played.record.trials.values()))
    assert answer is not None
    assert (answer.at_length, answer.recipe, answer.delivers) == (True, None, False)


def test_further_seeds_of_both_train_while_it_is_open_which_is_better(tmp_path: Path) -> None:
    played = play(spec_of("40cpu-h", target=0.55), tmp_path, CLOSE)  # so that the search leaves most of the budget
    winner = played.search.production.winner
    assert sources(played) == [0, winner, winner, 0, winner, 0]
    assert [row.seed for row in produced(played)] == [0, 0, 1, 1, 2, 2]
    assert len(produced(played)) == 2 * MOST_SEEDS
    texts = [note for note in played.record.notes if "for production, up to" in note]
    assert texts[2].endswith(f"trial {winner} trains for production, up to {TRAIN} epochs, with seed 1")


def test_they_stop_once_it_is_decided(tmp_path: Path) -> None:
    assert len(produced(play(spec_of("40cpu-h", target=0.55), tmp_path, FAR))) == 2
    assert len(produced(play(spec_of("40cpu-h", target=0.55), tmp_path, Curve(long=(0.8, 0.5))))) == 2


def test_they_stop_where_the_budget_pays_no_more(tmp_path: Path) -> None:
    played = play(spec_of("6cpu-h", target=0.55), tmp_path, CLOSE)
    assert 2 < len(produced(played)) < 2 * MOST_SEEDS
    assert played.search.production.repeat_due() is not None
    assert {row.state for row in produced(played)} == {TrialState.COMPLETED}
    assert sum(played.spent_s.values()) <= 6 * 3600


def test_patience_ends_both_and_the_winner_needs_no_more_than_the_defaults_had(tmp_path: Path) -> None:
    played = play(spec_of("40cpu-h", train=300), tmp_path, Curve(long=(0.5, 0.8), top=20))
    assert [(row.epochs, row.done_epochs, row.best_epoch) for row in produced(played)] == [(300, 70, 20)] * 2
    assert played.search.production.expected == 70


def test_what_patience_saves_goes_back_to_the_search(tmp_path: Path) -> None:
    whole = play(spec_of("16cpu-h", train=300, early_end=False), tmp_path, Curve(long=(0.5, 0.8)))
    short = play(spec_of("16cpu-h", train=300, early_end=False), tmp_path, Curve(long=(0.5, 0.8), top=20))

    def searched(played: Played) -> int:
        return sum(row.purpose is Purpose.SEARCH for row in played.record.trials.values())

    assert searched(short) > searched(whole)


@pytest.mark.parametrize("share", [0.1, 0.35, 0.6, 0.95])
@pytest.mark.parametrize(
    ("budget", "target"), [("14cpu-h", None), ("13h", None), ("30trials", None), ("14cpu-h", 0.55), ("30trials", 0.55)]
)
def test_a_study_that_dies_decides_like_an_undisturbed_one(
    budget: str, target: float | None, share: float, tmp_path: Path
) -> None:
    spec = spec_of(budget, target=target)
    whole = play(spec, tmp_path, CLOSE)
    record = MemoryRecord()
    first = play(spec, tmp_path, CLOSE, record=record, pause_after=int(share * len(whole.record.epochs)))
    record.die()
    second = play(spec, tmp_path, CLOSE, record=record, at=first.at)
    assert second.decisions == whole.decisions
    assert second.search.ended == whole.search.ended


@pytest.mark.parametrize("slots", [1, 2])
def test_one_that_fails_begins_anew_once(slots: int, tmp_path: Path) -> None:
    played = play(spec_of("20cpu-h", slots=slots), tmp_path, Breaking(5, times=1))
    assert played.search.failure is None
    assert [(row.repeats, row.state) for row in produced(played)][:2] == [
        (0, TrialState.FAILED),
        (0, TrialState.COMPLETED),
    ]
    assert sources(played)[2] == played.search.production.winner


@pytest.mark.parametrize("slots", [1, 2])
def test_a_second_failure_ends_the_session_and_the_study_can_be_resumed(slots: int, tmp_path: Path) -> None:
    spec, record = spec_of("20cpu-h", slots=slots), MemoryRecord()
    first = play(spec, tmp_path, Breaking(5), record=record)
    assert (first.search.failure or "").startswith("the production training failed: ")
    assert not first.search.failures.final
    assert [row.state for row in produced(first)] == [TrialState.FAILED] * 2
    second = play(spec, tmp_path, Curve(long=(0.5, 0.8)), record=record, at=first.at)
    assert second.search.failure is None
    ends = [row.state for row in produced(second)]
    assert ends == [TrialState.FAILED] * 2 + [TrialState.COMPLETED] * 2
    answer = answer_of(record.trials.values(), (), spec, verdict(record.trials.values()))
    assert answer is not None
    assert (answer.at_length, answer.delivers) == (True, True)


def test_the_answer_is_the_recipe_only_if_it_holds_at_length(tmp_path: Path) -> None:
    for long, delivers in (((0.5, 0.6), True), ((0.6, 0.5), False)):
        played = play(spec_of("12cpu-h"), tmp_path, Curve(long=long))
        answer = answer_of(
            played.record.trials.values(), (), played.search.spec, verdict(played.record.trials.values())
        )
        assert answer is not None
        assert answer.at_length
        assert answer.delivers is delivers


def test_the_defaults_alone_are_one_trial_and_the_reason_is_told(tmp_path: Path) -> None:
    spec = replace(spec_of("6cpu-h", train=0), compare=False, defaults_alone="6cpu-h pays one training.", epochs=300)
    played = play(spec, tmp_path, Curve())
    assert list(played.record.trials) == [0]
    assert played.states == [TrialState.COMPLETED]
    assert played.search.ended == "6cpu-h pays one training"


def test_a_failed_baseline_trains_nothing_more(tmp_path: Path) -> None:
    played = play(spec_of("12cpu-h"), tmp_path, Curve(scores=(float("nan"),)))
    assert played.search.failure is not None
    assert produced(played) == []


@quick
@given(
    hours=st.integers(2, 40),
    wall=st.sampled_from([None, 2, 10]),
    slots=st.integers(1, 4),
    train=st.integers(12, 300),
    drift=st.floats(0.3, 4.0),
    confirm=st.integers(0, 3),
    sessions=st.integers(1, 3),
    gap=st.sampled_from([-0.3, 0.005, 0.3]),
    target=st.sampled_from([None, 0.55]),
    crash=st.integers(5, 200),
)
def test_no_budget_is_exceeded_by_more_than_an_epoch_a_slot(
    hours: int,
    wall: int | None,
    slots: int,
    train: int,
    drift: float,
    confirm: int,
    sessions: int,
    gap: float,
    target: float | None,
    crash: int,
) -> None:
    texts = [f"{hours}cpu-h", *([] if wall is None else [f"{wall}h"])]
    spec = spec_of(*texts, slots=slots, train=train, confirm=confirm, target=target)
    epoch_s = drift * EPOCH_S
    trainer = Curve(epoch_s=(epoch_s,), long=(0.5, 0.5 + gap))
    record, at = MemoryRecord(), 0.0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(sessions - 1):
            at = play(spec, Path(folder), trainer, record=record, at=at, pause_after=crash).at
            record.die()
        played = play(spec, Path(folder), trainer, record=record, at=at)
    assert played.search.ended is not None
    assert sum(played.spent_s.values()) <= 3600 * hours + slots * epoch_s + 1e-6
    if wall is not None:
        assert played.at <= 3600 * wall + epoch_s + 1e-6
    trained = produced(played)
    assert [row.repeats for row in trained][:1] in ([], [0])
    assert len(trained) <= 2 * MOST_SEEDS
    if len(trained) > 1:
        assert trained[-1].number == max(record.trials)


def test_where_the_points_were_not_all_compared_the_defaults_of_the_first_train_before_the_winner(
    tmp_path: Path,
) -> None:
    starts = tuple(Start(f"defaults@{n}", {**DEFAULTS, "model": name, "imgsz": 64}) for n, name in enumerate("abc"))
    points = tuple(PointCost(f"{name}@64", EPOCH_S * cost) for name, cost in zip("abc", (1.0, 1.5, 2.0), strict=True))
    spec = spec_of("8cpu-h", "5h", train=116, confirm=0, given=starts, points=points)
    played = play(spec, tmp_path, Curve(scores=(0.5, 0.6, 0.7), epoch_s=(1.27 * EPOCH_S,), top=20))
    assert played.search.operating.open
    assert sources(played)[0] == 0
    assert len(set(sources(played))) == len(sources(played)) <= 2
    assert sum(played.spent_s.values()) <= 5 * 3600 + 1.27 * EPOCH_S


def test_without_the_defaults_at_length_no_winner_is_trained_at_it(tmp_path: Path) -> None:
    played = play(spec_of("5cpu-h", confirm=0), tmp_path, Curve(epoch_s=(6 * EPOCH_S,)))
    assert produced(played) == []
    assert "pays no production training of the defaults to compare with" in (played.search.ended or "")
