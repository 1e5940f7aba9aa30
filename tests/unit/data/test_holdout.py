"""Holding back a part of val, and when a test split can be used."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.data import Dataset, fingerprint, read_dataset, write_resolved
from automl.data.holdout import FEWEST, HOLDOUT, TEST, find_unseen, hold_back
from automl.data.labels import classes_in, label_path
from automl.errors import AutoMLError, BadData


def make_data(folder: Path, val: list[set[int]], *, nc: int = 3, test: list[set[int]] | None = None) -> Dataset:
    """A data set whose val images show those classes; images are never opened."""
    splits = {"train": [{0}], "val": val, **({"test": test} if test is not None else {})}
    for split, images in splits.items():
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for number, kinds in enumerate(images):
            (folder / "images" / split / f"{number}.png").write_bytes(b"x")
            rows = "".join(f"{kind} 0.5 0.5 0.1 0.1\n" for kind in sorted(kinds))
            (folder / "labels" / split / f"{number}.txt").write_text(rows)
    document = {split: f"images/{split}" for split in splits} | {"names": [f"class {n}" for n in range(nc)]}
    (folder / "data.yaml").write_text(yaml.safe_dump(document))
    return read_dataset(folder / "data.yaml")


def names(dataset: Dataset) -> tuple[set[str], set[str]]:
    """What is held back and what is left, by file name."""
    assert dataset.test is not None
    return {image.name for image in dataset.test.images}, {image.name for image in dataset.val.images}


def shown(images: tuple[Path, ...]) -> Counter[int]:
    """How many images show each class."""
    return Counter(kind for image in images for kind in classes_in(label_path(str(image))))


MIXED: list[set[int]] = [{0, 1} if n % 3 else {0} if n % 2 else set() for n in range(98)] + [{2}, {2, 0}]


def test_the_parts_are_disjoint_and_together_the_whole(tmp_path: Path) -> None:
    whole = make_data(tmp_path, MIXED)
    parts = hold_back(whole, 0.3, seed=0)
    assert parts.test is not None
    assert not set(parts.test.images) & set(parts.val.images)
    assert {*parts.test.images, *parts.val.images} == set(whole.val.images)
    assert parts.train == whole.train
    for count in ("boxes", "polygons", "backgrounds"):
        assert getattr(parts.test, count) + getattr(parts.val, count) == getattr(whole.val, count)


@pytest.mark.parametrize("share", [0.2, 0.3, 0.5, 0.8])
def test_the_share_is_kept_for_images_and_for_each_class(tmp_path: Path, share: float) -> None:
    whole = make_data(tmp_path, MIXED)
    parts = hold_back(whole, share, seed=4)
    assert parts.test is not None
    assert len(parts.test.images) == pytest.approx(share * len(whole.val.images), abs=3)
    held, all_ = shown(parts.test.images), shown(whole.val.images)
    assert all(held[kind] == pytest.approx(share * all_[kind], abs=2) for kind in (0, 1))


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(
    val=st.lists(st.sets(st.integers(0, 5), max_size=1), min_size=100, max_size=140),
    share=st.floats(0.2, 0.8),
    seed=st.integers(0, 9),
)
def test_a_class_in_two_images_or_more_is_in_both_parts(
    tmp_path_factory: pytest.TempPathFactory, val: list[set[int]], share: float, seed: int
) -> None:
    whole = make_data(tmp_path_factory.mktemp("data"), [*val, {0}, {0}], nc=6)
    try:
        parts = hold_back(whole, share, seed)
    except BadData:
        assert min(share, 1 - share) * 104 < FEWEST + 2 or len(shown(whole.val.images)) == 1
        return
    assert parts.test is not None
    often = {kind for kind, count in shown(whole.val.images).items() if count > 1}
    assert often <= set(shown(parts.test.images))
    assert often <= set(shown(parts.val.images))


def test_it_hangs_on_the_seed_and_not_on_the_place(tmp_path: Path) -> None:
    here = make_data(tmp_path / "here", MIXED)
    shutil.copytree(tmp_path / "here", tmp_path / "there" / "deeper")
    there = read_dataset(tmp_path / "there" / "deeper" / "data.yaml")
    assert names(hold_back(here, 0.3, 1)) == names(hold_back(there, 0.3, 1))
    assert names(hold_back(here, 0.3, 1)) != names(hold_back(here, 0.3, 2))
    assert fingerprint(here) == fingerprint(there)


def test_an_image_that_a_list_names_twice_stays_in_one_part(tmp_path: Path) -> None:
    whole = make_data(tmp_path, MIXED)
    twice = replace(whole, val=replace(whole.val, images=tuple(sorted(whole.val.images * 2))))
    parts = hold_back(twice, 0.3, seed=0)
    assert names(parts) == names(hold_back(whole, 0.3, seed=0))
    assert parts.test is not None
    assert len(parts.test.images) + len(parts.val.images) == 200


def test_the_resolved_file_lists_the_parts(tmp_path: Path) -> None:
    parts = hold_back(make_data(tmp_path / "data", MIXED), 0.3, seed=0)
    written = read_dataset(write_resolved(parts, tmp_path / "study" / "data.yaml"))
    assert names(written) == names(parts)
    assert written.test is not None
    assert parts.test is not None
    assert (written.val.boxes, written.test.boxes) == (parts.val.boxes, parts.test.boxes)


@pytest.mark.parametrize("share", [-0.1, 0.0, 0.91, 1.0, float("nan")])
def test_a_share_that_cannot_be_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(AutoMLError, match=r"--holdout .* above 0 and at most 0.9, for example 0.3"):
        find_unseen(make_data(tmp_path, MIXED), share, 0)


def test_a_val_too_small_says_how_large_it_must_be(tmp_path: Path) -> None:
    whole = make_data(tmp_path, [{0}] * 60)
    with pytest.raises(BadData, match=r"data.yaml: val has 60 images, too few .* a val of 67 images or more"):
        hold_back(whole, 0.3, seed=0)
    assert hold_back(whole, 0.4, seed=0).test is not None


def test_a_val_with_one_labelled_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="too few labelled images to hold some back"):
        hold_back(make_data(tmp_path, [{0}, *[set()] * 99]), 0.3, seed=0)


def test_a_class_that_only_one_part_has_is_told(tmp_path: Path) -> None:
    found = find_unseen(make_data(tmp_path, [*[{0}] * 99, {1}]), 0.3, 0)
    assert found.name == HOLDOUT
    assert found.notes[0] == "Held back from the search: 30 of the 100 val images."
    assert found.notes[1:] == ("Too few images show class 1: what is held back has none, and does not measure it.",)


def test_a_test_split_is_used_and_only_reports_beside_a_holdout(tmp_path: Path) -> None:
    whole = make_data(tmp_path, MIXED, test=[{0}])
    found = find_unseen(whole, None, 0)
    assert (found.name, found.dataset, found.notes) == (TEST, whole, ())
    both = find_unseen(whole, 0.3, 0)
    assert (both.name, both.reported) == (HOLDOUT, whole)
    assert both.dataset.test is not None
    assert both.dataset.test.images != (whole.test and whole.test.images)


def test_a_test_split_without_labels_is_told_and_not_used(tmp_path: Path) -> None:
    whole = make_data(tmp_path, MIXED, test=[set(), set()])
    found = find_unseen(whole, None, 0)
    assert found.name == ""
    assert "Nothing is measured on unseen images: the test split has no labels." in found.notes[0]
    held = find_unseen(whole, 0.3, 0)
    assert held.name == HOLDOUT
    assert held.notes[-1] == "The test split is not measured: the test split has no labels."


def test_a_test_split_that_was_seen_is_not_used_and_one_partly_seen_is_told(tmp_path: Path) -> None:
    whole = make_data(tmp_path, MIXED, test=[{0}])
    assert whole.test is not None
    same = find_unseen(replace(whole, test=whole.val), None, 0)
    assert same.name == ""
    assert "every image of the test split is in train or val" in same.notes[0]
    partly = replace(whole.test, images=(*whole.test.images, whole.val.images[0]))
    found = find_unseen(replace(whole, test=partly), None, 0)
    assert (found.name, found.notes) == (TEST, ("1 of the 2 test images are in train or val too: test will flatter.",))


def test_without_a_test_split_or_without_the_wish_nothing_is_measured(tmp_path: Path) -> None:
    whole = make_data(tmp_path, MIXED, test=[{0}])
    assert find_unseen(replace(whole, test=None), None, 0).name == ""
    assert find_unseen(whole, None, 0, evaluate=False).name == ""
    with pytest.raises(AutoMLError, match="drop one"):
        find_unseen(whole, 0.3, 0, evaluate=False)
