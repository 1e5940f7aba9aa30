"""Image files of every kind and in every state, by what they are: sound ones, and those that cannot be trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.builders.data_folder import image_bytes


@dataclass(frozen=True)
class Sample:
    """Content of a file, and its suffix."""

    content: bytes
    suffix: str = "jpg"


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
SIZE = (96, 64)


def _cut(kind: str, end: int, suffix: str, **options: object) -> Sample:
    content = image_bytes(kind, SIZE, **options)
    return Sample(content[:end] if end < 0 else content[: len(content) // end], suffix)


def _sound() -> dict[str, Sample]:
    jpeg, png = image_bytes("JPEG", SIZE), image_bytes("PNG", SIZE)
    kinds = (("PNG", "png"), ("BMP", "bmp"), ("WEBP", "webp"), ("TIFF", "tif"), ("JPEG2000", "jp2"), ("MPO", "mpo"))
    modes = ("L", "RGBA", "P", "1", "I;16")
    return {
        "JPEG": Sample(jpeg),
        "JPEG in capitals": Sample(jpeg, "JPG"),
        "progressive JPEG": Sample(image_bytes("JPEG", SIZE, progressive=True)),
        "grey JPEG": Sample(image_bytes("JPEG", SIZE, "L")),
        "CMYK JPEG": Sample(image_bytes("JPEG", SIZE, "CMYK")),
        "JPEG of 10 pixels": Sample(image_bytes("JPEG", (10, 10))),
        "JPEG with more behind its end": Sample(jpeg + b"\0\0"),
        "JPEG cut off, with an end": Sample(jpeg[:-60] + b"\xff\xd9"),
        "PNG called jpg": Sample(png),
        "PNG with more behind its end": Sample(png + b"\0\0", "png"),
        "TIFF of two colours": Sample(image_bytes("TIFF", SIZE, "1"), "tiff"),
        "TIFF with LZW": Sample(image_bytes("TIFF", SIZE, compression="tiff_lzw"), "tif"),
        **{f"{kind} sound": Sample(image_bytes(kind, SIZE), suffix) for kind, suffix in kinds},
        **{f"PNG in {mode}": Sample(image_bytes("PNG", SIZE, mode), "png") for mode in modes},
    }


def _damaged() -> dict[str, Sample]:
    jpeg = image_bytes("JPEG", SIZE)
    return {
        "empty": Sample(b""),
        "web page": Sample(b"\n<!DOCTYPE html>\n<html><body>404</body></html>"),
        "pointer of Git LFS": Sample(LFS),
        "GIF called jpg": Sample(image_bytes("GIF", SIZE, "P")),
        "PNM called jpg": Sample(image_bytes("PPM", SIZE)),
        "icon called png": Sample(image_bytes("ICO", (32, 32)), "png"),
        "text": Sample(b"hello\n" * 50),
        "zero bytes": Sample(b"\0" * 5000),
        "unknown bytes": Sample(bytes(range(128, 256)) * 9),
        "9 pixels high": Sample(image_bytes("JPEG", (40, 9))),
        "9 pixels wide": Sample(image_bytes("PNG", (9, 40)), "png"),
        "half a JPEG": _cut("JPEG", 2, "jpg"),
        "half a progressive JPEG": _cut("JPEG", 2, "jpg", progressive=True),
        "JPEG without its end marker": Sample(jpeg[:-2]),
        "JPEG without its last byte": Sample(jpeg[:-1]),
        "JPEG with its header alone": Sample(jpeg[:300]),
        "JPEG of 3 bytes": Sample(jpeg[:3]),
        "half a PNG": _cut("PNG", 2, "png"),
        "PNG without its end": _cut("PNG", -12, "png"),
        "PNG without its last bytes": _cut("PNG", -4, "png"),
        "half a BMP": _cut("BMP", 2, "bmp"),
        "half a TIFF": _cut("TIFF", 2, "tif"),
        "half a JPEG 2000": _cut("JPEG2000", 2, "jp2"),
        "TIFF of floats": Sample(image_bytes("TIFF", SIZE, "F"), "tif"),
    }


SOUND: Mapping[str, Sample] = _sound()
DAMAGED: Mapping[str, Sample] = _damaged()
SAMPLES: Mapping[str, Sample] = {**SOUND, **DAMAGED}
