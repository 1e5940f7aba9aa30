"""Slots of a machine."""

from __future__ import annotations

import pytest

from automl.errors import AutoMLError
from automl.host import gpus
from automl.records import Slots
from automl.setup.resumable import slots_here
from automl.setup.slots import find_slots


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with eight cores and two GPUs."""
    monkeypatch.setattr("automl.setup.slots.usable_cores", lambda: 8)
    monkeypatch.setattr(gpus, "torch_problem", lambda names: "")
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
        ("mps", None, "--device mps: trials do not train on Apple's GPUs"),
        ("MPS:0", None, "trials do not train on Apple's GPUs. Use --device cpu"),
        ("xpu", None, "trials do not train on Intel's GPUs"),
        ("", None, "GPUs here: 0, 1"),
        ("-1", None, "GPUs here: 0, 1"),
        ("cpu,0", None, "GPUs here: 0, 1"),
    ],
)
def test_slots_that_are_not_there_are_refused(
    machine: pytest.MonkeyPatch, device: str | None, count: int | None, message: str
) -> None:
    with pytest.raises(AutoMLError, match=message):
        find_slots(device, count)


def test_a_search_needs_a_slot() -> None:
    with pytest.raises(AutoMLError, match="--slots 0: a search needs 1 slot or more"):
        slots_here("cpu", 0)


def test_all_gpus_can_be_asked_for_and_names_have_no_case(machine: pytest.MonkeyPatch) -> None:
    machine.setenv("CUDA_VISIBLE_DEVICES", "GPU-5Ab,MIG-77/1/0")
    assert find_slots("gpu", None).devices == ("GPU-5Ab", "MIG-77/1/0")
    assert find_slots("gpu-5ab", None).devices == ("GPU-5Ab",)


def test_gpus_that_torch_cannot_use_are_refused_with_its_reason(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(gpus, "torch_problem", lambda names: "sees no GPU (torch 2.9 is a build without CUDA)")
    told = r"CUDA_VISIBLE_DEVICES=0,1 names 2 GPUs, but torch sees no GPU \(torch 2.9 is a build without CUDA\)\. Use --dev"
    with pytest.raises(AutoMLError, match=told):
        find_slots(None, None)
    with pytest.raises(AutoMLError, match="--device 1 asks for a GPU, but torch sees no GPU"):
        find_slots("1", None)
    assert find_slots("cpu", None).device == "cpu"


def test_a_driver_that_does_not_answer_is_said_and_the_cpu_used(machine: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    machine.setattr(gpus, "find_gpus", lambda: gpus.Gpus(problem="nvidia-smi says: it has failed"))
    assert find_slots(None, None, said.append).device == "cpu"
    assert said == ["nvidia-smi says: it has failed. The search runs on the CPU."]
    with pytest.raises(AutoMLError, match=r"no GPU was found here \(nvidia-smi says: it has failed\)"):
        find_slots("0", None)


def test_a_gpu_on_a_machine_without_one_is_refused(machine: pytest.MonkeyPatch) -> None:
    machine.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(AutoMLError, match="no GPU was found here"):
        find_slots("0", None)
