"""Signs of a device without memory, and the batch that is tried next."""

from __future__ import annotations

import pytest

from automl.trainers.ultralytics.memory import half, is_out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
        OSError(12, "Cannot allocate memory"),
        MemoryError(),
    ],
)
def test_every_way_to_run_out_of_memory_is_known(error: Exception) -> None:
    assert is_out_of_memory(error)


def test_another_error_is_none() -> None:
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


@pytest.mark.parametrize(
    ("asked", "batch", "smaller"), [(16, None, 8), (16, 8, 4), (5, None, 2), (1, None, None), (-1, None, None)]
)
def test_the_batch_is_halved_down_to_one(asked: int, batch: int | None, smaller: int | None) -> None:
    assert half({"batch": asked}, batch) == smaller
