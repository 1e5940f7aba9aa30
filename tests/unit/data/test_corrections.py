from __future__ import annotations

from pathlib import Path

import pytest

from automl.data.corrections import corrected_rows
from automl.errors import DataChanged
from automl.records import Correction, SuspectKind
from tests.builders.annotations import picture
from tests.builders.suspects import suspect

OUTLINE = "0 0.1 0.1 0.3 0.1 0.3 0.3"
PROPOSED = "0.500000 0.500000 0.200000 0.200000"
CORNERS = "0.400000 0.400000 0.600000 0.400000 0.600000 0.600000 0.400000 0.600000"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = picture(tmp_path / "images" / "1.jpg")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "1.txt").write_text("0 0.2 0.25 0.2 0.3\n\n1 0.5 0.5 0.1 0.1\n")
    return file


@pytest.mark.parametrize(
    ("kind", "line", "rows"),
    [
        (SuspectKind.MISSING, None, ["0 0.2 0.25 0.2 0.3", "", "1 0.5 0.5 0.1 0.1", f"1 {PROPOSED}"]),
        (SuspectKind.SUPERFLUOUS, 1, ["", "1 0.5 0.5 0.1 0.1"]),
        (SuspectKind.LOOSE, 3, ["0 0.2 0.25 0.2 0.3", "", f"1 {PROPOSED}"]),
        (SuspectKind.CLASS, 1, ["1 0.2 0.25 0.2 0.3", "", "1 0.5 0.5 0.1 0.1"]),
    ],
)
def test_a_suspect_is_fixed_as_the_model_proposes(
    image: Path, kind: SuspectKind, line: int | None, rows: list[str]
) -> None:
    corrections = corrected_rows([suspect(image, kind, line)], Correction.FIXED)
    assert corrections.rows == {image: rows}
    assert corrections.labels == 1


@pytest.mark.parametrize("kind", [SuspectKind.SUPERFLUOUS, SuspectKind.LOOSE, SuspectKind.CLASS])
def test_a_dropped_suspect_leaves_no_row(image: Path, kind: SuspectKind) -> None:
    corrections = corrected_rows([suspect(image, kind)], Correction.DROPPED)
    assert corrections.rows == {image: ["", "1 0.5 0.5 0.1 0.1"]}


def test_a_missing_label_cannot_be_dropped(image: Path) -> None:
    corrections = corrected_rows([suspect(image, SuspectKind.MISSING, None)], Correction.DROPPED)
    assert (corrections.rows, corrections.labels) == ({}, 0)


@pytest.mark.parametrize("kind", [SuspectKind.LOOSE, SuspectKind.CLASS, SuspectKind.MISSING])
def test_without_a_proposal_nothing_is_fixed(image: Path, kind: SuspectKind) -> None:
    line = None if kind is SuspectKind.MISSING else 1
    without = suspect(image, kind, line, proposed=None, proposed_class=None)
    assert corrected_rows([without], Correction.FIXED).labels == 0


def test_two_suspects_of_one_label_are_one_change(image: Path) -> None:
    both = [suspect(image, SuspectKind.LOOSE), suspect(image, SuspectKind.CLASS)]
    corrections = corrected_rows(both, Correction.FIXED)
    assert corrections.rows[image][0] == f"1 {PROPOSED}"
    assert corrections.labels == 1


def test_a_box_among_outlines_becomes_its_corners(image: Path) -> None:
    (image.parents[1] / "labels" / "1.txt").write_text(f"{OUTLINE}\n")
    corrections = corrected_rows([suspect(image, SuspectKind.MISSING, None)], Correction.FIXED)
    assert corrections.rows[image] == [OUTLINE, f"1 {CORNERS}"]


def test_an_image_without_a_label_file_gets_its_missing_label(image: Path) -> None:
    (image.parents[1] / "labels" / "1.txt").unlink()
    assert corrected_rows([suspect(image, SuspectKind.MISSING, None)], Correction.FIXED).rows[image] == [
        f"1 {PROPOSED}"
    ]


@pytest.mark.parametrize("changes", [{"line": 9}, {"line": 2}, {"label_class": 1}, {"label": (0.9, 0.9, 0.1, 0.1)}])
def test_a_label_that_was_changed_since_is_refused(image: Path, changes: dict[str, object]) -> None:
    judged = suspect(image, SuspectKind.LOOSE, **{"line": 1, **changes} if "line" not in changes else {})
    judged = judged.__class__(**{**judged.__dict__, **changes})
    with pytest.raises(DataChanged, match=r"1\.txt:\d: the label that was judged does not stand here any more"):
        corrected_rows([judged], Correction.FIXED)
