"""Schemas of recipes, told apart by all of their keys."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from automl.space.portfolio import PUBLISHED
from automl.space.schemas import Schema, dropped, schema_of, translated

SHARED = ("lr0", "lrf", "momentum", "weight_decay", "warmup_epochs", "cls", "hsv_h", "degrees", "mosaic", "mixup")
YOLOV5 = tuple(PUBLISHED)
YOLOV7 = (*YOLOV5, "paste_in", "loss_ota")
YOLOV9 = (*SHARED, "box", "cls_pw", "obj", "obj_pw", "dfl", "iou_t", "anchor_t", "fl_gamma")
FIRST_ULTRALYTICS = (*SHARED, "box", "dfl", "fl_gamma", "close_mosaic", "overlap_mask")


@pytest.mark.parametrize(
    ("keys", "boxes", "schema"),
    [
        (YOLOV5, [0.05], Schema.CLASSIC),
        (YOLOV5, [], Schema.CLASSIC),
        (YOLOV7, [0.05], Schema.CLASSIC),
        (YOLOV9, [7.5], Schema.CLASSIC_GAINS_OF_ULTRALYTICS),
        ((*SHARED, "box", "obj"), [7.5], Schema.CLASSIC_GAINS_OF_ULTRALYTICS),
        (FIRST_ULTRALYTICS, [7.5], Schema.ULTRALYTICS),
        ((*SHARED, "box", "dfl"), [0.05], Schema.ULTRALYTICS),  # Ultralytics itself once searched .02 to .2
        ((*SHARED, "box"), [7.5, 12.0], Schema.ULTRALYTICS),
        ((*SHARED, "box"), [7.5, 0.9], Schema.UNDECIDED),
        ((*SHARED, "box"), [0.05], Schema.UNDECIDED),
        ((*SHARED, "cls_pw"), [], Schema.UNDECIDED),
        (SHARED, [], Schema.EITHER),
        (("lr0", "lrf", "momentum", "optimizer", "imgsz"), [], Schema.EITHER),
    ],
)
def test_all_keys_of_a_file_tell_its_schema(keys: Sequence[str], boxes: list[float], schema: Schema) -> None:
    assert schema_of(keys, boxes) is schema


def test_the_form_of_a_tools_file_decides_where_no_key_does() -> None:
    assert schema_of((*SHARED, "box"), [0.05], Schema.ULTRALYTICS) is Schema.ULTRALYTICS
    assert schema_of(YOLOV5, [0.05], Schema.ULTRALYTICS) is Schema.CLASSIC


def test_a_classic_recipe_is_translated_and_loses_what_ultralytics_lacks() -> None:
    hyp = {"lr0": 0.02, "box": 0.05, "cls_pw": 1.0, "obj": 0.7, "loss_ota": 1}
    assert translated(hyp) == {"optimizer": "SGD", "lr0": 0.02, "box": 7.5}
    assert translated({**hyp, "optimizer": "Adam"})["optimizer"] == "Adam"
    assert translated({"box": 7.5, "obj": 1.0}, Schema.CLASSIC_GAINS_OF_ULTRALYTICS)["box"] == 7.5


def test_a_recipe_of_ultralytics_is_taken_as_it_is() -> None:
    hyp = {"lr0": 0.02, "box": 0.05, "cls_pw": 0.5}
    assert translated(hyp, Schema.ULTRALYTICS) == hyp
    assert translated(hyp, Schema.UNDECIDED) == {"lr0": 0.02}


def test_gains_of_the_first_versions_are_left_out_with_their_reason() -> None:
    lost = dropped(Schema.CLASSIC, ("giou", "cls", "obj", "lr0"))
    assert set(lost) == {"giou", "cls", "obj"}
    assert "early version" in lost["cls"]
