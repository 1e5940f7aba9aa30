"""What a production training costs, what it leaves, and what is said of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from automl.policy.production import PATIENCE, longer
from automl.recipes import Subject, write_recipe
from automl.records import Purpose, Start, TrialRow, TrialState
from automl.scores.words import production_text, unseen_verdict_text
from tests.builders.factories import make_evaluation, make_row, make_spec, make_study


def made(**changes: object) -> TrialRow:
    """The production training of trial 3."""
    row = make_row(9, 0.61, purpose=Purpose.PRODUCTION, origin="production", repeats=3, epochs=300, done_epochs=300)
    return replace(row, **{"best_epoch": 290, "slot_s": 18000.0, "seed": 0, **changes})  # type: ignore[arg-type]


def test_only_what_the_sampler_moved_keeps_its_share_of_the_epochs() -> None:
    space = {"parameters": {"warmup_epochs": {"uniform": [0.0, 5.0], "default": 3.0}}}
    defaults = {"warmup_epochs": 3.0}
    spec = make_spec(space=space, fixed={}, given=(Start("defaults", defaults),))
    assert longer(spec, 3, {"warmup_epochs": 1.2}, 12, 120) == {"warmup_epochs": 12.0}
    assert longer(spec, 3, defaults, 12, 120) == {}
    assert longer(spec, 0, {"warmup_epochs": 1.2}, 12, 120) == {}


def test_the_defaults_change_to_what_auto_stands_for_at_that_length() -> None:
    beyond = ((769, {"optimizer": "SGD", "lr0": 0.01, "momentum": 0.9}), (10**6, {"optimizer": "AdamW"}))
    spec = make_spec(beyond=beyond, given=(Start("defaults", {}), Start("defaults@m", {}), Start("scratch-low", {})))
    given = {"optimizer": "AdamW", "lr0": 0.002, "momentum": 0.9}
    assert longer(spec, 0, given, 12, 300) == {}
    assert longer(spec, 0, given, 12, 800) == {"optimizer": "SGD", "lr0": 0.01}
    assert longer(spec, 1, given, 12, 800) == {}
    assert longer(spec, 2, given, 12, 800) == {}


def test_what_it_reached_is_told_with_cost_and_images() -> None:
    measured = make_evaluation(9, 0.58, low=0.55, high=0.61)
    assert production_text(made(), "gpu", [measured]) == (
        "Production (trial 9): trial 3 trained for 300 of 300 epochs, 5.00 gpu-h: best epoch 0.610 on val (epoch 290, "
        "one seed), 0.580 [0.550, 0.610] on 72 unseen images (test)."
    )
    assert production_text(made(state=TrialState.RUNNING, done_epochs=7), "cpu").endswith(
        "so far: best epoch 0.610 on val."
    )
    assert production_text(made(repeats=0, state=TrialState.FAILED, reason="out of memory"), "cpu") == (
        "Production (trial 9): the defaults trained for 300 of 300 epochs, 5.00 cpu-h: best epoch 0.610 on val (epoch 290, "
        "one seed). It failed: out of memory."
    )
    early = made(done_epochs=191, reason="no epoch was better than epoch 141 for 50 epochs")
    assert production_text(early, "cpu").endswith(
        "; it ended there, since no epoch was better than epoch 141 for 50 epochs."
    )
    assert production_text(made(state=TrialState.CUT, reason="the wall time is over"), "cpu").endswith(
        "It was cut: the wall time is over."
    )


def test_its_figure_on_unseen_images_is_no_match_for_the_defaults() -> None:
    rows = [make_evaluation(0, 0.4), make_evaluation(9, 0.58)]
    assert unseen_verdict_text(rows, made(repeats=0)) == ""
    assert "trial 9" in unseen_verdict_text(rows)


def test_the_winners_recipe_repeats_its_production_training(tmp_path: Path) -> None:
    spec = make_spec(trainer="ultralytics", fixed={"model": "yolov5n", "imgsz": 64})
    subject = Subject(study=make_study(spec=spec), trial=make_row(3), baseline=make_row(0), production=made())

    def written(subject: Subject) -> dict[str, dict[str, object]]:
        text = write_recipe(subject, tmp_path / "recipe.json", "json").read_text()
        found: dict[str, dict[str, object]] = json.loads(text)
        return found

    found = written(subject)
    assert (found["arguments"]["epochs"], found["arguments"]["patience"]) == (300, PATIENCE)
    assert str(found["facts"]["epochs"]).startswith("300, as its production training had; searched with 12;")
    assert str(found["facts"]["production"]).startswith("Production (trial 9): trial 3 trained for 300 of 300 epochs")
    other = written(replace(subject, trial=make_row(4)))
    assert (other["arguments"]["epochs"], other["facts"].get("production")) == (300, None)
    diverged = written(replace(subject, production=made(state=TrialState.FAILED)))
    assert (diverged["arguments"]["epochs"], diverged["facts"].get("production")) == (300, None)
    for found in (other, diverged):
        assert str(found["facts"]["epochs"]).startswith("300, for production; searched with 12;")
    asked = written(replace(subject, epochs=100))
    assert (asked["arguments"]["epochs"], asked["arguments"]["patience"]) == (100, 100)
