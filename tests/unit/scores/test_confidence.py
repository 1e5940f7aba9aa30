"""What may be claimed of a recipe."""

from __future__ import annotations

import pytest

from automl.scores.trust import CLAIM, DELIVER, TIE, Confidence, confidence_of


@pytest.mark.parametrize(
    ("gain", "chance", "words"),
    [
        (0.05, CLAIM, Confidence.PROVEN),
        (0.05, CLAIM - 0.01, Confidence.PROBABLE),
        (0.05, DELIVER, Confidence.PROBABLE),
        (0.05, DELIVER - 0.01, Confidence.DOUBTFUL),
        (-0.05, 0.02, Confidence.DOUBTFUL),
        (TIE / 2, DELIVER + 0.01, Confidence.NO_DIFFERENCE),
        (-TIE / 2, 0.3, Confidence.NO_DIFFERENCE),
        (TIE / 2, 0.99, Confidence.PROVEN),
    ],
)
def test_words_follow_from_chance_and_size(gain: float, chance: float, words: Confidence) -> None:
    assert confidence_of(gain, chance) is words


def test_a_recipe_is_handed_over_long_before_it_is_proven() -> None:
    assert 0.5 < DELIVER < CLAIM
