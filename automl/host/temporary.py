"""The folder for temporary files in which Ray keeps its session."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

from automl.errors import NoSpace

_SOCKET = 103 if sys.platform == "darwin" else 107  # most bytes in the path of a socket
_BELOW = len("/ray/session_2000-01-01_00-00-00_000000_") + len("/sockets/plasma_store")
_LEAST_BYTES = 200_000_000  # of Ray's session and of what libraries unpack


def check_temporary() -> None:
    """Raise NoSpace if Ray could not keep its session in the folder for temporary files."""
    name, folder = _folder()
    shown = f"{name}={folder}" if name else str(folder)
    way_out = "Set TMPDIR to a folder such as /tmp." if name != "RAY_TMPDIR" else "Set RAY_TMPDIR to one such as /tmp."
    longest = _SOCKET - _BELOW - len(str(os.getpid()))
    if len(os.fsencode(folder)) > longest:
        raise NoSpace(f"{shown} is too long for the sockets of Ray, which has room for {longest} bytes. {way_out}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        raise NoSpace(
            f"{shown} cannot be written ({error.strerror}), and Ray keeps its session there. {way_out}"
        ) from error
    if free < _LEAST_BYTES:
        raise NoSpace(
            f"{shown} has {free / 1e6:.0f} MB free, and Ray needs {_LEAST_BYTES / 1e6:.0f} MB there. Free some. Or: "
            f"{way_out[0].lower()}{way_out[1:]}"
        )


def usable_home() -> dict[str, str]:
    """HOME for Ray where the user has no home folder that can be written; empty where there is one.

    Ray keeps its token there. The folder in its place lasts as long as this process.
    """
    try:
        home = Path.home()
        usable = home.is_dir() and os.access(home, os.W_OK)
    except (RuntimeError, KeyError, OSError):  # a container whose user has no HOME and no name
        usable = False
    return {} if usable else {"HOME": _another_home()}


@cache
def _another_home() -> str:
    folder = tempfile.mkdtemp(prefix="automl-home-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _folder() -> tuple[str, Path]:
    """The variable that names the folder, if one does, and the folder: by Ray's own rule."""
    for name in ("RAY_TMPDIR", "TMPDIR") if sys.platform == "linux" else ("RAY_TMPDIR",):
        if os.environ.get(name):
            return name, Path(os.environ[name]).absolute()
    return "", Path("/tmp") if sys.platform != "win32" else Path(tempfile.gettempdir())
