"""Systems other than Linux: every module loads without what they lack, and Windows is refused in a sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest

from automl.errors import AutoMLError
from automl.host.platforms import check_platform
from tests.builders.host import ROOT

LACKING = """
import importlib, os, pkgutil, signal, sys
class Blocked:
    names = ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "posix", "_posixsubprocess", "_posixshmem")
    def find_spec(self, name, path=None, target=None):
        if name in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
def lack():
    for name in Blocked.names[:-3]:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Blocked())
    lacking = ("sched_getaffinity", "sched_setaffinity", "getuid", "geteuid", "getloadavg", "killpg", "posix_spawn", "fork")
    for owner, names in ((os, lacking), (signal, ("SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGSTOP", "SIGQUIT"))):
        for name in names:
            delattr(owner, name)
    import psutil
    del psutil.Process.cpu_affinity
"""
# What the libraries themselves need is loaded before: on such a system they have other ways.
IMPORTS = """
for name in ("asyncio", "multiprocessing.util", "tempfile", "typer.testing", "rich.progress", "sqlalchemy.dialects.sqlite", "filelock",
             "alembic.command", "optuna", "scipy.stats", "PIL.Image", "torch", "ultralytics", "ray.tune", "sklearn.datasets"):
    importlib.import_module(name)
"""
EVERY_MODULE = """
lack()
import automl
names = [module.name for module in pkgutil.walk_packages(automl.__path__, "automl.") if "migrations" not in module.name]
for name in names:
    if name not in ("automl.__main__", "automl.dashboards"):
        importlib.import_module(name)
from typer.testing import CliRunner
from automl.cli import app
for words in (["--help"], ["search", "--help"], ["--version"]):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done
done = CliRunner().invoke(app, ["studies"])
assert done.exit_code == 2 and "there is no database" in done.stderr, done.stderr
from automl.setup.slots import find_slots
from automl.setup.probing import _device
slots = find_slots(None, None)
assert slots.count == os.cpu_count() and _device(slots).startswith("cpu"), slots
from automl.trainers.ultralytics.probe import _memory_bytes
assert _memory_bytes("cpu") > 1_000_000
print("modules", len(names) > 100)
"""


@pytest.mark.slow
def test_every_module_loads_and_the_command_line_works_without_what_linux_alone_has() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LACKING + IMPORTS + EVERY_MODULE],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == "modules True\n"


@pytest.mark.parametrize("system", ["win32", "cygwin", "msys"])
def test_windows_is_refused_in_a_sentence_that_names_wsl(system: str) -> None:
    with pytest.raises(AutoMLError, match=r"trials do not run on Windows itself\. Install WSL \(`wsl --install`\)"):
        check_platform(system)


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_other_systems_are_not(system: str) -> None:
    check_platform(system)


@pytest.mark.parametrize("verb", ["search", "dry_run", "resume", "confirm"])
def test_what_trains_is_refused_on_windows_before_anything_is_read(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from automl import service

    monkeypatch.setattr(service, "check_platform", lambda: check_platform("win32"))
    words = ("nowhere.yaml", "1h") if verb in ("search", "dry_run") else ("nobody",)
    with pytest.raises(AutoMLError, match="WSL"):
        getattr(service, verb)(*words)
