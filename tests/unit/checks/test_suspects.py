"""Suspicious labels: each kind on images whose errors are known, and the edges."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.checks.suspects import JudgedImage, labels_in, suspects_in
from automl.checks.suspects_matching import Boxes
from automl.records.check import Suspect, SuspectKind
from tests.builders.judged import boxes, judged, seen_well


def with_labels(image: JudgedImage, labels: Boxes) -> JudgedImage:
    return replace(image, labels=labels, lines=tuple(range(1, len(labels) + 1)))


def without_row(labels: Boxes, row: int) -> Boxes:
    keep = np.arange(len(labels)) != row
    return Boxes(boxes=labels.boxes[keep], classes=labels.classes[keep], confidence=labels.confidence[keep])


def moved(labels: Boxes, row: int, share: float) -> Boxes:
    changed = labels.boxes.copy()
    changed[row, 0] += share * changed[row, 2]
    return replace(labels, boxes=changed)


def renamed(labels: Boxes, row: int) -> Boxes:
    kinds = labels.classes.copy()
    kinds[row] = (kinds[row] + 1) % 3
    return replace(labels, classes=kinds)


def added(labels: Boxes, x: float, y: float) -> Boxes:
    more = boxes([(0, x, y, 0.15, 0.15)])
    return Boxes(
        boxes=np.concatenate([labels.boxes, more.boxes]),
        classes=np.concatenate([labels.classes, more.classes]),
        confidence=np.ones(len(labels) + 1),
    )


def first(images: list[JudgedImage], classes: int = 3) -> Suspect:
    return suspects_in(images, classes)[0]


@pytest.fixture
def images() -> list[JudgedImage]:
    return seen_well()


def test_labels_that_the_model_sees_too_are_not_listed_as_sure_errors(images: list[JudgedImage]) -> None:
    assert [suspect for suspect in suspects_in(images, 3) if suspect.score > 0.5] == []


def test_a_removed_label_is_found_with_its_place_and_class(images: list[JudgedImage]) -> None:
    kept = images[5].labels
    images[5] = with_labels(images[5], without_row(kept, 4))
    suspect = first(images)
    assert (suspect.kind, suspect.image, suspect.line) == (SuspectKind.MISSING, images[5].image, None)
    assert suspect.proposed_class == kept.classes[4]
    assert suspect.proposed == pytest.approx(tuple(kept.boxes[4]), abs=0.03)


def test_a_shifted_label_is_found_with_its_line_and_a_better_box(images: list[JudgedImage]) -> None:
    kept = images[5].labels
    images[5] = with_labels(images[5], moved(kept, 4, 0.35))
    suspect = first(images)
    assert (suspect.kind, suspect.image, suspect.line) == (SuspectKind.LOOSE, images[5].image, 5)
    assert suspect.proposed == pytest.approx(tuple(kept.boxes[4]), abs=0.03)
    assert suspect.label_class == suspect.proposed_class == kept.classes[4]


def test_a_shifted_label_does_not_make_its_object_a_missing_one(images: list[JudgedImage]) -> None:
    images[5] = with_labels(images[5], moved(images[5].labels, 4, 0.5))
    own = [suspect for suspect in suspects_in(images, 3) if suspect.image == images[5].image]
    assert [suspect.kind for suspect in own if suspect.score > 0.3] == [SuspectKind.LOOSE]


def test_a_wrong_class_is_found_with_the_right_one(images: list[JudgedImage]) -> None:
    kept = images[5].labels
    images[5] = with_labels(images[5], renamed(kept, 4))
    suspect = first(images)
    assert (suspect.kind, suspect.line, suspect.proposed_class) == (SuspectKind.CLASS, 5, kept.classes[4])


def test_a_label_without_an_object_is_superfluous(images: list[JudgedImage]) -> None:
    images[5] = with_labels(images[5], added(without_row(images[5].labels, 8), 0.33, 0.66))
    kinds = {(suspect.kind, suspect.line) for suspect in suspects_in(images, 3) if suspect.image == images[5].image}
    assert (SuspectKind.SUPERFLUOUS, 9) in kinds


def test_of_two_labels_on_one_object_one_is_superfluous(images: list[JudgedImage]) -> None:
    x, y = images[5].labels.boxes[4, :2]
    doubled = added(images[5].labels, float(x), float(y))
    doubled.boxes[9] = doubled.boxes[4] + np.array([0.003, 0, 0, 0])
    doubled.classes[9] = doubled.classes[4]
    images[5] = with_labels(images[5], doubled)
    lines = {suspect.line for suspect in suspects_in(images, 3) if suspect.kind is SuspectKind.SUPERFLUOUS}
    assert lines & {5, 10}
    assert not lines >= {5, 10}


def test_two_predictions_of_one_unlabelled_object_are_one_suspect(images: list[JudgedImage]) -> None:
    image = images[5]
    again = image.predictions.boxes[4] + np.array([0.02, 0.01, 0.02, 0.0])
    twice = Boxes(
        boxes=np.concatenate([image.predictions.boxes, again[None]]),
        classes=np.append(image.predictions.classes, 2),
        confidence=np.append(image.predictions.confidence, 0.6),
    )
    images[5] = replace(with_labels(image, without_row(image.labels, 4)), predictions=twice)
    own = [suspect for suspect in suspects_in(images, 3) if suspect.image == image.image and suspect.score > 0.2]
    assert [suspect.kind for suspect in own] == [SuspectKind.MISSING]


def test_crowded_objects_keep_their_own_labels() -> None:
    """Objects that overlap by a third, all labelled and all predicted."""
    row = [(0, 0.2 + 0.06 * number, 0.5, 0.12, 0.12) for number in range(8)]
    crowd = [judged(row, row, [0.8] * 8, f"{number}") for number in range(20)]
    assert [suspect for suspect in suspects_in(crowd, 1) if suspect.score > 0.3] == []


def test_a_box_at_the_border_is_judged_as_any_other(images: list[JudgedImage]) -> None:
    edge = (0, 0.05, 0.05, 0.1, 0.1)
    images = [judged([edge], [edge], [0.9], image.image[-7:-4]) for image in images]
    images[3] = judged([], [edge], [0.9], "border")
    assert first(images, 1).image.endswith("border.jpg")


def test_one_class_knows_no_wrong_class() -> None:
    images = seen_well(classes=1)
    assert SuspectKind.CLASS not in {suspect.kind for suspect in suspects_in(images, 1, least=0.0)}


def test_a_class_that_the_model_does_not_know_is_not_called_superfluous() -> None:
    """Nothing of class 2 is ever predicted: this says more about the model than about its labels."""
    images = []
    for image in seen_well():
        known = image.predictions.classes != 2
        left = Boxes(
            boxes=image.predictions.boxes[known],
            classes=image.predictions.classes[known],
            confidence=image.predictions.confidence[known],
        )
        images.append(replace(image, predictions=left))
    superfluous = [one for one in suspects_in(images, 3, least=0.0) if one.kind is SuspectKind.SUPERFLUOUS]
    assert 2 not in {suspect.label_class for suspect in superfluous}


@pytest.mark.parametrize(
    "image",
    [judged([], [], []), judged([(0, 0.5, 0.5, 0.2, 0.2)], [], []), judged([], [(0, 0.5, 0.5, 0.2, 0.2)], [0.9])],
    ids=["nothing", "no predictions", "no labels"],
)
def test_an_image_alone_is_judged_without_an_error(image: JudgedImage) -> None:
    assert all(0 <= suspect.score <= 1 for suspect in suspects_in([image], 1, least=0.0))


def test_no_images_have_no_suspects() -> None:
    assert suspects_in([], 3) == []


def test_a_box_without_area_is_judged_without_an_error() -> None:
    assert suspects_in([judged([(0, 0.5, 0.5, 0.0, 0.1)], [(0, 0.5, 0.5, 0.0, 0.0)], [0.5])], 1, least=2.0) == []


def rows(most: int) -> st.SearchStrategy[list[tuple[int, float, float, float, float]]]:
    place, size = st.floats(0, 1), st.floats(0, 1)
    return st.lists(st.tuples(st.integers(0, 2), place, place, size, size), max_size=most)


@st.composite
def any_image(draw: st.DrawFn) -> JudgedImage:
    predicted = draw(rows(6))
    confidence = [draw(st.floats(0, 1)) for _ in predicted]
    return judged(draw(rows(6)), predicted, confidence, str(draw(st.integers(0, 10**6))))


@settings(max_examples=60)
@given(st.lists(any_image(), max_size=4, unique_by=lambda image: image.image))
def test_every_score_is_a_chance_and_no_label_is_named_twice(images: list[JudgedImage]) -> None:
    suspects = suspects_in(images, 3, least=0.0)
    assert all(0 <= suspect.score <= 1 for suspect in suspects)
    named = [(suspect.image, suspect.line) for suspect in suspects if suspect.line is not None]
    assert len(named) == len(set(named))
    assert suspects == sorted(suspects, key=lambda suspect: -suspect.score)


@settings(max_examples=60)
@given(st.lists(any_image(), min_size=1, max_size=4, unique_by=lambda image: image.image))
def test_a_wrong_class_is_one_of_which_the_model_is_less_sure(images: list[JudgedImage]) -> None:
    for suspect in suspects_in(images, 3, least=0.0):
        if suspect.kind is SuspectKind.CLASS and suspect.score > 0:
            other, own = (int(number) for number in re.findall(r"(\d+)%", suspect.why))
            assert other >= own


@settings(max_examples=20)
@given(st.permutations(range(6)))
def test_the_order_of_images_changes_nothing(order: list[int]) -> None:
    images = seen_well(6)
    images[2] = with_labels(images[2], without_row(images[2].labels, 3))
    assert suspects_in([images[number] for number in order], 3) == suspects_in(images, 3)


@settings(max_examples=20)
@given(st.permutations(range(12)))
def test_the_order_of_predictions_changes_nothing(order: list[int]) -> None:
    images = seen_well(6)
    images[2] = with_labels(images[2], without_row(images[2].labels, 3))
    kept = images[2].predictions
    shuffled = Boxes(boxes=kept.boxes[order], classes=kept.classes[order], confidence=kept.confidence[order])
    assert suspects_in([*images[:2], replace(images[2], predictions=shuffled), *images[3:]], 3) == suspects_in(
        images, 3
    )


def test_labels_of_a_file_keep_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xef\xbb\xbf0 .5 .5 .2 .2\r\n\r\n2 .1 .1 .3 .1 .3 .4\r\n")
    lines, kinds, own = labels_in(str(file))
    assert (lines, kinds.tolist()) == ((1, 3), [0, 2])
    assert own[1] == pytest.approx([0.2, 0.25, 0.2, 0.3])


def test_an_image_without_a_label_file_has_no_labels(tmp_path: Path) -> None:
    lines, kinds, own = labels_in(str(tmp_path / "a.txt"))
    assert (lines, len(kinds), own.shape) == ((), 0, (0, 4))
