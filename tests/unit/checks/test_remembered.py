"""Facts of unchanged images come from the last check; whatever changed is read again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from automl.checks import scan as scanning
from automl.checks.facts import Facts
from automl.checks.reading import Part, Reading, read_part
from automl.checks.scan import scan
from tests.builders.data_folder import BOX, Make, image_bytes, write_image


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the images that are read from their files."""
    names: list[str] = []

    def noting(images: list[str], reading: Reading) -> Part:
        names.extend(Path(image).name for image in images)
        return read_part(images, reading)

    monkeypatch.setattr(scanning, "read_part", noting)
    return names


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def same(one: Facts, other: Facts) -> bool:
    """True for equal facts of all splits."""
    for name, split in one.splits.items():
        for key, value in vars(split).items():
            theirs = getattr(other.splits[name], key)
            equal = (
                np.array_equal(value, theirs, equal_nan=value.dtype.kind == "f")
                if isinstance(value, np.ndarray)
                else value == theirs
            )
            if not equal:
                return False
    return one.names == other.names


@pytest.mark.parametrize("pixels", [False, True])
def test_a_second_check_reads_nothing(make: Make, home: Path, read: list[str], pixels: bool) -> None:
    data = make()
    (data.parent / "images/train/a.jpg").write_bytes(b"text")
    (data.parent / "labels/val/a.txt").write_text("0 0.5 0.5 0.1 0.1\nx\n")
    first = scan(data, pixels=pixels, home=home)
    assert sorted(read) == ["a.jpg", "a.jpg", "b.jpg", "b.jpg"]
    read.clear()
    assert same(scan(data, pixels=pixels, home=home), first)
    assert read == []


def added(folder: Path) -> None:
    write_image(folder / "images/train/aa.jpg", BOX + "1 0.2 0.2 0.1 0.1\n")


def removed(folder: Path) -> None:
    (folder / "images/train/a.jpg").unlink()


def relabelled(folder: Path) -> None:
    (folder / "labels/train/a.txt").write_text("1 0.1 0.1 0.1 0.1\n0 0.3 0.3 0.1 0.1\n9 1 1 1 1\n")


def unlabelled(folder: Path) -> None:
    (folder / "labels/train/b.txt").unlink()


def replaced(folder: Path) -> None:
    (folder / "images/train/b.jpg").write_bytes(image_bytes("PNG", (64, 48)))


def touched(folder: Path) -> None:
    os.utime(folder / "images/train/b.jpg", ns=(1, 1))


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (added, ["aa.jpg"]),
        (removed, []),
        (relabelled, ["a.jpg"]),
        (unlabelled, ["b.jpg"]),
        (replaced, ["b.jpg"]),
        (touched, ["b.jpg"]),
    ],
)
def test_only_what_changed_is_read_again(
    make: Make, home: Path, read: list[str], change: Callable[[Path], None], names: list[str]
) -> None:
    data = make()
    scan(data, home=home)
    read.clear()
    change(data.parent)
    facts = scan(data, home=home)
    assert read == names
    assert same(facts, scan(data))


def test_other_classes_let_everything_be_read_again(make: Make, home: Path, read: list[str]) -> None:
    scan(make(), home=home)
    read.clear()
    scan(make(names=["cat", "dog", "bird"]), home=home)
    assert len(read) == 4


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04" + b"\0" * 100, None])
def test_a_damaged_memory_is_passed_over(make: Make, home: Path, content: bytes | None) -> None:
    data = make()
    first = scan(data, home=home)
    files = sorted((home / "checks").glob("*.npz"))
    assert len(files) == 2
    for file in files:
        file.write_bytes(file.read_bytes()[:-200] if content is None else content)
    assert same(scan(data, home=home), first)


def test_a_memory_of_other_shapes_is_passed_over(make: Make, home: Path) -> None:
    data = make()
    first = scan(data, home=home)
    for file in (home / "checks").glob("*.npz"):
        with np.load(file) as arrays:
            content = dict(arrays)
        np.savez(file, **{**content, "boxes": content["boxes"][:-1]})
    assert same(scan(data, home=home), first)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("boxes", np.nan),
        ("boxes", np.inf),
        ("boxes", -0.5),
        ("box_class", -1),
        ("box_class", 99),
        ("box_line", 0),
        ("width", -1),
    ],
)
def test_a_memory_of_impossible_facts_is_passed_over(make: Make, home: Path, name: str, value: float) -> None:
    data = make()
    first = scan(data, home=home)
    for file in (home / "checks").glob("*.npz"):
        with np.load(file) as arrays:
            content = dict(arrays)
        content[name] = np.full_like(content[name], value)
        np.savez(file, **content)
    assert same(scan(data, home=home), first)


def test_a_memory_of_negative_counts_is_passed_over(make: Make, home: Path) -> None:
    data = make()
    write_image(data.parent / "images/train/b.jpg", BOX)
    first = scan(data, home=home)
    for file in (home / "checks").glob("*-train-*.npz"):
        with np.load(file) as arrays:
            content = dict(arrays)
        assert len(content["counts"]) > 1
        content["counts"] = np.array([content["counts"].sum() + 1, -1, *content["counts"][2:] * 0], np.int32)
        np.savez(file, **content)
    assert same(scan(data, home=home), first)


def test_a_home_that_cannot_be_written_to_is_no_problem(make: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert scan(make(), home=tmp_path / "file" / "home").splits


def test_several_checks_at_once_agree(make: Make, home: Path) -> None:
    data = make()
    first = scan(data)
    with ThreadPoolExecutor(4) as pool:
        every = list(pool.map(lambda _: scan(data, home=home), range(8)))
    assert all(same(facts, first) for facts in every)
    assert [file.suffix for file in (home / "checks").iterdir()] == [".npz", ".npz"]


def test_no_file_of_the_data_is_written_to(make: Make, home: Path) -> None:
    data = make()
    (data.parent / "images/train/a.jpg").write_bytes(image_bytes() + b"\0\0")  # which `yolo` would write anew

    def state() -> dict[str, tuple[int, str]]:
        files = [file for file in data.parent.rglob("*") if file.is_file() and home not in file.parents]
        return {str(file): (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files}

    before = state()
    scan(data, home=home)
    assert state() == before


def test_progress_tells_every_split_to_its_end(make: Make, home: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    data = make()
    scan(data, home=home, progress=lambda *step: steps.append(step))
    assert steps == [
        ("images of train", 0, 2),
        ("images of train", 2, 2),
        ("images of val", 0, 2),
        ("images of val", 2, 2),
    ]
    steps.clear()
    scan(data, home=home, progress=lambda *step: steps.append(step))
    assert steps == [("images of train", 2, 2), ("images of val", 2, 2)]
