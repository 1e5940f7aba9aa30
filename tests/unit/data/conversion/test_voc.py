from __future__ import annotations

from pathlib import Path

import pytest

from automl.data.conversion import Conversion, convert
from automl.data.dataset import read_dataset
from automl.data.labels import label_path
from automl.errors import BadData
from tests.builders.annotations import OBJECT, SIZE_TEXT, picture, voc, voc_text

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><annotation><filename>&c;</filename></annotation>'
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    "<annotation><filename>&a;</filename></annotation>"
)


def codes(conversion: Conversion) -> dict[str, int]:
    return {finding.code.removeprefix("conversion/"): finding.count for finding in conversion.findings}


def edges(xmin: object, ymin: object, xmax: object, ymax: object, name: str = "cat") -> str:
    values = zip(("xmin", "ymin", "xmax", "ymax"), (xmin, ymin, xmax, ymax), strict=True)
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in values)
    return f"<object><name>{name}</name><bndbox>{inner}</bndbox></object>"


def test_corners_are_pixel_edges(tmp_path: Path) -> None:
    source = voc(tmp_path / "source", lists={"train": ["1", "2"], "val": ["3", "4"]})
    dataset = read_dataset(convert(source, "voc", tmp_path / "out").data)
    row = Path(label_path(str(dataset.val.images[0]))).read_text(encoding="utf-8").split()
    assert [float(word) for word in row] == pytest.approx([0, 0.2, 0.25, 0.2, 0.3])


@pytest.mark.parametrize(
    ("text", "code", "kept"),
    [
        (OBJECT.format(more="<difficult>1</difficult>"), "difficult", 1),
        (OBJECT.format(more="<truncated>1</truncated>"), "truncated", 1),
        (edges(60, 10, 20, 40), "turned", 1),
        (edges(20, 10, 20, 40), "no-area", 0),
        (edges(300, 10, 340, 40), "outside", 0),
        (edges(180, 10, 240, 40), "cut", 1),
        (edges("a", 10, 60, 40), "bad-box", 0),
        (edges("", 10, 60, 40), "bad-box", 0),
        (edges("nan", 10, 60, 40), "bad-box", 0),
        ("<object><name>cat</name></object>", "bad-box", 0),
        ("<object><name>cat</name><bndbox><xmin>1</xmin></bndbox></object>", "bad-box", 0),
        (edges(20, 10, 60, 40, name=" "), "unknown-class", 0),
        (OBJECT.format(more="<polygon><x1>1</x1></polygon>"), "outline", 1),
        (OBJECT.format(more="<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"), "", 1),
    ],
)
def test_an_unusual_object_is_a_note_with_its_number(tmp_path: Path, text: str, code: str, kept: int) -> None:
    source = voc(tmp_path / "source", _1=voc_text(text))
    conversion = convert(source, "voc", tmp_path / "out")
    assert codes(conversion) == ({code: 1} if code else {}) | {"shared-out": 1}
    assert sum(conversion.boxes.values()) == 3 + kept


@pytest.mark.parametrize("size", ["", "<size></size>", SIZE_TEXT.replace("200", "0"), SIZE_TEXT.replace("200", "wide")])
def test_a_size_that_is_not_written_is_read_from_the_image(tmp_path: Path, size: str) -> None:
    conversion = convert(voc(tmp_path / "source", _1=voc_text(size=size)), "voc", tmp_path / "out")
    assert codes(conversion)["no-size"] == 1
    assert sum(conversion.boxes.values()) == 4


@pytest.mark.parametrize("text", [BOMB, OUTSIDE, "<annotation>", "", "no xml", "<annotation>\x01</annotation>"])
def test_a_file_that_cannot_be_read_is_told_and_the_others_are_used(tmp_path: Path, text: str) -> None:
    conversion = convert(voc(tmp_path / "source", _1=text), "voc", tmp_path / "out")
    assert codes(conversion)["unreadable"] == 1
    assert sum(conversion.boxes.values()) == 3


def test_another_kind_of_xml_is_passed_over(tmp_path: Path) -> None:
    conversion = convert(voc(tmp_path / "source", _1="<project/>"), "voc", tmp_path / "out")
    assert codes(conversion)["other-file"] == 1


def test_without_any_readable_file_the_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="none of the 2 XML files is one of Pascal VOC"):
        convert(voc(tmp_path / "source", images=2, _1=BOMB, _2="<a/>"), "voc", tmp_path / "out")


def test_a_bom_and_an_encoding_are_read(tmp_path: Path) -> None:
    source = voc(tmp_path / "source")
    file = source / "Annotations" / "1.xml"
    file.write_bytes(
        (
            '<?xml version="1.0" encoding="utf-16"?>' + voc_text(OBJECT.format(more="").replace("cat", "Kätzchen"))
        ).encode("utf-16")
    )
    assert "Kätzchen" in convert(source, "voc", tmp_path / "out").names


def test_lists_make_the_splits(tmp_path: Path) -> None:
    source = voc(tmp_path / "source", images=6, lists={"train": ["1", "2"], "val": ["3", "4 1"], "test": ["5.jpg"]})
    conversion = convert(source, "voc", tmp_path / "out")
    assert conversion.images == {"train": 2, "val": 2, "test": 1}
    assert codes(conversion) == {"unlisted": 1}


def test_trainval_is_divided_where_train_has_no_list(tmp_path: Path) -> None:
    source = voc(tmp_path / "source", images=6, lists={"trainval": list("1234"), "test": list("56")})
    conversion = convert(source, "voc", tmp_path / "out")
    assert conversion.images["train"] + conversion.images["val"] == 4
    assert codes(conversion) == {"shared-out": conversion.images["val"]}


def test_trainval_beside_train_and_val_adds_nothing(tmp_path: Path) -> None:
    lists = {"train": ["1", "2"], "val": ["3", "4"], "trainval": list("1234")}
    assert codes(convert(voc(tmp_path / "source", lists=lists), "voc", tmp_path / "out")) == {}


def test_a_listed_image_without_xml_is_told(tmp_path: Path) -> None:
    source = voc(tmp_path / "source", lists={"train": ["1", "2", "nine"], "val": ["3", "4"]})
    assert codes(convert(source, "voc", tmp_path / "out")) == {"no-annotation": 1}


def test_an_image_without_xml_is_told(tmp_path: Path) -> None:
    source = voc(tmp_path / "source")
    picture(source / "JPEGImages" / "bare.jpg")
    assert codes(convert(source, "voc", tmp_path / "out"))["no-annotation"] == 1


def test_an_image_that_is_not_on_disk_is_told(tmp_path: Path) -> None:
    source = voc(tmp_path / "source")
    (source / "JPEGImages" / "1.jpg").unlink()
    assert codes(convert(source, "voc", tmp_path / "out"))["no-image"] == 1


def test_a_file_name_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    source = voc(tmp_path / "source", _1=voc_text(name="../../../outside.jpg"))
    (source / "JPEGImages" / "1.jpg").unlink()
    picture(tmp_path / "outside.jpg")
    conversion = convert(source, "voc", tmp_path / "out")
    assert (codes(conversion)["unsafe-name"], codes(conversion)["no-image"]) == (1, 1)


def test_folders_of_images_and_xml_are_splits(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        for number in range(2):
            picture(tmp_path / "source" / split / f"{number}.jpg")
            (tmp_path / "source" / split / f"{number}.xml").write_text(voc_text(name=f"{number}.jpg"))
    assert convert(tmp_path / "source", "voc", tmp_path / "out").images == {"train": 2, "val": 2}


def test_classes_are_sorted_by_name(tmp_path: Path) -> None:
    source = voc(tmp_path / "source", _1=voc_text(edges(1, 1, 9, 9, "zebra"), edges(1, 1, 9, 9, "ant")))
    assert convert(source, "voc", tmp_path / "out").names == ("ant", "cat", "zebra")


def test_the_folder_of_annotations_stands_for_the_set(tmp_path: Path) -> None:
    source = voc(tmp_path / "source")
    assert sum(convert(source / "Annotations", "voc", tmp_path / "out").images.values()) == 4


def test_a_file_is_no_voc_set(tmp_path: Path) -> None:
    source = voc(tmp_path / "source") / "Annotations" / "1.xml"
    with pytest.raises(BadData, match="is a file; VOC annotations are a folder"):
        convert(source, "voc", tmp_path / "out")


def test_a_folder_without_xml_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="holds no XML file"):
        convert(tmp_path, "voc", tmp_path.parent / "out")
