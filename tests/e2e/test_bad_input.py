"""Input that cannot be used: one message that names the thing and the way out, exit 2, and nothing begun."""

from __future__ import annotations

import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from automl.cli import app
from automl.records import StudySpec
from automl.store import write
from automl.store.engine import open_store
from tests.builders.cli import ONE_SLOT, TINY, Place
from tests.builders.train_tiny import draw_data

SEARCH = ("search", *TINY, *ONE_SLOT, "--name", "mine", "--budget", "1cpu-h")
Change = Callable[[Path], object]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A folder with a small data set, which is the current one; no GPU."""
    folder = tmp_path / "work"
    folder.mkdir()
    draw_data(folder, train=2, val=1)
    draw_data(folder / "unseen", train=1, val=1)
    monkeypatch.chdir(folder)
    for name in ("AUTOML_DB", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("AUTOML_HOME", str(folder / "runs"))
    return Place(folder)


def run(*words: str) -> Result:
    """A command in this process."""
    return CliRunner().invoke(app, words)


def check_message(code: int, stdout: str, stderr: str, told: tuple[str, ...]) -> None:
    """One message for the user, and no more than that."""
    assert code == 2, stderr
    assert stderr.startswith("automl: ")
    assert stderr.count("automl: ") == 1
    assert "Traceback" not in stdout + stderr
    missing = [text for text in told if text not in stderr]
    assert not missing, stderr


def check_nothing_begun(place: Place) -> None:
    """No study, no folder of one, nothing trained."""
    assert place.studies() == []
    studies = place.home / "studies"
    assert not studies.exists() or list(studies.iterdir()) == []


def text(file: str, content: str) -> Change:
    """Writes a file of the data set anew."""
    return lambda folder: (folder / file).write_text(content)


def removed(name: str) -> Change:
    """Empties a folder of the data set."""

    def change(folder: Path) -> None:
        shutil.rmtree(folder / name)
        (folder / name).mkdir()

    return change


def nothing(folder: Path) -> None:
    """The data set is good."""


@dataclass(frozen=True)
class Bad:
    """A search that must be refused: what is changed beforehand, the words, and what the message holds."""

    name: str
    told: tuple[str, ...]
    words: tuple[str, ...] = ()
    change: Change = nothing


def weights(name: str, content: bytes) -> Change:
    """Writes a file of weights."""
    return lambda folder: (folder / name).write_bytes(content)


DATA = "train: images/train\nval: images/val\nnames: [square, disc]\n"
CASES = (
    Bad("no such data file", ("dta.yaml", "Did you mean data.yaml"), ("--data", "dta.yaml")),
    Bad("no such data folder", ("nowhere", "does not exist"), ("--data", "nowhere/data.yaml")),
    Bad("data without names", ("data.yaml", "no 'names'"), change=text("data.yaml", DATA.partition("names")[0])),
    Bad("data without train", ("data.yaml", "no 'train'", "add 'train:'"), change=text("data.yaml", DATA[20:])),
    Bad("data without val", ("'val'",), change=text("data.yaml", DATA.replace("val: images/val\n", ""))),
    Bad("data that is no YAML", ("data.yaml:2", "not valid YAML"), change=text("data.yaml", "train: a\n\tval: b\n")),
    Bad("data that is a list", ("data.yaml", "not a mapping"), change=text("data.yaml", "- a\n- b\n")),
    Bad(
        "split folder missing", ("data.yaml:2", "does not exist"), change=text("data.yaml", DATA.replace("/val", "/v"))
    ),
    Bad("split folder empty", ("data.yaml:2", "no images", "images/val"), change=removed("images/val")),
    Bad("split without labels", ("data.yaml:1", "labelled object", "labels/train"), change=removed("labels/train")),
    Bad(
        "class out of range",
        ("labels/train/1.txt:2", "class 7", "0 to 1", "names"),
        change=text("labels/train/1.txt", "0 .5 .5 .1 .1\n7 .5 .5 .1 .1\n"),
    ),
    Bad("box in pixels", ("labels/val/0.txt:1", "not pixels"), change=text("labels/val/0.txt", "0 50 50 10 10\n")),
    *(
        Bad(f"budget {budget}", (f"'{budget}'", "90min"), ("--budget", budget))
        for budget in ("40", "-1h", "0gpu-h", "40 bananas", "nancpu-h", "1e3cpu-h", "")
    ),
    Bad("GPU hours without a GPU", ("'40gpu-h'", "no GPU", "40cpu-h"), ("--budget", "40gpu-h")),
    Bad("a GPU that is not there", ("--device 3", "no GPU", "--device cpu"), ("--device", "3")),
    Bad("no slots", ("--slots 0",), ("--slots", "0")),
    Bad("no epochs", ("--epochs 0",), ("--epochs", "0")),
    Bad("unknown model", ("'yolov5q'", "yolov5n"), ("--models", "yolov5q")),
    Bad("weights that are not here", ("yolov5su.pt", "--offline", "--weights none"), ("--models", "yolov5s.pt")),
    Bad("another task", ("yolov8n-seg.pt", "detection only"), ("--models", "yolov8n-seg.pt")),
    Bad(
        "variants and a deployment", ("--deploy cloud", "one of the two"), ("--deploy", "cloud", "--models", "yolov5n")
    ),
    Bad("unknown sampler", ("'bayes'", "tpe"), ("--sampler", "bayes")),
    Bad("unknown trainer", ("'darknet'", "ultralytics"), ("--trainer", "darknet")),
    Bad("a recipe of the surrogate", ("--export", "no recipe"), ("--trainer", "surrogate", "--export", "hyp.yaml")),
    Bad("a short production", ("--train 2", "at least the --epochs"), ("--epochs", "3", "--train", "2")),
    Bad("production and none", ("--train", "--recipe-only", "contradict"), ("--train", "60", "--recipe-only")),
    Bad("no such earlier study", ("--warm-start owls", "no such file", "unknown study"), ("--warm-start", "owls")),
    Bad("no such earlier file", ("--warm-start evolve.csv", "cannot be read"), ("--warm-start", "evolve.csv")),
    Bad(
        "an earlier file with a hole",
        ("evolve.csv:3", "1 columns", "2"),
        ("--warm-start", "evolve.csv"),
        text("evolve.csv", "fitness,box\n.5,7\n.5\n"),
    ),
    Bad("image size that is no number", ("--imgsz", "big"), ("--imgsz", "big")),
    Bad("image size too small", ("--imgsz 8", "32"), ("--imgsz", "8")),
    Bad("setting without value", ("--set box", "KEY=VALUE"), ("--set", "box")),
    Bad("unknown setting", ("'boxx'", "box"), ("--set", "boxx=1")),
    Bad("setting of the classic trainer", ("'obj'", "classic"), ("--set", "obj=1")),
    Bad(
        "unknown key of a space",
        ("space.yaml:2", "'lr1'", "Did you mean"),
        ("--space", "space.yaml"),
        text("space.yaml", "parameters:\n  lr1: {log: [0.001, 0.1]}\n"),
    ),
    Bad("space missing", ("none.yaml",), ("--space", "none.yaml")),
    Bad("weights missing", ("lost/w.pt", "does not exist"), ("--weights", "lost/w.pt")),
    Bad("weights that would be fetched", ("yolov5su.pt", "forbids to download"), ("--weights", "yolov5s.pt")),
    Bad("weights corrupt", ("w.pt", "not a readable"), ("--weights", "w.pt"), weights("w.pt", b"\0" * 99)),
    Bad(
        "tensors corrupt",
        ("w.safetensors", "not a readable"),
        ("--weights", "w.safetensors"),
        weights("w.safetensors", b"\xff" * 99),
    ),
    Bad("weights of an unknown kind", ("w.onnx", ".safetensors"), ("--weights", "w.onnx"), weights("w.onnx", b"1")),
    *(
        Bad(f"a holdout of {share}", (f"--holdout {share}", "at most 0.9", "0.3"), ("--holdout", share))
        for share in ("0", "0.95", "-1")
    ),
    Bad("a val too small to share", ("data.yaml: val has 1 images", "need 20"), ("--holdout", "0.3")),
    Bad("a holdout that is not to be used", ("--holdout", "--no-test"), ("--holdout", "0.3", "--no-test")),
    Bad("a name that is no folder", ("--name", "a/b"), ("--name", "a/b")),
    Bad(
        "a database that does not answer",
        ("127.0.0.1:1/x", "cannot reach", "Check the URL"),
        ("--db", "postgresql://me:secret@127.0.0.1:1/x"),
    ),
    Bad("a database of an unknown kind", ("'mysql'", "sqlite:///"), ("--db", "mysql://localhost/x")),
    Bad("a database URL that is none", ("URL", "sqlite:///"), ("--db", "what")),
    Bad(
        "a file that is no database", ("note.db", "not an SQLite"), ("--db", "sqlite:///note.db"), text("note.db", DATA)
    ),
    Bad("an export that cannot be written", ("data.yaml/hyp.yaml",), ("--export", "data.yaml/hyp.yaml")),
    Bad("an export over a file of the user's", ("data.yaml exists", "another place"), ("--export", "data.yaml")),
    Bad("events that cannot be written", ("data.yaml/e", "--json-events"), ("--json-events", "data.yaml/e")),
)


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.name)
def test_bad_input_is_refused_in_one_message(place: Place, bad: Bad) -> None:
    bad.change(place.folder)
    words = [word for word in SEARCH if "--budget" not in bad.words or word not in ("--budget", "1cpu-h")]
    result = run(*words, *bad.words)
    check_message(result.exit_code, result.stdout, result.stderr, bad.told)
    assert "secret" not in result.stderr
    check_nothing_begun(place)


def test_a_database_of_a_newer_version_is_refused(place: Place) -> None:
    file = place.folder / "new.db"
    open_store(f"sqlite:///{file}").dispose()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE automl_version SET version_num = '9999'")
    connection.close()
    result = run(*SEARCH, "--db", f"sqlite:///{file}")
    check_message(result.exit_code, result.stdout, result.stderr, ("new.db", "newer automl", "9999", "Upgrade"))
    check_nothing_begun(place)


def test_a_home_that_cannot_be_made_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOML_HOME", str(place.folder / "data.yaml" / "runs"))
    result = run(*SEARCH)
    check_message(result.exit_code, result.stdout, result.stderr, ("data.yaml/runs",))


def test_a_nearly_full_disk_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")(10**9, 10**9 - 10**7, 10**7)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    result = run(*SEARCH)
    check_message(result.exit_code, result.stdout, result.stderr, ("0.0 GB free", "AUTOML_HOME"))
    check_nothing_begun(place)


@pytest.fixture
def taken(place: Place, make_spec: Callable[..., StudySpec]) -> str:
    """The name of a study that is there."""
    store = open_store(f"sqlite:///{place.home / 'automl.db'}")
    write.begin_study(store, make_spec("owls"), at=1e9, host="elsewhere", pid=1)
    store.dispose()
    return "owls"


def test_a_taken_name_is_refused(place: Place, taken: str) -> None:
    result = run(*SEARCH, "--name", taken)
    check_message(result.exit_code, result.stdout, result.stderr, ("'owls' exists", "automl resume owls", "--name"))
    assert [row.trials for row in place.studies()] == [0]
    assert not (place.home / "studies").exists()


@pytest.mark.parametrize("verb", ["resume", "status", "show", "stop", "export"])
def test_an_unknown_study_is_refused_and_the_known_ones_are_named(place: Place, taken: str, verb: str) -> None:
    result = run(verb, "hawks")
    check_message(result.exit_code, result.stdout, result.stderr, ("unknown study 'hawks'", "owls"))
    assert not (place.folder / "hyp.yaml").exists()


@pytest.mark.parametrize("verb", ["resume hawks", "status", "show", "stop hawks", "studies", "export hawks"])
def test_without_a_database_the_way_to_one_is_told(place: Place, verb: str) -> None:
    result = run(*verb.split())
    check_message(result.exit_code, result.stdout, result.stderr, ("no database", "Start a search first"))
    assert not place.home.exists()


def test_an_export_before_the_first_epoch_is_refused(place: Place, taken: str) -> None:
    result = run("export", taken)
    check_message(result.exit_code, result.stdout, result.stderr, ("'owls'", "no trial", "first epoch"))


@pytest.mark.ray
def test_a_budget_that_cannot_pay_for_the_baseline_names_what_can(place: Place) -> None:
    words = ("search", "--data", "data.yaml", "--trainer", "surrogate", "--epochs", "9", *ONE_SLOT)
    done = place.run(*words, "--budget", "100cpu-s")
    told = ("'100cpu-s' cannot pay for the baseline", "9 epochs", "--budget to at least", "cpu-min")
    check_message(done.returncode, done.stdout, done.stderr, told)
    check_nothing_begun(place)


@pytest.mark.ray
@pytest.mark.slow
def test_weights_of_another_network_are_refused_before_the_study_begins(place: Place) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"stem.kernel": torch.zeros(3, 5)}, place.folder / "other.safetensors")
    done = place.run(*SEARCH, "--weights", "other.safetensors")
    told = ("other.safetensors", "none of its 1 tensors", "another family", "--models")
    check_message(done.returncode, done.stdout, done.stderr, told)
    check_nothing_begun(place)
