"""Words of a data check: each is checked before anything is read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from automl.errors import AutoMLError
from automl.setup.data_request import TOP, check_output, request_of
from tests.builders.data_folder import Make

MARK = b"<!-- ours -->"


def test_a_request_has_defaults(make: Make, tmp_path: Path) -> None:
    request = request_of(str(make()), tmp_path)
    assert (request.data, request.splits) == (tmp_path / "data.yaml", ("train", "val", "test"))
    assert (request.baseline, request.price, request.top, request.budgets, request.format) == (
        None,
        False,
        TOP,
        (),
        None,
    )


def test_words_on_a_model_are_read(make: Make, tmp_path: Path) -> None:
    request = request_of(
        make(), tmp_path, baseline=Path("best.pt"), price=True, top=5, budget="30min", fix_list=tmp_path / "a.csv"
    )
    assert (request.baseline, request.price, request.top, request.budgets) == ("best.pt", True, 5, ("30min",))
    assert request.fix_list == tmp_path / "a.csv"
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"price": True}, "--price needs a trained model"),
        ({"fix_list": "a.csv"}, "--fix-list needs a trained model"),
        ({"budget": "30min"}, "--budget needs a trained model"),
        ({"baseline": "a.pt", "price": True, "top": 0}, "--top 0"),
        ({"baseline": "a.pt", "price": True, "top": -1}, "--top -1"),
        ({"baseline": "a.pt", "top": 5}, "--top is the number of labels that are priced"),
        ({"baseline": "a.pt", "budget": "much"}, "much"),
        ({"baseline": "a.pt", "fix_list": "a.txt"}, "ends in .csv"),
        ({"from_": "cocoa"}, "unknown format of annotations 'cocoa'. Did you mean coco?"),
        ({"split": []}, "--split is empty"),
        ({"split": ["Train"]}, "Did you mean train?"),
    ],
)
def test_a_wrong_word_is_a_sentence(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AutoMLError) as error:
        request_of(make(), tmp_path, **options)
    assert sentence in str(error.value)


def test_annotations_of_another_tool_may_be_a_folder(tmp_path: Path) -> None:
    assert request_of(tmp_path, tmp_path, from_="voc").data == tmp_path
    with pytest.raises(AutoMLError, match="no such file or folder"):
        request_of(tmp_path / "gone", tmp_path, from_="coco")


@pytest.mark.parametrize("content", [None, b"", MARK + b"x"])
def test_a_file_of_ours_is_taken_and_stays_until_it_is_written(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "a.html"
    if content is not None:
        file.write_bytes(content)
    assert check_output(file, "html", (".html",), MARK) == file
    assert (file.read_bytes() if file.exists() else None) == content


def test_a_file_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    file.write_bytes(b"mine")
    with pytest.raises(AutoMLError, match="is none of automl's"):
        check_output(file, "html", (".html",), MARK)
    assert file.read_bytes() == b"mine"


@pytest.mark.parametrize("there", [True, False])
def test_an_output_is_never_written_through_a_link(tmp_path: Path, there: bool) -> None:
    target, link = tmp_path / "label.txt", tmp_path / "a.html"
    if there:
        target.write_bytes(MARK)
    link.symlink_to(target)
    with pytest.raises(AutoMLError, match=r"a\.html: a link, which is not written through"):
        check_output(link, "html", (".html",), MARK)
    assert target.exists() is there
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.html", *(["label.txt"] if there else [])]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with a name")
def test_a_pipe_is_no_output(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.html")
    with pytest.raises(AutoMLError, match="not a regular file"):
        check_output(tmp_path / "a.html", "html", (".html",), MARK)


def test_a_large_output_is_not_read_whole_and_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    with file.open("wb") as stream:
        stream.write(MARK)
        stream.truncate(1 << 40)
    assert check_output(file, "html", (".html",), MARK) == file
    assert file.stat().st_size == 1 << 40


@pytest.mark.parametrize("name", ["x" * 300 + ".html", "a\0b.html"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AutoMLError, match="cannot be written"):
        check_output(tmp_path / name, "html", (".html",), MARK)
    assert list(tmp_path.iterdir()) == []
