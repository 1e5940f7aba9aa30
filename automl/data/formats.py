"""Kinds of files by their first bytes, whatever they are called."""

from __future__ import annotations

from enum import StrEnum

HEAD = 512  # bytes that tell the kind


class Format(StrEnum):
    """Formats of images that Ultralytics reads, as Pillow calls them."""

    JPEG = "JPEG"
    PNG = "PNG"
    BMP = "BMP"
    WEBP = "WEBP"
    TIFF = "TIFF"  # DNG too
    JPEG2000 = "JPEG2000"
    AVIF = "AVIF"
    HEIF = "HEIF"


_BEGINNINGS = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"BM", Format.BMP),
    (b"II*\0", Format.TIFF),
    (b"MM\0*", Format.TIFF),
    (b"II+\0", Format.TIFF),
    (b"MM\0+", Format.TIFF),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Format.JPEG2000),
    (b"\xffO\xffQ", Format.JPEG2000),
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_OTHERS = (
    (b"GIF8", "a GIF"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"8BPS", "a Photoshop file"),
    (b"\0\0\x01\0", "an icon"),
    (b"\x76\x2f\x31\x01", "an OpenEXR image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"RIFF", "a video or sound"),
    (b"\x1aE\xdf\xa3", "a video"),
    *((f"P{digit}".encode(), "a PNM image") for digit in range(1, 8)),
)


def format_of(head: bytes) -> Format | None:
    """Format of an image from its first HEAD bytes; None for one that Ultralytics does not read."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Format.WEBP
    if head[4:8] == b"ftyp":
        if b"avif" in head[8:64] or b"avis" in head[8:12]:
            return Format.AVIF
        return Format.HEIF if head[8:12] in _HEIF_BRANDS else None
    return next((kind for beginning, kind in _BEGINNINGS if head.startswith(beginning)), None)


def described(head: bytes) -> str:
    """Words for a file that is no image which Ultralytics reads, from its first HEAD bytes."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in text:
        return "a web page, not an image"
    if text.startswith(b"<svg") or b"<svg" in text:
        return "an SVG drawing"
    if not head.strip(b"\0"):
        return "nothing but zero bytes"
    if head[4:8] == b"ftyp":
        return "a video"
    other = next((words for beginning, words in _OTHERS if head.startswith(beginning)), None)
    if other is not None:
        return other
    return "text, not an image" if _is_text(head) else "no image of a known format"


def _is_text(head: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\r\n\f" for byte in head)
