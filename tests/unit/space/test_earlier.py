"""Recipes and scores of earlier trainings for a new search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from automl.records import EarlierTraining, Params, Start
from automl.space import SearchSpace
from automl.space.earlier import STARTS, TOLD, Earlier, NewStudy, beginnings, comparable, starts, words

BASE: Params = {"model": "n", "imgsz": 64, "batch": 4, "optimizer": "SGD", "lr0": 0.01, "box": 7.5}
SPACE = SearchSpace.from_document(
    {"parameters": {"lr0": {"log": [0.001, 0.1], "default": 0.01}, "box": {"uniform": [4.0, 14.0], "default": 7.5}}}
)
BEFORE = (Start("defaults", BASE),)


def earlier_training(source: str, score: float | None, epochs: int | None = 9, **params: Any) -> Earlier:
    return Earlier(source=source, params={**BASE, **params}, score=score, done_epochs=7, epochs=epochs)


def new_study(trainings: float, epochs: int = 30) -> NewStudy:
    return NewStudy(
        base=BASE, whole={**BASE, "amp": True}, space=SPACE, before=BEFORE, trainings=trainings, epochs=epochs
    )


def test_the_best_of_each_source_come_in_turn() -> None:
    earlier = [
        *(earlier_training("a", score, lr0=0.02 + score / 100) for score in (0.1, 0.5, 0.3)),
        earlier_training("b.csv", 99.0, lr0=0.09),
        earlier_training("hyp.yaml", None, lr0=0.08),
    ]
    first = starts(earlier, new_study(30.0))
    assert [(name, params["lr0"]) for name, params in first] == [
        ("warm:a", 0.025),
        ("warm:b.csv", 0.09),
        ("warm:hyp.yaml", 0.08),
    ]
    assert len(first) == STARTS


@pytest.mark.parametrize(("trainings", "rates"), [(3.0, [0.05]), (19.0, [0.05]), (20.0, [0.05, 0.03])])
def test_earlier_recipes_take_no_more_than_a_tenth_beyond_the_first(trainings: float, rates: list[float]) -> None:
    earlier = [earlier_training("a", score, lr0=score / 10) for score in (0.1, 0.5, 0.3)]
    assert [params["lr0"] for _, params in starts(earlier, new_study(trainings))] == rates


def test_what_was_no_better_than_the_defaults_of_its_source_is_not_trained_again() -> None:
    earlier = [
        *(earlier_training("a", score, lr0=rate) for score, rate in ((0.5, 0.01), (0.5, 0.02), (0.4, 0.03))),
        *(earlier_training("b", score, lr0=rate) for score, rate in ((0.1, 0.01), (0.2, 0.04))),
    ]
    assert [(name, params["lr0"]) for name, params in starts(earlier, new_study(50.0))] == [("warm:b", 0.04)]


def test_of_the_very_same_trainings_only_the_best_runs_again() -> None:
    earlier = [earlier_training("a", score, lr0=score / 10) for score in (0.1, 0.5, 0.3)]
    assert [params["lr0"] for _, params in starts(earlier, new_study(50.0, epochs=9))] == [0.05]


def test_what_runs_anyway_or_is_the_same_within_the_space_is_not_run_twice() -> None:
    earlier = [
        earlier_training("a", 0.9),
        earlier_training("a", 0.8, box=20.0),
        earlier_training("a", 0.7, box=15.0),
        earlier_training("b", 0.6, box=14.0),
        earlier_training("b", 0.5, box=5.0),
    ]
    first = starts(earlier, new_study(20.0))
    assert [(name, params["box"]) for name, params in first] == [("warm:b", 14.0), ("warm:b", 5.0)]


def test_earlier_recipes_come_before_the_portfolio() -> None:
    first, notes = beginnings([earlier_training("a", 0.5, lr0=0.03)], new_study(50.0), known_good=True)
    names = [name for name, _ in first]
    assert names[0] == "warm:a"
    assert {"VOC", "Objects365"} <= set(names[1:])
    assert notes[0] == "Tried again from earlier trainings: warm:a."
    assert beginnings([], new_study(50.0), known_good=False) == ((), ())


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ({"box": 14.0, "optimizer": "SGD", "lr0": 0.02, "amp": True}, []),
        (
            {"box": 14.0, "lr0": 0.02},
            ["lr0 0.02 of hyp.yaml is tried with SGD, as the defaults are: hyp.yaml names no optimizer."],
        ),
        (
            {"box": 14.0, "optimizer": "AdamW", "lr0": 0.02},
            [
                "optimizer AdamW of hyp.yaml is not tried: the search space does not hold it.",
                "lr0 0.02 of hyp.yaml is not tried: it belongs to another optimizer than SGD.",
            ],
        ),
        ({"box": 99.0}, ["box 99.0 of hyp.yaml is beyond its searched range and becomes its end, 14.0."]),
        (
            {"box": 1.0, "lr0": 5.0},
            ["box 1.0 and lr0 5.0 of hyp.yaml are beyond their searched ranges and become their ends, 4.0 and 0.1."],
        ),
        (
            {"box": 8.0, "nbs": 32, "optimizer": "Adam"},
            ["nbs 32 and optimizer Adam of hyp.yaml are not tried: the search space does not hold them."],
        ),
        (
            {"nbs": 32},
            [
                "nbs 32 of hyp.yaml is not tried: the search space does not hold it.",
                "Not tried again: hyp.yaml; within the search space it equals a trial that runs anyway.",
            ],
        ),
    ],
)
def test_a_note_tells_what_the_space_changes_in_a_recipe(recipe: Params, expected: list[str]) -> None:
    earlier = [Earlier(source="hyp.yaml", params=recipe, score=None)]
    _, notes = beginnings(earlier, new_study(50.0), known_good=False)
    assert [note for note in notes if not note.startswith("Tried again")] == expected


OPTIMIZERS = SearchSpace.from_document(
    {
        "parameters": {
            "optimizer": {"choice": ["SGD", "AdamW"], "default": "SGD"},
            "lr0": {"log": [0.002, 0.05], "default": 0.01, "when": {"optimizer": ["SGD"]}},
            "lr0@AdamW": {"log": [0.0002, 0.005], "default": 0.001, "when": {"optimizer": ["AdamW"]}},
            "box": {"uniform": [4.0, 14.0], "default": 7.5},
        }
    }
)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (
            0.004,
            "lr0 0.004 of t.csv is tried with SGD, as the defaults are: t.csv names no optimizer; if it was trained with "
            "another, add --set optimizer=AdamW.",
        ),
        (
            0.0004,
            "lr0 0.0004 of t.csv is not tried: t.csv names no optimizer, and with SGD other values are searched; name it "
            "to try it: --set optimizer=AdamW.",
        ),
    ],
)
def test_where_optimizers_are_searched_a_note_names_the_one_that_a_rate_is_tried_with(
    rate: float, expected: str
) -> None:
    study = replace(new_study(50.0), space=OPTIMIZERS)
    earlier = [Earlier(source="t.csv", params={"box": 8.0, "lr0": rate}, score=0.5)]
    _, notes = beginnings(earlier, study, known_good=False)
    assert notes == ("Tried again from earlier trainings: warm:t.csv.", expected)


@pytest.mark.parametrize(
    ("earlier", "reason"),
    [
        (
            [Earlier(source="t.csv", params=BASE, score=0.5), Earlier(source="t.csv", params={"box": 9.0}, score=0.4)],
            "none of its recipes has a better score than the defaults have there",
        ),
        (
            [Earlier(source="t.csv", params=BASE, score=0.5)],
            "within the search space it equals a trial that runs anyway",
        ),
        (
            [Earlier(source=name, params={"box": 9.0 + n}, score=0.4) for n, name in enumerate(("a.csv", "t.csv"))],
            "the budget pays 12 trainings, of which 1 may be earlier recipes",
        ),
    ],
)
def test_a_file_of_which_nothing_is_tried_is_told_with_its_reason(earlier: list[Earlier], reason: str) -> None:
    _, notes = beginnings(earlier, new_study(12.0), known_good=False)
    assert notes[-1] == f"Not tried again: t.csv; {reason}."


def test_of_an_earlier_study_only_values_beyond_a_range_are_noted() -> None:
    earlier = [
        earlier_training("a", 0.5, box=20.0, nbs=32),
        earlier_training("a", 0.4, box=30.0),
        earlier_training("a", 0.3, lr0=0.2),
    ]
    _, notes = beginnings(earlier, new_study(10.0), known_good=False)
    assert notes[1:] == ("box 20.0 of a is beyond its searched range and becomes its end, 14.0.",)


@pytest.mark.parametrize(
    "other",
    [
        earlier_training("a", 0.5, epochs=12),  # another horizon
        earlier_training("a", 0.5, epochs=None),  # other data
        earlier_training("a", None),
        earlier_training("a", 0.5, model="s"),
        earlier_training("a", 0.5, batch=8),
        earlier_training("a", 0.5, box=20.0),  # outside the space
    ],
)
def test_the_sampler_gets_no_score_of_another_training(other: Earlier) -> None:
    assert comparable([other, earlier_training("a", 0.4, lr0=0.02)], [BASE], SPACE, 9) == (
        EarlierTraining("a", {"lr0": 0.02, "box": 7.5}, 0.4, 7),
    )


def test_the_sampler_gets_the_newest_scores_last_and_not_too_many() -> None:
    newest_first = [earlier_training("a", number / 1000, lr0=0.02 + number / 10000) for number in range(TOLD + 5)]
    trainings = comparable(newest_first, [BASE], SPACE, 9)
    assert len(trainings) == TOLD
    assert trainings[-1].score == 0.0
    assert words(trainings) == (f"The sampler begins with scores of the same training: {TOLD} of a.",)
    assert words(()) == ()


def test_scores_at_each_point_of_the_study_keep_their_point() -> None:
    larger = {**BASE, "imgsz": 96, "batch": 2}
    space = SPACE.with_points(("n",), (64, 96), lambda model: False)
    trainings = comparable(
        [earlier_training("a", 0.5), earlier_training("a", 0.6, imgsz=96, batch=2)], [BASE, larger], space, 9
    )
    assert [(training.params["imgsz"], training.score) for training in trainings] == [(96, 0.6), (64, 0.5)]
    assert all("batch" not in training.params for training in trainings)
