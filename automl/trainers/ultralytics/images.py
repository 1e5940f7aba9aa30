"""Ultralytics' data set with its label cache in our folder and decoded images kept from trial to trial."""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from ultralytics.data.dataset import DATASET_CACHE_VERSION, YOLODataset

from automl.errors import DataChanged
from automl.files.atomic import replacing
from automl.trainers.ultralytics.label_cache import read_cache

Image = NDArray[np.uint8]
Size = tuple[int, int]  # height, width
Group = tuple[str, int]  # fingerprint of files and labels, image size
_LIMIT = 2 << 30
_SHARE = 0.1  # of the free memory: other slots keep theirs too


class ImageStore:
    """Decoded and resized images of the latest groups, up to a number of bytes; other images are read again.

    A stored image equals the image as read, so that scores do not depend on the store.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._groups: OrderedDict[Group, dict[str, tuple[Image, Size]]] = OrderedDict()

    def get(self, group: Group, file: str) -> tuple[Image, Size] | None:
        """A copy of the image, with its size in the file; None if it is not stored."""
        entry = self._groups.get(group, {}).get(file)
        return (entry[0].copy(), entry[1]) if entry else None

    def put(self, group: Group, file: str, image: Image, size: Size) -> None:
        """Keep a copy if there is room; groups other than the two in use make room."""
        images = self._groups.setdefault(group, {})
        while self._bytes + image.nbytes > self._limit and len(self._groups) > 2:
            _, oldest = self._groups.popitem(last=False)
            self._bytes -= sum(stored.nbytes for stored, _ in oldest.values())
        if self._bytes + image.nbytes <= self._limit and file not in images:
            images[file] = image.copy(), size
            self._bytes += image.nbytes

    def use(self, group: Group) -> None:
        """Mark a group as in use."""
        self._groups.setdefault(group, {})
        self._groups.move_to_end(group)


@cache
def image_store() -> ImageStore:
    """The store of this process."""
    return ImageStore(min(_LIMIT, int(_SHARE * psutil.virtual_memory().available)))


class StudyDataset(YOLODataset):  # type: ignore[misc]
    """A YOLODataset that writes nothing beside the user's files and decodes images once.

    label_cache  folder for the parsed labels of this and other data sets
    keep         True to keep decoded images; of no use in a loader's own process
    """

    def __init__(self, *args: Any, label_cache: Path, keep: bool, **kwargs: Any) -> None:
        self._label_cache = label_cache
        self._group: Group | None = None
        self._fingerprint = ""
        super().__init__(*args, **kwargs)
        # An array beside an image would be taken for its pixels, and a damaged one deleted: nobody has examined it.
        self.npy_files = [Path(file) / "none.npy" for file in self.im_files]
        if keep:
            self._group = (self._fingerprint, int(self.imgsz))
            image_store().use(self._group)

    def _load_or_scan_cache(self, cache_path: Path, cache_hash: str) -> tuple[dict[str, Any], bool]:
        """The parsed labels, with True if they came from our folder: the files have not changed since."""
        self._fingerprint = cache_hash
        file = self._label_cache / f"{cache_hash[:32]}.cache"
        try:
            stored: dict[str, Any] = read_cache(file)
            if stored["version"] == DATASET_CACHE_VERSION and stored["hash"] == cache_hash:
                return stored, True
        except Exception:  # noqa: S110 - absent, cut off or of another version: parse the labels again
            pass
        self._label_cache.mkdir(parents=True, exist_ok=True)
        with replacing(file) as part:
            parsed: dict[str, Any] = self.cache_labels(part)
        return parsed, False

    def load_image(self, i: int, rect_mode: bool = True, resize_short: bool = False) -> tuple[Image, Size, Size]:
        """The image with its sizes in the file and here; its file is read only if neither buffer nor store has it."""
        plain = rect_mode and not resize_short
        if self._group is None or not plain or self.ims[i] is not None:
            return self._read(i, rect_mode, resize_short)
        stored = image_store().get(self._group, self.im_files[i])
        if stored is None:
            image, size, resized = self._read(i)
            image_store().put(self._group, self.im_files[i], image, size)
            return image, size, resized
        image, size = stored
        if self.augment:
            self._remember(i, image, size)
        return image, size, image.shape[:2]

    def _read(self, i: int, rect_mode: bool = True, resize_short: bool = False) -> tuple[Image, Size, Size]:
        """As `load_image`, from the file. Raises DataChanged for one that has gone since the search examined it."""
        try:
            result: tuple[Image, Size, Size] = super().load_image(i, rect_mode, resize_short)
        except FileNotFoundError:
            raise DataChanged(f"{self.im_files[i]} is gone, or no image any more. Put it back, and resume") from None
        return result

    def _remember(self, i: int, image: Image, size: Size) -> None:
        """Put the image into the mosaic buffer and drop the oldest if it is full, as reading a file does."""
        self.ims[i], self.im_hw0[i], self.im_hw[i] = image, size, image.shape[:2]
        self.buffer.append(i)
        if len(self.buffer) > 1 and len(self.buffer) >= self.max_buffer_length:
            oldest = self.buffer.pop(0)
            self.ims[oldest] = self.im_hw0[oldest] = self.im_hw[oldest] = None
