"""The first hour of a newcomer: twelve commands from nothing to a recipe of production length.

Each reply names what the next command needs, so that nobody has to look into the manual.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.builders.cli import Place

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.long]
LENGTH = 4  # epochs of production here; people leave --train out and get 300
SHORTER = ("--epochs", "2", "--train", str(LENGTH), "--budget", "4", "trials")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, subprocess.CompletedProcess[str]]:
    """Replies by what was typed, in order."""
    pytest.importorskip("sklearn", reason="the demo needs scikit-learn")
    place = Place(tmp_path_factory.mktemp("first hour"))  # with a blank, as home folders have them
    replies: dict[str, subprocess.CompletedProcess[str]] = {}

    def type_in(name: str, *words: str) -> subprocess.CompletedProcess[str]:
        replies[name] = place.run(*words)
        return replies[name]

    type_in("automl")
    demo = type_in("demo-data", "demo-data")
    type_in("bare search", "search", "demo-data/data.yaml")
    type_in("half a search", "search", "--data", "demo-data/data.yml", "--budget", "4", "trials")
    printed = shlex.split(demo.stdout.partition("  automl ")[2].replace("\\\n", " "))
    search = [*printed[: printed.index("--epochs")], *SHORTER]
    type_in("plan", *search, "--dry-run")
    type_in("search", *search)
    type_in("studies", "studies")
    type_in("show", "show")
    type_in("status", "status")
    type_in("note", "note", "demo-data-1", "my first study")
    type_in("export", "export", "-o", "my recipes/hyp.yaml")
    type_in("delete", "delete", "demo-data-1", "--yes")
    replies["files"] = subprocess.CompletedProcess([], 0, (place.folder / "my recipes/hyp.yaml").read_text(), "")
    return replies


def test_only_what_cannot_work_fails_and_nothing_breaks(said: Mapping[str, subprocess.CompletedProcess[str]]) -> None:
    codes = {name: reply.returncode for name, reply in said.items()}
    assert {name for name, code in codes.items() if code} == {"bare search", "half a search"}, said
    assert codes["bare search"] == codes["half a search"] == 2
    assert not [name for name, reply in said.items() if "Traceback" in reply.stdout + reply.stderr]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("automl", "automl demo-data"),
        ("demo-data", "  automl search --data demo-data/data.yaml --models demo-data/tiny.yaml"),
        ("bare search", "Name the data set with: --data demo-data/data.yaml"),
        ("half a search", "no such file. Did you mean data.yaml"),
        ("plan", "Nothing was trained. Begin with the same command, without --dry-run."),
        ("search", "automl export demo-data-1 -o hyp.yaml, then yolo detect train cfg=hyp.yaml"),
        ("studies", "demo-data-1"),
        ("show", "automl export demo-data-1 -o hyp.yaml"),
        ("status", "finished; automl show demo-data-1"),
        ("note", "my first study"),
        ("export", "Train it with: yolo detect train "),
        ("delete", "demo-data-1"),
    ],
)
def test_every_reply_leads_to_the_next_command(
    said: Mapping[str, subprocess.CompletedProcess[str]], typed: str, answer: str
) -> None:
    reply = said[typed]
    assert answer in " ".join((reply.stdout + reply.stderr).split()) or answer in reply.stdout + reply.stderr


def test_the_recipe_is_of_production_length(said: Mapping[str, subprocess.CompletedProcess[str]]) -> None:
    assert yaml.safe_load(said["files"].stdout)["epochs"] == LENGTH


def test_the_answer_speaks_no_dialect(said: Mapping[str, subprocess.CompletedProcess[str]]) -> None:
    text = said["search"].stdout + said["show"].stdout + said["status"].stdout
    assert re.findall(r"\b(rungs?|horizon|slots?|incumbent|origin|driver)\b", text) == []


def test_the_printed_command_trains(said: Mapping[str, subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    words = shlex.split(said["export"].stdout.partition("Train it with: ")[2].partition(" (the defaults")[0])
    assert words[:3] == ["yolo", "detect", "train"]
    assert any("my recipes/hyp.yaml" in word for word in words)
