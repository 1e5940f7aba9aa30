"""Command lines, word by word as a shell reads them."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from automl.files.shell import quoted, unfit_for_yolo, variable, yolo_train

NAMES = (
    "hyp.yaml",
    "my dir/hyp.yaml",
    "it's.yaml",
    'a "b".yaml',
    "größe.yaml",
    "-x.yaml",
    "a=b.yaml",
    "$HOME;`ls`&.yaml",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_quoted_command_is_read_back_word_by_word(name: str) -> None:
    words = ["automl", "export", "birds", "-o", name]
    assert shlex.split(quoted(*words, windows=False)) == words
    assert shlex.split(yolo_train(name, windows=False)) == ["yolo", "detect", "train", f"cfg={name}"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_a_shell_reads_the_very_words(name: str) -> None:
    show = [sys.executable, "-c", "import sys; print(sys.argv[1:])", name, f"cfg={name}"]
    done = subprocess.run(quoted(*show), shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr(show[3:])


def test_what_needs_no_quotes_gets_none() -> None:
    assert yolo_train("runs/hyp.yaml", windows=False) == "yolo detect train cfg=runs/hyp.yaml"
    assert yolo_train(r"C:\runs\hyp.yaml", windows=True) == r"yolo detect train cfg=C:\runs\hyp.yaml"


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (r"C:\my dir\hyp.yaml", r'"C:\my dir\hyp.yaml"'),
        ("a&b.yaml", '"a&b.yaml"'),
        ("a>b\\", '"a>b\\\\"'),
        ("a\"b'c", '"a\\"b\'c"'),
    ],
)
def test_on_windows_double_quotes_keep_what_its_shell_would_take(word: str, text: str) -> None:
    assert quoted(word, windows=True) == text


def test_a_variable_is_written_as_the_shell_expands_it() -> None:
    assert (variable("A", windows=False), variable("A", windows=True)) == ('"$A"', '"%A%"')


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *((name, "") for name in NAMES),
        ("a [1]/hyp.yml", ""),
        ("recipe", "files that end in .yaml"),
        ("a/hyp.json", "files that end in .yaml"),
        ("a [1/hyp.yaml", "brackets"),
        ("what?.yaml", "address"),
        (" hyp.yaml", "spaces"),
        ("a\nb.yaml", "line breaks"),
        ("yolov5/menu.yaml", "u.yaml"),
    ],
)
def test_a_path_that_yolo_cannot_read_is_known(name: str, reason: str) -> None:
    found = unfit_for_yolo(name)
    assert reason in found if reason else found == ""
