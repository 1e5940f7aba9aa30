"""Slots of a machine."""

from __future__ import annotations

import os

import pytest

from automl.errors import AutoMLError
from automl.records import Slots
from automl.setup.slots import find_slots


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with eight cores and two GPUs."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    return monkeypatch


def test_each_gpu_is_a_slot_with_its_share_of_the_cores(machine: pytest.MonkeyPatch) -> None:
    assert find_slots(None, None) == Slots(count=2, device="gpu", devices=("0", "1"), threads=4)
    assert find_slots("1", None) == Slots(count=1, device="gpu", devices=("1",), threads=8)


def test_each_core_is_a_slot_where_there_is_no_gpu(machine: pytest.MonkeyPatch) -> None:
    machine.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert find_slots(None, None) == Slots(count=8, device="cpu", threads=1)
    assert find_slots(None, 3) == Slots(count=3, device="cpu", threads=2)


def test_the_cpu_can_be_asked_for_beside_gpus(machine: pytest.MonkeyPatch) -> None:
    assert find_slots("cpu", None).device == "cpu"


@pytest.mark.parametrize(
    ("device", "count", "message"),
    [
        ("2", None, "--device 2: GPUs here: 0, 1"),
        ("0,0", None, "--device 0,0"),
        (None, 3, "one trial runs on each GPU"),
        ("cpu", 0, "--slots 0: a search needs 1 slot or more"),
    ],
)
def test_slots_that_are_not_there_are_refused(
    machine: pytest.MonkeyPatch, device: str | None, count: int | None, message: str
) -> None:
    with pytest.raises(AutoMLError, match=message):
        find_slots(device, count)


def test_a_gpu_on_a_machine_without_one_is_refused(machine: pytest.MonkeyPatch) -> None:
    machine.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(AutoMLError, match="no GPU was found here"):
        find_slots("0", None)
