"""Suspicious labels of a data set, as a model would name them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from automl.data.corrected import rows_of
from automl.data.labels import label_path
from automl.records import Suspect, SuspectKind

PROPOSED = (0.5, 0.5, 0.2, 0.2)


def suspect(image: Path, kind: SuspectKind, line: int | None = 1, **changes: Any) -> Suspect:
    """A suspect at a line of an image's labels."""
    words = rows_of(image)[line - 1].split() if line is not None else []
    label = tuple(map(float, words[1:])) if len(words) == 5 else None
    values: dict[str, Any] = {
        "kind": kind,
        "split": "train",
        "image": str(image),
        "file": label_path(str(image)),
        "line": line,
        "score": 0.8,
        "label": label,
        "label_class": int(words[0]) if words else None,
        "proposed": PROPOSED,
        "proposed_class": 1,
    }
    return Suspect(**{**values, **changes})
