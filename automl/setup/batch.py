"""Batch rule: the largest batch size within a share of the GPU's memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from automl.errors import OutOfMemory
from automl.records import Prepared

MEMORY_SHARE = 0.6  # of a GPU's memory that the automatic batch may take
_LEEWAY = 0.05  # by which a verified batch may pass that share
_NO_LIMIT = 10**6  # images: more than any batch has
Measure = Callable[[int], Prepared]  # from the batch size


def largest_batch(measure: Measure, nominal: int, share: float = MEMORY_SHARE) -> tuple[Prepared, str]:
    """Measurement at the largest batch within that share of the GPU's memory, and a sentence on it.

    Memory is taken to grow linearly with the batch, through the high-water marks at 4 and 16. The batch on that
    line is measured, and lowered until it holds. It is never above `nominal`, the batch to which the trainer
    scales its weight decay and gathers gradients: beyond it the same learning rate means something else.

    Raises OutOfMemory if not even a batch of 1 fits.
    """
    small = _first_that_fits(measure, (4, 2, 1))
    least = _batch(small, 4)
    if least < 4:
        return small, f"batch {least}: a larger one does not fit"
    try:
        large: Prepared | None = measure(16)
    except OutOfMemory:
        large = None
    estimate = _by_line(small, large, share) if large is not None else 8
    size = max(1, min(estimate, nominal, small.train_images))
    if size > 8:
        size -= size % 8
    for _ in range(6):
        if size <= 4:
            break
        try:
            prepared = large if large is not None and size == 16 else measure(size)
        except OutOfMemory:
            prepared = None
        if prepared is not None and prepared.memory_bytes <= (share + _LEEWAY) * prepared.memory_total_bytes:
            used = prepared.memory_bytes / prepared.memory_total_bytes
            capped = f"; memory would hold {estimate}" if estimate > nominal else ""
            return prepared, f"batch {size} takes {used:.0%} of the GPU's memory{capped}"
        size = max(4, int(size * 0.75))
    used = small.memory_bytes / max(1, small.memory_total_bytes)
    return small, f"batch {least} takes {used:.0%} of the GPU's memory"


def _first_that_fits(measure: Measure, sizes: Sequence[int]) -> Prepared:
    for size in sizes[:-1]:
        try:
            return measure(size)
        except OutOfMemory:
            continue
    return measure(sizes[-1])


def _batch(prepared: Prepared, otherwise: int) -> int:
    batch = prepared.defaults.get("batch", otherwise)
    return int(batch) if isinstance(batch, int | float) else otherwise


def _by_line(small: Prepared, large: Prepared, share: float) -> int:
    """Batch at that share of memory, on the line through batches of 4 and 16."""
    slope = (large.memory_bytes - small.memory_bytes) / 12
    if slope <= 0:
        return _NO_LIMIT
    base = small.memory_bytes - 4 * slope
    return max(1, int((share * small.memory_total_bytes - base) / slope))
