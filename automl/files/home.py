"""The home folder of all studies, and the files that ship with the package."""

from __future__ import annotations

import os
from pathlib import Path

from automl.errors import AutoMLError, NoSpace

STUDIES = "studies"  # folder in the home with a folder for each study
CHECKS = "checks"  # folder in the home with a folder for each report of a data check


def home_folder(home: str | Path | None) -> Path:
    """Folder of all studies: `home`, else AUTOML_HOME, else ./automl-runs."""
    return expanded(home or os.environ.get("AUTOML_HOME") or "automl-runs").absolute()


def expanded(path: str | Path) -> Path:
    """The path with a home folder in the place of `~`; as it is where the system knows no such folder."""
    try:
        return Path(path).expanduser()
    except (RuntimeError, KeyError):  # a container whose user has no HOME and no name
        return Path(path)


def make_folder(directory: Path) -> Path:
    """Create the folder and return it. Raises NoSpace if it cannot be written."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise not_writable(directory, error) from error
    return directory


def not_writable(directory: Path, error: OSError) -> NoSpace:
    """Error for a folder that cannot be written."""
    return NoSpace(f"{directory} cannot be written ({error.strerror}). Set AUTOML_HOME to a folder that can.")


def shipped(name: str) -> Path:
    """File of `configs/` or `dashboards/`: inside the installed package, or beside it in a checkout.

    name  from the top of the checkout, such as "configs/spaces/scratch-low.yaml"
    """
    package = Path(__file__).parents[1]
    for folder in (package, package.parent):
        if (folder / name).is_file():
            return folder / name
    raise AutoMLError(f"{name} is missing from this installation. Install yolo-automl again.")
