"""Values that arguments of a training may have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from automl.errors import AutoMLError
from automl.trainers.ultralytics import schema, values

TRIED: tuple[Any, ...] = (
    *(0, 1, 2, -1, 0.5, 0.001, 1.5, 1e9, -0.1, 3.0, True, False, None),
    *("1e-3", "yes", "sgd", "RMSProp", "Adm", "flip", "mixup", "fp16", "auto", "", [0, 1], [0.5, 2.0], [], ["a"]),
)
# More than `check_cfg` asks: values with which a training fails, or that mean nothing.
STRICTER = ("momentum", "classes", "freeze", "fraction", "imgsz", "model", "batch", "optimizer", "copy_paste_mode")
QUESTION = """
import json, sys
from ultralytics.cfg import check_cfg
def takes(key, value):
    try:
        check_cfg({key: value})
    except (TypeError, ValueError):
        return False
    return True
keys, tried = json.loads(sys.argv[1])
print(json.dumps({key: [takes(key, value) for value in tried] for key in keys}))
"""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Answers of Ultralytics, which is asked in a process of its own."""
    quietly = {"YOLO_CONFIG_DIR": str(tmp_path_factory.mktemp("settings")), "YOLO_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", QUESTION, json.dumps([list(values.RULES), TRIED])],
        env=os.environ | quietly,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_argument_that_a_study_may_set_has_a_rule() -> None:
    assert set(values.RULES) == set(schema.defaults())


def test_every_default_is_allowed() -> None:
    assert [key for key, value in schema.defaults().items() if key != "model" and values.problem_of(key, value)] == []


@pytest.mark.parametrize("key", [key for key in values.RULES if key not in ("fraction", "scale")])
def test_what_is_allowed_ultralytics_takes(theirs: Any, key: str) -> None:
    allowed = [value for value in TRIED if values.problem_of(key, value) is None]
    refused = [value for value, taken in zip(TRIED, theirs[key], strict=True) if not taken]
    assert [value for value in allowed if value in refused and not isinstance(value, bool)] == []


@pytest.mark.parametrize("key", [key for key in values.RULES if key not in STRICTER])
def test_numbers_that_ultralytics_takes_are_allowed_unless_they_are_negative(theirs: Any, key: str) -> None:
    taken = [value for value, answer in zip(TRIED, theirs[key], strict=True) if answer]
    numbers = [
        value for value in taken if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    ]
    assert [value for value in numbers if values.problem_of(key, value)] == []


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"lr0": "1e"}, "--set lr0=1e: lr0 is a number from 0 to 1, and '1e' is not. For example --set lr0=0.01."),
        ({"lr0": -1}, "--set lr0=-1: lr0 is a number from 0 to 1, and -1 is not."),
        ({"lr0": None}, "--set lr0=null: lr0 is a number from 0 to 1, and null is not."),
        ({"lr0": float("nan")}, "and nan is not"),
        ({"box": float("inf")}, "--set box=inf: box is a number of at least 0"),
        ({"lr0": True}, "and true is not"),
        ({"mosaic": 2}, "--set mosaic=2: mosaic is a number from 0 to 1, and 2 is not. For example --set mosaic=1.0."),
        ({"nbs": 1.5}, "nbs is a whole number of at least 1"),
        ({"cos_lr": "maybe"}, "cos_lr is true or false, and 'maybe' is not. For example --set cos_lr=false."),
        ({"optimizer": "adamww"}, "and 'adamww' is not. Did you mean AdamW? For example --set optimizer=auto."),
        ({"optimizer": 3}, "optimizer is one of SGD, MuSGD"),
        ({"momentum": 1}, "momentum is a number above 0 and below 1"),
        ({"batch": "big"}, "batch is a number of images"),
        ({"freeze": True}, "freeze is a whole number, or a list of layers, or null, and true is not."),
        ({"classes": [0, 2]}, "class 2 is out of range: names has 2 (0 to 1)"),
        ({"scale": {"a": 1}}, "scale is a number from 0 to 1, or a list of two numbers"),
    ],
)
def test_a_value_that_cannot_be_is_one_sentence(fixed: dict[str, Any], message: str) -> None:
    with pytest.raises(AutoMLError) as caught:
        values.check_values(fixed, 2)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "fixed", [{"classes": [0, 1]}, {"classes": 1}, {"freeze": [0, "23.cv2"]}, {"scale": [0.5, 2]}, {"amp": "bf16"}]
)
def test_values_that_can_be_pass(fixed: dict[str, Any]) -> None:
    values.check_values(fixed, 2)
