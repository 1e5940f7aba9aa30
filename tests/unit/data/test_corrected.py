from __future__ import annotations

from pathlib import Path

from automl.data.corrected import changed_rows, rows_of, write_corrected
from automl.data.dataset import read_dataset
from automl.data.labels import label_path
from tests.builders.train_tiny import draw_data


def test_only_the_labels_of_train_that_were_given_differ(tmp_path: Path) -> None:
    own = read_dataset(draw_data(tmp_path / "own"))
    image = own.train.images[2]
    written = write_corrected(own, tmp_path / "new", {image: ["0 0.5 0.5 0.1 0.1"]})
    other = read_dataset(written.data)
    assert written.changed == 1
    assert other.val == own.val
    pairs = zip(own.train.images, other.train.images, strict=True)
    assert [before for before, after in pairs if rows_of(before) != rows_of(after)] == [image]


def test_images_are_linked_in_their_order(tmp_path: Path) -> None:
    own = read_dataset(draw_data(tmp_path / "own", train=12))
    other = read_dataset(write_corrected(own, tmp_path / "new", {}).data)
    assert [image.resolve() for image in other.train.images] == list(own.train.images)


def test_an_image_without_a_label_file_has_none_there_either(tmp_path: Path) -> None:
    own = read_dataset(draw_data(tmp_path / "own"))
    Path(label_path(str(own.train.images[0]))).unlink()
    own = read_dataset(own.file)
    assert read_dataset(write_corrected(own, tmp_path / "new", {}).data).train.unlabelled == 1


def test_a_change_that_changes_nothing_has_no_rows(tmp_path: Path) -> None:
    images = read_dataset(draw_data(tmp_path)).train.images
    assert changed_rows(images, lambda image, rows: rows[:1] if image == images[1] else rows).keys() == {images[1]}
