"""Findings on data sets of other tasks than detection, by the keys of their data.yaml."""

from __future__ import annotations

from collections.abc import Iterator

from automl.data.document import Document
from automl.records import Finding, Place, Severity

_KEYS = {
    "kpt_shape": ("pose", "The keypoints are passed over: a detector is trained on the boxes."),
    "masks_dir": ("semantic segmentation", "The masks are passed over: a detector is trained on label files."),
    "depth_dir": ("depth estimation", "The depth maps are passed over: a detector is trained on label files."),
}


def on_tasks(document: Document) -> Iterator[Finding]:
    """Findings on keys of other tasks."""
    for key, (task, words) in _KEYS.items():
        if document.values.get(key) is not None:
            yield _finding(document, key, f"'{key}' makes this a data set of {task}.", words)
    if "dota" in document.file.stem.lower():
        words = "Oriented boxes are read as the upright boxes that enclose them."
        yield _finding(document, "names", "The name of the file speaks for oriented boxes (OBB).", words)


def _finding(document: Document, key: str, title: str, advice: str) -> Finding:
    place = Place(file=str(document.file), line=document.lines.get(key), text=key)
    return Finding(code="data/other-task", severity=Severity.NOTE, title=title, advice=advice, places=(place,))
