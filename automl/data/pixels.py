"""One image file, judged as Ultralytics 8.4.190 does before it trains.

Ultralytics (`data/utils.py`, `check_image`) leaves out an image that Pillow cannot open, that is under 10 pixels or
of another format, with a warning that is easily missed. It writes a JPEG anew, in place, that does not end with an
end marker. What it accepts and OpenCV then cannot decode ends a training.
"""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from typing import IO, Any

from automl.data.formats import HEAD, Format, described, format_of
from automl.files import pointers
from automl.host import guest

LEAST = 10  # pixels of either side
_NOT_DECODED = "that OpenCV does not decode: cut off, or of a rare kind"
_JPEG_END, _PNG_END = b"\xff\xd9", b"IEND\xaeB`\x82"
_TAIL = 1 << 16  # bytes at the end in which a PNG's last chunk is looked for


class Fault(Enum):
    """Faults of an image file, with the way out."""

    GONE = "Fetch the file again, or remove it and its labels."  # cut off, empty or something else
    FOREIGN = "Convert it to JPEG or PNG, or remove it and its labels."
    SMALL = "Remove it and its labels."
    POINTER = "Fetch the images with `git lfs pull` in their repository."
    PLUGIN = "Install it with pip install pi-heif, or convert the image to JPEG or PNG."


@dataclass(frozen=True)
class Flaw:
    """Reason why an image cannot be trained on."""

    fault: Fault
    words: str


@dataclass(frozen=True)
class Verdict:
    """Result of the examination of one file."""

    flaw: Flaw | None = None
    untidy: bool = False  # a JPEG that Ultralytics would write anew: more bytes follow its end


SOUND = Verdict()
_DAMAGED = (  # errors of Pillow's readers
    *(OSError, ValueError, SyntaxError, IndexError, KeyError, TypeError, EOFError, ArithmeticError),
    *(RuntimeError, AttributeError, AssertionError, MemoryError, struct.error),
)


def judge(file: str, channels: int = 3) -> Verdict:
    """The verdict on a file. Reads the header of a JPEG, and all of other formats.

    channels  as in the data.yaml: they decide how OpenCV is asked
    """
    try:
        with open(file, "rb") as stream:  # noqa: PTH123 - ten thousand files: pathlib would double the time
            head = stream.read(HEAD)
            kind = format_of(head)
            if kind is None:
                return Verdict(_no_image(head))
            stream.seek(0)
            return _opened(stream, file, kind, channels)
    except OSError as error:
        return Verdict(Flaw(Fault.GONE, f"cannot be read ({error.strerror or error})"))


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings of Pillow and OpenCV on standard error meanwhile."""
    with guest.importing(()):  # OpenCV sets where programs look for libraries, also for programs that the user starts
        import cv2

    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _no_image(head: bytes) -> Flaw:
    if not head:
        return Flaw(Fault.GONE, "an empty file")
    if pointers.is_pointer(head):
        return Flaw(Fault.POINTER, pointers.IN_WORDS)
    words = described(head)
    return Flaw(Fault.GONE if "not an image" in words or "zero" in words else Fault.FOREIGN, words)


def _opened(stream: IO[bytes], file: str, kind: Format, channels: int) -> Verdict:
    if kind is Format.HEIF and find_spec("pi_heif") is None:
        return Verdict(Flaw(Fault.PLUGIN, "a HEIC image, which needs the package pi-heif"))
    cut = Verdict(Flaw(Fault.GONE, f"a damaged or cut off {kind} image"))
    try:
        picture = _picture(stream, file, kind)
        width, height = picture.size
        if min(width, height) < LEAST:
            return Verdict(Flaw(Fault.SMALL, f"{width} x {height} pixels, under {LEAST} in a side"))
        if _is_too_large(width * height):
            return Verdict(Flaw(Fault.FOREIGN, f"{width} x {height} pixels, more than Pillow opens"))
        if picture.format == "JPEG":
            return _jpeg(stream, picture)
        if picture.format == "MPO" and _tail(stream, 2) == _JPEG_END:
            return SOUND
        picture.verify()
        if kind is Format.PNG:
            return SOUND if _PNG_END in _tail(stream, _TAIL) else cut
        return SOUND if _decodes(file, channels) else Verdict(Flaw(Fault.FOREIGN, f"a {kind} image {_NOT_DECODED}"))
    except _DAMAGED:
        return cut


def _picture(stream: IO[bytes], file: str, kind: Format) -> Any:
    """The image as Pillow opens it. Pillow's `open` itself may have been replaced by Ultralytics'.

    Ultralytics' own installs packages for a file that Pillow does not know.
    """
    from PIL import Image

    Image.init()
    if kind is Format.HEIF:
        import pi_heif  # type: ignore[import-not-found]

        pi_heif.register_heif_opener()
    factory, _ = Image.OPEN[kind]
    return factory(stream, file)


def _jpeg(stream: IO[bytes], picture: Any) -> Verdict:
    """The verdict on a JPEG: without an end marker at its end it must decode whole."""
    if _tail(stream, 2) == _JPEG_END:
        return SOUND
    stream.seek(0)
    picture.load()
    return Verdict(untidy=True)


def _tail(stream: IO[bytes], count: int) -> bytes:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - count))
    return stream.read(count)


def _is_too_large(pixels: int) -> bool:
    from PIL import Image

    return Image.MAX_IMAGE_PIXELS is not None and pixels > 2 * Image.MAX_IMAGE_PIXELS


def _decodes(file: str, channels: int) -> bool:
    """True if OpenCV, or Pillow where Ultralytics asks it first, decodes the image."""
    import cv2
    import numpy as np

    flag = {1: cv2.IMREAD_GRAYSCALE, 3: cv2.IMREAD_COLOR}.get(channels, cv2.IMREAD_UNCHANGED)
    content = np.fromfile(file, np.uint8)
    suffix = file.rpartition(".")[2].lower()
    try:
        if suffix in ("tif", "tiff") and channels != 1:
            done, pages = cv2.imdecodemulti(content, cv2.IMREAD_UNCHANGED)
            stacked = channels != 3 and len(pages) > 1 and len({page.shape for page in pages}) == 1
            if done and (pages[0].ndim == 3 or stacked):
                return True
        return cv2.imdecode(content, flag) is not None or (suffix in ("avif", "heic", "heif") and _loads(file))
    except cv2.error:
        return False


def _loads(file: str) -> bool:
    with open(file, "rb") as stream:  # noqa: PTH123
        kind = format_of(stream.read(HEAD))
        stream.seek(0)
        if kind is not None:
            _picture(stream, file, kind).load()
    return kind is not None
