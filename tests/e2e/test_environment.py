"""Environments in which nothing can run: one sentence, exit code 2, and quickly."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.builders.cli import COMMAND, ONE_SLOT, Place, environment
from tests.builders.host import ROOT
from tests.builders.ports import free_port
from tests.builders.train_tiny import draw_data

SEARCH = ("search", "--data", "data.yaml", "--trainer", "surrogate", "--epochs", "3", *ONE_SLOT, "--budget", "3trials")
PROMPT_S = 60.0  # of which all but a few seconds are a busy machine's


@dataclass(frozen=True)
class Bad:
    """An environment, and what the message holds."""

    variables: dict[str, str]
    told: tuple[str, ...]
    words: tuple[str, ...] = field(default=())
    before: tuple[str, ...] = field(default=())  # a program that runs ours, as root


CASES = {
    "a GPU that torch does not see": Bad(
        {"CUDA_VISIBLE_DEVICES": "0"}, ("CUDA_VISIBLE_DEVICES=0 names a GPU", "torch sees no GPU (", "--device cpu")
    ),
    "a UUID": Bad({"CUDA_VISIBLE_DEVICES": "GPU-8932f937"}, ("GPU-8932f937 names a GPU", "torch sees no GPU")),
    "a part of a GPU": Bad({"CUDA_VISIBLE_DEVICES": "MIG-1,MIG-2"}, ("names 2 GPUs", "torch sees no GPU")),
    "a GPU of Apple": Bad(
        {}, ("--device mps: trials do not train on Apple's GPUs", "--device cpu"), ("--device", "mps")
    ),
    "no cluster here": Bad(
        {"RAY_ADDRESS": "auto", "RAY_TMPDIR": "/proc/nowhere"},
        ("RAY_ADDRESS=auto: no Ray cluster answers", "unset RAY_ADDRESS"),
        before=("unshare", "--pid", "--fork", "--mount-proc"),  # where no other program's cluster is seen
    ),
    "no cluster there": Bad({"RAY_ADDRESS": "127.0.0.1:1"}, ("RAY_ADDRESS=127.0.0.1:1: no Ray cluster answers",)),
    "no address": Bad({"RAY_ADDRESS": "nonsense"}, ("RAY_ADDRESS=nonsense is no address of a Ray cluster",)),
    "Ray's client": Bad({"RAY_ADDRESS": "ray://127.0.0.1:1"}, ("Ray's client", "HOST:6379")),
    "a folder too deep": Bad({"TMPDIR": "/tmp/" + "x" * 60}, ("too long for the sockets of Ray", "TMPDIR")),
    "no temporary folder": Bad({"TMPDIR": "/proc/nowhere"}, ("TMPDIR=/proc/nowhere cannot be written",)),
    "no folder of studies": Bad({"AUTOML_HOME": "/proc/nowhere"}, ("/proc/nowhere", "cannot")),
}


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES.keys())
def test_a_bad_environment_is_named_in_one_sentence(tmp_path: Path, bad: Bad) -> None:
    if "CUDA_VISIBLE_DEVICES" in bad.variables and Path("/dev/nvidia0").exists():
        pytest.skip("a GPU is here")
    if bad.before and os.geteuid() != 0:
        pytest.skip("needs root")
    draw_data(tmp_path, train=2, val=1)
    place = Place(tmp_path, {"PYTHONPATH": str(ROOT)})
    began = time.monotonic()
    done = subprocess.run(
        [*bad.before, *COMMAND, *SEARCH[: -len(ONE_SLOT) - 2], *SEARCH[-2:], *bad.words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**environment(AUTOML_HOME=str(place.home), PYTHONPATH=str(ROOT)), **bad.variables},
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("automl: ")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert [text for text in bad.told if text not in done.stderr] == [], done.stderr
    assert time.monotonic() - began < PROMPT_S
    assert not (place.home / "studies").exists() or list((place.home / "studies").iterdir()) == []


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize(("cluster", "said"), [("token", {}), ("disabled", {"RAY_AUTH_MODE": "token"})])
def test_the_cluster_decides_how_one_authenticates(tmp_path: Path, cluster: str, said: dict[str, str]) -> None:
    draw_data(tmp_path, train=2, val=1)
    variables = environment(AUTOML_HOME=str(tmp_path / "runs"), PYTHONPATH=str(ROOT), HOME=str(tmp_path), **said)
    with head(tmp_path, cluster) as address:
        done = subprocess.run(
            [*COMMAND, *SEARCH],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**variables, "RAY_ADDRESS": address},
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        other = {**variables, "RAY_ADDRESS": address, "HOME": str(tmp_path / "other")}
        done = subprocess.run([*COMMAND, *SEARCH], capture_output=True, text=True, cwd=tmp_path, env=other, check=False)
    refused = done.returncode == 2 and "wants a token" in done.stderr and "auth_token" in done.stderr
    assert refused == (cluster == "token"), done.stderr


@contextmanager
def head(folder: Path, mode: str) -> Iterator[str]:
    """The address of a Ray cluster of one CPU on this machine, begun by hand, that authenticates in that mode."""
    port = free_port()
    variables = environment(HOME=str(folder), RAY_AUTH_MODE=mode)
    if mode == "token":
        (folder / ".ray").mkdir()
        (folder / ".ray" / "auth_token").write_text("0" * 32)
        (folder / ".ray" / "auth_token").chmod(0o600)
    words = ("start", "--head", "--block", f"--port={port}", "--num-cpus=1", "--include-dashboard=false")
    command = [str(Path(sys.executable).parent / "ray"), *words, "--disable-usage-stats"]
    with (
        tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as short,  # for its sockets
        subprocess.Popen(
            command, env={**variables, "RAY_TMPDIR": short}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert any("Ray runtime started" in line for line in process.stdout)
            yield f"127.0.0.1:{port}"
        finally:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize(
    "home",
    [
        pytest.param(None, id="unset", marks=pytest.mark.long),
        pytest.param("/proc/nowhere", id="not writable", marks=pytest.mark.long),
        pytest.param("", id="empty"),
    ],
)
def test_a_search_needs_no_home_folder(tmp_path: Path, home: str | None) -> None:
    draw_data(tmp_path, train=2, val=1)
    variables = environment(AUTOML_HOME=str(tmp_path / "runs"), PYTHONPATH=str(ROOT))
    variables.pop("HOME", None)
    variables |= {"HOME": home} if home is not None else {}
    done = subprocess.run([*COMMAND, *SEARCH], capture_output=True, text=True, cwd=tmp_path, env=variables, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.ray
@pytest.mark.slow
def test_a_search_runs_as_a_user_without_a_name(tmp_path: Path) -> None:
    """As in a container that runs with `--user 12345`: the system knows neither name nor home folder."""
    draw_data(tmp_path, train=2, val=1)
    nameless = "import pwd\ndef fail(*of): raise KeyError('getpwuid(): uid not found: 12345')\npwd.getpwuid = fail\n"
    (tmp_path / "sitecustomize.py").write_text(nameless)
    variables = environment(AUTOML_HOME=str(tmp_path / "runs"), PYTHONPATH=os.pathsep.join(map(str, (tmp_path, ROOT))))
    for name in ("HOME", "USER", "LOGNAME", "USERNAME", "LNAME"):
        variables.pop(name, None)
    done = subprocess.run([*COMMAND, *SEARCH], capture_output=True, text=True, cwd=tmp_path, env=variables, check=False)
    assert (done.returncode, done.stderr) == (0, "")
