"""The answer of a study in a few labelled lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automl.files import folders
from automl.files.kept import WEIGHTS
from automl.records import EvaluationRow, Purpose, StudyState, TrialRow, TrialState
from automl.reports.card import MOST_CHANGES, card, largest_changes
from automl.reports.overview import Overview, overview_of
from automl.space import SearchSpace
from tests.builders.factories import make_evaluation, make_row, make_spec, make_study

SEARCHED = (make_row(0, 0.5), make_row(1, 0.6, params={"lr0": 0.0042}))


def overview(
    *rows: TrialRow, evaluations: tuple[EvaluationRow, ...] = (), state: StudyState = StudyState.FINISHED, **spec: Any
) -> Overview:
    study = make_study(spec=make_spec(**spec), state=state, wall_s=8 * 60 + 33)
    shown = overview_of(study, alive=False, trials=rows, finalists=rows, running=(), evaluations=evaluations)
    return replace(shown, spent_s={"baseline": 720.0, "search": 780.0})


def produced(number: int, of: int, score: float, **changes: Any) -> TrialRow:
    """A production training of 60 epochs."""
    values = {"purpose": Purpose.PRODUCTION, "repeats": of, "epochs": 60, "done_epochs": 60, **changes}
    return make_row(number, score, **values)


def lines_of(*rows: TrialRow, db_words: str = "", **changes: Any) -> dict[str, str]:
    lines = card(overview(*rows, **changes), db_words=db_words)
    assert len({line.label for line in lines}) == len(lines)
    return dict(lines)


LONG: dict[str, Any] = {"train": 60, "compare": True, "trainer": "ultralytics"}


def test_a_card_has_both_recipes_their_difference_cost_changes_and_the_next_command(tmp_path: Path) -> None:
    best = folders.trial(tmp_path, 3) / WEIGHTS[0]
    best.parent.mkdir(parents=True)
    best.write_bytes(b"weights")
    rows = (*SEARCHED, produced(2, 0, 0.7), produced(3, 1, 0.8))
    lines = lines_of(*rows, directory=str(tmp_path), **LONG)
    assert list(lines) == ["best found", "defaults", "difference", "cost", "changed", "model", "next"]
    assert lines["best found"] == "mAP50-95 0.800 (one seed) on val, 60 epochs (trial 1)"
    assert lines["defaults"] == "mAP50-95 0.700 (one seed) on val, 60 epochs"
    assert lines["difference"].startswith("+0.100 [+0.0")
    assert lines["difference"].endswith("% sure; trial 1 is handed over")
    assert ", proven better: " in lines["difference"]
    assert lines["cost"] == "25.0 cpu-min in 8 min 33 s (budget 5cpu-h)"
    assert lines["changed"] == "lr0 0.0042 (x0.42)"
    assert lines["model"] == str(best)
    assert lines["next"] == (
        "use the model above, or train it again: automl export birds -o hyp.yaml, then yolo detect train cfg=hyp.yaml"
    )


def test_a_recipe_that_does_not_hold_at_length_is_said_and_the_defaults_are_handed_over() -> None:
    lines = lines_of(*SEARCHED, produced(2, 0, 0.8), produced(3, 1, 0.7), **LONG)
    assert lines["difference"].endswith("the defaults are handed over")
    assert "worse: " in lines["difference"]
    assert lines["but"] == (
        "it led in shorter trainings and does not hold at 60 epochs: the defaults have the better schedule for that "
        "length."
    )


@pytest.mark.parametrize(
    ("best", "done", "text"),
    [
        (58, 60, "best at epoch 58 of 60: not over-fitted yet, so a longer training may give more"),
        (20, 52, "best at epoch 20, then no better one: fewer than 60 epochs are enough"),
        (40, 60, None),
    ],
)
def test_the_curve_at_length_says_whether_another_length_is_worth_a_try(best: int, done: int, text: str | None) -> None:
    found = produced(3, 1, 0.8, best_epoch=best, done_epochs=done)
    assert lines_of(*SEARCHED, produced(2, 0, 0.7), found, **LONG).get("length") == text


def test_a_veto_of_the_unseen_images_is_said_with_its_price() -> None:
    measured = (
        make_evaluation(2, 0.70),
        make_evaluation(3, 0.61, gain=-0.09, gain_low=-0.12, gain_high=-0.06),
    )
    rows = (*SEARCHED, produced(2, 0, 0.7), produced(3, 1, 0.8))
    lines = lines_of(*rows, evaluations=measured, unseen="test", **LONG)
    assert lines["difference"].endswith("the defaults are handed over")
    assert lines["but"].startswith("it clearly loses on unseen images, which decided for the defaults.")
    assert lines["but"].endswith("Those images have now been used to choose.")
    assert lines["changed"] == "by the best found, which is not handed over: lr0 0.0042 (x0.42)"
    assert lines["on test"] == (
        "mAP50-95 0.610 against the defaults' 0.700 on 72 unseen images, -0.090 [-0.120, -0.060]"
    )


def test_the_figures_on_unseen_images_are_shown_as_far_as_they_are_known() -> None:
    rows, changes = (*SEARCHED, produced(2, 0, 0.7), produced(3, 1, 0.8)), {"unseen": "holdout", **LONG}
    both = (make_evaluation(2, 0.7, split="holdout"), make_evaluation(3, 0.75, split="holdout"))
    assert lines_of(*rows, evaluations=both, **changes)["on holdout"] == (
        "mAP50-95 0.750 against the defaults' 0.700 on 72 unseen images"
    )
    one = lines_of(*rows, evaluations=both[:1], **changes)["on holdout"]
    assert one.startswith("mAP50-95 0.700")
    assert "against" not in one
    assert not any(label.startswith("on ") for label in lines_of(*rows, **changes))


def test_observed_figures_are_shown_for_each_seed() -> None:
    more = [produced(number, of, score) for number, of, score in ((4, 1, 0.76), (5, 0, 0.74), (6, 1, 0.78))]
    lines = lines_of(*SEARCHED, produced(2, 0, 0.7), produced(3, 1, 0.8), *more, **LONG)
    assert lines["defaults"].startswith("mAP50-95 0.720 (mean of 0.700 and 0.740) on val")
    assert lines["best found"].startswith("mAP50-95 0.780 (mean of 0.800, 0.760 and 0.780) on val")
    many = lines_of(*SEARCHED, *[make_row(2 + n, 0.6 + n / 100, repeats=1) for n in range(4)])
    assert many["best found"].startswith("mAP50-95 0.612 (mean of 5 seeds, 0.600 to 0.630) on val")


def test_fewer_epochs_than_asked_for_are_said_with_the_reason() -> None:
    patient = produced(3, 1, 0.8, done_epochs=52)
    cut = produced(2, 0, 0.7, done_epochs=31, state=TrialState.CUT)
    lines = lines_of(*SEARCHED, cut, patient, **LONG)
    assert "on val, 52 of 60 epochs (no gain for long) (trial 1)" in lines["best found"]
    assert lines["defaults"].endswith("on val, 31 of 60 epochs")


@pytest.mark.parametrize(
    ("score", "words", "outcome"),
    [
        (0.6, "probably better: over 99% sure, proven only with a new seed;", "trial 1 is handed over"),
        (0.522, "probably better: ", "trial 1 is handed over"),
        (0.511, "no difference found (", "trial 1 is handed over"),
        (0.501, "no difference found (", "the defaults are handed over"),
    ],
)
def test_no_more_is_claimed_than_the_chance_allows(score: float, words: str, outcome: str) -> None:
    lines = lines_of(make_row(0, 0.5), make_row(1, score))
    assert words in lines["difference"]
    assert lines["difference"].endswith(outcome)


def test_a_running_study_says_so_far_and_names_no_next_step() -> None:
    lines = lines_of(*SEARCHED, state=StudyState.RUNNING, trainer="ultralytics")
    assert lines["difference"].endswith(", so far")
    assert "next" not in lines
    nothing = lines_of(make_row(0, 0.5), state=StudyState.RUNNING)
    assert nothing["best found"] == "no completed trial scored above the defaults so far"


def test_where_nothing_was_found_the_card_says_why() -> None:
    lines = lines_of(make_row(0, 0.5), make_row(1, 0.4))
    assert list(lines) == ["defaults", "best found", "cost"]
    assert lines["best found"] == "no completed trial scored above the defaults"
    assert lines_of(make_row(0, 0.5), defaults_alone="It pays one.")["best found"] == "nothing searched"


def test_before_the_defaults_have_a_score_there_is_no_card() -> None:
    assert card(overview()) == ()
    assert card(overview(make_row(0, None, state=TrialState.RUNNING))) == ()


def test_the_next_command_reaches_the_database_and_says_the_length() -> None:
    lines = lines_of(*SEARCHED, trainer="ultralytics", db_words=" --db sqlite:///a.db")
    assert lines["next"] == (
        "automl export birds --db sqlite:///a.db -o hyp.yaml, then yolo detect train cfg=hyp.yaml (300 epochs)"
    )
    assert "next" not in lines_of(*SEARCHED), "a trainer without recipes has no next step"
    whole = lines_of(
        *(replace(row, epochs=300, done_epochs=300) for row in SEARCHED), epochs=300, trainer="ultralytics"
    )
    assert whole["next"].startswith("use the model above, or train it again")


def test_the_changes_farthest_from_the_defaults_come_first() -> None:
    before = {"lr0": 0.01, "box": 7.5, "mixup": 0.0, "optimizer": "SGD", "hsv_h": 0.015, "degrees": 1.0, "nbs": 64}
    params = {**before, "lr0": 0.001, "box": 15.0, "mixup": 0.1, "optimizer": "AdamW", "degrees": -1.5, "new": 1}
    ranges = {"lr0": {"log": [1e-4, 1.0]}, "mixup": {"uniform": [0.0, 1.0]}, "box": {"log": [1.0, 100.0]}}
    ranges |= {"degrees": {"uniform": [0.0, 45.0]}}
    defaults = {"lr0": 0.01, "mixup": 0.0, "box": 7.5, "degrees": 1.0}
    space = SearchSpace.from_document({"parameters": {n: {**r, "default": defaults[n]} for n, r in ranges.items()}})
    changes = largest_changes(params, before, space)
    assert [change.text for change in changes] == [
        "optimizer AdamW (was SGD)",
        "lr0 0.001 (x0.1)",  # a quarter of its range
        "box 15 (x2)",
        "mixup 0.1 (was 0)",
        "degrees -1.5 (x-1.5)",  # beyond its range: counted from the end
    ]
    assert [change.name for change in largest_changes(params, before, space, most=2)] == ["optimizer", "lr0"]
    many = {f"p{number:02}": 2.0 + number for number in range(20)}
    entries = {name: {"uniform": [0.0, 30.0], "default": 1.0} for name in many}
    wide = SearchSpace.from_document({"parameters": entries})
    shown = largest_changes(many, dict.fromkeys(many, 1.0), wide)
    assert [change.name for change in shown] == [f"p{number}" for number in range(19, 19 - MOST_CHANGES, -1)]
    assert largest_changes({"p00": 1.2}, {"p00": 1.0}, wide) == []  # too little to be seen
    assert largest_changes({"lr0": 0.01, "flag": True}, {"lr0": 0.01, "flag": True}, space) == []
