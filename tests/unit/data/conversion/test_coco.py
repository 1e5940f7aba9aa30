from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from automl.data.conversion import Conversion, convert
from automl.data.dataset import read_dataset
from automl.data.labels import label_path
from automl.errors import BadData
from tests.builders.annotations import annotation, coco, picture


def boxes(conversion: Conversion) -> int:
    return sum(conversion.boxes.values())


def codes(conversion: Conversion) -> dict[str, int]:
    return {finding.code.removeprefix("conversion/"): finding.count for finding in conversion.findings}


def ids(count: int = 4) -> list[dict[str, Any]]:
    return [{**annotation(), "image_id": number} for number in range(1, count + 1)]


def test_a_box_becomes_a_row_of_fractions(tmp_path: Path) -> None:
    coco(tmp_path / "source")
    coco(tmp_path / "source", name="instances_val.json")
    dataset = read_dataset(convert(tmp_path / "source", "coco", tmp_path / "out").data)
    row = Path(label_path(str(dataset.train.images[0]))).read_text(encoding="utf-8").split()
    assert [float(word) for word in row] == pytest.approx([0, 0.2, 0.25, 0.2, 0.3])


def test_ids_with_holes_become_classes_from_zero(tmp_path: Path) -> None:
    rows = [*ids(), annotation(category_id=90)]
    conversion = convert(coco(tmp_path / "source", annotations=rows), "coco", tmp_path / "out")
    assert conversion.names == ("cat", "dog")
    assert read_dataset(conversion.data).names == ("cat", "dog")


def test_classes_of_two_files_are_matched_by_name(tmp_path: Path) -> None:
    coco(tmp_path / "source")
    swapped = [{"id": 7, "name": "dog"}, {"id": 90, "name": "cat"}]
    coco(tmp_path / "source", name="instances_val.json", categories=swapped)
    dataset = read_dataset(convert(tmp_path / "source", "coco", tmp_path / "out").data)
    assert Path(label_path(str(dataset.val.images[0]))).read_text(encoding="utf-8").startswith("1 ")


@pytest.mark.parametrize(
    ("more", "code", "kept"),
    [
        ({"iscrowd": 1}, "crowd", 0),
        ({"bbox": [20, 10, 0, 30]}, "no-area", 0),
        ({"bbox": [20, 10, -5, 30]}, "no-area", 0),
        ({"bbox": [500, 10, 40, 30]}, "outside", 0),
        ({"bbox": [190, 10, 40, 30]}, "cut", 1),
        ({"bbox": [1, 2, 3]}, "bad-box", 0),
        ({"bbox": "1 2 3 4"}, "bad-box", 0),
        ({"bbox": [1, 2, None, 4]}, "bad-box", 0),
        ({"bbox": [1, 2, float("nan"), 4]}, "bad-box", 0),
        ({"bbox": [1, 2, 1e999, 4]}, "bad-box", 0),
        ({"bbox": None}, "bad-box", 0),
        ({"bbox": [], "segmentation": {"counts": "abc", "size": [9, 9]}}, "bad-box", 0),
        ({"bbox": [], "segmentation": [[20, 10, 60, 10, 60, 40]]}, "enclosed", 1),
        ({"segmentation": [[20, 10, 60, 10, 60, 40]]}, "outline", 1),
        ({"segmentation": {"counts": [1, 2], "size": [9, 9]}}, "outline", 1),
        ({"image_id": 55}, "unknown-image", 0),
        ({"image_id": None}, "unknown-image", 0),
        ({"image_id": [1]}, "unknown-image", 0),
        ({"category_id": 55}, "unknown-class", 0),
        ({"category_id": None}, "unknown-class", 0),
    ],
)
def test_an_unusual_annotation_is_a_note_with_its_number(
    tmp_path: Path, more: dict[str, Any], code: str, kept: int
) -> None:
    source = coco(tmp_path / "source", annotations=[*ids(), annotation(**more)])
    conversion = convert(source, "coco", tmp_path / "out")
    assert codes(conversion) == {code: 1, "shared-out": 1}
    assert boxes(conversion) == 4 + kept


def test_an_annotation_that_is_no_object_is_a_note(tmp_path: Path) -> None:
    conversion = convert(coco(tmp_path / "source", annotations=[*ids(), 7, "x", None]), "coco", tmp_path / "out")
    assert codes(conversion)["unknown-image"] == 3


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    source = coco(tmp_path / "source")
    document = json.loads(source.read_text(encoding="utf-8"))
    del document[key]
    source.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(BadData, match=rf"instances_train\.json: no '{key}'\. Needed is"):
        convert(source, "coco", tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"images": [\n{,}]}', r"json:2: not valid JSON"),
        (b"", "not valid JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b"\xff\xfe{", "not a text file in UTF-8"),
        (b"[" * 100_000, "too deep"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b'{"images": {}, "annotations": [], "categories": []}', "'images' is no list"),
    ],
)
def test_a_file_that_is_no_coco_is_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    source = tmp_path / "a.json"
    source.write_bytes(content)
    with pytest.raises(BadData, match=message):
        convert(source, "coco", tmp_path / "out")


@pytest.mark.parametrize(
    "category", [{"name": "cat"}, {"id": 1}, {"id": 1, "name": " "}, "cat", {"id": None, "name": "a"}]
)
def test_a_category_needs_an_id_and_a_name(tmp_path: Path, category: object) -> None:
    with pytest.raises(BadData, match="category 1 has no id or no name"):
        convert(coco(tmp_path / "source", categories=[category]), "coco", tmp_path / "out")


def test_an_id_of_two_classes_is_refused(tmp_path: Path) -> None:
    categories = [{"id": 7, "name": "cat"}, {"id": 7, "name": "dog"}]
    with pytest.raises(BadData, match="the category id 7 stands for cat and dog"):
        convert(coco(tmp_path / "source", categories=categories), "coco", tmp_path / "out")


def test_a_name_of_two_ids_is_one_class(tmp_path: Path) -> None:
    categories = [{"id": 7, "name": "cat"}, {"id": 9, "name": "cat"}]
    conversion = convert(coco(tmp_path / "source", categories=categories), "coco", tmp_path / "out")
    assert conversion.names == ("cat",)
    assert codes(conversion)["same-class-name"] == 1


def test_an_id_of_two_images_is_refused(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "1.jpg"}, {"id": 1, "file_name": "2.jpg"}]
    with pytest.raises(BadData, match=r"the image id 1 stands for 1\.jpg and 2\.jpg"):
        convert(coco(tmp_path / "source", images=images), "coco", tmp_path / "out")


def test_ids_are_alike_as_numbers_and_as_text(tmp_path: Path) -> None:
    rows = [{**row, "image_id": str(row["image_id"]), "category_id": 7.0} for row in ids()]
    assert boxes(convert(coco(tmp_path / "source", annotations=rows), "coco", tmp_path / "out")) == 4


def entries(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"id": number, "file_name": name, **more} for number, name in enumerate(names, start=1)]


def test_a_size_that_is_not_written_is_read_from_the_image(tmp_path: Path) -> None:
    source = coco(tmp_path / "source", images=entries("1.jpg", "2.jpg", "3.jpg", "4.jpg"))
    conversion = convert(source, "coco", tmp_path / "out")
    assert codes(conversion)["no-size"] == 4
    assert boxes(conversion) == 4


def test_another_size_than_the_image_has_is_told(tmp_path: Path) -> None:
    images = entries("1.jpg", "2.jpg", "3.jpg", "4.jpg", width=400, height=200)
    assert codes(convert(coco(tmp_path / "source", images=images), "coco", tmp_path / "out"))["other-size"] == 4


def test_an_image_that_is_not_on_disk_is_told(tmp_path: Path) -> None:
    source = coco(tmp_path / "source")
    (tmp_path / "source" / "images" / "2.jpg").unlink()
    conversion = convert(source, "coco", tmp_path / "out")
    assert codes(conversion)["no-image"] == 1
    assert sum(conversion.images.values()) == 3


def test_without_any_image_the_set_is_refused(tmp_path: Path) -> None:
    source = coco(tmp_path / "source")
    for image in (tmp_path / "source" / "images").iterdir():
        image.unlink()
    with pytest.raises(BadData, match=r"no image to train on is left\. 4 annotated images are not on disk"):
        convert(source, "coco", tmp_path / "out")


def test_without_any_box_the_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no usable box is left"):
        convert(coco(tmp_path / "source", annotations=[]), "coco", tmp_path / "out")


@pytest.mark.parametrize("images", [[], [{"id": 1}], [{"file_name": "1.jpg"}], [3], [{"id": 1, "file_name": ""}]])
def test_a_set_without_usable_images_is_refused(tmp_path: Path, images: list[object]) -> None:
    with pytest.raises(BadData, match="no image to train on is left"):
        convert(coco(tmp_path / "source", images=images), "coco", tmp_path / "out")


@pytest.mark.parametrize(
    "name", ["../../outside.jpg", "/etc/outside.jpg", "a/../../outside.jpg", "C:\\outside.jpg", "..\\outside.jpg"]
)
def test_a_name_that_leads_out_is_not_followed(tmp_path: Path, name: str) -> None:
    source = coco(tmp_path / "source")
    picture(tmp_path / "outside.jpg")
    document = json.loads(source.read_text(encoding="utf-8"))
    document["images"][0]["file_name"] = name
    source.write_text(json.dumps(document), encoding="utf-8")
    conversion = convert(source, "coco", tmp_path / "out")
    assert codes(conversion)["unsafe-name"] == 1
    assert codes(conversion)["no-image"] == 1
    inside = {file.resolve() for file in (tmp_path / "out" / "images").rglob("*.jpg")}
    assert (tmp_path / "outside.jpg").resolve() not in inside


def test_one_name_in_two_folders_is_two_images(tmp_path: Path) -> None:
    images = entries("a/x.jpg", "b/x.jpg", "c/d/x.jpg", "images/x.jpg")
    dataset = read_dataset(convert(coco(tmp_path / "source", images=images), "coco", tmp_path / "out").data)
    assert len({*dataset.train.images, *dataset.val.images}) == 4
    assert dataset.train.boxes + dataset.val.boxes == 4


def test_images_of_one_stem_get_label_files_of_their_own(tmp_path: Path) -> None:
    source = coco(tmp_path / "source", images=entries("x.jpg", "x.png", "X.bmp", "y.jpg"))
    conversion = convert(source, "coco", tmp_path / "out")
    dataset = read_dataset(conversion.data)
    assert dataset.train.boxes + dataset.val.boxes == 4
    assert 1 <= codes(conversion)["renamed"] <= 2


def test_names_with_blanks_and_other_scripts_are_kept(tmp_path: Path) -> None:
    names = ("ein Bild.jpg", "画像.jpg", "ünï\u0301.png", "a#b%c.jpg")
    dataset = read_dataset(convert(coco(tmp_path / "source", images=entries(*names)), "coco", tmp_path / "out").data)
    assert {image.name for image in (*dataset.train.images, *dataset.val.images)} == set(names)


def test_slashes_of_windows_are_turned(tmp_path: Path) -> None:
    images = entries("a\\1.jpg", "a\\2.jpg", "3.jpg", "4.jpg")
    assert sum(convert(coco(tmp_path / "source", images=images), "coco", tmp_path / "out").images.values()) == 4


def test_an_image_in_a_format_that_yolo_does_not_read_is_told(tmp_path: Path) -> None:
    source = coco(tmp_path / "source", images=entries("1.gif", "2.jpg", "3.jpg", "4.jpg"))
    assert codes(convert(source, "coco", tmp_path / "out"))["image-format"] == 1


def test_an_image_listed_twice_has_all_its_boxes(tmp_path: Path) -> None:
    rows = [*ids(3), annotation(image_id=4, bbox=[90, 10, 20, 20])]
    source = coco(tmp_path / "source", images=entries("1.jpg", "2.jpg", "3.jpg", "3.jpg"), annotations=rows)
    conversion = convert(source, "coco", tmp_path / "out")
    assert (codes(conversion)["image-twice"], boxes(conversion)) == (1, 4)


def test_an_image_without_annotations_is_a_background(tmp_path: Path) -> None:
    dataset = read_dataset(convert(coco(tmp_path / "source", annotations=ids(2)), "coco", tmp_path / "out").data)
    assert dataset.train.backgrounds + dataset.val.backgrounds == 2
    assert dataset.train.unlabelled + dataset.val.unlabelled == 0


def test_captions_and_keypoints_beside_instances_are_passed_over(tmp_path: Path) -> None:
    coco(tmp_path / "source")
    coco(tmp_path / "source", name="captions_val.json", categories=None)
    coco(tmp_path / "source", name="person_keypoints_train.json")
    conversion = convert(tmp_path / "source", "coco", tmp_path / "out")
    assert codes(conversion)["other-file"] == 2
    assert boxes(conversion) == 4


def test_folders_with_a_file_each_are_splits(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        file = coco(tmp_path / "source" / split, name="_annotations.coco.json")
        file.rename(tmp_path / "source" / split / file.name)
    conversion = convert(tmp_path / "source", "coco", tmp_path / "out")
    assert conversion.images == {"test": 4, "train": 4, "val": 4}


def test_a_folder_without_json_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with pytest.raises(BadData, match="holds no JSON file of COCO"):
        convert(tmp_path / "source", "coco", tmp_path / "out")
