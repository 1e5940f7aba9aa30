"""Recommendations from facts made by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from PIL import Image

from automl.checks import advice
from automl.checks.choice import box_sizes_of, sizes_for
from automl.checks.facts import Facts
from automl.checks.noise import PER_IMAGE, noise_of
from automl.data.boxes import box_sizes
from automl.data.dataset import read_dataset
from automl.records import Finding, Recommendation, Severity, Source
from tests.builders.facts import Row, boxes_of, facts_of, split_of


def advised(facts: Facts, *findings: Finding, deploy: str | None = None) -> dict[str, Recommendation]:
    return {entry.key: entry for entry in advice.recommendations(facts, findings, deploy=deploy)}


def of(side: float, size: tuple[int, int] = (640, 640), count: int = 100) -> Facts:
    """Square boxes of that share of a side, in images of that size."""
    row: Row = (0, 0.5, 0.5, side, side)
    return facts_of(
        split_of([[row]] * count, size=size), split_of([[row]] * count, split="val", size=size), names=["cat"]
    )


def finding(code: str, severity: Severity = Severity.WARNING, count: int = 100) -> Finding:
    return Finding(code=code, severity=severity, title=f"{code} was found.", advice="Mend it.", count=count)


@pytest.mark.parametrize(
    ("side", "sizes"),
    [(15 / 640, [640, 1280]), (30 / 640, [640]), (50 / 640, [640, 480]), (100 / 640, [640, 480, 320])],
)
def test_the_sides_of_boxes_choose_the_image_sizes(side: float, sizes: list[int]) -> None:
    entry = advised(of(side))["imgsz"]
    assert entry.value == sizes
    assert "at 640" in entry.why
    assert "at 1280" in entry.why


def test_a_search_and_a_check_choose_by_the_same_boxes(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (tmp_path / kind / split).mkdir(parents=True)
        Image.new("RGB", (320, 160)).save(tmp_path / "images" / split / "a.png")
        (tmp_path / "labels" / split / "a.txt").write_text("0 0.5 0.5 0.1 0.2\n0 0.5 0.5 0.4 0.05\n")
    (tmp_path / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [bird]\n")
    of_search = box_sizes(read_dataset(tmp_path / "data.yaml"))
    of_check = box_sizes_of(split_of([[(0, 0.5, 0.5, 0.1, 0.2), (0, 0.5, 0.5, 0.4, 0.05)]], size=(320, 160)))
    assert of_check.sides == pytest.approx(of_search.sides)
    assert sizes_for(of_check) == sizes_for(of_search)


@pytest.mark.parametrize(
    ("side", "size", "tile"),
    [(20 / 4000, (4000, 3000), 352), (100 / 4000, (4000, 3000), None), (5 / 640, (640, 480), None)],
    ids=["tiny on large images", "not tiny", "tiny on small images"],
)
def test_tiles_are_for_objects_that_scaling_loses(side: float, size: tuple[int, int], tile: int | None) -> None:
    entry = advised(of(side, size)).get("tiling")
    assert (entry.value if entry is not None else None) == tile


def test_variants_follow_the_deployment() -> None:
    assert advised(of(0.1), deploy="edge")["models"].value == ["yolov5n", "yolov5s"]
    assert advised(of(0.1))["models"].value is None
    assert advised(of(0.1))["models"].source is Source.GUIDE


@pytest.mark.parametrize(("count", "weights", "epochs"), [(100, "auto", 300), (240_000, "none", 150)])
def test_large_data_may_start_from_scratch_and_need_fewer_epochs(count: int, weights: str, epochs: int) -> None:
    facts = facts_of(split_of([boxes_of(0)] * count))
    assert (advised(facts)["weights"].value, advised(facts)["epochs"].value) == (weights, epochs)


def test_rare_classes_are_to_be_watched() -> None:
    train = split_of([boxes_of(*[0] * 50, *[1] * 50, *([2] if number < 3 else []))[:200] for number in range(100)])
    val = split_of([boxes_of(0, 1)] * 50, split="val")
    entry = advised(facts_of(train, val, names=["cat", "dog", "cow"]))["classes"]
    assert entry.value == ["cow"]
    assert "cow has 3 boxes in train and 0 in val" in entry.why
    assert "classes" not in advised(facts_of(split_of([boxes_of(0, 1)] * 100), val))


def test_the_noise_falls_with_the_root_of_the_images() -> None:
    noises = [noise_of(split_of([boxes_of(0)] * count, split="val"), 1) for count in (100, 400)]
    assert [noise.score if noise else None for noise in noises] == pytest.approx([PER_IMAGE / 10, PER_IMAGE / 20])
    two = noise_of(split_of([boxes_of(0, 1)] * 100, split="val"), 2)
    assert two is not None
    assert two.score == pytest.approx(PER_IMAGE / 10 / math.sqrt(2))
    crowded = noise_of(split_of([boxes_of(*[0] * 11)] * 100, split="val"), 1)
    assert crowded is not None
    assert crowded.score == pytest.approx(PER_IMAGE / 10), "boxes of one image are found or missed together"
    assert noise_of(split_of([[]], split="val"), 1) is None


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (
            87,
            "Val has 87 images: gains under 0.042 are chance; about 1,100 images, with seeds repeated, would show 0.01.",
        ),
        (2000, "Repeat recipes with"),
        (500_000, "Repeat recipes with"),
    ],
)
def test_the_noise_says_if_a_search_can_tell_a_hundredth(count: int, words: str) -> None:
    facts = facts_of(split_of([boxes_of(0)]), split_of([boxes_of(0)] * count, split="val"), names=["cat"])
    assert words in advised(facts)["noise"].text


@pytest.mark.parametrize(
    ("codes", "step"),
    [
        (["labels/x", "leakage/across"], "split"),
        (["labels/near-duplicate-boxes"], "labels"),
        (["conversion/x"], "convert"),
        (["counts/images"], "judge"),
    ],
)
def test_the_next_step_follows_from_the_findings(codes: list[str], step: str) -> None:
    facts = facts_of(split_of([boxes_of(0)]), split_of([boxes_of(0)] * 5000, split="val"), names=["cat"])
    assert advised(facts, *map(finding, codes))["first"].value == step
    assert advised(facts, *map(finding, codes), finding("x", Severity.ERROR))["first"].value == "mend"


def test_few_wrong_labels_do_not_keep_from_a_search() -> None:
    facts = facts_of(split_of([boxes_of(0)]), split_of([boxes_of(0)] * 5000, split="val"), names=["cat"])
    assert advised(facts, finding("labels/near-duplicate-boxes", count=4))["first"].value == "judge"


def test_without_val_nothing_is_said_of_a_search() -> None:
    assert "first" not in advised(facts_of(split_of([boxes_of(0)])))


def test_an_error_leaves_no_advice_but_to_mend_it() -> None:
    entries = advised(of(0.1), finding("x", Severity.ERROR))
    assert list(entries) == ["first"]
    assert entries["first"].why.startswith("1 kind of errors: a training ends")


@pytest.mark.parametrize(("side", "words"), [(96, "96 px on its longer side: a larger size"), (4000, "4000 px on its")])
def test_the_size_of_the_files_stands_beside_the_image_sizes(side: int, words: str) -> None:
    assert words in advised(of(0.3, (side, side)))["imgsz"].why


@pytest.mark.parametrize("facts", [facts_of(), facts_of(split_of([])), facts_of(split_of([[]]), names=[])])
def test_without_a_box_there_is_no_advice(facts: Facts) -> None:
    assert advised(facts) == {}


def test_advice_survives_images_of_unknown_size() -> None:
    entries = advised(facts_of(split_of([boxes_of(0)], size=(0, 0)), names=["cat"]))
    assert "imgsz" not in entries
    assert entries["weights"].value == "auto"
