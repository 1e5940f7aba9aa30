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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, IntFlag
from importlib.util import find_spec
from typing import IO, Any

from automl.data.formats import HEAD, Format, described, format_of
from automl.files import pointers
from automl.files.regular import open_regular
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


class Trait(IntFlag):
    """Properties of an image file that are worth a word."""

    TURNED = 1  # by EXIF, which turns or mirrors it
    GREY = 2
    ALPHA = 4
    DEEP = 8  # more than 8 bits a channel
    CMYK = 16
    FRAMES = 32  # more than one: animated, or several pages
    MISNAMED = 64  # its suffix is that of another format
    UNTIDY = 128  # a JPEG that Ultralytics would write anew
    PALETTE = 256


_NO_TRAIT = Trait(0)


@dataclass(frozen=True)
class Header:
    """Contents of an image file's header."""

    width: int = 0  # pixels as shown, after a turn by EXIF; 0 where it cannot be read
    height: int = 0
    traits: Trait = _NO_TRAIT


_NO_HEADER = Header()
_ORIENTATION = 0x0112
_HOLDERS = ("XML:com.adobe.xmp", "xmp")  # in which an orientation may stand, beside EXIF
_MODES = {
    **dict.fromkeys(("1", "L"), Trait.GREY),
    **dict.fromkeys(("I;16", "I;16B", "I;16L", "I;16N", "I", "F"), Trait.GREY | Trait.DEEP),
    **dict.fromkeys(("RGBA", "RGBa", "PA"), Trait.ALPHA),
    **dict.fromkeys(("LA", "La"), Trait.ALPHA | Trait.GREY),
    "P": Trait.PALETTE,
    "CMYK": Trait.CMYK,
}
_SUFFIXES = {
    Format.JPEG: ("jpg", "jpeg", "mpo"),
    Format.PNG: ("png",),
    Format.BMP: ("bmp",),
    Format.WEBP: ("webp",),
    Format.TIFF: ("tif", "tiff", "dng"),
    Format.JPEG2000: ("jp2",),
    Format.AVIF: ("avif",),
    Format.HEIF: ("heic", "heif"),
}
_DAMAGED = (  # errors of Pillow's readers
    *(OSError, ValueError, SyntaxError, IndexError, KeyError, TypeError, EOFError, ArithmeticError),
    *(RuntimeError, AttributeError, AssertionError, MemoryError, struct.error),
)


def judge(file: str, channels: int = 3) -> Verdict:
    """The verdict on a file. Reads the header of a JPEG, and all of other formats.

    channels  as in the data.yaml: they decide how OpenCV is asked
    """
    return judge_and_measure(file, channels)[0]


def judge_and_measure(file: str, channels: int = 3) -> tuple[Verdict, Header]:
    """The verdict on a file, and what its header says; see `judge`."""
    try:
        with open_regular(file) as stream:
            head = stream.read(HEAD)
            kind = format_of(head)
            if kind is None:
                return Verdict(_no_image(head)), _NO_HEADER
            stream.seek(0)
            return _opened(stream, file, kind, channels)
    except OSError as error:
        return Verdict(Flaw(Fault.GONE, f"cannot be read ({error.strerror or error})")), _NO_HEADER


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


def _opened(stream: IO[bytes], file: str, kind: Format, channels: int) -> tuple[Verdict, Header]:
    if kind is Format.HEIF and find_spec("pi_heif") is None:
        return Verdict(Flaw(Fault.PLUGIN, "a HEIC image, which needs the package pi-heif")), _NO_HEADER
    header = _NO_HEADER
    try:
        picture = _picture(stream, file, kind)
        header = _header(picture, file, kind)
        return _verdict(stream, picture, file, kind, channels), header
    except _DAMAGED:
        return Verdict(_cut(kind)), header


def _cut(kind: Format) -> Flaw:
    return Flaw(Fault.GONE, f"a damaged or cut off {kind} image")


def _verdict(stream: IO[bytes], picture: Any, file: str, kind: Format, channels: int) -> Verdict:
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
        return SOUND if _PNG_END in _tail(stream, _TAIL) else Verdict(_cut(kind))
    return SOUND if _decodes(file, channels) else Verdict(Flaw(Fault.FOREIGN, f"a {kind} image {_NOT_DECODED}"))


def _header(picture: Any, file: str, kind: Format) -> Header:
    """Size and traits of an opened image. Ultralytics takes EXIF from the same place, `exif_size`."""
    width, height = picture.size
    traits = _MODES.get(picture.mode, _NO_TRAIT)
    if kind is Format.PNG and picture.info.get("transparency") is not None:
        traits |= Trait.ALPHA
    if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
        traits |= Trait.FRAMES
    if file.rpartition(".")[2].lower() not in _SUFFIXES[kind]:
        traits |= Trait.MISNAMED
    orientation = _orientation(picture)
    if orientation in range(2, 9):
        traits |= Trait.TURNED
    if orientation in range(5, 9) and _swaps(kind, file, width, height):
        width, height = height, width
    return Header(width, height, traits)


def _orientation(picture: Any) -> Any:
    with suppress(*_DAMAGED):
        if picture.format == "TIFF":
            return picture.tag_v2.get(_ORIENTATION)
        if "exif" in picture.info or (picture.format != "PNG" and not picture.info.keys().isdisjoint(_HOLDERS)):
            return picture.getexif().get(_ORIENTATION)
    return None


def _swaps(kind: Format, file: str, width: int, height: int) -> bool:
    """True if OpenCV turns such an image by a quarter. Of WebP and TIFF that depends on its version."""
    if kind not in (Format.WEBP, Format.TIFF) or _is_too_large(width * height):
        return True
    import cv2
    import numpy as np

    try:
        decoded = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        return False
    return decoded is not None and decoded.shape[:2] == (width, height) and width != height


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
    with open_regular(file) as stream:
        kind = format_of(stream.read(HEAD))
        stream.seek(0)
        if kind is not None:
            _picture(stream, file, kind).load()
    return kind is not None


def decode_grey(file: str) -> Any:
    """Grey levels (height, width) of an AVIF or HEIC image that Pillow decodes; None for others."""
    import numpy as np

    if file.rpartition(".")[2].lower() not in ("avif", "heic", "heif"):
        return None
    try:
        with open_regular(file) as stream:
            kind = format_of(stream.read(HEAD))
            stream.seek(0)
            return None if kind is None else np.asarray(_picture(stream, file, kind).convert("L"))
    except _DAMAGED:
        return None
