"""Files of trials that the page shows: only what a study keeps in its own folder, and only by known names."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from threading import Lock

from automl.errors import AutoMLError
from automl.records import PICTURES, ArtifactRow, StudyRow

NAMES = frozenset(("best.pt", "last.pt", "log.txt"))
TAIL = 16_000  # bytes of a log
EXPORT_S = 180  # seconds that an export may take
_ONE_AT_A_TIME = Lock()


def kept_file(artifact: ArtifactRow, study: StudyRow) -> Path | None:
    """The artifact's file, if it is one of a study's own: a database cannot name other files to hand out."""
    try:
        file = Path(artifact.path).resolve(strict=True)
    except (OSError, ValueError):
        return None
    place = Path(study.spec.directory).resolve() / "trials" / f"{artifact.trial:05d}"
    return file if file.name in NAMES and file.parent == place and file.is_file() else None


def pictures(study: StudyRow, trial: int) -> dict[str, Path]:
    """The pictures of a trial that are on this machine, by file name; only of known names."""
    folder = Path(study.spec.directory) / "trials" / f"{trial:05d}" / "pictures"
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


def exported(study: StudyRow, trial: int) -> bytes:
    """A zip of what `automl export` writes: hyp.yaml and the initial weights that it names, side by side.

    The command runs in a process of its own, one at a time: this one loads no network. Raises AutoMLError.
    """
    with _ONE_AT_A_TIME, tempfile.TemporaryDirectory(prefix="automl-") as folder:
        words = ["export", "--trial", str(trial), "-o", str(Path(folder) / "hyp.yaml"), "--", study.name]
        command = [sys.executable, "-m", "automl.cli", *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=EXPORT_S)
        except subprocess.TimeoutExpired:
            raise AutoMLError(f"automl export took longer than {EXPORT_S} s. Run it in a terminal.") from None
        if done.returncode != 0:
            raise AutoMLError(done.stderr.strip() or f"automl export ended with {done.returncode}")
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(Path(folder).iterdir()):
                if file.suffix == ".yaml":
                    archive.writestr(file.name, file.read_text(encoding="utf-8").replace(f"{folder}/", ""))
                else:
                    archive.write(file, file.name)
        return packed.getvalue()
