"""Command lines of a search as people type them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from automl.cli import app
from automl.errors import AutoMLError
from automl.terminal.spelling import check_words, joined

OPTIONS = ("--data", "--budget", "--models", "--imgsz", "--epochs", "--warm-start")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--budget 10 trials", "--budget '10 trials'"),
        ("--budget 8 cpu-h --imgsz 640", "--budget '8 cpu-h' --imgsz 640"),
        ("--budget=90 min", "'--budget=90 min'"),
        ("--budget 8 CPU-h --budget 3 h", "--budget '8 CPU-h' --budget '3 h'"),
        ("--budget 10trials", "--budget 10trials"),
        ("--budget 10trials trials", "--budget 10trials trials"),
        ("--imgsz 640 1280", "--imgsz 640,1280"),
        ("--imgsz 640, 1280", "--imgsz 640,1280"),
        ("--imgsz 640 ,1280", "--imgsz 640,1280"),
        ("--models yolov5n yolov5s yolo11n.pt --quiet", "--models yolov5n,yolov5s,yolo11n.pt --quiet"),
        ("--device 0 1", "--device 0,1"),
        ("--weights a.pt b.pt", "--weights a.pt,b.pt"),
        ("--set nbs=4 lr0=0.01", "--set nbs=4 --set lr0=0.01"),
        ("--warm-start a.csv b.yaml", "--warm-start a.csv --warm-start b.yaml"),
        ("--batch -1 --seed 3", "--batch -1 --seed 3"),
        ("--quiet 640", "--quiet 640"),
        ("--imgsz 640 data=x.yaml", "--imgsz 640 data=x.yaml"),
    ],
)
def test_a_value_goes_on_behind_a_blank(typed: str, meant: str) -> None:
    assert joined(shlex.split(typed)) == shlex.split(meant)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("data=a.yaml model=yolov5s.pt", "Write: --data a.yaml --models yolov5s.pt"),
        ("detect train data=a.yaml epochs=9", "Write: --data a.yaml --epochs 9"),
        ("data='my set/a.yaml' lr0=0.01", "Write: --data 'my set/a.yaml' --set lr0=0.01"),
        ("cfg=hyp.yaml", "Write: --warm-start hyp.yaml"),
        ("a.yaml", "'a.yaml' belongs to no option. Name the data set with: --data a.yaml"),
        ("train", "'train' belongs to no option"),
        ("data=a.yaml fast", "'fast' belongs to no option"),
    ],
)
def test_words_of_no_option_are_answered_with_the_words_to_write(words: str, sentence: str) -> None:
    with pytest.raises(AutoMLError) as error:
        check_words(shlex.split(words), OPTIONS)
    assert sentence in str(error.value)


def test_a_command_without_further_words_is_left_alone() -> None:
    check_words([], OPTIONS)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], "search needs --data and --budget."),
        (["--data", "a.yaml"], "search needs --budget."),
        (["--budget", "3", "trials"], "search needs --data."),
    ],
)
def test_every_missing_option_is_named_at_once(words: list[str], named: str) -> None:
    done = CliRunner().invoke(app, ["search", *words])
    assert done.exit_code == 2
    assert named in done.stderr
    assert "For example: automl search --data custom.yaml --budget 2gpu-h" in done.stderr


def test_a_budget_with_a_blank_is_read(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["search", "--data", str(tmp_path / "none.yaml"), "--budget", "10", "trials"])
    assert (done.exit_code, "none.yaml: no such file" in done.stderr) == (2, True)


def test_the_spelling_of_yolo_is_answered_with_the_command_to_write() -> None:
    done = CliRunner().invoke(app, ["search", "data=a.yaml", "imgsz=320", "mosaic=0.5"])
    assert done.exit_code == 2
    assert "Write: --data a.yaml --imgsz 320 --set mosaic=0.5" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--lr0", "0.01"], "Write: --set lr0=0.01"),
        (["--budget", "1h", "--cls-pw=0.2"], "Write: --set cls_pw=0.2"),
        (["--mosaic"], "Write: --set mosaic=VALUE"),
        (["--mosaic", "--quiet"], "Write: --set mosaic=VALUE"),
    ],
)
def test_an_argument_of_trainings_as_an_option_is_answered_with_the_one_to_write(words: list[str], told: str) -> None:
    done = CliRunner().invoke(app, ["search", *words])
    assert done.exit_code == 2
    assert told in done.output


def test_an_option_that_nobody_knows_is_left_to_the_command_line() -> None:
    assert "No such option: --modles" in CliRunner().invoke(app, ["search", "--modles", "x"]).output


def test_splits_may_stand_behind_blanks() -> None:
    assert joined(["--split", "train", "val", "--json"]) == ["--split", "train,val", "--json"]
    assert joined(["--split", "train", "data.yaml"]) == ["--split", "train", "data.yaml"]


def test_a_command_that_trains_nothing_sets_no_arguments() -> None:
    with pytest.raises(AutoMLError, match="unknown option '--lr0'"):
        check_words(["lr0=0.01"], ["--data", "--html"], "check")
    with pytest.raises(AutoMLError, match="automl check --help"):
        check_words(["fast"], ["--data", "--html"], "check")
