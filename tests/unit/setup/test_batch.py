"""The automatic batch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import OutOfMemory
from automl.records import Prepared
from automl.setup.batch import largest_batch
from tests.builders.factories import make_prepared

GPU_BYTES = 80_000_000_000


def gpu(base: float, per_image: float, images: int = 1000) -> tuple[Callable[[int], Prepared], list[int]]:
    """A GPU on which a training takes `base` bytes and more for each image of the batch; also the sizes measured."""
    sizes: list[int] = []

    def measure(batch: int) -> Prepared:
        sizes.append(batch)
        used = int(base + per_image * batch)
        if used > GPU_BYTES:
            raise OutOfMemory(f"batch {batch}: out of memory")
        return make_prepared(
            memory_bytes=used, memory_total_bytes=GPU_BYTES, defaults={"batch": batch}, train_images=images
        )

    return measure, sizes


def batch_of(base: float, per_image: float, nominal: int = 64, images: int = 1000) -> int:
    prepared, _ = largest_batch(gpu(base, per_image, images)[0], nominal)
    batch = prepared.defaults["batch"]
    assert isinstance(batch, int)
    return batch


def test_the_largest_batch_within_the_share_is_measured_and_told() -> None:
    measure, sizes = gpu(2e9, 1e9)
    prepared, note = largest_batch(measure, 64)
    assert prepared.defaults["batch"] == 40  # 46 would take 60 % and is rounded down to a multiple of 8
    assert note == "batch 40 takes 52% of the GPU's memory"
    assert sizes == [4, 16, 40]


def test_the_batch_stays_at_the_one_the_trainer_scales_to() -> None:
    prepared, note = largest_batch(gpu(1e9, 0.1e9)[0], 64)
    assert prepared.defaults["batch"] == 64
    assert note == "batch 64 takes 9% of the GPU's memory; memory would hold 470"


def test_the_batch_is_not_larger_than_the_data_set() -> None:
    assert batch_of(1e9, 0.1e9, images=10) == 8


def test_where_sixteen_do_not_fit_fewer_are_tried() -> None:
    assert batch_of(2e9, 6e9) == 8


def test_a_batch_below_four_is_taken_where_four_do_not_fit() -> None:
    assert batch_of(2e9, 30e9) == 2
    assert batch_of(2e9, 60e9) == 1


def test_where_not_even_one_image_fits_it_is_out_of_memory() -> None:
    with pytest.raises(OutOfMemory, match="batch 1"):
        batch_of(90e9, 1e9)


@given(base=st.floats(0, 6e10), per_image=st.floats(1e6, 4e10), nominal=st.integers(1, 256))
def test_whatever_the_memory_the_batch_fits(base: float, per_image: float, nominal: int) -> None:
    try:
        prepared, _ = largest_batch(gpu(base, per_image)[0], nominal)
    except OutOfMemory:
        assert base + per_image > GPU_BYTES
        return
    batch = prepared.defaults["batch"]
    assert isinstance(batch, int)
    assert batch <= max(nominal, 4)
    assert batch <= 4 or prepared.memory_bytes <= 0.65 * GPU_BYTES
