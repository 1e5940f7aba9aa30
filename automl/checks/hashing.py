"""Perceptual hash of an image: near copies differ in a few bits of 256.

On BCCD two different images differ in 24 bits or more, and a copy in 8 at most after any one of: JPEG of quality 30 to
95, a size from a third to double, 30 % darker, noise of 8 grey levels. A crop of 2 % a side costs 16 to 30 bits.
The hash is the sign of low frequencies, as ImageHash's `phash` is (Zauner, "Implementation and benchmarking of
perceptual image hash functions", 2010). That library decodes with Pillow in full size, which takes three times as long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from automl.checks.facts import HASH_BYTES

NEAR = 10  # bits: up to here one image is taken for a copy of another

_SIDE = 64  # pixels that the hash looks at
_FREQUENCIES = 16  # in each direction, of which there is a bit each
_LEAST = 96  # pixels of the shorter side, down to which a JPEG is decoded smaller


@dataclass(frozen=True, eq=False)
class Look:
    """One image as a check sees it."""

    brightness: float  # mean of grey, 0 to 255
    contrast: float  # standard deviation of grey
    digest: NDArray[np.uint8]  # HASH_BYTES

    @classmethod
    def of(cls, grey: NDArray[np.uint8]) -> Look:
        """The look of a grey image (height, width)."""
        import cv2

        mean, deviation = cv2.meanStdDev(grey)
        return cls(float(mean[0, 0]), float(deviation[0, 0]), perceptual_hash(grey))


def look_at(content: NDArray[np.uint8], shorter: int) -> Look | None:
    """The look of an image file's content, upright as EXIF says; None where OpenCV cannot decode it.

    shorter  pixels of the shorter side, by the header: a large JPEG is decoded at a half, a quarter or an eighth
    """
    import cv2  # loaded by `quiet` as a guest

    reduced = (cv2.IMREAD_GRAYSCALE, *_reductions())
    factor = min(max(shorter // _LEAST, 1).bit_length() - 1, 3)
    try:
        grey = cv2.imdecode(content, reduced[factor])
    except (cv2.error, MemoryError):
        return None
    return None if grey is None else Look.of(np.asarray(grey, dtype=np.uint8))


def perceptual_hash(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Hash of a grey image (height, width): HASH_BYTES, to be compared by `distances`."""
    import cv2

    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:_FREQUENCIES, :_FREQUENCIES].ravel()
    middle = np.median(low[1:])
    low[0] = middle  # the brightness tells nothing
    return np.packbits(low > middle + 1e-3)


def distances(digest: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Bits in which a hash (HASH_BYTES) differs from each of others (n, HASH_BYTES)."""
    bits: NDArray[np.int64] = np.bitwise_count(np.bitwise_xor(digest, others)).sum(axis=-1, dtype=np.int64)
    return bits


def _reductions() -> tuple[int, int, int]:
    import cv2

    return cv2.IMREAD_REDUCED_GRAYSCALE_2, cv2.IMREAD_REDUCED_GRAYSCALE_4, cv2.IMREAD_REDUCED_GRAYSCALE_8


assert HASH_BYTES * 8 == _FREQUENCIES**2
