"""Trainings that run out of memory: how they are known, and the smaller batch that they go on with."""

from __future__ import annotations

from automl.records import Params

HALVINGS = 2  # so often the batch of a training is halved at most
_SIGNS = (
    *("out of memory", "can't allocate memory", "cannot allocate memory"),
    *("cublas_status_alloc_failed", "cudnn_status_alloc_failed", "cudnn_status_internal_error"),
    "unable to find an engine",
)


def is_out_of_memory(error: BaseException) -> bool:
    """True if the device, or the machine, had no memory left."""
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _SIGNS)


def half(params: Params, batch: int | None) -> int | None:
    """Half the batch; None where it is 1 already, or chosen by Ultralytics.

    batch  to which it was halved before; None for that of the parameters
    """
    size = params.get("batch", 16) if batch is None else batch
    return int(size) // 2 if isinstance(size, int) and size > 1 else None
