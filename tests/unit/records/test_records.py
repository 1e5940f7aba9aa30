"""Records that travel."""

from __future__ import annotations

import json
import math
import pickle
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from automl.records import Notice, Slots, Start, StudySpec, VariantWeights, weights_for
from tests.builders.factories import (
    make_epoch_row,
    make_evaluation,
    make_metrics,
    make_point,
    make_prepared,
    make_row,
    make_spec,
    make_study,
)


def test_a_spec_survives_the_way_through_json() -> None:
    spec = make_spec(
        slots=Slots(count=2, device="gpu", devices=("0", "1"), threads=4),
        given=(
            Start("defaults", {"lr0": 0.01, "cos_lr": False, "freeze": None}),
            Start("scratch-low", {"optimizer": "SGD"}),
        ),
        budgets=("40gpu-h", "90min"),
    )
    assert StudySpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_spec_of_a_newer_version_is_read_without_its_new_keys() -> None:
    document = {**make_spec().to_dict(), "invented_later": 1}
    assert StudySpec.from_dict(document) == make_spec()


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_not_finite(score: float) -> None:
    assert not make_metrics(1, score).finite


def test_a_score_of_zero_is_finite() -> None:
    assert make_metrics(1, 0.0).finite


def test_an_epoch_costs_training_and_validation() -> None:
    assert make_prepared(train_s=3.0, val_s=1.5).epoch_s == 4.5


def test_records_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        make_spec().epochs = 3  # type: ignore[misc]


OWN = (VariantWeights("yolov5n", "/w/n.pt", "aa"), VariantWeights("yolov5s", "/w/s.pt", "bb"))


def test_each_variant_has_its_own_weights_and_the_others_none() -> None:
    spec = make_spec(models=("yolov5n", "yolov5s", "/m/own.yaml"), weights="/w/n.pt", weights_of=OWN)
    assert StudySpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert weights_for(spec, "yolov5s") == OWN[1]
    assert weights_for(spec, "/m/own.yaml") is None


def test_a_study_of_an_earlier_version_has_one_file_for_all() -> None:
    document = make_spec(weights="/w/n.pt", weights_sha256="aa").to_dict()
    del document["weights_of"]
    spec = StudySpec.from_dict(document)
    assert {weights_for(spec, model) for model in ("a", "b")} == {
        VariantWeights("a", "/w/n.pt", "aa"),
        VariantWeights("b", "/w/n.pt", "aa"),
    }
    assert weights_for(make_spec(), "a") is None


def test_a_study_of_an_earlier_version_compares_nothing_at_length() -> None:
    document = make_spec(train=300).to_dict()
    spec = StudySpec.from_dict({k: v for k, v in document.items() if k not in ("compare", "defaults_alone")})
    assert (spec.train, spec.compare, spec.defaults_alone) == (300, False, "")


LONG = {f"key_{number}": number for number in range(1000)}


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (make_row(3, 0.4567, params=LONG), "<TrialRow 3: completed, tpe, score 0.457, 12/12 epochs>"),
        (make_row(4, None, error="Traceback\n" * 99), "<TrialRow 4: completed, tpe, score none, 12/12 epochs>"),
        (make_point(3, 0.4567), "<TrialPoint 3: completed, score 0.457, 12 epochs>"),
        (
            make_evaluation(3, 0.4567, gain=0.05),
            "<EvaluationRow of trial 3 on test: mAP50-95 0.457 on 72 images, +0.050 against the defaults>",
        ),
        (make_evaluation(0, 0.4), "<EvaluationRow of trial 0 on test: mAP50-95 0.400 on 72 images>"),
        (make_epoch_row(3, 2, 0.4567, 60.0, losses=LONG), "<EpochRow 2 of trial 3: mAP50-95 0.457>"),
        (
            make_study(best_map50_95=None),
            "<StudyRow 'birds': finished, 2 trials, best epoch none, the defaults' 0.500 mAP50-95>",
        ),
        (
            make_spec(fixed=LONG),
            "<StudySpec 'birds': surrogate at 640 px, 12 epochs, 5cpu-h, data /data/birds/data.yaml>",
        ),
    ],
)
def test_a_record_shows_itself_in_a_short_line(record: Any, text: str) -> None:
    assert repr(record) == text


def test_a_notice_shows_its_values_and_no_document() -> None:
    notice = Notice(
        kind="epoch", at=61.4, trial=3, values={"epoch": 2, "map50_95": 0.45671, "plan": LONG, "state": "cut"}
    )
    assert repr(notice) == "<Notice 'epoch' at 61 s, trial 3: epoch=2, map50_95=0.4567, plan={…}, state='cut'>"


@pytest.mark.parametrize(
    "record", [make_row(3, params={"lr0": 0.1}), make_study(), make_spec(), make_epoch_row(0, 1, 0.5, 1.0)]
)
def test_a_short_line_changes_neither_equality_nor_pickling(record: Any) -> None:
    assert pickle.loads(pickle.dumps(record)) == record
    assert record == replace(record)


def test_records_with_the_same_line_can_differ() -> None:
    one, other = make_row(3, params={"lr0": 0.1}), make_row(3, params={"lr0": 0.2})
    assert repr(one) == repr(other)
    assert one != other
