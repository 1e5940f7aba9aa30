"""Schemas of recipes: classic YOLOv5's and Ultralytics', told apart by all keys of a file together. Pure.

Both count most arguments alike. They differ in the scale of `box`, in the meaning of `cls_pw` and in their own keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import Enum

from automl.records import Params, ParamValue

CLASSIC = ("obj", "obj_pw", "iou_t", "anchor_t", "fl_gamma", "anchors")  # of YOLOv5; Ultralytics has none of them
RELATIVES = ("giou", "loss_ota", "paste_in", "min_items")  # of YOLOv3, YOLOv7 and YOLOv9, beside those of YOLOv5
# Of Ultralytics alone. Arguments of a run, such as optimizer and imgsz, stand in recipes of both.
ULTRALYTICS = (
    *("dfl", "close_mosaic", "cutmix", "bgr", "copy_paste_mode", "auto_augment", "erasing", "crop_fraction"),
    *("pose", "kobj", "rle", "angle", "overlap_mask", "mask_ratio", "task", "mode", "amp", "deterministic"),
)
BOX = 150.0  # Ultralytics' default box gain of 7.5 divided by YOLOv5's .05
_WEAK = ("fl_gamma",)  # the first versions of Ultralytics had it too


class Schema(Enum):
    """The meaning of a recipe's arguments."""

    CLASSIC = "classic"
    CLASSIC_GAINS_OF_ULTRALYTICS = "classic, with the box gain of Ultralytics"  # YOLOv9: `dfl` beside classic keys
    ULTRALYTICS = "ultralytics"
    EITHER = "either"  # no key tells them apart, and none needs to
    UNDECIDED = "undecided"  # no key tells them apart, and box or cls_pw means one thing or the other

    @property
    def is_classic(self) -> bool:
        """True for a recipe of YOLOv5 or one of its relatives."""
        return self in (Schema.CLASSIC, Schema.CLASSIC_GAINS_OF_ULTRALYTICS)


def schema_of(keys: Collection[str], boxes: Iterable[float] = (), hint: Schema | None = None) -> Schema:
    """Schema of a file, by all keys of its recipes. No single value decides what a key means.

    boxes  every box gain of the file: classic ones were never as high as 1
    hint   schema of the tool that wrote the file, if its form tells; keys of YOLOv5 contradict it
    """
    classic = [key for key in (*CLASSIC, *RELATIVES) if key in keys]
    own = [key for key in ULTRALYTICS if key in keys]
    gains = tuple(boxes)
    if [key for key in classic if key not in _WEAK] and len(classic) >= len(own):
        high = "dfl" in own or (bool(gains) and min(gains) >= 1)
        return Schema.CLASSIC_GAINS_OF_ULTRALYTICS if high else Schema.CLASSIC
    if own:
        return Schema.ULTRALYTICS
    if hint is not None:
        return hint
    if gains and min(gains) >= 1:
        return Schema.ULTRALYTICS
    return Schema.UNDECIDED if {"box", "cls_pw"} & set(keys) else Schema.EITHER


def dropped(schema: Schema, keys: Collection[str]) -> dict[str, str]:
    """Reason by key, for each key of a recipe that has no meaning in Ultralytics' terms, or an unknown one."""
    if schema in (Schema.ULTRALYTICS, Schema.EITHER):
        return {}
    if schema is Schema.UNDECIDED:
        reason = (
            "its meaning differs between YOLOv5 and Ultralytics, and no other key tells which is meant; "
            "add dfl: 1.5 to a recipe of Ultralytics, or obj: 1.0 to one of YOLOv5"
        )
        return {key: reason for key in ("box", "cls_pw") if key in keys}
    reasons = {key: "only classic YOLOv5 and its relatives have it" for key in (*CLASSIC, *RELATIVES) if key in keys}
    if "cls_pw" in keys:
        reasons["cls_pw"] = "it weighs positives in YOLOv5 and classes in Ultralytics"
    if "giou" in keys and "cls" in keys:
        reasons["cls"] = "beside giou it belongs to the loss of an early version"
    return reasons


def translated(hyp: Params, schema: Schema = Schema.CLASSIC) -> dict[str, ParamValue]:
    """Recipe in Ultralytics' terms: the keys that exist there, on its scale. YOLOv5 trains with SGD unless told.

    cls_pw of YOLOv5 is left out: it weighs positives there (1 is neutral) and classes in Ultralytics (0 is neutral).
    """
    lost = dropped(schema, hyp)
    arguments: dict[str, ParamValue] = {key: value for key, value in hyp.items() if key not in lost}
    box = arguments.get("box")
    if schema is Schema.CLASSIC and isinstance(box, int | float):
        arguments["box"] = float(f"{box * BOX:.6g}")
    return {"optimizer": "SGD", **arguments} if schema.is_classic else arguments
