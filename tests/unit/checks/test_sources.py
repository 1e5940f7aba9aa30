"""Whatever is wrong in a data.yaml, in its lists and its folders, is named, and the rest is read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from automl.checks.report import report_of
from automl.checks.scan import scan
from automl.checks.sources import _broken
from automl.errors import BadData
from automl.records import Severity
from tests.builders.checked import findings_of, places_of
from tests.builders.data_folder import BOX, Make, write_image

WRONG = {  # keys of a data.yaml; code of the finding, and splits that are read nevertheless
    "no train": ({"train": None}, "splits/absent", ["val"]),
    "no val": ({"val": None}, "splits/absent", ["train"]),
    "valid": ({"val": None, "valid": "images/val"}, "splits/absent", ["train"]),
    "wrong folder": ({"val": "images/vall"}, "splits/source", ["train"]),
    "a number": ({"val": 3}, "splits/value", ["train"]),
    "a list of numbers": ({"val": [3]}, "splits/value", ["train"]),
    "archive": ({"val": "val.zip"}, "splits/source", ["train"]),
    "image": ({"val": "images/val/a.jpg"}, "splits/source", ["train"]),
    "wrong path": ({"path": "/nowhere/at/all"}, "data/path", ["train", "val"]),
    "path of a number": ({"path": 7}, "data/path", ["train", "val"]),
    "nc": ({"nc": 3}, "data/names", ["train", "val"]),
    "nc of text": ({"nc": "two"}, "data/names", ["train", "val"]),
    "no names": ({"names": None}, "data/names", ["train", "val"]),
    "empty names": ({"names": []}, "data/names", ["train", "val"]),
    "names of text": ({"names": "cat"}, "data/names", ["train", "val"]),
    "ids with a gap": ({"names": {0: "cat", 2: "dog"}}, "data/names", ["train", "val"]),
    "channels": ({"channels": 0}, "data/keys", ["train", "val"]),
    "keypoints": ({"kpt_shape": "x"}, "data/keys", ["train", "val"]),
    "endless keypoints": ({"kpt_shape": [float("inf"), 3]}, "data/keys", ["train", "val"]),
    "endless ids": ({"names": {float("inf"): "cat", 0: "dog"}}, "data/names", ["train", "val"]),
    "a billion classes": ({"names": None, "nc": 10**9}, "data/names", ["train", "val"]),
    "endless nc": ({"nc": float("inf")}, "data/names", ["train", "val"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_an_error_and_the_rest_is_read(make: Make, name: str) -> None:
    keys, code, splits = WRONG[name]
    data = make(**keys)
    (data.parent / "val.zip").write_bytes(b"PK\x03\x04")
    report = report_of(scan(data, pixels=False))
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    assert [error.code for error in errors] == [code]
    assert list(report.splits) == splits
    assert errors[0].title
    assert errors[0].advice
    assert not report.trainable


def test_labels_are_counted_by_number_where_no_name_is_known(make: Make) -> None:
    data = make(names=None)
    (data.parent / "labels/train/a.txt").write_text("4 0.5 0.5 0.2 0.2\n")
    facts = scan(data, pixels=False)
    assert facts.names == tuple(f"class_{number}" for number in range(5))
    assert facts.splits["train"].problems == ()


def test_of_several_folders_those_that_exist_are_read(make: Make) -> None:
    data = make(train=["images/train", "images/gone", "images/lost"])
    findings = [finding for finding in report_of(scan(data)).findings if finding.code == "splits/source"]
    assert [place.line for finding in findings for place in finding.places] == [1, 1]
    assert len(scan(data).splits["train"].images) == 2


def test_a_split_without_images_is_an_error(make: Make) -> None:
    data = make()
    for image in (data.parent / "images/val").iterdir():
        image.unlink()
    finding = findings_of(data)["splits/empty"]
    assert (finding.split, finding.severity) == ("val", Severity.ERROR)
    assert "labels/none" not in findings_of(data)


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "a: 1\na: 2\n", "\0", "just text"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "data.yaml"
    file.write_text(text)
    with pytest.raises(BadData):
        scan(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.yaml", tmp_path):
        with pytest.raises(BadData):
            scan(path)


def test_every_line_of_a_list_is_accounted_for(make: Make) -> None:
    data = make(train="list.txt")
    lines = (
        "./images/train/a.jpg",
        "",
        "# comment",
        "./images/train/gone.jpg",
        "images/train/b.jpg",
        "./images/no.jpg",
    )
    (data.parent / "list.txt").write_text("\r\n".join(lines))
    assert places_of(data, "lists/no-image") == [("list.txt", 3)]
    assert places_of(data, "lists/missing") == [("list.txt", 4), ("list.txt", 6)]
    assert places_of(data, "lists/relative") == [("list.txt", 5)]
    assert len(scan(data).splits["train"].images) == 2


@pytest.mark.parametrize("content", ["./images/train/a.jpg\n".encode("utf-16"), b"\xff\xfe\0"])
def test_a_list_that_is_no_text_is_an_error(make: Make, content: bytes) -> None:
    data = make(train="list.txt")
    (data.parent / "list.txt").write_bytes(content)
    assert places_of(data, "splits/source") == [("list.txt", 1)]


@pytest.mark.parametrize("text", ["x" * 5000, "a\0b", "~nobody\0"])
def test_a_folder_that_is_no_path_is_an_error(make: Make, text: str) -> None:
    for key in ("val", "path"):
        assert {"splits/source", "data/path"} & {*findings_of(make(**{key: text}))}


def test_a_data_yaml_that_is_no_path_is_refused() -> None:
    for text in ("x" * 5000 + ".yaml", "a\0.yaml"):
        with pytest.raises(BadData):
            scan(text)


def test_a_source_in_a_circle_of_links_is_an_error(make: Make) -> None:
    data = make(val="round")
    (data.parent / "round").symlink_to(data.parent / "round")
    assert findings_of(data)["splits/source"].severity is Severity.ERROR


@pytest.mark.parametrize("line", ["x" * 5000 + ".jpg", "a\0b.jpg"])
def test_a_line_that_is_no_path_is_missing(make: Make, line: str) -> None:
    data = make(train="list.txt")
    (data.parent / "list.txt").write_text(f"./images/train/a.jpg\n{line}\n")
    assert places_of(data, "lists/missing") == [("list.txt", 2)]


@pytest.mark.parametrize("target", [".", "..", "deep"])
def test_a_loop_of_links_is_an_error_and_images_are_read_once(make: Make, target: str) -> None:
    data = make()
    write_image(data.parent / "images/train/deep/c.jpg", BOX)
    holder = data.parent / ("images/train/deep" if target == "deep" else "images/train")
    (holder / "loop").symlink_to(data.parent / "images/train" / target)
    train = scan(data).splits["train"]
    assert findings_of(data)["images/link-loop"].places[0].file == str(holder / "loop")
    assert len(train.images) == len({*train.images}) == 3


def test_links_that_lead_to_each_other_end(make: Make) -> None:
    data = make()
    for one, other in (("one", "two"), ("two", "one")):
        write_image(data.parent / f"images/train/{one}/c.jpg", BOX)
        (data.parent / f"images/train/{one}/on").symlink_to(data.parent / f"images/train/{other}")
    assert findings_of(data)["images/link-loop"].count == 2
    assert len(scan(data).splits["train"].images) == 6


def test_a_link_to_other_images_is_followed(make: Make) -> None:
    data = make()
    (data.parent / "images/train/more").symlink_to(data.parent / "images/val")
    assert len(scan(data).splits["train"].images) == 4
    assert "images/link-loop" not in findings_of(data)


def test_two_loops_are_read_in_no_time(make: Make) -> None:
    data = make()
    for name in ("one", "two", "three"):
        (data.parent / "images/train" / name).symlink_to(data.parent / "images/train")
    assert findings_of(data)["images/link-loop"].count == 3


def test_a_folder_named_like_an_image_and_other_files_are_named(make: Make) -> None:
    data = make()
    write_image(data.parent / "images/train/c.jpg/d.jpg", BOX)
    (data.parent / "images/train/e.gif").write_bytes(b"GIF89a")
    assert places_of(data, "images/folder-named-like-image") == [("c.jpg", None)]
    assert places_of(data, "images/left-out") == [("e.gif", None)]
    titles = [findings_of(data)[f"images/{code}"].title for code in ("folder-named-like-image", "left-out")]
    assert titles[0] == "1 folder of train is named like an image."
    assert titles[1] == "1 file of train is left out: Ultralytics does not read it as an image."


def test_what_is_broken_has_a_way_out_that_can_be_taken(make: Make) -> None:
    data = make(train="nowhere")
    assert findings_of(data)["splits/source"].advice
    assert BadData(data, "is bad.", way_out="Mend it.").way_out == "Mend it."
    assert (
        _broken("data/keys", BadData(data, "is bad.", line=3)).advice
        == "Correct line 3 of data.yaml, then check again."
    )
    assert _broken("data/keys", BadData(data, "is bad.", way_out="Mend it.")).advice == "Mend it."


READ = """
import os, sys
from automl.checks.report import report_of
from automl.checks.scan import scan
report_of(scan(sys.argv[1]))  # loads everything, which another user may not be allowed to
if os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
for finding in report_of(scan(sys.argv[1], pixels=False)).findings:
    for place in finding.places:
        print(finding.code, place.file)
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_what_may_not_be_read_is_named(make: Make, tmp_path: Path) -> None:
    data = make()
    write_image(tmp_path / "images/train/closed/c.jpg", BOX)
    closed = [tmp_path / "images/train/closed", tmp_path / "images/train/b.jpg", tmp_path / "labels/train/a.txt"]
    opened = [
        folder
        for folder in (tmp_path, *tmp_path.parents)
        if folder.stat().st_uid == os.geteuid() and folder != Path("/")
    ]
    modes = {path: path.stat().st_mode for path in (*closed, *opened)}
    try:
        for path in opened:
            path.chmod(modes[path] | 0o055)
        for path in closed:
            path.chmod(0)  # which root does not mind
        done = subprocess.run([sys.executable, "-c", READ, str(data)], capture_output=True, text=True, check=False)
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    expected = {"images/folder-closed": closed[0], "images/unreadable": closed[1], "labels/unreadable": closed[2]}
    assert {f"{code} {path}" for code, path in expected.items()} <= {*done.stdout.splitlines()}, done.stderr


@pytest.mark.parametrize(("key", "value"), [("kpt_shape", [1, 3]), ("masks_dir", "masks")])
def test_other_tasks_are_named(make: Make, key: str, value: object) -> None:
    assert findings_of(make(**{key: value}))["data/other-task"].severity is Severity.NOTE


def test_names_that_yaml_reads_otherwise_and_repeated_ones_are_named(make: Make) -> None:
    data = make()
    data.write_text(data.read_text().replace("- cat", "- yes"))
    assert findings_of(data)["data/names-read-otherwise"].places[0].text == "'yes' is read as 'True'"
    assert findings_of(make(names=["cat", "cat"]))["data/names-repeated"].count == 1


def test_a_relative_path_is_a_note(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make(path="images", train="train", val="val")
    assert findings_of(data)["data/path-relative"].severity is Severity.NOTE


@pytest.mark.parametrize("test", ["images/gone", 3, "list.txt"])
def test_a_test_split_that_cannot_be_read_is_a_warning(make: Make, test: object) -> None:
    data = make(test=test)
    (data.parent / "list.txt").write_text("./gone.jpg")
    report = report_of(scan(data))
    assert report.trainable
    assert [
        finding.split for finding in report.of(Severity.WARNING) if finding.code.startswith(("splits/", "lists/"))
    ] == ["test"]


def test_splits_that_are_not_asked_for_are_not_read(make: Make) -> None:
    facts = scan(make(test="images/gone"), splits=("val",))
    assert (list(facts.splits), facts.noted) == (["val"], ())
