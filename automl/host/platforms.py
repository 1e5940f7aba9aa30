"""Systems on which trials can run."""

from __future__ import annotations

import sys

from automl.errors import AutoMLError


def check_platform(system: str = sys.platform) -> None:
    """Raise AutoMLError on Windows itself, for which Ray's support is experimental."""
    if system in ("win32", "cygwin", "msys"):
        raise AutoMLError(
            "trials do not run on Windows itself. Install WSL (`wsl --install`) and run this command there. What only "
            "reads works here: status, studies, show, export, dashboard."
        )
