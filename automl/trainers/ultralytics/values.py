"""Types and ranges of Ultralytics' arguments, without importing it.

Ultralytics (`cfg/__init__.py`, `check_cfg`) checks them too, once a training begins. Here they are checked before
anything is measured, and what it accepts but cannot train with is refused.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automl.errors import AutoMLError
from automl.trainers.ultralytics import schema

OPTIMIZERS = ("SGD", "MuSGD", "Adam", "Adamax", "AdamW", "NAdam", "RAdam", "RMSProp", "auto")


@dataclass(frozen=True)
class Rule:
    """Values that an argument may have."""

    words: str  # such as "a number from 0 to 1"
    holds: Callable[[Any], bool]
    choices: Sequence[str] = ()  # spellings to suggest


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and value == int(value)


def _optional(rule: Rule) -> Rule:
    return Rule(f"{rule.words}, or null", lambda value: value is None or rule.holds(value), rule.choices)


def _at_least(least: int) -> Rule:
    return Rule(f"a whole number of at least {least}", lambda value: _is_whole(value) and value >= least)


def _one_of(*choices: str) -> Rule:
    known = {choice.lower() for choice in choices}
    return Rule(
        f"one of {', '.join(choices)}", lambda value: isinstance(value, str) and value.lower() in known, choices
    )


def _all(value: Any, holds: Callable[[Any], bool]) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(map(holds, value))


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_fraction(value: Any) -> bool:
    """True for a share of the images above 0, and for their number from 2 on."""
    return _is_number(value) and (0 < value <= 1 or (isinstance(value, int) and value > 1))


_SHARE = Rule("a number from 0 to 1", _is_share)
_POSITIVE = Rule("a number of at least 0", lambda value: _is_number(value) and value >= 0)
_BOOL = Rule("true or false", lambda value: isinstance(value, bool))
_IDS = Rule(
    "a whole number or a list of them",
    lambda value: (_is_whole(value) and value >= 0) or _all(value, lambda v: _is_whole(v) and v >= 0),
)
_LAYERS = Rule(
    "a whole number, or a list of layers",
    lambda value: (
        (_is_whole(value) and value >= 0) or _all(value, lambda v: isinstance(v, str) or (_is_whole(v) and v >= 0))
    ),
)
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("lr0", "lrf", "weight_decay", "warmup_momentum", "warmup_bias_lr", "cls_pw"), _SHARE),
    **dict.fromkeys(("hsv_h", "hsv_s", "hsv_v", "translate", "perspective", "flipud", "fliplr", "bgr"), _SHARE),
    **dict.fromkeys(("mosaic", "mixup", "cutmix", "copy_paste", "multi_scale", "iou"), _SHARE),
    **dict.fromkeys(("warmup_epochs", "box", "cls", "dfl", "degrees", "shear"), _POSITIVE),
    **dict.fromkeys(("deterministic", "single_cls", "rect", "cos_lr", "agnostic_nms"), _BOOL),
    "momentum": Rule("a number above 0 and below 1", lambda value: _is_number(value) and 0 < value < 1),
    "scale": Rule(
        "a number from 0 to 1, or a list of two numbers",
        lambda value: _is_share(value) or (_all(value, _is_number) and len(value) == 2),
    ),
    "nbs": _at_least(1),
    "max_det": _at_least(1),
    "close_mosaic": _at_least(0),
    "conf": _optional(_SHARE),
    "classes": _optional(_IDS),
    "freeze": _optional(_LAYERS),
    "fraction": Rule("a share of the images above 0 and up to 1, or a number of images from 2 on", _is_fraction),
    "optimizer": _one_of(*OPTIMIZERS),
    "copy_paste_mode": _one_of("flip", "mixup"),
    "amp": Rule(
        "true, false, fp16, bf16 or fp32",
        lambda value: isinstance(value, bool) or str(value).lower() in ("fp16", "bf16", "fp32"),
    ),
    "batch": Rule("a number of images, or a share of a GPU's memory", _is_number),
    "imgsz": Rule("a whole number of pixels", _is_whole),
    "model": Rule("the name of a network", lambda value: isinstance(value, str)),
}


def problem_of(key: str, value: object) -> str | None:
    """Clause on a value that the argument cannot have: "lr0 is a number from 0 to 1, and -1 is not". None for others.

    key  an argument that a study may set
    """
    rule = RULES.get(key)
    if rule is None or rule.holds(value):
        return None
    near = difflib.get_close_matches(str(value).lower(), [choice.lower() for choice in rule.choices], n=1)
    hint = next((f". Did you mean {choice}?" for choice in rule.choices if choice.lower() in near), "")
    return f"{key} is {rule.words}, and {shown(value)} is not{hint}"


def shown(value: object) -> str:
    """A value as YAML has it; text in quotes."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"'{value}'" if isinstance(value, str) else str(value)


def check_values(fixed: Mapping[str, object], nc: int) -> None:
    """Raise AutoMLError for the first value that its argument cannot have, with an example.

    nc  number of classes
    """
    defaults = schema.defaults()
    ids: Any = fixed.get("classes")
    beyond = [
        number for number in (ids if isinstance(ids, list | tuple) else [ids]) if _is_whole(number) and number >= nc
    ]
    if beyond:
        raise AutoMLError(f"--set classes={ids}: class {beyond[0]} is out of range: names has {nc} (0 to {nc - 1}).")
    for key, value in fixed.items():
        problem = problem_of(key, value)
        if problem is not None:
            default = defaults.get(key)
            example = f" For example --set {key}={_written(default)}." if default is not None else ""
            ending = "" if problem.endswith("?") else "."
            raise AutoMLError(f"--set {key}={_written(value)}: {problem}{ending}{example}")


def _written(value: object) -> str:
    return shown(value).strip("'")
