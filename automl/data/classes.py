"""Classes of a data.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from automl.data.document import Document

MOST_CLASSES = 100_000  # more are a slip of the hand, and would fill the memory

_NAME = re.compile(r"names\.(\d+)")


def read_names(document: Document) -> tuple[str, ...]:
    """Class names by id as they are written, from `names` or, without them, numbered up to `nc`."""
    names, nc = document.values.get("names"), _class_count(document)
    if names is None:
        if nc is None:
            raise document.bad("no 'names'; list the classes, for example names: [cat, dog].", "names")
        return tuple(f"class_{number}" for number in range(nc))  # as Ultralytics calls them
    if not isinstance(names, list | dict) or not names:
        raise document.bad("'names' must list at least one class, for example names: [cat, dog].", "names")
    if nc is not None and nc != len(names):
        problem = f"'nc' is {nc} but 'names' lists {len(names)} classes; correct one, or remove nc."
        raise document.bad(problem, "nc")
    return _names_by_id(document, names)


def names_for_yolo(document: Document) -> tuple[str, ...]:
    """Class names as Ultralytics reads them, by YAML 1.1: True for yes, 7 for 007. Empty where it can read none.

    Earlier versions took these.
    """
    names = document.for_yolo.get("names")
    if names is None:
        return read_names(document)
    try:
        by_id = {int(number): str(name) for number, name in dict(_pairs(names)).items()}
        return tuple(by_id[number] for number in range(len(names)))
    except (TypeError, ValueError, KeyError, OverflowError):
        return ()


def _pairs(names: Any) -> Iterable[tuple[Any, Any]]:
    return names.items() if isinstance(names, dict) else enumerate(names)


def _names_by_id(document: Document, names: Any) -> tuple[str, ...]:
    written = {int(match[1]): text for path, text in document.texts.items() if (match := _NAME.fullmatch(path))}
    try:
        by_id = {int(number): written.get(int(number)) or str(name) for number, name in _pairs(names)}
    except (TypeError, ValueError, OverflowError):
        raise document.bad("the keys of 'names' must be class ids: 0, 1, 2 …", "names") from None
    if sorted(by_id) != list(range(len(names))):
        ids = ", ".join(map(str, sorted(by_id)))
        raise document.bad(f"the ids of 'names' must run from 0 to {len(names) - 1}, not {ids}.", "names")
    return tuple(by_id[number] for number in range(len(names)))


def _class_count(document: Document) -> int | None:
    """The `nc` key; None where it is absent."""
    if "nc" not in document.values:
        return None
    nc = document.values["nc"]
    try:
        if float(nc) != int(float(nc)) or not 1 <= int(float(nc)) <= MOST_CLASSES:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise document.bad(
            f"'nc' must be a whole number from 1 to {MOST_CLASSES}, not {nc!r}; names alone suffice.", "nc"
        ) from None
    return int(float(nc))


def check_channels(document: Document) -> None:
    """Raise BadData for a number of channels with which no image can be read."""
    channels = document.values.get("channels")
    if channels is not None and (not isinstance(channels, int) or isinstance(channels, bool) or channels < 1):
        raise document.bad(f"'channels' must be a whole number from 1, not {channels!r}; or remove it.", "channels")


def keypoint_columns(document: Document) -> int:
    """Number of columns behind the box in rows of a pose data set, which a detector ignores."""
    shape = document.values.get("kpt_shape")
    if shape is None:
        return 0
    try:
        points, dimensions = map(int, shape)
    except (TypeError, ValueError, OverflowError):
        problem = "'kpt_shape' must be two whole numbers such as [17, 3]; or remove it."
        raise document.bad(problem, "kpt_shape") from None
    return points * dimensions
