"""The tools that a study can be exported to, and the checks before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec

from automl.errors import AutoMLError
from automl.store.address import same_database
from automl.trackers.contents import Contents, Exported

# Example of a place for each tool. The module of the same name has `check(place)` and `write(contents, place)`.
TOOLS = {
    "csv": "wheat-csv",
    "mlflow": "sqlite:///mlflow.db",
    "optuna": "sqlite:///wheat.db",
    "tensorboard": "runs",
}
_EXTRAS = {"mlflow": "mlflow", "tensorboard": "tensorboardX", "optuna": "optuna"}  # packages


def check_tool(tool: str, place: str, database: str) -> None:
    """Raise AutoMLError for a tool that is not known or not installed, and for a place that it cannot use.

    database  URL of automl's own, which is no place for another tool
    """
    if tool not in TOOLS:
        near = get_close_matches(tool.lower(), TOOLS, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(TOOLS)}."
        raise AutoMLError(f"--to {tool}: there is no such tool. {hint}")
    if not place.strip():
        raise AutoMLError(f"--to {tool} needs a place: --to {tool} {TOOLS[tool]}")
    package = _EXTRAS.get(tool)
    if package is not None and find_spec(package) is None:
        name = f"yolo-automl[{tool}]" if tool == "mlflow" else package
        raise AutoMLError(f"--to {tool} needs {package}, which is not installed. Install it with: pip install '{name}'")
    check: Callable[[str], None] = import_module(f"automl.trackers.{tool}").check
    check(place)
    if same_database(place, database):
        raise AutoMLError(f"--to {tool}: this is automl's own database. Name another one: {TOOLS[tool]}")


def write(contents: Contents, tool: str, place: str) -> Exported:
    """Write a study for a tool that `check_tool` let pass. A second export of the same study brings it up to date.

    Raises StudyConflict for a place that holds something else, AutoMLError where nothing can be written.
    """
    export: Callable[[Contents, str], Exported] = import_module(f"automl.trackers.{tool}").write
    return export(contents, place)
