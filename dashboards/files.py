"""Files of trials that the page shows: only what a study keeps in its own folder, and only by known names."""

from __future__ import annotations

from pathlib import Path

from automl.records import ArtifactRow, StudyRow

NAMES = frozenset(("best.pt", "last.pt", "log.txt"))
TAIL = 16_000  # bytes of a log


def kept_file(artifact: ArtifactRow, study: StudyRow) -> Path | None:
    """The artifact's file, if it is one of a study's own: a database cannot name other files to hand out."""
    try:
        file = Path(artifact.path).resolve(strict=True)
    except (OSError, ValueError):
        return None
    place = Path(study.spec.directory).resolve() / "trials" / f"{artifact.trial:05d}"
    return file if file.name in NAMES and file.parent == place and file.is_file() else None


def tail(file: Path) -> str:
    """The end of a text file; nothing where it cannot be read."""
    try:
        with file.open("rb") as opened:
            opened.seek(0, 2)
            opened.seek(max(0, opened.tell() - TAIL))
            return opened.read().decode("utf-8", "replace").replace("\0", "")
    except OSError:
        return ""
