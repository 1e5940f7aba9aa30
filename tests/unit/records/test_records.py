"""Records that travel."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError

import pytest

from automl.records import Slots, Start, StudySpec, VariantWeights, weights_for
from tests.builders.factories import make_metrics, make_prepared, make_spec


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
