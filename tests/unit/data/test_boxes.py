"""Sizes of boxes in pixels, from real label files and images."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from automl.data.boxes import BoxSizes, box_sizes
from automl.data.dataset import read_dataset


def make(folder: Path, labels: dict[str, str], size: tuple[int, int] = (320, 160), more: str = "") -> Path:
    """A data.yaml with an image of that width and height for each label."""
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for name, label in labels.items():
            Image.new("RGB", size).save(folder / "images" / split / name)
            (folder / "labels" / split / f"{Path(name).stem}.txt").write_text(label)
    file = folder / "data.yaml"
    file.write_text(f"train: images/train\nval: images/val\nnames: [bird]\n{more}")
    return file


def test_a_side_is_the_root_of_the_area_once_the_longer_side_is_scaled(tmp_path: Path) -> None:
    data = make(tmp_path, {"a.png": "0 0.5 0.5 0.1 0.2\n0 0.5 0.5 0.4 0.05\n", "b.png": ""})
    sizes = box_sizes(read_dataset(data))
    assert sizes.sides == pytest.approx((64.0, 64.0))  # 64 x 64 px, and 256 x 16 px
    assert box_sizes(read_dataset(data), at=320).sides == pytest.approx((32.0, 32.0))


def test_the_box_of_a_polygon_encloses_it(tmp_path: Path) -> None:
    data = make(tmp_path, {"a.png": "0 0.1 0.1 0.3 0.1 0.3 0.5 0.1 0.5\n"}, size=(100, 100))
    assert box_sizes(read_dataset(data)).sides == pytest.approx((640 * (0.2 * 0.4) ** 0.5,))


def test_keypoints_behind_a_box_are_not_its_outline(tmp_path: Path) -> None:
    label = "0 0.5 0.5 0.1 0.1 0.9 0.9 0.1 0.1\n"
    data = make(tmp_path, {"a.png": label}, size=(100, 100), more="kpt_shape: [2, 2]\nflip_idx: [1, 0]\n")
    assert box_sizes(read_dataset(data)).sides == pytest.approx((64.0,))


def test_a_turned_photo_is_measured_as_it_is_shown(tmp_path: Path) -> None:
    data = make(tmp_path, {"a.jpg": "0 0.5 0.5 1 0.1\n"}, size=(200, 100))
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (200, 100)).save(tmp_path / "images" / "train" / "a.jpg", exif=turned)
    assert box_sizes(read_dataset(data)).sides == pytest.approx(((320 * 64) ** 0.5,))


def test_an_image_that_cannot_be_opened_is_passed_over(tmp_path: Path) -> None:
    data = make(tmp_path, {"a.png": "0 0.5 0.5 0.1 0.2\n", "b.png": "0 0.5 0.5 1 1\n"})
    (tmp_path / "images" / "train" / "b.png").write_bytes(b"not an image")
    assert box_sizes(read_dataset(data)).sides == pytest.approx((64.0,))
    import ultralytics.utils.patches  # noqa: F401 - it replaces PIL's way of opening

    assert box_sizes(read_dataset(data)).sides == pytest.approx((64.0,))


def test_few_images_spread_over_the_split_stand_for_all(tmp_path: Path) -> None:
    labels = {f"{number}.png": f"0 0.5 0.5 {(number + 1) / 20:.2f} {(number + 1) / 20:.2f}\n" for number in range(10)}
    data = make(tmp_path, labels, size=(100, 100))
    assert box_sizes(read_dataset(data), most=2).sides == pytest.approx((32.0, 192.0))


def test_shares_are_of_boxes_strictly_shorter() -> None:
    sizes = BoxSizes(at=640, sides=(8.0, 16.0, 32.0, 64.0))
    assert [sizes.under(pixels) for pixels in (8, 16, 33, 100)] == [0.0, 0.25, 0.75, 1.0]
    assert BoxSizes(at=640, sides=()).under(16) == 0.0
