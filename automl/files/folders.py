"""Where the files of a study lie, below the study's own folder. Pure: nothing is made or read."""

from __future__ import annotations

from pathlib import Path


def data(study: str | Path) -> Path:
    """The data.yaml that trials train on: the user's with absolute paths, without what is held back of val."""
    return Path(study) / "data.yaml"


def cache(study: str | Path) -> Path:
    """What its trials share: label caches and the libraries' settings."""
    return Path(study) / "cache"


def probe(study: str | Path) -> Path:
    """The log of the measurements before it began."""
    return Path(study) / "probe"


def trial(study: str | Path, number: int) -> Path:
    """A trial's log, snapshot, weights and pictures."""
    return Path(study) / "trials" / f"{number:05d}"


def pause(study: str | Path) -> Path:
    """The file that exists while running trials are to end after their epoch."""
    return Path(study) / "pause"
