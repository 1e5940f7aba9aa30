"""A data set with other labels in train, in a folder of its own: images are linked, val and test stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from automl.data.dataset import Dataset, write_resolved
from automl.data.labels import label_path
from automl.files.home import make_folder, not_writable
from automl.files.links import link

Rows = list[str]  # of a label file, as written


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """A data set that was written."""

    data: Path  # its data.yaml
    changed: int  # images whose labels differ from the user's


def write_corrected(dataset: Dataset, folder: Path, labels: Mapping[Path, Sequence[str]]) -> Corrected:
    """Write a data set whose train has other labels for some images; return it.

    The order of the images stays the same, so that two trainings of one seed differ by labels alone.

    labels  new rows by image; without an entry the user's own are copied byte by byte

    Raises NoSpace if the folder cannot be written.
    """
    images, rows = folder / "images" / "train", folder / "labels" / "train"
    for place in (images, rows):
        make_folder(place)
    names = [f"{number:07d}{image.suffix}" for number, image in enumerate(dataset.train.images)]
    for image, name in zip(dataset.train.images, names, strict=True):
        link(image, images / name)
        _write_labels(image, (rows / name).with_suffix(".txt"), labels.get(image))
    train = replace(dataset.train, sources=(images,), images=tuple(images / name for name in names))
    data = write_resolved(replace(dataset, train=train, test=None), folder / "data.yaml")
    return Corrected(data=data, changed=sum(image in labels for image in dataset.train.images))


def _write_labels(image: Path, target: Path, rows: Sequence[str] | None) -> None:
    try:
        if rows is not None:
            target.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
            return
        own = Path(label_path(str(image)))
        if own.exists():
            target.write_bytes(own.read_bytes())
    except OSError as error:
        raise not_writable(target.parent, error) from error


def rows_of(image: Path) -> Rows:
    """Rows of an image's label file as written, blank ones too, so that lines keep their numbers."""
    try:
        return Path(label_path(str(image))).read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return []


def changed_rows(images: Iterable[Path], change: Callable[[Path, Rows], Rows]) -> dict[Path, Rows]:
    """New rows of the images that a change touches."""
    pairs = ((image, rows_of(image)) for image in images)
    return {image: new for image, rows in pairs if (new := change(image, list(rows))) != rows}
