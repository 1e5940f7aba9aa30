"""Pictures of a report: of any number of images, classes and boxes, and of files that are no pictures."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from automl.checks.facts import Facts
from automl.checks.mosaics import MOST, WORST, sample
from automl.checks.pictures import draw
from automl.checks.report import report_of
from automl.checks.tiles import class_name, colour, read_tile
from automl.data.labels import label_path
from automl.records import DataReport, Finding, Place, Severity
from tests.builders.data_folder import image_bytes
from tests.builders.drawn_set import Row, drawn_facts, drawn_split

ROW: Row = (0, 0.5, 0.5, 0.4, 0.4)


def drawn(facts: Facts, folder: Path, *findings: Finding) -> DataReport:
    folder.mkdir()
    return draw(replace(report_of(facts), findings=findings), facts, folder)


def at(*places: Place) -> Finding:
    return Finding(
        code="images/dark", severity=Severity.WARNING, title="Dark.", advice="Look.", count=len(places), places=places
    )


def test_every_split_has_a_mosaic_and_the_labels_have_plots(tmp_path: Path) -> None:
    facts = drawn_facts(tmp_path, drawn_split(tmp_path, [[ROW], []]), drawn_split(tmp_path, [[ROW]], "val"))
    report = drawn(facts, tmp_path / "out")
    assert set(report.plots) == {"mosaic-train", "mosaic-val", "classes", "centres", "sizes"}
    for name in report.plots.values():
        with Image.open(tmp_path / "out" / name) as picture:
            assert min(picture.size) > 100


@pytest.mark.parametrize("count", [0, 1, 3, 40])
@pytest.mark.parametrize("classes", [1, 1000])
def test_any_number_of_images_and_classes_is_drawn(tmp_path: Path, count: int, classes: int) -> None:
    rows = [[(number % classes, 0.5, 0.5, 0.2, 0.2)] * 2 for number in range(count)]
    facts = drawn_facts(tmp_path, drawn_split(tmp_path, rows), names=[f"class {n}" for n in range(classes)])
    report = drawn(facts, tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == set(report.plots.values())
    assert ("mosaic-train" in report.plots) == (count > 0)


def test_without_a_box_there_are_mosaics_alone(tmp_path: Path) -> None:
    report = drawn(drawn_facts(tmp_path, drawn_split(tmp_path, [[], []])), tmp_path / "out")
    assert list(report.plots) == ["mosaic-train"]


def test_a_mosaic_shows_labelled_images_first_and_the_same_ones_again(tmp_path: Path) -> None:
    split = drawn_split(tmp_path, [[] if number % 4 else [ROW] for number in range(80)])
    chosen = sample(split, seed=0)
    assert len(chosen) == MOST
    assert set(chosen.tolist()) <= set(range(0, 80, 4))
    assert chosen.tolist() == sample(split, seed=0).tolist()


def test_the_worst_places_of_a_finding_are_shown_with_their_boxes(tmp_path: Path) -> None:
    split = drawn_split(tmp_path, [[ROW]] * 12)
    places = [Place(file=image, boxes=((0.5, 0.5, 0.5, 0.5),)) for image in split.images]
    report = drawn(drawn_facts(tmp_path, split), tmp_path / "out", at(*places))
    (name,) = report.findings[0].pictures
    with Image.open(tmp_path / "out" / name) as picture:
        assert picture.width == 4 * 240
        red = np.asarray(picture.convert("RGB")).astype(int)
    assert WORST == 8
    assert ((red[..., 0] > 180) & (red[..., 1] < 90)).sum() > 500


def test_a_line_of_a_label_file_leads_to_its_image(tmp_path: Path) -> None:
    split = drawn_split(tmp_path, [[ROW]])
    place = Place(file=label_path(split.images[0]), line=1, text="doubtful")
    assert drawn(drawn_facts(tmp_path, split), tmp_path / "out", at(place)).findings[0].pictures


def test_a_pair_stands_side_by_side(tmp_path: Path) -> None:
    split = drawn_split(tmp_path, [[ROW]] * 2)
    report = drawn(
        drawn_facts(tmp_path, split), tmp_path / "out", at(Place(file=split.images[0], other=split.images[1]))
    )
    with Image.open(tmp_path / "out" / report.findings[0].pictures[0]) as picture:
        assert picture.width == 2 * 240


def test_a_finding_about_the_data_yaml_has_no_picture(tmp_path: Path) -> None:
    facts = drawn_facts(tmp_path, drawn_split(tmp_path, [[ROW]]))
    assert drawn(facts, tmp_path / "out", at(Place(file=str(facts.file), line=3))).findings[0].pictures == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"<html><body>", "web page"),
        (image_bytes(size=(640, 480))[:900], "damaged"),
        (image_bytes("GIF"), "GIF"),
        (image_bytes(size=(4, 4)), "under 10"),
    ],
)
def test_what_is_no_picture_is_a_grey_tile_with_its_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(content)
    tile = read_tile(str(file), 200)
    assert reason in tile.reason
    assert tile.picture.size == (200, 150)


def test_a_file_that_is_gone_is_a_grey_tile(tmp_path: Path) -> None:
    assert "cannot be read" in read_tile(str(tmp_path / "gone.jpg"), 200).reason


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "L"), ("PNG", "I;16"), ("PNG", "RGBA"), ("PNG", "P"), ("JPEG", "CMYK"), ("BMP", "RGB")]
)
def test_every_mode_is_shown_in_colour(tmp_path: Path, kind: str, mode: str) -> None:
    file = tmp_path / f"a.{kind.lower()}"
    if mode == "I;16":
        Image.fromarray(np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)).save(file)
    else:
        file.write_bytes(image_bytes(kind, (64, 48), mode))
    tile = read_tile(str(file), 40)
    assert (tile.reason, tile.picture.mode, tile.picture.size) == ("", "RGB", (40, 30))
    assert np.asarray(tile.picture).std() > 20


def test_an_image_stands_as_exif_turns_it(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    (tmp_path / "a.jpg").write_bytes(image_bytes(size=(64, 32), exif=turned.tobytes()))
    assert read_tile(str(tmp_path / "a.jpg"), 40).picture.size == (20, 40)


@pytest.mark.parametrize(
    "name", ["$\\frac{a}{b}$", "<script>alert(1)</script>", "血小板", "a\nb\x1b[31m", "", "x" * 300]
)
def test_any_class_name_is_drawn(tmp_path: Path, name: str) -> None:
    facts = drawn_facts(tmp_path, drawn_split(tmp_path, [[ROW]]), names=[name])
    assert drawn(facts, tmp_path / "out").plots
    assert class_name([name], 0).isprintable()
    assert len(class_name([name], 0)) <= 22


def test_boxes_that_reach_beyond_the_image_are_drawn(tmp_path: Path) -> None:
    rows: list[Row] = [(0, 1.0, 1.0, 3.0, 3.0), (0, -1.0, 0.5, 0.0, 0.0), (7, float("nan"), 0.5, 0.1, 0.1)]
    assert drawn(drawn_facts(tmp_path, drawn_split(tmp_path, [rows]), names=["a"] * 8), tmp_path / "out").plots


def test_the_users_plots_keep_their_settings(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"text.usetex": True, "font.size": 33}):
        drawn(drawn_facts(tmp_path, drawn_split(tmp_path, [[ROW]])), tmp_path / "out")
        assert (matplotlib.rcParams["font.size"], matplotlib.rcParams["text.usetex"]) == (33, True)
    assert dict(matplotlib.rcParams) == before


def test_images_and_labels_stay_as_they_are(tmp_path: Path) -> None:
    split = drawn_split(tmp_path, [[ROW]] * 3)
    before = {file: hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in split.images}
    drawn(drawn_facts(tmp_path, split), tmp_path / "out", at(*(Place(file=file) for file in split.images)))
    assert {file: hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in split.images} == before


def test_a_class_has_one_colour_and_near_ones_differ() -> None:
    assert colour(3) == colour(3)
    assert len({colour(kind) for kind in range(100)}) > 90
