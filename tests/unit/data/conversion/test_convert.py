from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from automl.data.conversion import conversion_folder, convert, converted
from automl.data.dataset import read_dataset
from automl.errors import BadData, NoSpace, UnknownName
from tests.builders.annotations import as_coco, as_voc, coco, pixel_rows, voc
from tests.builders.train_tiny import BCCD


def digests(folder: Path) -> dict[str, str]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.skipif(not BCCD.exists(), reason="the BCCD data set is not there")
@pytest.mark.parametrize("kind", ["coco", "voc"])
def test_bccd_comes_back_with_the_same_boxes(tmp_path: Path, kind: str) -> None:
    own = read_dataset(BCCD)
    source = {"coco": as_coco, "voc": as_voc}[kind](own, tmp_path / "source")
    conversion = convert(source, kind, tmp_path / "out")
    other = read_dataset(conversion.data)
    assert conversion.findings == ()
    for split, part in own.splits.items():
        images = {image.stem: image for image in other.splits[split].images}
        assert len(images) == len(part.images)
        for image in part.images:
            before, after = pixel_rows(image, own.names), pixel_rows(images[image.stem], other.names)
            assert [row[0] for row in before] == [row[0] for row in after]
            for one, two in zip(before, after, strict=True):
                assert one[1:] == pytest.approx(two[1:], abs=1e-3)


def test_a_source_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no such file or folder"):
        convert(tmp_path / "nothing", "coco", tmp_path / "out")


def test_another_kind_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"unknown format of annotations 'cocoo'. Did you mean coco"):
        convert(tmp_path, "cocoo", tmp_path / "out")


def test_the_source_is_not_written_to(tmp_path: Path) -> None:
    coco(tmp_path / "source")
    before = digests(tmp_path / "source")
    convert(tmp_path / "source", "coco", tmp_path / "out")
    assert digests(tmp_path / "source") == before


def test_images_are_linked(tmp_path: Path) -> None:
    coco(tmp_path / "source")
    dataset = read_dataset(convert(tmp_path / "source", "coco", tmp_path / "out").data)
    assert all(image.is_symlink() for image in dataset.train.images)


@pytest.mark.parametrize("target", ["source", "."])
def test_a_target_that_holds_the_source_is_refused(tmp_path: Path, target: str) -> None:
    coco(tmp_path / "source")
    with pytest.raises(BadData, match="which is not written to"):
        convert(tmp_path / "source", "coco", tmp_path / target)


@pytest.mark.parametrize("kind", ["coco", "voc"])
def test_a_conversion_beside_its_source_is_not_read_again(tmp_path: Path, kind: str) -> None:
    {"coco": coco, "voc": voc}[kind](tmp_path)
    conversions = [convert(tmp_path, kind, tmp_path / "automl-runs" / "converted" / "it") for _ in range(2)]
    assert conversions[0] == conversions[1]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    source = coco(tmp_path / "source")
    (tmp_path / "source" / "images" / "loop").symlink_to(tmp_path / "source")
    assert sum(convert(source.parents[1], "coco", tmp_path / "out").images.values()) == 4


def test_a_target_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "data.yaml").write_text("mine: 1\n")
    with pytest.raises(NoSpace, match="holds other files"):
        convert(coco(tmp_path / "source"), "coco", tmp_path / "out")
    assert (tmp_path / "out" / "data.yaml").read_text() == "mine: 1\n"


def test_an_earlier_conversion_is_replaced(tmp_path: Path) -> None:
    source = coco(tmp_path / "source", count=6)
    convert(source, "coco", tmp_path / "out")
    coco(tmp_path / "source", count=4)
    conversion = convert(source, "coco", tmp_path / "out")
    assert sum(conversion.images.values()) == 4
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_a_conversion_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadData):
        convert(coco(tmp_path / "source", annotations=[]), "coco", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["instances_train.json", "instances_val.json", "test.json", "labels.json"])
def test_one_split_is_divided_by_a_seed_and_said_so(tmp_path: Path, name: str) -> None:
    source = coco(tmp_path / "source", count=10, name=name)
    first, second = (convert(source, "coco", tmp_path / out) for out in ("a", "b"))
    assert first.images == {"train": 8, "val": 2}
    assert first.notes == ("No val is given: 2 images of train were set aside for it.",)
    vals = [{image.name for image in read_dataset(conversion.data).val.images} for conversion in (first, second)]
    assert vals[0] == vals[1]


def test_another_seed_divides_otherwise(tmp_path: Path) -> None:
    source = coco(tmp_path / "source", count=30)
    vals = [
        frozenset(
            image.name
            for image in read_dataset(convert(source, "coco", tmp_path / str(seed), seed=seed).data).val.images
        )
        for seed in range(2)
    ]
    assert vals[0] != vals[1]


def test_one_labelled_image_is_too_few_to_divide(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="fewer than two labelled images"):
        convert(coco(tmp_path / "source", count=1), "coco", tmp_path / "out")


def test_an_image_in_two_splits_is_told(tmp_path: Path) -> None:
    source = voc(tmp_path / "source", lists={"train": ["1", "2", "3"], "val": ["3", "4"]})
    codes = Counter(finding.code for finding in convert(source, "voc", tmp_path / "out").findings)
    assert codes["conversion/image-in-two-splits"] == 1


def test_notes_are_said(tmp_path: Path) -> None:
    said: list[str] = []
    data = converted(coco(tmp_path / "source"), "coco", tmp_path / "out", say=said.append)
    assert data == tmp_path / "out" / "data.yaml"
    assert said == ["No val is given: a part of train was set aside for it."]


def test_the_same_conversion_again_touches_nothing(tmp_path: Path) -> None:
    source = coco(tmp_path / "source")
    convert(source, "coco", tmp_path / "out")
    before = {file: file.lstat().st_mtime_ns for file in (tmp_path / "out").rglob("*")}
    (tmp_path / "out" / "labels" / "train.cache").touch()
    convert(source, "coco", tmp_path / "out")
    after = {file: file.lstat().st_mtime_ns for file in (tmp_path / "out").rglob("*")}
    assert {file: after[file] for file in before if file.is_file()} == {f: t for f, t in before.items() if f.is_file()}


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_split_without_boxes_is_refused(tmp_path: Path, split: str) -> None:
    for name in ("train", "val"):
        rows = {"annotations": []} if name == split else {}
        coco(tmp_path / "source", name=f"instances_{name}.json", **rows)
    with pytest.raises(BadData, match=f"none of the 4 images of {split} has a usable box"):
        convert(tmp_path / "source", "coco", tmp_path / "out")


def test_each_source_has_a_folder_below_the_home(tmp_path: Path) -> None:
    sources = [tmp_path / "a" / "birds" / "annotations", tmp_path / "b" / "birds"]
    folders = [conversion_folder(source, tmp_path / "home") for source in sources]
    assert [folder.parent for folder in folders] == [tmp_path / "home" / "converted"] * 2
    assert all(folder.name.startswith("birds-") for folder in folders)
    assert folders[0] != folders[1]
