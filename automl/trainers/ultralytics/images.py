"""Ultralytics' data set with its label cache elsewhere and its decoded images kept from trial to trial."""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from ultralytics.data.dataset import DATASET_CACHE_VERSION, YOLODataset
from ultralytics.data.utils import load_dataset_cache_file

from automl.files.atomic import replacing

Image = NDArray[np.uint8]
Size = tuple[int, int]  # height, width
Group = tuple[str, int]  # fingerprint of files and labels, image size
_LIMIT = 2 << 30
_SHARE = 0.1  # of the free memory: other slots keep theirs too


class ImageStore:
    """Decoded and resized images of the latest groups, up to a number of bytes; the rest is read again.

    What it gives is what reading gives, so that scores do not depend on it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._groups: OrderedDict[Group, dict[str, tuple[Image, Size]]] = OrderedDict()

    def get(self, group: Group, file: str) -> tuple[Image, Size] | None:
        """A copy of the image and the size it has in its file."""
        kept = self._groups.get(group, {}).get(file)
        return (kept[0].copy(), kept[1]) if kept else None

    def put(self, group: Group, file: str, image: Image, size: Size) -> None:
        """Keep a copy if there is room; groups other than the two in use make room."""
        images = self._groups.setdefault(group, {})
        while self._bytes + image.nbytes > self._limit and len(self._groups) > 2:
            _, dropped = self._groups.popitem(last=False)
            self._bytes -= sum(old.nbytes for old, _ in dropped.values())
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
    """As YOLODataset, but nothing is written beside the user's files and images are decoded once.

    label_cache  folder for the parsed labels of this and other data sets
    keep         whether decoded images are kept; of no use in a loader's own process
    """

    def __init__(self, *args: Any, label_cache: Path, keep: bool, **kwargs: Any) -> None:
        self._label_cache = label_cache
        self._group: Group | None = None
        self._fingerprint = ""
        super().__init__(*args, **kwargs)
        if keep:
            self._group = (self._fingerprint, int(self.imgsz))
            image_store().use(self._group)

    def _load_or_scan_cache(self, cache_path: Path, cache_hash: str) -> tuple[dict[str, Any], bool]:
        """The parsed labels, from our folder when the files are the same as when they were written there."""
        self._fingerprint = cache_hash
        file = self._label_cache / f"{cache_hash[:32]}.cache"
        try:
            kept: dict[str, Any] = load_dataset_cache_file(file)
            if kept["version"] == DATASET_CACHE_VERSION and kept["hash"] == cache_hash:
                return kept, True
        except Exception:  # noqa: S110 - absent, cut off or of another version: parse the labels again
            pass
        self._label_cache.mkdir(parents=True, exist_ok=True)
        with replacing(file) as part:
            parsed: dict[str, Any] = self.cache_labels(part)
        return parsed, False

    def load_image(self, i: int, rect_mode: bool = True, resize_short: bool = False) -> tuple[Image, Size, Size]:
        """As the base class does, reading the file only where neither the buffer nor the store has the image."""
        plain = rect_mode and not resize_short
        if self._group is None or not plain or self.ims[i] is not None:
            loaded: tuple[Image, Size, Size] = super().load_image(i, rect_mode, resize_short)
            return loaded
        kept = image_store().get(self._group, self.im_files[i])
        if kept is None:
            image, size, now = super().load_image(i)
            image_store().put(self._group, self.im_files[i], image, size)
            return image, size, now
        image, size = kept
        if self.augment:
            self._remember(i, image, size)
        return image, size, image.shape[:2]

    def _remember(self, i: int, image: Image, size: Size) -> None:
        """Enter the image into the mosaic buffer, from which the oldest falls out, as reading it does."""
        self.ims[i], self.im_hw0[i], self.im_hw[i] = image, size, image.shape[:2]
        self.buffer.append(i)
        if len(self.buffer) > 1 and len(self.buffer) >= self.max_buffer_length:
            oldest = self.buffer.pop(0)
            self.ims[oldest] = self.im_hw0[oldest] = self.im_hw[oldest] = None
