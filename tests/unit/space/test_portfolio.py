"""Known-good recipes: as published, as Ultralytics has them, and within a space."""

from __future__ import annotations

import pytest

from automl.records import Params, Start
from automl.space import SearchSpace
from automl.space.portfolio import NAMES, PUBLISHED, distinct, fit, recipes, starts
from automl.trainers.ultralytics import schema

BASE: Params = {**schema.defaults(), "optimizer": "AdamW", "lr0": 0.001, "model": "yolov5n", "imgsz": 640}
SPACE = SearchSpace.from_document(
    {
        "parameters": {
            "optimizer": {"choice": ["SGD", "AdamW"], "default": "SGD"},
            "lr0": {"log": [0.002, 0.05], "default": 0.01, "when": {"optimizer": ["SGD"]}},
            "lr0@AdamW": {"log": [0.0002, 0.005], "default": 0.001, "when": {"optimizer": ["AdamW"]}},
            "box": {"log": [4.0, 14.0], "default": 7.5},
            "mosaic": {"choice": [1.0, 0.0], "default": 1.0},
            "momentum": {"uniform": [0.88, 0.98], "default": 0.937},
        }
    }
)


def without_optimizer(*names: str) -> SearchSpace:
    """The space with some of its dimensions, all of them unconditional."""
    document = SPACE.document()["parameters"]
    parameters = {name: {k: v for k, v in document[name].items() if k != "when"} for name in names}
    return SearchSpace.from_document({"parameters": parameters})


def test_a_recipe_of_yolov5_is_translated_and_what_ultralytics_lacks_is_left_out() -> None:
    low = dict(recipes())["scratch-low"]
    assert (low["optimizer"], low["box"], low["cls"], low["lr0"]) == ("SGD", 7.5, 0.5, 0.01)
    assert not {"obj", "obj_pw", "iou_t", "anchor_t", "fl_gamma", "anchors", "cls_pw", "dfl"} & set(low)
    assert set(low) <= set(schema.tunable_keys())


def test_every_published_key_has_a_figure_for_every_recipe() -> None:
    assert {len(row) for row in PUBLISHED.values()} == {len(NAMES)}


def test_a_recipe_is_fitted_into_the_space() -> None:
    voc = fit(dict(recipes())["VOC"], BASE, SPACE)
    assert (voc["optimizer"], voc["lr0"]) == ("SGD", 0.00334)
    assert (voc["box"], voc["momentum"]) == (4.0, 0.88)  # 3.0 and .748 lie outside
    assert voc["mosaic"] == 1.0  # .858 is no choice
    assert {key for key in voc if voc[key] != BASE[key]} == {"optimizer", "lr0", "box", "momentum"}


def test_rates_of_another_optimizer_are_left_out() -> None:
    voc = dict(recipes())["VOC"]
    fitted = fit(voc, BASE, without_optimizer("lr0@AdamW", "box", "momentum"))
    assert (fitted["optimizer"], fitted["lr0"], fitted["momentum"]) == ("AdamW", 0.001, 0.937)
    assert fitted["box"] == 4.0
    sgd = fit(voc, {**BASE, "optimizer": "SGD"}, without_optimizer("lr0", "box"))
    assert sgd["lr0"] == 0.00334


def test_equal_recipes_are_one_under_both_names_and_known_ones_are_left_out() -> None:
    candidates = [Start("a", {"x": 1}), Start("b", {"x": 2}), Start("c", {"x": 1}), Start("d", {"x": 3})]
    assert distinct(candidates, [{"x": 3}]) == (("a+c", {"x": 1}), ("b", {"x": 2}))


@pytest.mark.parametrize(("trainings", "count"), [(9.4, 0), (10.0, 2), (19.4, 2), (19.6, 3), (500.0, 3)])
def test_the_budget_decides_how_many_recipes_are_tried(trainings: float, count: int) -> None:
    first = starts(BASE, SPACE, [Start("defaults", BASE)], trainings)
    assert len(first) == count
    assert [name for name, _ in first] == ["scratch-low+med+high", "VOC", "Objects365"][:count]


def test_what_runs_anyway_is_not_tried_again() -> None:
    base = {**BASE, "optimizer": "SGD", "lr0": 0.01}
    assert [name for name, _ in starts(base, SPACE, [Start("defaults", base)], 50.0)] == ["VOC", "Objects365"]


@pytest.mark.parametrize(
    ("optimizer", "rate", "fitted"),
    [
        ("SGD", 0.004, 0.004),
        ("SGD", 0.0004, 0.01),  # no rate of SGD in this space: it stays the default's
        ("AdamW", 0.0004, 0.0004),
        ("AdamW", 0.04, 0.001),
    ],
)
def test_a_rate_without_an_optimizer_is_tried_where_the_defaults_optimizer_is_searched(
    optimizer: str, rate: float, fitted: float
) -> None:
    base = {**BASE, "optimizer": optimizer, "lr0": 0.01 if optimizer == "SGD" else 0.001}
    assert fit({"lr0": rate}, base, SPACE)["lr0"] == fitted
