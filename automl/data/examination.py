"""Examination of every image file before anything is trained, remembered from search to search."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from automl.data.dataset import Dataset
from automl.data.images import TEST
from automl.data.pixels import Fault, Flaw, Verdict, judge, quiet
from automl.errors import SHOWN, BadData
from automl.files.atomic import replacing

MANY = 2000  # images whose examination takes long enough to be announced
_AT_ONCE = 64  # images of one task
_THREADS = 8  # they wait for the disk, and OpenCV and Pillow's checksums let others run


@dataclass
class Memory:
    """Files that were sound, by size and time of change: a file beside the studies, or none."""

    file: Path | None
    state: str  # everything else that a verdict depends on
    sound: dict[str, list[int]] = field(default_factory=dict)  # size, time of change and 1 if untidy, by path

    @classmethod
    def read(cls, file: Path | None, state: str) -> Memory:
        """The memory in a file; empty without one, or with one of another state."""
        document: Any = None
        with suppress(OSError, ValueError):
            document = json.loads(file.read_text(encoding="utf-8")) if file is not None else None
        known = isinstance(document, dict) and document.get("state") == state
        sound = document.get("sound") if known else None
        return cls(file, state, sound if isinstance(sound, dict) else {})

    def write(self) -> None:
        """Keep the memory; a search goes on without where that is not possible."""
        if self.file is None:
            return
        with suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.file) as part:
                part.write_text(json.dumps({"state": self.state, "sound": self.sound}), encoding="utf-8")


def examine(
    dataset: Dataset,
    *,
    test: bool,
    home: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[str, ...]:
    """Notes on images that Ultralytics would write anew.

    test  True if the test split is measured on
    home  folder of all studies, where sound files are remembered; None: nowhere
    say   gets a sentence if it takes long

    Raises BadData for images that Ultralytics would leave out, or that end a training: the first file, the reasons
    and their number.
    """
    splits = [split for name, split in dataset.splits.items() if test or name != TEST]
    files = list(dict.fromkeys(str(image) for split in splits for image in split.images))
    channels = int(dataset.extra.get("channels", 3))
    memory = Memory.read(_place(home, dataset.file), f"{version('pillow')} {version('ultralytics')} {channels}")
    verdicts = _verdicts(files, memory, channels, say)
    flaws = {file: verdict.flaw for file, verdict in verdicts.items() if verdict.flaw is not None}
    if flaws:
        in_test = test and dataset.test is not None and set(flaws) <= set(map(str, dataset.test.images))
        raise _refusal(flaws, len(files), in_test=in_test)
    return tuple(_on_untidy([file for file, verdict in verdicts.items() if verdict.untidy]))


def _place(home: Path | None, data: Path) -> Path | None:
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return home / "examined" / f"{name}.json" if home is not None else None


def _verdicts(files: Sequence[str], memory: Memory, channels: int, say: Callable[[str], None]) -> Mapping[str, Verdict]:
    """Verdict on each file, in the order of the files. The memory is renewed."""
    marks = {file: _mark(file) for file in files}
    verdicts = {file: Verdict(untidy=bool(memory.sound[file][2])) for file in files if _is_known(memory, file, marks)}
    new = [file for file in files if file not in verdicts]
    if len(new) > MANY:
        say(f"Examining {len(new)} images, once: those that do not change are remembered ...")
    if new:
        verdicts |= dict(_judged(new, channels))
        sound = {file: verdict for file, verdict in verdicts.items() if verdict.flaw is None}
        memory.sound |= {file: [*marks[file], int(verdict.untidy)] for file, verdict in sound.items()}
        memory.write()
    return {file: verdicts[file] for file in files}


def _is_known(memory: Memory, file: str, marks: Mapping[str, list[int]]) -> bool:
    entry = memory.sound.get(file)
    return isinstance(entry, list) and len(entry) == 3 and entry[:2] == marks[file]


def _mark(file: str) -> list[int]:
    """Size in bytes and time of change of a file; empty if it cannot be read."""
    try:
        status = os.stat(file)  # noqa: PTH116 - there may be very many
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _judged(files: Sequence[str], channels: int) -> Iterator[tuple[str, Verdict]]:
    with quiet(), ThreadPoolExecutor(_THREADS) as pool:
        judge(files[0], channels)  # Pillow's readers are loaded once, not by eight threads at a time
        parts = [files[start : start + _AT_ONCE] for start in range(0, len(files), _AT_ONCE)]
        for part, verdicts in zip(parts, pool.map(lambda part: [judge(f, channels) for f in part], parts), strict=True):
            yield from zip(part, verdicts, strict=True)


def _refusal(flaws: Mapping[str, Flaw], total: int, *, in_test: bool) -> BadData:
    """Error that names the first file, the reasons and the numbers."""
    first, flaw = next(iter(flaws.items()))
    without = " Or leave the test split out with --no-test." if in_test else ""
    if len(flaws) == total > 1 and {flaw.fault for flaw in flaws.values()} == {Fault.POINTER}:
        return BadData(first, f"{flaw.words}, as are all {total} images. {Fault.POINTER.value}{without}")
    text = f"{flaw.words}; Ultralytics would leave the image out, or fail. {flaw.fault.value}{without}"
    if len(flaws) > 1:
        counts = Counter(flaw.words for flaw in flaws.values()).most_common()
        reasons = "; ".join(f"{count} x {words}" for words, count in counts[:SHOWN])
        reasons += "; …" if len(counts) > SHOWN else ""
        others = list(islice(flaws, 1, 1 + SHOWN))
        names = ", ".join("/".join(Path(file).parts[-2:]) for file in others)
        more = f" and {len(flaws) - 1 - SHOWN} more" if len(flaws) > 1 + SHOWN else ""
        text += f" {len(flaws)} of {total} images cannot be used ({reasons}), after this one {names}{more}."
    return BadData(first, text)


def _on_untidy(files: Sequence[str]) -> Iterator[str]:
    if files:
        one = len(files) == 1
        yield (
            f"{len(files)} JPEG {'file goes' if one else 'files go'} on behind the end of the image, {files[0]}"
            f"{'' if one else ' for one'}: {'it is' if one else 'they are'} read and left as "
            f"{'it is' if one else 'they are'}. `yolo` would write {'it' if one else 'them'} anew, in place."
        )
