"""Image files that cannot be trained on: which, why and how many, before anything is trained."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from automl.data import examination, read_dataset
from automl.data.examination import examine
from automl.errors import BadData
from tests.builders.damaged import DAMAGED, LFS, SOUND
from tests.builders.data_folder import BOX, Make, image_bytes, write_image


def spoil(image: Path, name: str) -> Path:
    """Another content for an image."""
    image.write_bytes(DAMAGED[name].content)
    return image


def refusal(file: Path, *, test: bool = False, home: Path | None = None) -> str:
    with pytest.raises(BadData) as caught:
        examine(read_dataset(file), test=test, home=home)
    return str(caught.value)


@pytest.mark.parametrize("name", SOUND)
def test_sound_images_pass(make: Make, tmp_path: Path, name: str) -> None:
    image = write_image(tmp_path / f"images/train/z.{SOUND[name].suffix}", BOX)
    image = tmp_path / f"images/train/z.{SOUND[name].suffix}"
    image.write_bytes(SOUND[name].content)
    notes = examine(read_dataset(make()), test=True)
    assert bool(notes) == (name == "JPEG with more behind its end")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", "an empty file; "),
        ("web page", "a web page, not an image; "),
        ("pointer of Git LFS", "a pointer of Git LFS, not the file itself; "),
        ("GIF called jpg", "a GIF; "),
        ("zero bytes", "nothing but zero bytes; "),
        ("text", "text, not an image; "),
        ("9 pixels high", "40 x 9 pixels, under 10 in a side; "),
        ("half a JPEG", "a damaged or cut off JPEG image; "),
        ("half a PNG", "a damaged or cut off PNG image; "),
        ("half a BMP", "a BMP image that OpenCV does not decode"),
    ],
)
def test_a_file_is_named_with_what_it_is_and_a_way_out(make: Make, tmp_path: Path, name: str, words: str) -> None:
    image = spoil(tmp_path / "images/train/b.jpg", name) if make() else tmp_path
    text = refusal(tmp_path / "data.yaml")
    assert text.startswith(f"{image}: {words}")
    assert any(way in text for way in ("remove it and its labels", "Remove it and its labels", "`git lfs pull`"))


def test_the_first_is_named_and_all_are_counted_by_reason(make: Make, tmp_path: Path) -> None:
    file = make()
    for number in range(5):
        write_image(tmp_path / f"images/train/x{number}.jpg", BOX)
        spoil(tmp_path / f"images/train/x{number}.jpg", "web page")
    spoil(tmp_path / "images/val/b.jpg", "empty")
    text = refusal(file)
    assert f"{tmp_path / 'images/train/x0.jpg'}: a web page, not an image" in text
    assert "6 of 9 images cannot be used (5 x a web page, not an image; 1 x an empty file)" in text
    assert "after this one train/x1.jpg, train/x2.jpg, train/x3.jpg and 2 more." in text


def test_where_all_are_pointers_it_is_said_that_it_is_git_lfs(make: Make, tmp_path: Path) -> None:
    file = make()
    for image in (tmp_path / "images").rglob("*.jpg"):
        image.write_bytes(LFS)
    text = refusal(file)
    assert (
        "a pointer of Git LFS, not the file itself, as are all 4 images. Fetch the images with `git lfs pull`" in text
    )


def test_the_test_split_counts_where_it_is_measured(make: Make, tmp_path: Path) -> None:
    file = make(splits=("train", "val", "test"))
    spoil(tmp_path / "images/test/a.jpg", "web page")
    assert examine(read_dataset(file), test=False) == ()
    assert "Or leave the test split out with --no-test." in refusal(file, test=True)


def test_a_jpeg_that_ultralytics_would_write_anew_is_left_as_it_is(make: Make, tmp_path: Path) -> None:
    file, image = make(), tmp_path / "images/train/a.jpg"
    image.write_bytes(image_bytes() + b"\0\0")
    (note,) = examine(read_dataset(file), test=False, home=tmp_path / "home")
    assert note.startswith(f"1 JPEG file goes on behind the end of the image, {image}: it is read and left as it is.")
    assert image.read_bytes() == image_bytes() + b"\0\0"
    assert examine(read_dataset(file), test=False, home=tmp_path / "home") == (note,)


def test_files_that_did_not_change_are_not_examined_again(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, home, images = make(), tmp_path / "home", []
    monkeypatch.setattr(examination, "judge", lambda image, channels: images.append(image) or original(image, channels))
    examine(read_dataset(file), test=False, home=home)
    assert len(set(images)) == 4
    images.clear()
    examine(read_dataset(file), test=False, home=home)
    assert images == []
    spoil(tmp_path / "images/val/b.jpg", "web page")
    assert "b.jpg: a web page" in refusal(file, home=home)
    assert set(images) == {str(tmp_path / "images/val/b.jpg")}


original = examination.judge


def test_a_file_that_changed_in_nothing_but_its_time_is_examined_again(make: Make, tmp_path: Path) -> None:
    file, image, home = make(), tmp_path / "images/val/b.jpg", tmp_path / "home"
    examine(read_dataset(file), test=False, home=home)
    image.write_bytes(b"\0" * image.stat().st_size)
    os.utime(image, ns=(1, 1))
    assert "zero bytes" in refusal(file, home=home)


@pytest.mark.parametrize("content", ["", "[", "[]", '{"state": 1}', '{"state": "%s", "sound": [1]}'])
def test_a_memory_that_cannot_be_read_is_made_anew(make: Make, tmp_path: Path, content: str) -> None:
    file, home = make(), tmp_path / "home"
    examine(read_dataset(file), test=False, home=home)
    (memory,) = (home / "examined").iterdir()
    state = json.loads(memory.read_text())["state"]
    memory.write_text(content.replace("%s", state))
    spoil(tmp_path / "images/val/b.jpg", "web page")
    assert "a web page" in refusal(file, home=home)


def test_a_home_that_cannot_be_written_does_no_harm(make: Make, tmp_path: Path) -> None:
    file = make()
    assert examine(read_dataset(file), test=False, home=file / "home") == ()


def test_many_images_are_announced(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "MANY", 3)
    said: list[str] = []
    examine(read_dataset(make()), test=False, say=said.append)
    assert said == ["Examining 4 images, once: those that do not change are remembered ..."]
