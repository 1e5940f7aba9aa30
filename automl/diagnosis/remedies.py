"""Remedies of the guide as parameters to search, with ranges, and as options of the search that follows.

Source: Ultralytics, "Tips for Best YOLOv5 Training Results": "Increasing augmentation hyperparameters will reduce and
delay overfitting"; a lower gain of a component of the loss reduces over-fitting in it; 300 epochs first, fewer if that
over-fits early, 600, 1200 and more if it does not; a larger image size where objects are small.
"""

from __future__ import annotations

import re

from automl.diagnosis.curves import Curves

Ranges = dict[str, tuple[float, float]]
GAINS = {"box": 7.5, "cls": 0.5, "dfl": 1.5}  # defaults of the loss components' gains
MORE_AUGMENTATION: Ranges = {
    "mosaic": (0.5, 1.0),
    "mixup": (0.0, 0.3),
    "scale": (0.3, 0.9),
    "translate": (0.05, 0.25),
    "degrees": (0.0, 10.0),
    "hsv_h": (0.0, 0.05),
    "hsv_s": (0.3, 0.9),
    "hsv_v": (0.2, 0.7),
    "fliplr": (0.25, 0.5),
    "flipud": (0.0, 0.5),
}
STRONGER_DECAY: Ranges = {"weight_decay": (0.0005, 0.0025)}
LESS_AUGMENTATION: Ranges = {"mosaic": (0.0, 1.0), "mixup": (0.0, 0.1), "scale": (0.1, 0.5), "hsv_s": (0.3, 0.7)}
WEAKER_DECAY: Ranges = {"weight_decay": (0.0001, 0.0005)}
LONGER, LONGEST = 2, 1200  # times the epochs; most epochs
_VARIANTS = "nsmlx"
_VARIANT = re.compile(rf"(yolo[a-z]*\d+)([{_VARIANTS}])(u?)((?:6|-p\d)?u?)(\.(?:pt|yaml))?")


def lower_gain(curves: Curves, component: str) -> Ranges:
    """Gain of a component of the loss, from a quarter of the present one up to it."""
    gain = curves.number(component, GAINS[component])
    return {component: (gain / 4, gain)}


def lower_rate(curves: Curves) -> Ranges:
    """Learning rate below the present one, and a longer warm-up."""
    rate = curves.number("lr0", 0.01)
    return {"lr0": (rate / 20, rate / 2), "warmup_epochs": (3.0, max(4.0, curves.horizon / 5))}


def longer(curves: Curves) -> int:
    """Epochs of a training that goes on: 300 at least for one that was short, else twice as many."""
    return min(LONGEST, max(curves.horizon + 1, 300 if curves.horizon < 300 else LONGER * curves.horizon))


def larger_image(curves: Curves) -> int:
    """Image size of twice as many pixels a side, 1280 at most; 0 where it is as large already."""
    size = int(curves.number("imgsz", 640))
    return min(1280, 2 * size) if size < 1280 else 0


def larger_model(name: str) -> str:
    """The next larger variant: yolov5s for yolov5n; empty for the largest, and for a network of one's own."""
    match = _VARIANT.fullmatch(name)
    if match is None or match[2] == _VARIANTS[-1]:
        return ""
    following = _VARIANTS[_VARIANTS.index(match[2]) + 1]
    return f"{match[1]}{following}{match[3]}{match[4]}{match[5] or ''}"
