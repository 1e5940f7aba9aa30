"""Archives of arrays (npz) that may be damaged."""

from __future__ import annotations

import struct
import zipfile
import zlib

# Errors of `numpy.load` over a file that was cut off or overwritten. RuntimeError: a flipped bit may say "encrypted",
# or name a version of the format or a method that does not exist.
DAMAGED: tuple[type[Exception], ...] = (
    OSError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    EOFError,
    OverflowError,
    MemoryError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
