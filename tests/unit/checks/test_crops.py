"""Pictures of suspicious labels."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from automl.checks.crops import write_crops
from tests.unit.checks.test_fix_list import suspect


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "images" / "a.jpg"
    file.parent.mkdir()
    Image.new("RGB", (200, 100), "white").save(file)
    return file


def test_the_first_suspects_get_pictures_and_the_image_stays_as_it_is(tmp_path: Path, image: Path) -> None:
    before = hashlib.sha256(image.read_bytes()).hexdigest()
    drawn = write_crops([suspect(image), suspect(image)], tmp_path / "report", most=1)
    assert [one.picture for one in drawn] == ["suspect-0001.jpg", ""]
    with Image.open(tmp_path / "report" / "suspect-0001.jpg") as crop:
        assert (crop.format, max(crop.size)) == ("JPEG", 320)
        colours = {pixel for _, pixel in crop.convert("RGB").getcolors(10**6) or ()}
    assert any(red > 180 and green < 120 for red, green, _ in colours)  # the label
    assert any(green > 120 and red < 80 for red, green, _ in colours)  # the proposal
    assert hashlib.sha256(image.read_bytes()).hexdigest() == before
    assert list(image.parent.iterdir()) == [image]


@pytest.mark.parametrize(
    "box", [(0.0, 0.0, 0.1, 0.1), (1.0, 1.0, 0.2, 0.2), (0.5, 0.5, 1.0, 1.0), (0.5, 0.5, 0.0, 0.0)]
)
def test_a_box_at_any_place_is_drawn(tmp_path: Path, image: Path, box: tuple[float, float, float, float]) -> None:
    (drawn,) = write_crops([suspect(image, label=box, proposed=None)], tmp_path / "report")
    assert (tmp_path / "report" / drawn.picture).is_file()


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "I;16"])
def test_an_image_of_another_mode_is_drawn(tmp_path: Path, mode: str) -> None:
    file = tmp_path / "a.tif"
    Image.new(mode, (50, 50)).save(file)
    (drawn,) = write_crops([suspect(file)], tmp_path / "report")
    assert (tmp_path / "report" / drawn.picture).is_file()


def test_an_image_that_cannot_be_read_gets_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"not an image")
    (drawn,) = write_crops([suspect(tmp_path / "a.jpg")], tmp_path / "report")
    assert drawn.picture == ""
