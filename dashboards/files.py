"""Files of trials that the page shows: only what a study keeps in its own folder, and only by known names."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from threading import Lock

from automl.errors import AutoMLError
from automl.files import folders
from automl.files.pictures import PICTURES
from automl.records import ArtifactRow, StudyRow
from automl.trainers.ultralytics.initial import Beginning

NAMES = frozenset(("best.pt", "last.pt", "log.txt"))
TAIL = 16_000  # bytes of a log
INITIAL = "hyp-init.pt"  # what a recipe calls its initial weights, as `automl export` does
BUILD_S = 180  # seconds that building a network may take
_ONE_AT_A_TIME = Lock()


def kept_file(artifact: ArtifactRow, study: StudyRow) -> Path | None:
    """The artifact's file, if it is one of a study's own: a database cannot name other files to hand out."""
    try:
        file = Path(artifact.path).resolve(strict=True)
    except (OSError, ValueError):
        return None
    place = folders.trial(Path(study.spec.directory).resolve(), artifact.trial)
    return file if file.name in NAMES and file.parent == place and file.is_file() else None


def pictures(study: StudyRow, trial: int) -> dict[str, Path]:
    """The pictures of a trial that are on this machine, by file name; only of known names."""
    folder = folders.trial(study.spec.directory, trial) / "pictures"
    return {name: folder / name for name in PICTURES if (folder / name).is_file()}


def tail(file: Path) -> str:
    """The end of a text file; nothing where it cannot be read."""
    try:
        with file.open("rb") as opened:
            opened.seek(0, 2)
            opened.seek(max(0, opened.tell() - TAIL))
            return opened.read().decode("utf-8", "replace").replace("\0", "")
    except OSError:
        return ""


def packed(recipe: str, beginning: Beginning) -> bytes:
    """A zip of a hyp.yaml and the initial weights that it names, side by side.

    The network is built in a process of its own, one at a time: this one loads none. Raises AutoMLError, for a
    network that a user's file describes too: building it would run what the file says.
    """
    with _ONE_AT_A_TIME, tempfile.TemporaryDirectory(prefix="automl-") as folder:
        file = Path(folder) / INITIAL
        _build(beginning, file)
        archived = BytesIO()
        with zipfile.ZipFile(archived, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("hyp.yaml", recipe)
            archive.write(file, INITIAL)
        return archived.getvalue()


def _build(beginning: Beginning, target: Path) -> None:
    # -P: a folder called automl where the page was started is not ours.
    command = [sys.executable, "-P", "-m", "automl.trainers.ultralytics.initial", str(target)]
    told = json.dumps(asdict(beginning))
    try:
        done = subprocess.run(command, input=told, capture_output=True, text=True, check=False, timeout=BUILD_S)
    except subprocess.TimeoutExpired:
        raise AutoMLError(f"building the network took longer than {BUILD_S} s. Use automl export.") from None
    if done.returncode != 0:
        raise AutoMLError(done.stderr.strip() or f"building the network ended with {done.returncode}")
