"""Advice in the package's sentences: every flag, command and file that they name exists, and following it works."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automl.errors import AutoMLError
from automl.page import MANUAL
from automl.records import Slots
from automl.setup.options import SearchRequest
from automl.setup.request import Checked, check
from automl.store.address import BEGIN
from automl.terminal.options import assignments
from tests.builders.requests import make_data
from tests.unit.test_documents import AUTOML, AUTOML_FLAGS, ROOT, flags

# Flags of other programs that sentences and command lines of ours hold.
FOREIGN = {
    "--backend-store-uri": "mlflow",
    "--head": "ray start",
    "--install": "wsl",
    "--logdir": "tensorboard",
    "--query-gpu": "nvidia-smi",
}
FLAG = re.compile(r"(?<![\w-])(?<!var\()--[a-z][a-z0-9-]*(?!\w*\{\}: )")  # no property of a style sheet
COMMAND = re.compile(r"(?<![\w/.-])automl ([a-z]+(?:-[a-z]+)*)((?: [^,;.`\n]*)?)")
NOT_COMMANDS = ("bench",)  # of an earlier version, which says so


def sentences() -> Iterator[tuple[str, str]]:
    """Every text of the package that is no docstring, with its place; `{}` stands for what is filled in."""
    for file in sorted(path for folder in ("automl", "dashboards") for path in (ROOT / folder).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if id(node) not in alone | parts and isinstance(node, ast.JoinedStr | ast.Constant):
                yield f"{file.relative_to(ROOT).as_posix()}:{node.lineno}", text_of(node)


def text_of(node: ast.JoinedStr | ast.Constant) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)


SENTENCES = tuple(sentences())


def test_every_flag_that_a_sentence_names_exists() -> None:
    named = {(flag, place) for place, text in SENTENCES for flag in FLAG.findall(text)}
    assert len(named) > 100
    assert sorted(pair for pair in named if pair[0] not in AUTOML_FLAGS | set(FOREIGN)) == []


def test_every_command_that_a_sentence_names_exists_and_has_its_flags() -> None:
    wrong, count = [], 0
    for place, text in SENTENCES:
        for verb, rest in COMMAND.findall(text):
            if verb not in AUTOML or verb in NOT_COMMANDS:
                continue
            count += 1
            wrong += [
                f"{place}: automl {verb} {flag}"
                for flag in FLAG.findall(rest)
                if flag not in {*flags(AUTOML[verb]), "--help"}
            ]
    assert count > 8
    assert wrong == []


def test_a_command_in_quotes_of_code_is_one_of_ours() -> None:
    quoted = {(verb, place) for place, text in SENTENCES for verb in re.findall(r"`automl ([a-z-]+)", text)}
    assert sorted(pair for pair in quoted if pair[0] not in (*AUTOML, *NOT_COMMANDS)) == []


def test_the_place_in_the_manual_exists() -> None:
    assert MANUAL.startswith("https://github.com/yolo-automl/yolo-automl/blob/main/")
    text = (ROOT / "docs" / "manual.md").read_text(encoding="utf-8")
    assert "\n### Serve other machines\n" in text or "\n## Serve other machines\n" in text


# -- advice, followed ------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data.yaml of two images with a box each."""
    return make_data(tmp_path)


def request(data: Path, **changes: Any) -> SearchRequest:
    plain = SearchRequest(data=data, budgets=("1cpu-h",), weights="none", models=("yolov5n",), imgsz=(64,))
    return replace(plain, **changes)


def checked(request: SearchRequest) -> Checked:
    return check(request, Slots(count=1, device="cpu"))


@pytest.mark.parametrize(
    ("texts", "start"),
    [
        (["lr0=0.001"], "--set lr0=0.001 has no effect"),
        (["lr0=0.1", "momentum=0.9"], "--set lr0=0.1 --set momentum=0.9 have"),
    ],
)
def test_a_rate_that_auto_ignores_is_said_and_the_advice_works(data: Path, texts: list[str], start: str) -> None:
    (note,) = [note for note in checked(request(data, fixed=assignments(texts))).notes if "no effect: the" in note]
    assert note.startswith(start)
    advice = FLAG.split(note)[-1].strip(" .")
    followed = checked(request(data, fixed=assignments([*texts, advice])))
    assert followed.fixed["optimizer"] == "SGD"
    assert not [note for note in followed.notes if "no effect: the" in note]


def test_variants_that_are_chosen_and_named_are_told_where_they_are_named(data: Path) -> None:
    both = request(data, models=(), deploy="mobile", fixed={"model": "yolov5n"})
    with pytest.raises(AutoMLError, match="--deploy mobile chooses the variants, and --set model names them: use one"):
        checked(both)
    checked(replace(both, deploy=None))
    checked(replace(both, fixed={}))


def test_a_search_with_nothing_left_says_how_to_leave_something(data: Path, tmp_path: Path) -> None:
    space = tmp_path / "space.yaml"
    space.write_text("parameters:\n  box: {log: [4.0, 14.0], default: 7.5}\n")
    bare = request(data, space=space, fixed={"box": 7.0})
    with pytest.raises(AutoMLError, match="Set fewer arguments, or name several --models or --imgsz"):
        checked(bare)
    checked(replace(bare, fixed={}))
    checked(replace(bare, imgsz=(64, 96)))
    checked(replace(bare, models=("yolov5n", "yolov5s")))


def test_an_example_of_a_space_is_a_file_that_is_read(data: Path, tmp_path: Path) -> None:
    space = tmp_path / "space.yaml"
    space.write_text("lr0: 0.01\n")
    with pytest.raises(AutoMLError) as caught:
        checked(request(data, space=space))
    example = Path(str(caught.value).rpartition("see ")[2])
    assert checked(request(data, space=example)).space.parameters


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_the_first_command_is_one_for_every_machine(data: Path, device: str) -> None:
    words = shlex.split(BEGIN)
    budget = words[words.index("--budget") + 1]
    assert check(request(data, budgets=(budget,)), Slots(count=1, device=device)).budgets[0].wall_s == 5400
