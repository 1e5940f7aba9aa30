"""A perceptual hash finds copies, and tells different images apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from automl.checks.facts import HASH_BYTES
from automl.checks.hashing import NEAR, distances, look_at
from tests.builders.data_folder import BCCD, needs_bccd

Array = np.ndarray[Any, Any]
CHANGES: dict[str, Callable[[Array], tuple[Array, int]]] = {
    "compressed again": lambda image: (image, 40),
    "half as large": lambda image: (cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), 90),
    "larger": lambda image: (cv2.resize(image, None, fx=1.7, fy=1.7), 90),
    "darker": lambda image: (cv2.convertScaleAbs(image, alpha=0.75), 90),
    "brighter": lambda image: (cv2.convertScaleAbs(image, beta=15), 90),
    "squared": lambda image: (cv2.resize(image, (416, 416)), 90),
}


def scene(seed: int) -> Array:
    """An image of soft blobs, 320 x 240."""
    noise = np.random.default_rng(seed).uniform(0, 255, (240, 320, 3)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 9), None, 30, 220, cv2.NORM_MINMAX)


def jpeg(image: Array, quality: int = 95) -> Array:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]


def digest(content: Array, shorter: int) -> Array:
    look = look_at(content, shorter)
    assert look is not None
    assert look.digest.shape == (HASH_BYTES,)
    return look.digest


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_near(change: str) -> None:
    copy, quality = CHANGES[change](scene(1))
    own, other = digest(jpeg(scene(1)), 240), digest(jpeg(copy, quality), min(copy.shape[:2]))
    assert distances(own, other[None])[0] <= NEAR


def test_different_images_are_far() -> None:
    every = np.stack([digest(jpeg(scene(seed)), 240) for seed in range(20)])
    assert min(distances(every[n], np.delete(every, n, axis=0)).min() for n in range(20)) > 4 * NEAR


def test_a_smaller_decoding_changes_few_bits() -> None:
    content = jpeg(scene(3))
    assert distances(digest(content, 10), digest(content, 10_000)[None])[0] <= 2


def test_an_image_is_seen_upright() -> None:
    from PIL import Image

    picture = Image.fromarray(scene(4))
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # is to be turned by 90 degrees clockwise
    assert distances(digest(encoded(picture), 240), digest(encoded(turned, exif), 240)[None])[0] <= NEAR


def encoded(picture: Any, exif: Any = b"") -> Array:
    import io

    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95, exif=exif)
    return np.frombuffer(buffer.getvalue(), np.uint8)


def test_brightness_and_contrast_are_those_of_grey() -> None:
    look = look_at(jpeg(np.full((100, 100, 3), 80, np.uint8)), 100)
    assert look is not None
    assert (round(look.brightness), round(look.contrast)) == (80, 0)


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xd8\xff"])
def test_no_image_has_no_look(content: bytes) -> None:
    assert look_at(np.frombuffer(content, np.uint8), 100) is None


@needs_bccd
def test_bccd_has_no_near_copies() -> None:
    files = sorted(Path(BCCD).glob("images/*/*.jpg"))
    every = np.stack([digest(np.fromfile(file, np.uint8), 480) for file in files])
    assert min(distances(every[n], np.delete(every, n, axis=0)).min() for n in range(len(every))) > 2 * NEAR
