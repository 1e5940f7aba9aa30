"""Figures of a set of predictions as one record."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from automl.errors import AutoMLError
from automl.scores.evaluator import match
from automl.scores.summary import summary
from tests.unit.scores.test_evaluator import exact, truth_of

TRUTH = truth_of([[0, 1], [1], [0, 1, 1], []], names=("cat", "dog", "bird"))


def test_figures_of_the_images_and_of_each_class_that_has_objects() -> None:
    figures = summary("test", match(exact(TRUTH), TRUTH), names=TRUTH.names)
    assert (figures.on, figures.images) == ("test", 4)
    assert figures.map50_95 == pytest.approx(0.995, abs=0.01)
    assert [(own.name, own.objects) for own in figures.classes] == [("cat", 2), ("dog", 4)]
    assert (figures.precision, figures.recall) == (pytest.approx(1), pytest.approx(1))
    assert figures.low is not None
    assert figures.low <= figures.map50_95
    assert (figures.gain, figures.chance) == (None, None)


def test_gains_are_against_the_base_as_a_whole_and_by_class() -> None:
    own = match(exact(TRUTH), TRUTH)
    worse = match(replace(exact(TRUTH), classes=np.zeros_like(TRUTH.classes)), TRUTH)
    figures = summary("test", own, names=TRUTH.names, base=worse)
    assert figures.gain is not None
    assert figures.gain > 0.4
    assert figures.chance is not None
    assert figures.chance > 0.9
    assert figures.classes[1].gain == pytest.approx(figures.classes[1].map50_95)


def test_a_base_of_other_images_is_refused() -> None:
    other = truth_of([[0, 1], [1], [0, 1, 1], [1]])
    with pytest.raises(AutoMLError, match="same images"):
        summary("test", match(exact(TRUTH), TRUTH), names=TRUTH.names, base=match(exact(other), other))


def test_images_without_objects_have_no_figures_of_classes() -> None:
    empty = truth_of([[], []])
    figures = summary("val", match(exact(empty), empty), names=empty.names)
    assert (figures.map50_95, figures.map50, figures.precision, figures.classes) == (0, 0, 0, ())
