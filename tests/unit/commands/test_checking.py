"""The command `check`: exit codes, outputs and words of other tools."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import automl
from automl.cli import app
from automl.commands.checking import exit_code
from automl.files.checks import PAGE, REPORT, checks_folder
from automl.records import Severity
from automl.reports.data_report import KeptReport, read_report
from tests.builders.annotations import annotation, coco
from tests.builders.data_folder import BCCD, Make, needs_bccd
from tests.builders.data_reports import data_report, finding

OUTSIDE = "7 0.5 0.5 0.2 0.2\n"  # of a class that there is not


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the command, apart from the data."""
    place = tmp_path / "home"
    monkeypatch.setenv("AUTOML_HOME", str(place))
    monkeypatch.delenv("AUTOML_DB", raising=False)
    return place


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, words)], env={"COLUMNS": "80"})


def sums(folder: Path) -> dict[str, str]:
    """Checksum of every file in a folder, with its time of change."""
    return {
        str(file): f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file.stat().st_mtime_ns}"
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def broken(data: Path) -> Path:
    (data.parent / "labels" / "train" / "a.txt").write_text(OUTSIDE)
    return data


def test_data_that_can_be_trained_on_end_with_zero(make: Make) -> None:
    done = run("--data", make())
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("This data set can be trained on")
    assert "automl search --data" in done.stdout


def test_data_that_cannot_be_trained_on_end_with_one_and_name_file_and_line(make: Make) -> None:
    done = run("--data", broken(make()))
    assert done.exit_code == 1
    assert done.stdout.startswith("This data set cannot be trained on as it is: 1 error.")
    assert "a.txt:1: class 7 is out of range" in done.stdout
    assert "What to do:" in done.stdout
    assert "automl search" not in done.stdout


@pytest.mark.parametrize(
    ("keys", "words"),
    [({"val": None}, "val"), ({"train": "images/gone"}, "gone"), ({"names": None}, "names")],
)
def test_a_data_yaml_that_cannot_be_read_as_a_whole_is_a_finding(
    make: Make, keys: dict[str, object], words: str
) -> None:
    done = run("--data", make(**keys), "--json")
    document = json.loads(done.stdout)
    assert (done.exit_code, document["trainable"]) == (1, False)
    assert words in json.dumps(document["findings"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "check needs --data. For example: automl check --data custom.yaml"),
        (["--data", "gone.yaml"], "no such file"),
        (["--data", "{folder}"], "a folder"),
        (["--data", "{image}"], ".yaml"),
        (["{data}"], "belongs to no option. Name the data set with: --data"),
        (["data={data}"], "Write: --data"),
        (["data={data}", "imgsz=640"], "unknown option '--imgsz'"),
        (["--data", "{data}", "--split", "trian"], "unknown split 'trian'. Did you mean train?"),
        (["--data", "{data}", "--split", ","], "--split is empty"),
        (["--data", "{data}", "--html", "{folder}/gone/report.html"], "does not exist"),
        (["--data", "{data}", "--html", "{folder}"], "a folder. Name a file in it"),
        (["--data", "{data}", "--html", "{folder}/report.pdf"], "ends in .html"),
        (["--data", "{data}", "--html", "{data}"], "ends in .html"),
        (["--data", "{data}", "--html", "{other}"], "is none of automl's"),
    ],
)
def test_wrong_words_end_with_two_in_a_sentence_before_anything_is_done(
    make: Make, tmp_path: Path, home: Path, words: list[str], sentence: str
) -> None:
    data = make()
    other = tmp_path / "other.html"
    other.write_text("<html>mine</html>")
    places = {"data": data, "folder": tmp_path, "image": tmp_path / "images" / "train" / "a.jpg", "other": other}
    done = run(*(word.format(**places) for word in words))
    assert done.exit_code == 2, done.output
    assert sentence in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert not list(home.glob("checks/*"))
    assert other.read_text() == "<html>mine</html>"


def test_an_unknown_option_has_close_matches(make: Make) -> None:
    done = run("--data", make(), "--htlm", "a.html")
    assert done.exit_code == 2
    assert "--html" in done.stderr


@pytest.mark.parametrize(
    ("severities", "strict", "code"),
    [
        ([], True, 0),
        ([Severity.NOTE], True, 0),
        ([Severity.WARNING], False, 0),
        ([Severity.WARNING], True, 1),
        ([Severity.ERROR], False, 1),
    ],
)
def test_a_warning_ends_with_one_where_that_is_asked_for(severities: list[Severity], strict: bool, code: int) -> None:
    assert exit_code(data_report(*map(finding, severities)), strict=strict) == code


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(make: Make, tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o500)
    done = run("--data", make(), "--html", tmp_path / "shut" / "report.html")
    assert (done.exit_code, "cannot be written" in done.stderr) == (2, True)


@pytest.mark.parametrize("split", ["val", "val,train", "train val"])
def test_splits_may_be_chosen_in_any_spelling(make: Make, split: str) -> None:
    document = json.loads(run("--data", make(), "--json", "--split", *split.split(" ")).stdout)
    assert sorted(document["splits"]) == sorted(split.replace(",", " ").split())


def test_json_is_one_document_and_nothing_else(make: Make) -> None:
    done = run("--data", broken(make()), "--json")
    document = json.loads(done.stdout)
    assert document["verdict"].startswith("This data set cannot be trained on")
    assert document["counts"]["error"] == 1
    assert document["findings"][0]["places"][0]["line"] == 1
    assert done.stderr == ""


def test_the_report_with_pictures_is_one_file(make: Make, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    for _ in range(2):  # its own file may be written again
        done = run("--data", make(), "--html", file)
        assert done.exit_code == 0
        assert f"Wrote {file}" in done.stdout
    assert file.read_text(encoding="utf-8").count("data:image/jpeg;base64,") >= 2


def test_the_report_is_kept_in_the_home_with_its_pictures(make: Make, home: Path) -> None:
    data = make()
    run("--data", data)
    folder = checks_folder(home, data)
    report = read_report(folder)
    assert report is not None
    pictures = {*report.plots.values(), *(name for finding in report.findings for name in finding.pictures)}
    assert {REPORT, PAGE, *pictures} == {file.name for file in folder.iterdir()}
    assert {"mosaic-train", "mosaic-val"} <= set(report.plots)
    assert report.fingerprint.startswith("sha256:")
    assert report.seconds > 0


def test_nothing_is_written_beside_the_data(make: Make, tmp_path: Path) -> None:
    data = make()
    before = sums(tmp_path / "images") | sums(tmp_path / "labels")
    run("--data", data, "--html", tmp_path / "report.html")
    assert sums(tmp_path / "images") | sums(tmp_path / "labels") == before
    assert {entry.name for entry in tmp_path.iterdir()} == {"images", "labels", "data.yaml", "home", "report.html"}


def test_names_of_strangers_reach_neither_the_terminal_nor_the_page(make: Make, tmp_path: Path) -> None:
    data = make(names=["<script>alert(1)</script>", "dog"])
    name = "<b>\x1b[31mred&.jpg"
    image = tmp_path / "images" / "train" / name
    image.write_bytes((tmp_path / "images" / "train" / "a.jpg").read_bytes())
    (tmp_path / "labels" / "train" / name).with_suffix(".txt").write_text(OUTSIDE)
    done = run("--data", data, "--html", tmp_path / "report.html")
    assert done.exit_code == 1, done.output
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "\x1b" not in done.stdout + page
    assert "<script>" not in page
    assert "<b>" not in page


def test_an_interrupted_check_leaves_the_earlier_report(
    make: Make, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make()
    run("--data", data)
    before = sums(home / "checks")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("automl.setup.data_check.draw", interrupted)
    done = run("--data", data)
    assert done.exit_code == 130
    assert sums(home / "checks") == before


def test_python_gets_the_report_as_a_record(make: Make, tmp_path: Path) -> None:
    report = automl.check(make(), split=["train", "val"], html=tmp_path / "report.html")
    assert isinstance(report, KeptReport)
    assert report.trainable
    assert (tmp_path / "report.html").is_file()
    assert all(report.picture(name).is_file() for name in report.plots.values())


@needs_bccd
def test_real_data_can_be_trained_on_and_stay_as_they_are(tmp_path: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in BCCD.rglob("*")}
    done = run("--data", BCCD / "bccd.yaml", "--html", tmp_path / "report.html")
    assert done.exit_code == 0, done.output
    assert "205" in done.stdout
    assert 100_000 < (tmp_path / "report.html").stat().st_size < 8_000_000
    assert {file: file.stat().st_mtime_ns for file in BCCD.rglob("*")} == before


def test_annotations_of_another_tool_are_converted_and_checked(tmp_path: Path) -> None:
    source = coco(tmp_path / "coco", annotations=[annotation(id=number, image_id=number) for number in (1, 2, 9)])
    done = run("--from", "coco", "--data", source, "--to", tmp_path / "yolo")
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "yolo" / "data.yaml") in done.stdout
    assert "annotation names an image that is not listed and is left out" in done.stdout
    assert sorted(file.name for file in (tmp_path / "yolo").iterdir()) == ["data.yaml", "images", "labels"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "yolo"), "--to is the folder of a conversion: add --from coco or voc."),
        (("--price",), "--price needs a trained model: name a study or a weights file with --baseline."),
        (("--device", "cpu"), "--device needs a trained model"),
        (("--from", "cocoa"), "Did you mean coco?"),
        (("--baseline", "gone.pt"), "gone.pt"),
    ],
)
def test_words_that_go_with_others_are_refused_alone(make: Make, words: tuple[str, ...], said: str) -> None:
    done = run("--data", make(), *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
