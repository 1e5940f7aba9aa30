"""The benchmark of the data check: its set of links, and its figures."""

from __future__ import annotations

from pathlib import Path

from benchmarks.check import Row, captions, linked_set, measured, table
from tests.builders.data_folder import Make


def test_a_set_of_links_is_read_for_the_first_time_and_again(make: Make, tmp_path: Path) -> None:
    place = tmp_path / "links"
    file = linked_set(make(), 25, place)
    rows = [measured(file, place / "home", True, f"pixels{again}") for again in ("", " again")]
    assert [(row.images, row.boxes) for row in rows] == [(25, 25), (25, 25)]
    assert rows[0].peak_mb > 10
    assert {folder.name for folder in (place / "images").iterdir()} == {"train", "val"}


def row(what: str, seconds: float) -> Row:
    return Row(what=what, images=100, boxes=300, seconds=seconds, cpu_seconds=1.0, peak_mb=80.0, findings_s=0.5)


def test_figures_are_told_with_their_number() -> None:
    rows = (row("labels", 2.0), row("labels again", 0.1))
    head, lines = table(rows)
    assert [line[head.index("images/s")] for line in lines] == ["50", "1000"]
    words = list(captions(rows))
    assert words[0].startswith("n = 100 images")
    assert words[-1] == "labels again: 0.050 of the first time."
