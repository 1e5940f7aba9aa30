"""Notes on all that a conversion leaves out, changes or guesses: each kind once, with its number and places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from automl.records import Finding, Place, Severity
from automl.records.check import MOST_PLACES

_LOST, _KEPT = Severity.WARNING, Severity.NOTE


class What(Enum):
    """Kinds of notes: code, severity, sentence for one, sentence for many, advice."""

    BAD_FILE = (
        "unreadable", _LOST, "{count} annotation file cannot be read and is left out.",
        "{count} annotation files cannot be read and are left out.", "Mend the file, or fetch it again.",
    )  # fmt: skip
    OTHER_FILE = (
        "other-file", _KEPT, "{count} file holds no boxes of this format and is passed over.",
        "{count} files hold no boxes of this format and are passed over.", "Nothing, if it has another use.",
    )  # fmt: skip
    NO_IMAGE = (
        "no-image", _LOST, "{count} annotated image is not on disk and is left out.",
        "{count} annotated images are not on disk and are left out.", "Put the images beside the annotations.",
    )  # fmt: skip
    BAD_IMAGE = (
        "unreadable-image", _LOST, "{count} image of unknown size cannot be opened and is left out.",
        "{count} images of unknown size cannot be opened and are left out.", "Fetch the images again.",
    )  # fmt: skip
    NO_YOLO_IMAGE = (
        "image-format", _LOST, "{count} image has a format that Ultralytics does not read and is left out.",
        "{count} images have a format that Ultralytics does not read and are left out.", "Convert them to JPEG or PNG.",
    )  # fmt: skip
    BAD_NAME = (
        "unsafe-name", _LOST, "{count} image name leads out of the data set and is not followed.",
        "{count} image names lead out of the data set and are not followed.",
        "Write names below the folder of the images, without '..'.",
    )  # fmt: skip
    BAD_ENTRY = (
        "bad-image-entry", _LOST, "{count} entry of an image lacks its id or name and is left out.",
        "{count} entries of images lack their id or name and are left out.", "Complete the entries.",
    )  # fmt: skip
    TWICE = (
        "image-twice", _KEPT, "{count} image is listed more than once; its boxes are put together.",
        "{count} images are listed more than once; their boxes are put together.", "List each image once.",
    )  # fmt: skip
    IN_SPLITS = (
        "image-in-two-splits", _LOST, "{count} image is in more than one split.",
        "{count} images are in more than one split.", "Keep each image in one split: scores flatter otherwise.",
    )  # fmt: skip
    UNKNOWN_IMAGE = (
        "unknown-image", _LOST, "{count} annotation names an image that is not listed and is left out.",
        "{count} annotations name an image that is not listed and are left out.", "List the image, or remove them.",
    )  # fmt: skip
    UNKNOWN_CLASS = (
        "unknown-class", _LOST, "{count} annotation names no known class and is left out.",
        "{count} annotations name no known class and are left out.", "List the class, or correct them.",
    )  # fmt: skip
    BAD_BOX = (
        "bad-box", _LOST, "{count} annotation without a usable box is left out.",
        "{count} annotations without a usable box are left out.", "Give each four numbers.",
    )  # fmt: skip
    FLAT = (
        "no-area", _LOST, "{count} box without an area is left out.", "{count} boxes without an area are left out.",
        "Draw them anew, or remove them.",
    )  # fmt: skip
    OUTSIDE = (
        "outside", _LOST, "{count} box wholly outside of its image is left out.",
        "{count} boxes wholly outside of their images are left out.", "Draw them anew, or remove them.",
    )  # fmt: skip
    CUT = (
        "cut", _KEPT, "{count} box reaches out of its image and is cut at the edge.",
        "{count} boxes reach out of their images and are cut at the edge.", "Nothing, if the rest fits its object.",
    )  # fmt: skip
    TURNED = (
        "turned", _KEPT, "{count} box has its corners exchanged; they are put in order.",
        "{count} boxes have their corners exchanged; they are put in order.", "Look at them once.",
    )  # fmt: skip
    CROWD = (
        "crowd", _LOST, "{count} crowd box is left out: YOLO has no box around a group.",
        "{count} crowd boxes are left out: YOLO has no box around a group.", "Label the objects one by one.",
    )  # fmt: skip
    OUTLINE = (
        "outline", _KEPT, "{count} outline (polygon or mask) is read as its box.",
        "{count} outlines (polygons or masks) are read as their boxes.", "Nothing: a detector learns boxes.",
    )  # fmt: skip
    ENCLOSED = (
        "enclosed", _KEPT, "{count} polygon without a box got the box around it.",
        "{count} polygons without a box got the boxes around them.", "Nothing.",
    )  # fmt: skip
    DIFFICULT = (
        "difficult", _KEPT, "{count} box is marked as difficult and kept.",
        "{count} boxes are marked as difficult and kept.", "Some benchmarks leave them out: compare with care.",
    )  # fmt: skip
    TRUNCATED = (
        "truncated", _KEPT, "{count} box is marked as truncated and kept.",
        "{count} boxes are marked as truncated and kept.", "Nothing.",
    )  # fmt: skip
    NO_SIZE = (
        "no-size", _KEPT, "{count} image has no size in its annotations; it was read from the image.",
        "{count} images have no size in their annotations; it was read from the images.", "Nothing.",
    )  # fmt: skip
    OTHER_SIZE = (
        "other-size", _LOST, "{count} image has another size than its annotations say, by which its boxes are scaled.",
        "{count} images have another size than their annotations say, by which their boxes are scaled.",
        "Look whether the boxes fit: the images may have been resized or turned.",
    )  # fmt: skip
    NO_XML = (
        "no-annotation", _LOST, "{count} image without an annotation file is left out.",
        "{count} images without an annotation file are left out.",
        "An image that shows nothing needs a file without objects.",
    )  # fmt: skip
    UNLISTED = (
        "unlisted", _LOST, "{count} annotation file is in no list of ImageSets and is left out.",
        "{count} annotation files are in no list of ImageSets and are left out.", "Add them to a list.",
    )  # fmt: skip
    SAME_NAME = (
        "same-class-name", _KEPT, "{count} class name stands under more than one id and is read as one class.",
        "{count} class names stand under more than one id and are read as one class each.", "Rename one of them.",
    )  # fmt: skip
    RENAMED = (
        "renamed", _KEPT, "{count} image got another name, since two of one split would share a label file.",
        "{count} images got other names, since two of one split would share a label file.", "Nothing.",
    )  # fmt: skip
    SHARED_OUT = (
        "shared-out", _KEPT, "No val is given: a part of train was set aside for it.",
        "No val is given: {count} images of train were set aside for it.",
        "Give a val of your own if images belong together, such as frames of one film.",
    )  # fmt: skip

    @property
    def code(self) -> str:
        """Name for programs."""
        return f"conversion/{self.value[0]}"

    def sentence(self, count: int) -> str:
        """The note on so many."""
        return self.value[2 if count == 1 else 3].format(count=count)


class Notes:
    """Collected notes."""

    def __init__(self) -> None:
        self._places: dict[What, list[Place]] = defaultdict(list)
        self._counts: dict[What, int] = defaultdict(int)

    def add(self, what: What, file: Path | str, text: str = "", *, line: int | None = None) -> None:
        """Count one more of a kind; the first ones keep their places."""
        self._counts[what] += 1
        if len(self._places[what]) < MOST_PLACES:
            self._places[what].append(Place(file=str(file), line=line, text=text))

    def count(self, what: What) -> int:
        """Number of one kind."""
        return self._counts[what]

    def findings(self) -> Iterator[Finding]:
        """A finding for each kind, in the order of `What`."""
        for what in What:
            if self._counts[what]:
                yield Finding(
                    code=what.code,
                    severity=what.value[1],
                    title=what.sentence(self._counts[what]),
                    advice=what.value[4],
                    count=self._counts[what],
                    places=tuple(self._places[what]),
                )
