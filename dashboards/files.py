"""Files of trials and reports on the page: only those in their own folder, and only by known names."""

from __future__ import annotations

import json
import re
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
from automl.files.home import CHECKS, STUDIES
from automl.files.pictures import PICTURES
from automl.records import ArtifactRow, CheckRow, StudyRow
from automl.records.ensemble import CombinationKind
from automl.trainers.ultralytics.initial import Beginning

NAMES = frozenset(("best.pt", "last.pt", "log.txt"))
DRAWN = frozenset((".jpg", ".jpeg", ".png", ".webp"))  # pictures of a report; an SVG could run a script
REPORT = "report.html"
TAIL = 16_000  # bytes of a log
MOST_PICTURES = 24  # of an ensemble
BUILD_S = 180  # seconds that building a network may take
_ONE_AT_A_TIME = Lock()


def kept_file(artifact: ArtifactRow, study: StudyRow) -> Path | None:
    """The artifact's file, if it lies in the study's own folder: a database must not name other files to hand out."""
    directory = Path(study.spec.directory)
    try:
        file = folders.artifact(directory, artifact.trial, artifact.path).resolve(strict=True)
    except (OSError, ValueError):
        return None
    place = folders.trial(directory.resolve(), artifact.trial)
    return file if file.name in NAMES and file.parent == place and file.is_file() else None


def pictures(study: StudyRow, trial: int) -> dict[str, Path]:
    """The pictures of a trial that are on this machine, by file name; only of known names."""
    folder = folders.trial(study.spec.directory, trial) / "pictures"
    return {name: folder / name for name in PICTURES if (folder / name).is_file()}


def ensemble_pictures(study: StudyRow, name: str, kind: CombinationKind) -> list[Path]:
    """Pictures of an ensemble that are on this machine, by name; of a record without a name all that lie there.

    Those of the study's own folder only: a database must not name other files to hand out.
    """
    if kind is not CombinationKind.ENSEMBLE:
        return []
    folder = folders.ensembles(study.spec.directory) / "pictures"
    try:
        place = folder.resolve(strict=True)
        files = [file for file in place.iterdir() if file.suffix.lower() in DRAWN and file.resolve().parent == place]
    except OSError:
        return []
    own = [file for file in files if not name or re.fullmatch(rf"{re.escape(name)}-\d+", file.stem)]
    return sorted(file for file in own if file.is_file())[:MOST_PICTURES]


def picture(check: CheckRow, name: str) -> Path | None:
    """The picture of that name in the report's own folder; None for anything else."""
    return _beside(check, name) if Path(name).suffix.lower() in DRAWN else None


def html_of(check: CheckRow) -> Path | None:
    """The report as a file of HTML, if it is on this machine."""
    return _beside(check, REPORT)


def _beside(check: CheckRow, name: str) -> Path | None:
    """A file in the folder of a report, which has to be one of automl's: a database must not name other files."""
    folder = Path(check.folder or "")
    in_home = folder.parent.name == CHECKS or folder.parent.parent.name == STUDIES
    if not name or not folder.is_absolute() or ".." in folder.parts or not in_home:
        return None
    try:
        place = folder.resolve(strict=True)
        file = (place / name).resolve(strict=True)
    except (OSError, ValueError):
        return None
    return file if file.is_relative_to(place) and file.is_file() else None


def tail(file: Path) -> str:
    """The end of a text file; empty where it cannot be read."""
    try:
        with file.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - TAIL))
            return stream.read().decode("utf-8", "replace").replace("\0", "")
    except OSError:
        return ""


def initial_of(name: str) -> Path:
    """Initial weights beside a recipe, as `automl export` names them: 'hyp-init.pt' for 'hyp.yaml'."""
    return Path(f"{Path(name).stem}-init.pt")


def packed(name: str, recipe: str, beginning: Beginning) -> bytes:
    """A zip of a recipe of that file name and the initial weights that it names, side by side.

    The network is built in a process of its own, one at a time. Raises AutoMLError where that fails, and for a network
    that a user's file describes, since building it would run that file's code.
    """
    with _ONE_AT_A_TIME, tempfile.TemporaryDirectory(prefix="automl-") as folder:
        file = Path(folder) / initial_of(name)
        _build(beginning, file)
        content = BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, recipe)
            archive.write(file, file.name)
        return content.getvalue()


def _build(beginning: Beginning, target: Path) -> None:
    # -P: a folder called automl where the page was started is not ours.
    command = [sys.executable, "-P", "-m", "automl.trainers.ultralytics.initial", str(target)]
    document = json.dumps(asdict(beginning))
    try:
        done = subprocess.run(command, input=document, capture_output=True, text=True, check=False, timeout=BUILD_S)
    except subprocess.TimeoutExpired:
        raise AutoMLError(f"building the network took longer than {BUILD_S} s. Use automl export.") from None
    if done.returncode != 0:
        raise AutoMLError(done.stderr.strip() or f"building the network ended with {done.returncode}")
