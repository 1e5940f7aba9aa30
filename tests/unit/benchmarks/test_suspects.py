"""Label errors of known places, and figures against them."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from automl.checks.suspects import labels_in
from automl.data import read_dataset
from automl.data.labels import label_path
from automl.errors import AutoMLError
from automl.records.check import Suspect, SuspectKind
from benchmarks.corruption import Injected, Shares, corrupt
from benchmarks.suspects import Settings, run
from benchmarks.suspects_figures import figure, hits_of, interval
from tests.builders.train_tiny import draw_data


def digests(folder: Path) -> dict[Path, str]:
    return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*") if file.is_file()}


def test_the_copy_has_as_many_errors_as_asked_and_the_data_stay_as_they_are(tmp_path: Path) -> None:
    data = draw_data(tmp_path / "data", train=30, val=10)
    before = digests(tmp_path / "data")
    file, injected = corrupt(read_dataset(data), tmp_path / "copy", 0, Shares(missing=0.1, loose=0.1, wrong=0.05))
    copy = read_dataset(file)
    assert Counter(error.kind for error in injected) == {
        SuspectKind.MISSING: 12,
        SuspectKind.LOOSE: 12,
        SuspectKind.CLASS: 6,
    }
    assert copy.train.boxes + copy.val.boxes == 120 - 12
    assert digests(tmp_path / "data") == before


def test_each_error_is_at_its_line(tmp_path: Path) -> None:
    data = draw_data(tmp_path / "data", train=30, val=10)
    _, injected = corrupt(read_dataset(data), tmp_path / "copy", 0, Shares(missing=0.0, loose=0.2, wrong=0.1))
    assert injected
    for error in injected:
        lines, kinds, boxes = labels_in(label_path(error.image))
        row = lines.index(error.line or 0)
        if error.kind is SuspectKind.CLASS:
            assert (kinds[row], tuple(boxes[row])) == (1 - error.kept_class, pytest.approx(error.kept, abs=1e-6))
        else:
            assert kinds[row] == error.kept_class
            assert tuple(boxes[row]) != pytest.approx(error.kept, abs=1e-3)


def test_the_same_seed_makes_the_same_errors(tmp_path: Path) -> None:
    dataset = read_dataset(draw_data(tmp_path / "data"))
    first, second = (corrupt(dataset, tmp_path / name, 3)[1] for name in ("a", "b"))
    assert [(error.line, error.kept) for error in first] == [(error.line, error.kept) for error in second]


MISSING = Injected(kind=SuspectKind.MISSING, split="val", image="a", line=None, kept=(0.5, 0.5, 0.2, 0.2), kept_class=0)
SUSPECT = Suspect(
    kind=SuspectKind.MISSING, split="val", image="a", file="a.txt", line=None, score=0.9, proposed=MISSING.kept
)


def test_an_error_counts_once() -> None:
    assert hits_of([SUSPECT, SUSPECT], [MISSING]) == [0, -1]


def test_a_suspect_elsewhere_is_no_hit() -> None:
    assert hits_of([replace(SUSPECT, image="b"), replace(SUSPECT, proposed=(0.9, 0.9, 0.1, 0.1))], [MISSING]) == [
        -1,
        -1,
    ]


def test_a_figure_has_precision_and_recall() -> None:
    row = figure(SuspectKind.MISSING, "ours", [SUSPECT, replace(SUSPECT, image="b")], [MISSING, MISSING])
    assert (row.first, row.hits, row.precision, row.recall) == (2, 1, 0.5, 0.5)
    assert row.low < 0.5 < row.high


def test_an_interval_of_all_hits_ends_at_one() -> None:
    low, high = interval(100, 100)
    assert (round(low, 3), high) == (0.964, 1.0)
    assert interval(0, 0) == (0.0, 1.0)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    data = draw_data(tmp_path / "data")
    (tmp_path / "w.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").touch()
    settings = Settings(data=str(data), weights=str(tmp_path / "w.safetensors"))
    with pytest.raises(AutoMLError, match="not empty"):
        run(settings, tmp_path / "folder", lambda line: None)
