"""GPUs of a process: what CUDA_VISIBLE_DEVICES and nvidia-smi name, and whether torch can use them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from automl.host.gpus import Gpus, find_gpus, named, torch_problem


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        ("0", ("0",)),
        (" 1, 0 ", ("1", "0")),
        ("", ()),
        ("-1", ()),
        ("0,-1,1", ("0",)),
        ("NoDevFiles", ()),
        ("GPU-8932f937,MIG-4f0/1/0", ("GPU-8932f937", "MIG-4f0/1/0")),
        ("0,,1", ("0",)),
    ],
)
def test_names_are_read_as_cuda_reads_them(visible: str, names: tuple[str, ...]) -> None:
    assert named(visible) == names


def tool(folder: Path, name: str, text: str) -> None:
    """A program of that name."""
    file = folder / name
    file.write_text(f"#!{sys.executable}\n{text}")
    file.chmod(0o755)


LISTING = """print("GPU 0: NVIDIA A100 (UUID: GPU-1)\\n  MIG 1g.5gb Device 0: (UUID: MIG-2)\\nGPU 1: NVIDIA A100 (UUID: GPU-3)")"""
FAILED = (
    "import sys; print('NVIDIA-SMI has failed because it could not reach the driver. Make sure it runs.'); sys.exit(9)"
)


@pytest.mark.parametrize(
    ("program", "gpus"),
    [
        (LISTING, Gpus(("0", "1"))),
        ("print('No devices were found')", Gpus()),
        (FAILED, Gpus(problem="nvidia-smi says: NVIDIA-SMI has failed because it could not reach the driver")),
    ],
)
def test_nvidia_smi_lists_the_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, gpus: Gpus) -> None:
    tool(tmp_path, "nvidia-smi", program)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert find_gpus() == gpus


def test_nvidia_smi_that_cannot_be_run_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nvidia-smi").write_text("#!/nowhere/python\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert find_gpus().problem.startswith("nvidia-smi does not run")


def test_without_a_gpu_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("subprocess.run", None)
    assert find_gpus() == Gpus()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert find_gpus() == Gpus()


def a_torch(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, built: bool = True, init: str = "", step: str = ""
) -> None:
    """Another torch for processes that begin now: it sees what CUDA_VISIBLE_DEVICES names, of two GPUs."""
    (folder / "torch.py").write_text(
        f"""
import os
__version__ = "2.9"
class cuda:
    init = staticmethod(lambda: _init())
    device_count = staticmethod(lambda: min(2, len(os.environ["CUDA_VISIBLE_DEVICES"].split(","))))
class backends:
    class cuda:
        is_built = staticmethod(lambda: {built})
def _init():
    {init or "pass"}
class Tensor:
    def __add__(self, other): return self
    def cpu(self): {step or "return self"}
zeros = lambda size, device: Tensor()
"""
    )
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")


OLD = "raise RuntimeError('The NVIDIA driver on your system is too old (found version 11040). Please update it.')"
KERNEL = (
    "raise RuntimeError('CUDA error: no kernel image is available for execution on the device\\\\nCUDA kernel errors')"
)


def test_a_torch_that_uses_all_gpus_has_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_torch(tmp_path, monkeypatch)
    assert torch_problem(["0", "1"]) == ""
    assert torch_problem(["MIG-1", "MIG-2", "MIG-3"]) == ""  # each is seen alone


def test_a_build_without_cuda_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_torch(tmp_path, monkeypatch, built=False)
    assert torch_problem(["0"]) == "sees no GPU (torch 2.9 is a build without CUDA)"


def test_a_driver_that_is_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_torch(tmp_path, monkeypatch, init=OLD)
    told = "sees no GPU (The NVIDIA driver on your system is too old (found version 11040))"
    assert torch_problem(["0"]) == told


def test_a_gpu_for_which_torch_was_not_built_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_torch(tmp_path, monkeypatch, step=KERNEL)
    assert torch_problem(["0"]).startswith("cannot use a GPU (CUDA error: no kernel image is available")


def test_gpus_beyond_those_of_the_machine_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_torch(tmp_path, monkeypatch)
    assert torch_problem(["0", "1", "7"]) == "sees 2 of the 3 GPUs"


def test_without_torch_the_import_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libcudart.so.12: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert torch_problem(["0"]) == "sees no GPU (libcudart.so.12: cannot open shared object file)"
