"""Near copies between and within splits, on hashes made by hand and on real images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from automl.checks import leakage
from automl.checks.facts import Facts
from automl.checks.near import NEAR, near_pairs
from automl.records import Finding, Severity
from automl.records.check import MOST_PLACES
from tests.builders.data_folder import BCCD, needs_bccd
from tests.builders.facts import boxes_of, facts_of, random_hashes, split_of

Hashes = NDArray[np.uint8]


def turned(digest: Hashes, bits: int, seed: int = 0) -> Hashes:
    """The hash with so many bits turned."""
    unpacked = np.unpackbits(digest)
    unpacked[np.random.default_rng(seed).choice(256, bits, replace=False)] ^= 1
    return np.packbits(unpacked)


def of(train: Hashes, val: Hashes | None = None) -> Facts:
    splits = {"train": train} if val is None else {"train": train, "val": val}
    return facts_of(*(split_of([boxes_of(0)] * len(h), split=name, hashes=h) for name, h in splits.items()))


def findings(facts: Facts) -> dict[str, Finding]:
    return {f"{finding.code} {finding.split}": finding for finding in leakage.findings(facts)}


@given(st.integers(0, 10_000), st.integers(2, 300), st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_the_pairs_are_those_of_comparing_each_with_each(seed: int, count: int, planted: int) -> None:
    hashes, chance = random_hashes(count, seed), np.random.default_rng(seed)
    for number in range(planted):
        one, other = chance.integers(0, count, 2)
        hashes[other] = turned(hashes[one], int(chance.integers(1, NEAR + 4)), number)
    hashes = np.unique(hashes, axis=0)
    every = np.bitwise_count(hashes[:, None] ^ hashes[None]).sum(axis=-1)
    left, right = np.nonzero(np.triu(every <= NEAR, 1))
    pairs = [
        triple
        for part in near_pairs(hashes)
        for triple in zip(part.left.tolist(), part.right.tolist(), part.distance.tolist(), strict=True)
    ]
    assert sorted(pairs) == sorted(zip(left.tolist(), right.tolist(), every[left, right].tolist(), strict=True))


def test_different_images_are_no_copies() -> None:
    assert findings(of(random_hashes(500), random_hashes(200, seed=1))) == {}


@pytest.mark.parametrize(("bits", "copy"), [(0, True), (1, True), (NEAR, True), (NEAR + 1, False)])
def test_a_copy_in_val_is_named_with_its_image_of_train(bits: int, copy: bool) -> None:
    train, val = random_hashes(20), random_hashes(10, seed=1)
    val[3] = turned(train[7], bits)
    found = findings(of(train, val))
    assert set(found) == ({"leakage/across val"} if copy else set())
    if copy:
        finding = found["leakage/across val"]
        assert finding.severity is Severity.WARNING
        assert finding.title.startswith("1 of 10 val images (10.0%) are near copies of train images")
        (place,) = finding.places
        assert (place.file, place.other) == ("/data/images/val/000003.jpg", "/data/images/train/000007.jpg")
        assert f"{bits} of 256 bits" in place.text


def test_copies_within_train_are_counted_in_groups() -> None:
    train = random_hashes(100)
    train[1], train[2], train[3], train[9] = train[0], turned(train[0], 3), turned(train[0], 20), train[8]
    finding = findings(of(train))["leakage/within train"]
    assert finding.figures["groups"] == 2
    assert (finding.figures["images"], finding.figures["different"], finding.severity) == (6, 96, Severity.NOTE)
    assert [int(place.text.split(", ")[1].split()[0]) for place in finding.places][:2] == [0, 0]


def test_a_val_of_copies_alone_is_affected_as_a_whole() -> None:
    train = random_hashes(50)
    assert findings(of(train, train[:20]))["leakage/across val"].figures["share"] == 1.0


def test_many_equal_images_make_no_millions_of_pairs() -> None:
    train = np.repeat(random_hashes(1), 5000, axis=0)
    finding = findings(of(train))["leakage/within train"]
    assert (finding.count, finding.figures["groups"], finding.severity) == (4999, 1, Severity.WARNING)
    assert len(finding.places) == MOST_PLACES


def test_a_film_of_near_copies_is_one_group() -> None:
    base, chance = np.unpackbits(random_hashes(1)[0]), np.random.default_rng(0)
    film = np.packbits(base ^ (chance.random((1500, 256)) < 0.02), axis=1).astype(np.uint8)
    assert findings(of(film))["leakage/within train"].figures["groups"] == 1


@pytest.mark.parametrize("value", [0, 255])
def test_plain_images_are_named_and_not_compared(value: int) -> None:
    plain = np.full((40, 32), value, dtype=np.uint8)
    found = findings(of(plain, plain))
    assert set(found) == {"leakage/plain train", "leakage/plain val"}
    assert found["leakage/plain val"].count == 40


def test_one_file_in_two_splits_is_no_copy() -> None:
    hashes = random_hashes(3)
    train = split_of([boxes_of(0)] * 3, hashes=hashes)
    val = split_of([boxes_of(0)] * 3, split="val", hashes=hashes, images=train.images)
    assert findings(facts_of(train, val)) == {}


@pytest.mark.parametrize("facts", [facts_of(), facts_of(split_of([])), facts_of(split_of([[]] * 3))])
def test_without_pixels_there_is_no_finding(facts: Facts) -> None:
    assert findings(facts) == {}


def small(image: NDArray[np.uint8]) -> Hashes:
    """Signs of the differences of neighbours in a 17 x 16 picture of the image."""
    import cv2

    reduced = cv2.resize(image, (17, 16), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.packbits(reduced[:, 1:] > reduced[:, :-1])


@needs_bccd
def test_bccd_has_no_copy_and_its_changed_images_are_found() -> None:
    import cv2

    def read(file: Path) -> NDArray[np.uint8]:
        return np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), dtype=np.uint8)

    train, val = ([read(file) for file in sorted((BCCD / "images" / name).glob("*.jpg"))] for name in ("train", "val"))
    hashes = np.array([small(image) for image in train])
    assert findings(of(hashes, np.array([small(image) for image in val]))) == {}
    jpeg = cv2.imencode(".jpg", train[0], [cv2.IMWRITE_JPEG_QUALITY, 50])[1]
    changed = [
        cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE),
        cv2.resize(train[1], None, fx=0.5, fy=0.5),
        cv2.convertScaleAbs(train[2], beta=40),
        np.asarray(train[3])[:, ::-1],
    ]
    finding = findings(of(hashes, np.array([small(np.asarray(image, dtype=np.uint8)) for image in changed])))
    assert finding["leakage/across val"].count == 3  # all but the mirrored one
