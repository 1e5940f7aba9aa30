from __future__ import annotations

from typing import Any

import pytest

from automl.records import Correction, Price, PriceVariant
from automl.setup.worded_price import from_trainings

EPOCH_S = 40.0


def variant(gain: float, half: float = 0.01, **changes: Any) -> PriceVariant:
    values: dict[str, Any] = {
        "correction": Correction.FIXED,
        "labels": 60,
        "images": 40,
        "seeds": (0, 1, 2),
        "map50_95": 0.4 + gain,
        "as_is": 0.4,
        "gain": gain,
        "low": gain - half,
        "high": gain + half,
    }
    return PriceVariant(**{**values, **changes})


def sentence(*variants: PriceVariant) -> str:
    base = Price(sentence="", k=60, variants=variants, cost_s=4320, device="gpu", epochs=30, imgsz=640, model="yolov5n")
    return from_trainings(base, EPOCH_S).sentence


def test_a_clear_gain_is_compared_with_a_search() -> None:
    assert sentence(variant(0.02)) == (
        "The 60 most suspicious labels of train cost about .020 mAP50-95 ± .010 (fixed, 3 pairs of trainings of 30 "
        "epochs of yolov5n at 640 px, 1.20 gpu-h), more than a search of 15 trainings of 300 epochs, about 50.00 "
        "gpu-h, is expected to bring (.015)."
    )


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (0.02, "cost about .020"),
        (0.005, "cost .005 mAP50-95 ± .010, which may be nothing"),
        (0.0, "cost nothing that can be measured (.000 mAP50-95 ± .010)"),
        (-0.005, "cost nothing that can be measured (-.005 mAP50-95 ± .010)"),
        (-0.05, "are worth keeping: without them the model lost .050 mAP50-95 ± .010"),
    ],
)
def test_no_more_is_said_than_the_interval_allows(gain: float, words: str) -> None:
    assert words in sentence(variant(gain))


def test_a_small_gain_is_less_than_a_search_brings() -> None:
    assert "less than a search of 4 trainings" in sentence(variant(0.001))


def test_the_correction_with_most_pairs_speaks() -> None:
    lucky = variant(0.09, correction=Correction.DROPPED, seeds=(0,))
    assert "(fixed, 3 pairs" in sentence(variant(0.02), lucky)


def test_a_training_that_learnt_nothing_tells_nothing() -> None:
    assert "learnt too little to tell" in sentence(variant(0.0, map50_95=0.0, as_is=0.001))
