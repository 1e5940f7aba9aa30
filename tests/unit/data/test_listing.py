"""Files that are left out of a split, and said to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.data import read_dataset
from automl.data.listing import list_images
from automl.errors import BadData
from tests.builders.data_folder import BOX, Make, image_bytes, write_image


def listed(folder: Path, *names: str) -> tuple[str, ...]:
    """Notes on a folder with an image and these files."""
    for name in ("a.jpg", *names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(image_bytes())
    return list_images(folder).notes


@pytest.mark.parametrize(
    "names", [(), ("b.JPG", "c.Png"), ("a.txt", "a.jpg.json", "x.cache", "a.npy", "README", "._a.jpg")]
)
def test_images_and_what_lies_beside_them_need_no_word(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert listed(tmp_path, *names) == ()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("b.gif",), "1 .gif file is left out: Ultralytics does not read them as images, b.gif in"),
        (("b.gif", "c.gif", "d.jfif"), "2 .gif and 1 .jfif files are left out"),
        (("b.jpg.txt",), "1 .txt file is left out"),
        ((".b.jpg",), "1 hidden file is left out"),
        (("0badcafe",), "1 unnamed kind of file is left out"),
        (("deep/b.mp4",), "deep/b.mp4 in"),
        (("a.1", "a.2", "a.3", "a.4", "a.5", "a.6"), "and 2 further files are left out"),
    ],
)
def test_what_may_have_been_meant_as_an_image_is_counted(tmp_path: Path, names: tuple[str, ...], words: str) -> None:
    (note,) = listed(tmp_path, *names)
    assert words in note


def test_lines_of_a_list_that_name_no_image_are_counted(tmp_path: Path) -> None:
    listed(tmp_path)
    (tmp_path / "list.txt").write_text("./a.jpg\n\n./a.gif\n./a.jpg \n")
    assert list_images(tmp_path / "list.txt").notes == (
        f"2 lines name no image that Ultralytics reads, and so left out: {tmp_path / 'list.txt'}:3: './a.gif' for one.",
    )


def test_notes_are_those_of_every_split(make: Make, tmp_path: Path) -> None:
    file = make()
    (tmp_path / "images/val/c.gif").write_bytes(b"GIF89a")
    (note,) = read_dataset(file).notes
    assert "c.gif" in note


@pytest.mark.parametrize("count", [0, 3])
def test_many_images_without_a_label_file_are_said(make: Make, tmp_path: Path, count: int) -> None:
    file = make()
    for number in range(10):
        write_image(tmp_path / f"images/train/x{number}.jpg", None if number < count else BOX)
    notes = read_dataset(file).notes
    assert [note.partition(":")[0] for note in notes] == (
        ["3 of 12 train images have no label file and count as images without objects"] if count else []
    )


@pytest.mark.parametrize(("names", "count"), [((), ""), (("x",), "1 label file of"), (("x", "y"), "2 label files of")])
def test_label_files_without_an_image_are_said(make: Make, tmp_path: Path, names: tuple[str, ...], count: str) -> None:
    file = make()
    for name in (*names, "classes"):
        (tmp_path / f"labels/train/{name}.txt").write_text(BOX)
    notes = read_dataset(file).notes
    assert [note.partition(" train")[0] for note in notes] == ([count] if count else [])
    (tmp_path / "list.txt").write_text("images/train/a.jpg\n")
    assert read_dataset(make(train="list.txt")).notes == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [("train.json", "COCO"), ("train.ndjson", "Ultralytics Platform"), ("train.zip", "an archive"), ("t.xml", "VOC")],
)
def test_annotations_of_other_tools_are_no_split(make: Make, tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(BadData, match=rf"{name}: is .*{words}.* Needed are folders of images"):
        read_dataset(make(train=name))


def test_labels_that_were_not_fetched_from_git_lfs_are_said_to_be(make: Make, tmp_path: Path) -> None:
    file = make()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"
    (tmp_path / "labels/train/a.txt").write_text(pointer)
    with pytest.raises(BadData, match=r"a\.txt: a pointer of Git LFS, not the file itself; .*`git lfs pull`"):
        read_dataset(file)
    file.write_text(pointer)
    with pytest.raises(BadData, match=r"data\.yaml: a pointer of Git LFS"):
        read_dataset(file)


def test_a_link_in_a_circle_is_refused(make: Make, tmp_path: Path) -> None:
    data = make()
    (tmp_path / "images/train/round").symlink_to(tmp_path / "images")
    with pytest.raises(BadData, match="images/train/round: is a link to a folder that holds it; remove it"):
        read_dataset(data)


@pytest.mark.parametrize(("content", "line"), [(b"\xff\xfea", 1), (b"a.jpg\r\nb.jpg\n\xe4.jpg\n", 3)])
def test_a_list_that_is_not_utf_8_names_its_line(tmp_path: Path, content: bytes, line: int) -> None:
    (tmp_path / "train.txt").write_bytes(content)
    with pytest.raises(BadData, match=rf"train\.txt:{line}: .*not in UTF-8"):
        list_images(tmp_path / "train.txt")
