"""Speed and memory of the data check's reading, on a set that consists of links to few images."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from automl.data.dataset import read_dataset
from automl.data.labels import label_path

Listener = Callable[[str], None]

_IN_A_FOLDER = 10_000  # images
_VAL = 10  # of so many folders one is val, or of so many images where there is one folder


@dataclass(frozen=True, kw_only=True)
class Row:
    """One run of the reading, in a process of its own."""

    what: str
    images: int
    boxes: int
    seconds: float  # wall time, without the start of the process
    cpu_seconds: float
    peak_mb: float  # memory of the process, in MB
    findings_s: float  # wall time from facts to findings

    @property
    def per_second(self) -> float:
        """Images read in a second of wall time."""
        return self.images / self.seconds

    @property
    def per_cpu_second(self) -> float:
        """Images read in a second of CPU time."""
        return self.images / self.cpu_seconds


def run(data: Path, images: int, *, pixels: bool, folder: Path | None, listener: Listener) -> tuple[Row, ...]:
    """Time of labels and headers, and of pixels too, each for the first time and again from memory.

    data    a data.yaml, whose images are copied once and then linked until there are so many
    folder  for the set, which is removed afterwards; None: a temporary one
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        start = time.perf_counter()
        file = linked_set(data, images, Path(place))
        listener(f"{images} images linked in {time.perf_counter() - start:.1f} s")
        rows = []
        for with_pixels in (False, True) if pixels else (False,):
            what = "labels, headers and pixels" if with_pixels else "labels and headers"
            for again in ("", " again"):
                rows.append(measured(file, Path(place) / "home", with_pixels, f"{what}{again}"))
                listener(f"{rows[-1].what}: {rows[-1].seconds:.1f} s")
        return tuple(rows)


def linked_set(data: Path, images: int, place: Path) -> Path:
    """A data set of so many images, which are links to copies of those in `data`; its data.yaml."""
    dataset = read_dataset(data)
    originals = [image for split in dataset.splits.values() for image in map(str, split.images)]
    copies = [_copied(image, place / "originals", number) for number, image in enumerate(originals)]
    for number in range(images):
        image, label = copies[number % len(copies)]
        group = f"{'val' if number % _VAL == 0 else 'train'}/{number // _IN_A_FOLDER:04d}"
        for kind, source in (("images", image), ("labels", label)):
            target = place / kind / group / f"{number:07d}{source.suffix}"
            if number % _IN_A_FOLDER <= 1:
                target.parent.mkdir(parents=True, exist_ok=True)
            if source.exists():
                os.link(source, target)
    file = place / "data.yaml"
    names = "".join(f"  {number}: {name!r}\n" for number, name in enumerate(dataset.names))
    file.write_text(f"train: images/train\nval: images/val\nnames:\n{names}", encoding="utf-8")
    return file


def _copied(image: str, folder: Path, number: int) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"{number:05d}{Path(image).suffix}"
    shutil.copyfile(image, copy)
    label = copy.with_suffix(".txt")
    if Path(label_path(image)).exists():
        shutil.copyfile(label_path(image), label)
    return copy, label


def measured(file: Path, home: Path, pixels: bool, what: str) -> Row:
    """One run in a new process."""
    with get_context("spawn").Pool(1) as pool:
        return Row(what=what, **pool.apply(_measure, (file, home, pixels)))


def _measure(file: Path, home: Path, pixels: bool) -> dict[str, Any]:
    from automl.checks.report import report_of
    from automl.checks.scan import scan

    wall, cpu = time.perf_counter(), time.process_time()
    facts = scan(file, pixels=pixels, home=home)
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    report_of(facts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "images": sum(len(split.images) for split in facts.splits.values()),
        "boxes": sum(len(split.boxes) for split in facts.splits.values()),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_mb": peak / (1e6 if sys.platform == "darwin" else 1e3),
        "findings_s": time.perf_counter() - wall - seconds,
    }


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table."""
    head = ["", "images", "boxes", "seconds", "images/s", "images/cpu-s", "peak MB", "findings s"]
    return head, [
        [
            row.what,
            f"{row.images}",
            f"{row.boxes}",
            f"{row.seconds:.2f}",
            f"{row.per_second:.0f}",
            f"{row.per_cpu_second:.0f}",
            f"{row.peak_mb:.0f}",
            f"{row.findings_s:.2f}",
        ]
        for row in rows
    ]


def captions(rows: Sequence[Row]) -> Iterator[str]:
    """Sentences below the table."""
    load = os.getloadavg()[0]
    yield f"n = {rows[0].images} images; {os.cpu_count()} cores, with a load of {load:.1f} at the end."
    yield "Links to few files: they come from memory, not from a disk."
    yield "Peak: memory of the one process, findings included."
    for first, second in zip(rows[::2], rows[1::2], strict=True):
        yield f"{second.what}: {second.seconds / first.seconds:.3f} of the first time."
