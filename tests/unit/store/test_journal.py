"""The file in which rows wait for the database."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from automl.records import EpochMetrics, Outcome, Trial, TrialState
from automl.store import journal
from automl.store.batch import Batch
from automl.store.journal import Entry, Journal, decode, encode, entries


def numbers(file: Path) -> list[int]:
    return [entry.number for entry in entries(file)]


def test_groups_come_back_in_their_order_until_they_are_stored(tmp_path: Path) -> None:
    waiting = Journal(tmp_path / "a.jsonl")
    for value in range(3):
        waiting.append({"study": {"slot_s": value}}, rows=1)
    assert [entry.document["study"]["slot_s"] for entry in waiting.waiting()] == [0, 1, 2]
    waiting.stored(2)
    assert [entry.number for entry in waiting.waiting()] == [3]
    assert (waiting.rows, waiting.empty) == (1, False)
    waiting.stored(3)
    assert (waiting.rows, waiting.empty) == (0, True)


def test_a_journal_that_is_stored_again_and_again_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "RESERVE", 4096)
    waiting = Journal(tmp_path / "a.jsonl")
    for number in range(1, 301):
        waiting.append({"events": [{"text": "x" * 100}]}, rows=1)
        waiting.waiting()
        waiting.stored(number)
    assert (tmp_path / "a.jsonl").stat().st_size <= 2 * 4096
    waiting.append({}, rows=0)
    assert numbers(tmp_path / "a.jsonl")[-1] == 301


def test_lines_of_an_earlier_round_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "RESERVE", 1024)
    waiting = Journal(tmp_path / "a.jsonl")
    while waiting._end <= 512:
        waiting.append({"events": [{"text": "long ago"}]}, rows=1)
    last = waiting.last
    while not waiting.empty:
        waiting.stored(waiting.waiting()[-1].number)
    waiting.append({"events": [{"text": "long ago"}]}, rows=1)
    assert numbers(tmp_path / "a.jsonl") == [last + 1]


@pytest.mark.parametrize("left", [1, 5, -1, -2])
def test_a_torn_line_and_what_follows_are_left_out(tmp_path: Path, left: int) -> None:
    lines = [encode(Entry(number, 1, {"study": {}})) for number in (1, 2, 3)]
    file = tmp_path / "a.jsonl"
    file.write_bytes(lines[0] + lines[1][:left] + lines[2])
    assert numbers(file) == [1]
    file.write_bytes(lines[0] + lines[1][:left])
    assert numbers(file) == [1]


def test_a_line_of_other_bytes_is_no_group() -> None:
    line = encode(Entry(1, 1, {"study": {"slot_s": 10}}))
    assert decode(line) == Entry(1, 1, {"study": {"slot_s": 10}})
    assert decode(line.replace(b"10", b"11")) is None
    assert decode(b"\n") is None


def test_a_batch_is_the_same_after_the_journal(tmp_path: Path) -> None:
    batch = Batch()
    batch.start(
        Trial(number=3, params={"lr0": 0.1, "cos_lr": True}, epochs=9, seed=1), at=1.0, node="n", device="0", pid=7
    )
    scores = {"map50_95": math.inf, "map50": 0.5, "precision": 0.5, "recall": 0.5, "train_s": 1.0, "val_s": 0.5}
    metrics = EpochMetrics(epoch=1, **scores, losses={"train/box_loss": 0.1}, applied={"lr0": 0.1})
    batch.report(3, 1, metrics, slot_s=2.0, at=2.0)
    batch.pay(3, 1, metrics, slot_s=2.0)
    batch.end(3, 1, Outcome(state=TrialState.FAILED, reason="ünder", error="\ud800"), slot_s=2.0, at=3.0)
    batch.artifacts[3, "best"] = None
    batch.events.append({"kind": "note", "text": "…", "trial": None, "at": 3.0})
    batch.study["slot_s"] = 2.0
    waiting = Journal(tmp_path / "a.jsonl")
    waiting.append(batch.to_document(), batch.rows)
    (entry,) = waiting.waiting()
    assert Batch.from_document(entry.document) == batch
    assert entry.rows == batch.rows
