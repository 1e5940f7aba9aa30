"""Pipes and devices in the place of a file neither wait nor fill the memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from automl.data.conversion.coco import read_coco
from automl.data.conversion.notes import Notes
from automl.data.conversion.voc import read_voc
from automl.data.document import read_document
from automl.data.labels import LabelRules, RowFault, read_rows
from automl.data.listing import list_images
from automl.data.pixels import judge
from automl.errors import BadData
from automl.files.regular import is_file, open_regular, read_regular_text
from tests.builders.checked import findings_of
from tests.builders.data_folder import Make

REASON = "not a regular file"


@pytest.fixture(params=["pipe", "/dev/zero", "/dev/full"])
def special(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A pipe that nobody writes to, or a device that has no end."""
    if request.param != "pipe":
        if not Path(request.param).is_char_device():
            pytest.skip(f"the system has no {request.param}")
        return Path(request.param)
    if not hasattr(os, "mkfifo"):
        pytest.skip("the system has no pipes with a name")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def put(special: Path, place: Path) -> Path:
    """The special file under a name of its own."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(special)
    return place


def test_a_file_is_read_with_a_mark_of_its_encoding_or_without(tmp_path: Path) -> None:
    for content in (b"\xef\xbb\xbfab", b"ab"):
        (tmp_path / "a.txt").write_bytes(content)
        assert read_regular_text(str(tmp_path / "a.txt")) == "ab"


def test_what_is_no_regular_file_is_not_opened(special: Path) -> None:
    with pytest.raises(OSError, match=REASON):
        open_regular(special)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)


def test_a_special_label_file_is_a_problem(special: Path) -> None:
    rows = read_rows(str(special), LabelRules(nc=1))
    assert [(problem.fault, problem.text) for problem in rows.problems] == [
        (RowFault.FILE, f"cannot be read ({REASON})")
    ]


def test_a_special_image_is_a_flaw(special: Path) -> None:
    flaw = judge(str(special)).flaw
    assert flaw is not None
    assert REASON in flaw.words


def test_a_special_list_of_images_is_refused(special: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=REASON):
        list_images(put(special, tmp_path / "train.txt"))


def test_a_special_document_is_refused(special: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=REASON):
        read_document(put(special, tmp_path / "data.yaml"))


def test_special_annotations_are_refused(special: Path, tmp_path: Path) -> None:
    put(special, tmp_path / "coco" / "a.json")
    with pytest.raises(BadData, match=REASON):
        read_coco(tmp_path / "coco", Notes())
    put(special, tmp_path / "voc" / "Annotations" / "a.xml")
    with pytest.raises(BadData, match="none of the 1 XML files"):
        read_voc(tmp_path / "voc", Notes())


def test_a_special_list_of_classes_is_passed_over(special: Path, make: Make) -> None:
    data = make()
    put(special, data.parent / "labels/train/classes.txt")
    assert "data/class-lists-differ" not in findings_of(data)


def test_a_whole_check_goes_on_beside_special_files(special: Path, make: Make) -> None:
    data = make()
    put(special, data.parent / "labels/train/a.txt")
    put(special, data.parent / "images/train/z.jpg")
    texts = [place.text for finding in findings_of(data).values() for place in finding.places]
    assert sum(REASON in text for text in texts) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_file_below_a_closed_folder_is_not_seen(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    assert not is_file(tmp_path / "closed" / "a.txt")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_no_file_can_have_is_no_file(tmp_path: Path, name: str) -> None:
    assert not is_file(tmp_path / name)
