"""GPUs that this process may use, by their CUDA names. Torch is asked in another process, never loaded here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

_NAME = re.compile(r"\d+|GPU-[\w-]+|MIG-[\w/-]+")
_WAIT_S = 30.0
_TORCH_WAIT_S = 180.0  # a cold torch on a network disk, and a context on each of many GPUs
_PROGRAM = """
import torch
if not torch.backends.cuda.is_built():
    raise SystemExit(f"torch {torch.__version__} is a build without CUDA")
torch.cuda.init()
print("count", torch.cuda.device_count(), flush=True)
for index in range(torch.cuda.device_count()):
    (torch.zeros(1, device=f"cuda:{index}") + 1).cpu()
"""


@dataclass(frozen=True)
class Gpus:
    """CUDA names of the GPUs, and the reason in words where a tool that should name them could not."""

    names: tuple[str, ...] = ()
    problem: str = ""


def find_gpus() -> Gpus:
    """GPUs that CUDA_VISIBLE_DEVICES names, else those that nvidia-smi lists."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return Gpus(named(visible)) if visible is not None else _listed()


def named(visible: str) -> tuple[str, ...]:
    """Names in CUDA_VISIBLE_DEVICES. As CUDA has it, the first that is none ends the list, such as -1."""
    names: list[str] = []
    for part in visible.split(","):
        if not _NAME.fullmatch(part.strip()):
            break
        names.append(part.strip())
    return tuple(names)


def _listed() -> Gpus:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Gpus()
    try:
        done = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=_WAIT_S, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return Gpus(problem=f"nvidia-smi does not run ({_line(str(error))})")
    names = tuple(re.findall(r"^GPU (\d+):", done.stdout, flags=re.MULTILINE))
    if names or not done.returncode:
        return Gpus(names)
    return Gpus(problem=f"nvidia-smi says: {_line(done.stdout or done.stderr)}")


def torch_problem(names: Sequence[str]) -> str:
    """Reason for which torch cannot use all of these GPUs, as the end of a sentence on torch; empty if it can.

    Takes seconds: torch is loaded in another process. Such a process sees one part of a divided GPU, so parts are tried
    one at a time.
    """
    groups = [[name] for name in names] if any(name.startswith("MIG-") for name in names) else [list(names)]
    return next((problem for group in groups if (problem := _problem(group))), "")


def _problem(names: Sequence[str]) -> str:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ",".join(names)}
    command = [sys.executable, "-P", "-W", "ignore", "-c", _PROGRAM]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_TORCH_WAIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"gives no answer on its GPUs within {_TORCH_WAIT_S:.0f} seconds"
    except OSError as error:
        return f"does not start ({error.strerror})"
    counts = re.findall(r"^count (\d+)$", done.stdout, flags=re.MULTILINE)
    count = int(counts[-1]) if counts else 0
    if not count:
        return f"sees no GPU ({_reason(done)})"
    if count < len(names):
        return f"sees {count} of the {len(names)} GPUs"
    return f"cannot use a GPU ({_reason(done)})" if done.returncode else ""


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The first sentence of the error with which Python ended, without its type."""
    lines = [line for line in done.stderr.splitlines() if line[:1].strip()]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    text = (errors or lines[-1:] or ["it names no reason"])[0]
    return _line(re.sub(r"^[\w.]*(Error|Exception): ", "", text))


def _line(text: str) -> str:
    """The first sentence of a tool's words."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "nothing")
    return line.split(". ")[0].rstrip(".")[:200]
