"""Further seeds of a finished study, in virtual time: at both lengths, within their budget, and after a crash."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automl.policy.repeats import HOPELESS, SURE
from automl.records import Confirming, EndedBy, EpochMetrics, Purpose, StudySpec, TrainJob, Trial, TrialRow, TrialState
from automl.scores.answer import Answer, answer_of
from automl.scores.leaderboard import verdict
from tests.builders.factories import EPOCH_S, MemoryRecord, Played, play
from tests.builders.production import TRAIN, Curve, produced, spec_of

CLOSE = Curve(long=(0.5, 0.505))  # one seed each cannot tell them apart


class Seeded(Curve):
    """Trainings whose score also depends on the seed.

    shift  added to the score of a recipe found, by seed; the last one for those beyond
    """

    def __init__(self, *shift: float, **curve: Any) -> None:
        super().__init__(**curve)
        self._shift = shift

    def run(self, trial: Trial, job: TrainJob) -> Generator[EpochMetrics, None, None]:
        """Epochs of the curve."""
        found = trial.repeats if trial.repeats is not None else trial.number
        shift = self._shift[min(trial.seed, len(self._shift) - 1)] if found else 0.0
        for metrics in super().run(trial, job):
            yield replace(metrics, map50_95=metrics.map50_95 + shift)


def confirming(played: Played, seeds: int = 2, *budgets: str) -> StudySpec:
    """The spec of a finished study with further seeds."""
    record = Confirming(
        seeds=seeds,
        budgets=budgets,
        trials=len(played.record.trials),
        slot_s=sum(played.spent_s.values()),
        wall_s=played.at,
        reason=played.search.ended or "",
    )
    return replace(played.search.spec, confirming=record)


def confirm(played: Played, trainer: Curve, tmp_path: Path, seeds: int = 2, *budgets: str) -> Played:
    """The study after its further seeds."""
    spec = confirming(played, seeds, *budgets)
    return play(spec, tmp_path, trainer, record=played.record, at=played.at)


def further(played: Played) -> list[TrialRow]:
    """Trainings of the confirmation by number."""
    before = played.search.spec.confirming
    assert before is not None
    return [row for number, row in sorted(played.record.trials.items()) if number >= before.trials]


def told(played: Played) -> Answer:
    rows = list(played.record.trials.values())
    answer = answer_of(rows, (), played.search.spec, verdict(rows))
    assert answer is not None
    return answer


def at_length(tmp_path: Path, trainer: Curve = CLOSE, slots: int = 1) -> Played:
    """A finished study that has compared one seed each at production length."""
    played = play(spec_of("14trials", slots=slots, confirm=0), tmp_path, trainer)
    assert len(produced(played)) == 2
    assert told(played).at_length
    return played


def at_horizon(tmp_path: Path, trainer: Curve, slots: int = 1) -> Played:
    """A finished study without repeats or production trainings."""
    played = play(spec_of("20trials", slots=slots, train=0, compare=False, confirm=0), tmp_path, trainer)
    assert all(row.purpose.searched for row in played.record.trials.values())
    return played


@pytest.mark.parametrize("slots", [1, 3])
def test_both_train_again_at_production_length_where_the_study_compared_at_it(slots: int, tmp_path: Path) -> None:
    played = confirm(at_length(tmp_path, slots=slots), CLOSE, tmp_path)
    winner = played.search.production.winner
    rows = further(played)
    assert [(row.repeats, row.seed) for row in rows] == [(winner, 1), (0, 1), (winner, 2), (0, 2)]
    assert {(row.purpose, row.state, row.epochs) for row in rows} == {
        (Purpose.PRODUCTION, TrialState.COMPLETED, TRAIN),
    }
    answer = told(played)
    assert answer.recipe is not None
    assert (len(answer.recipe.scores), len(answer.defaults.scores), answer.at_length) == (3, 3, True)
    assert played.search.ending is not None
    assert played.search.ending.by is EndedBy.CONFIRMED
    assert "all of them are trained" in played.search.ending.sentence
    assert sum(f"trial {winner} trains again at production length with seed" in note for note in played.record.notes)
    side_by_side = (rows[1].started_at or 0.0) < (rows[0].ended_at or 0.0)
    assert side_by_side is (slots > 1)


@pytest.mark.parametrize("slots", [1, 3])
def test_both_repeat_at_the_horizon_where_nothing_was_trained_at_length(slots: int, tmp_path: Path) -> None:
    trainer = Seeded(0.0, -0.01, 0.0, scores=(0.5, 0.515, 0.45))
    played = confirm(at_horizon(tmp_path, trainer, slots), trainer, tmp_path, 3)
    rows = further(played)
    leader = rows[1].repeats
    assert leader
    pairs = [(row.repeats, row.seed) for row in rows]
    assert pairs == [(0, 1), (leader, 1), (0, 2), (leader, 2), (0, 3), (leader, 3)][: len(pairs)]
    assert len(pairs) >= 4
    assert {(row.purpose, row.state, row.epochs) for row in rows} == {
        (Purpose.CONFIRMATION, TrialState.COMPLETED, played.search.spec.epochs)
    }
    assert not told(played).at_length


def test_they_end_as_soon_as_it_is_decided(tmp_path: Path) -> None:
    for shift, delivers in ((0.2, True), (-0.2, False)):
        trainer = Seeded(0.0, shift, long=(0.5, 0.505))
        played = confirm(at_length(tmp_path, trainer), trainer, tmp_path, 5)
        answer = told(played)
        assert len(further(played)) < 10
        assert answer.chance is not None
        assert answer.chance >= SURE or answer.chance <= HOPELESS
        assert answer.delivers is delivers
        assert ": decided, with a chance of" in (played.search.ended or "")


def test_a_lucky_seed_at_the_horizon_is_found_out(tmp_path: Path) -> None:
    trainer = Seeded(0.0, -0.2, scores=(0.5, 0.55, 0.45))
    study = at_horizon(tmp_path, trainer)
    assert told(study).delivers
    played = confirm(study, trainer, tmp_path, 4)
    assert not told(played).delivers
    assert ": decided, with a chance of" in (played.search.ended or "")
    assert len(further(played)) < 8


@pytest.mark.parametrize("trainings", [1, 2, 3])
@pytest.mark.parametrize("kind", ["cpu-s", "s", "trials"])
def test_the_budget_for_them_is_kept(kind: str, trainings: int, tmp_path: Path) -> None:
    study = at_length(tmp_path)
    budget = f"{trainings if kind == 'trials' else int((trainings + 0.5) * TRAIN * EPOCH_S)}{kind}"
    spent_s, at = sum(study.spent_s.values()), study.at
    played = confirm(study, CLOSE, tmp_path, 4, budget)
    assert len(further(played)) == trainings
    assert {row.state for row in further(played)} == {TrialState.COMPLETED}
    assert sum(played.spent_s.values()) - spent_s == pytest.approx(trainings * TRAIN * EPOCH_S)
    assert played.at - at == pytest.approx(trainings * TRAIN * EPOCH_S)
    assert "what is left pays no further training" in (played.search.ended or "")


@pytest.mark.parametrize("slots", [1, 2])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.8])
@pytest.mark.parametrize("long", [True, False])
def test_one_that_dies_trains_the_same(long: bool, share: float, slots: int, tmp_path: Path) -> None:
    trainer = Seeded(0.0, 0.001, -0.004, 0.002, scores=(0.5, 0.515), long=(0.5, 0.505))
    make = at_length if long else at_horizon
    whole = confirm(make(tmp_path, trainer, slots), trainer, tmp_path)
    study = make(tmp_path, trainer, slots)
    spec, record = confirming(study), study.record
    epochs = len(whole.record.epochs) - len(record.epochs)
    first = play(spec, tmp_path, trainer, record=record, at=study.at, pause_after=int(share * epochs))
    assert first.search.ended is None
    record.die()
    second = play(spec, tmp_path, trainer, record=record, at=first.at)
    assert second.decisions == whole.decisions
    assert [row.seed for row in further(second)] == [row.seed for row in further(whole)]
    assert second.search.ended == whole.search.ended


def test_a_second_confirmation_goes_on_where_the_first_has_ended(tmp_path: Path) -> None:
    first = confirm(at_length(tmp_path), CLOSE, tmp_path, 1)
    second = confirm(first, CLOSE, tmp_path, 1)
    assert [row.seed for row in further(second)] == [2, 2]


def test_nothing_is_to_be_confirmed_where_nothing_scored_above_the_defaults(tmp_path: Path) -> None:
    lower = Curve(scores=(0.5, 0.4))
    for study in (play(spec_of("12cpu-h"), tmp_path, lower), at_horizon(tmp_path, lower)):
        again = play(confirming(study), tmp_path, lower, record=study.record, at=study.at)
        assert again.search.confirmation.prospect() is None
        assert further(again) == []


def test_a_study_that_was_never_confirmed_reads_and_writes_none(tmp_path: Path) -> None:
    spec = at_length(tmp_path).search.spec
    document = spec.to_dict()
    assert StudySpec.from_dict(document) == spec
    del document["confirming"]
    assert StudySpec.from_dict(document).confirming is None
    again = replace(spec, confirming=confirming(play(spec, tmp_path, CLOSE, record=MemoryRecord())).confirming)
    assert StudySpec.from_dict(again.to_dict()) == again
