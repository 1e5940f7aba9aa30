"""COCO annotations: JSON files with images, categories and boxes."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from automl.data.conversion.boxes import numbers, pixels, usable
from automl.data.conversion.notes import Notes, What
from automl.data.conversion.places import Images, files_below, is_inside, safe_name, with_slashes
from automl.data.conversion.records import Annotated, Parts, PixelBox
from automl.data.listing import is_image
from automl.errors import BadData
from automl.files import pointers
from automl.files.regular import read_regular

KEYS = ("images", "annotations", "categories")
_SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_OF_BOXES = "instances"  # COCO's own name for them, beside captions and keypoints
_FOLDERS = ("annotations", "labels")
_WAY_OUT = "Needed is a JSON object with the keys images, annotations and categories."

Document = Mapping[str, Any]


class _File(NamedTuple):
    """One file of annotations."""

    file: Path
    document: Document
    split: str


def read_coco(source: Path, notes: Notes) -> Parts:
    """Images and boxes of a JSON file, or of all JSON files in a folder. Raises BadData."""
    root, parts = _root(source), Parts()
    images = Images(root)
    for entry in _chosen(source, notes):
        classes = _classes(entry, parts.names, notes)
        parts.splits.setdefault(entry.split, []).extend(_images(entry, classes, images, notes))
        parts.files.setdefault(entry.split, []).append(entry.file)
    return parts


def _root(source: Path) -> Path:
    folder = source if source.is_dir() else source.parent
    return folder.parent if folder.name.lower() in _FOLDERS else folder


def _chosen(source: Path, notes: Notes) -> Iterator[_File]:
    """The files of boxes. In a folder other files are passed over with a note."""
    if source.is_file():
        yield _File(source, _checked(source, _load(source)), _split(source))
        return
    files = [file for file in files_below(source) if file.suffix.lower() == ".json"]
    if not files:
        raise BadData(source, "holds no JSON file of COCO.", way_out="Name the file, or the folder that holds it.")
    instances = [file for file in files if file.stem.startswith(_OF_BOXES)]
    documents: list[_File] = []
    for file in files:
        document = None if instances and file not in instances else _load(file)
        if not isinstance(document, dict) or any(key not in document for key in KEYS):
            lacking = [key for key in KEYS if isinstance(document, dict) and key not in document]
            notes.add(What.OTHER_FILE, file, f"no {', '.join(lacking)}" if lacking else "")
            continue
        documents.append(_File(file, _checked(file, document), _split(file)))
    if not documents:
        raise BadData(source, f"none of its {len(files)} JSON files is one of COCO.", way_out=_WAY_OUT)
    yield from documents


def _load(file: Path) -> Any:
    try:
        content = read_regular(file)
        if pointers.is_pointer(content):
            raise BadData(file, f"{pointers.IN_WORDS}; {pointers.WAY_OUT}.")
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadData(file, "not a text file in UTF-8.", way_out="Save it as UTF-8.") from None
    except json.JSONDecodeError as error:
        raise BadData(
            file, f"not valid JSON: {error.msg}.", line=error.lineno, way_out="Fetch or export the file again."
        ) from None
    except (RecursionError, ValueError):
        raise BadData(
            file, "JSON that no reader takes: too deep, or with too long numbers.", way_out=_WAY_OUT
        ) from None
    except OSError as error:
        raise BadData(file, f"cannot be read ({error.strerror}); check its permissions.") from None


def _checked(file: Path, document: Any) -> Document:
    if not isinstance(document, dict):
        raise BadData(file, "not a JSON object.", way_out=_WAY_OUT)
    for key in KEYS:
        if key not in document:
            raise BadData(file, f"no '{key}'.", way_out=_WAY_OUT)
        if not isinstance(document[key], list):
            raise BadData(file, f"'{key}' is no list.", way_out=_WAY_OUT)
    return document


def _split(file: Path) -> str:
    """The split that a file is named after, or its folder; train if neither tells."""
    for text in (file.stem, file.parent.name):
        for word in re.split(r"[^a-z]+", text.lower()):
            if word in _SPLITS:
                return _SPLITS[word]
    return "train"


def _key(value: object) -> str | None:
    """An id, alike for 1, 1.0 and "1"; None for what is no id."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _classes(entry: _File, names: list[str], notes: Notes) -> dict[str, str]:
    """Class names of a file by id; new ones are appended to `names` in the order of their ids."""
    classes: dict[str, str] = {}
    for number, category in enumerate(entry.document["categories"], start=1):
        key = _key(category.get("id")) if isinstance(category, dict) else None
        name = category.get("name") if isinstance(category, dict) else None
        if key is None or not isinstance(name, str) or not name.strip():
            raise BadData(
                entry.file, f"category {number} has no id or no name.", way_out="Give each category an id and a name."
            )
        if classes.get(key, name.strip()) != name.strip():
            raise BadData(
                entry.file,
                f"the category id {key} stands for {classes[key]} and {name}.",
                way_out="Correct one of them.",
            )
        if key not in classes and name.strip() in classes.values():
            notes.add(What.SAME_NAME, entry.file, name)
        classes[key] = name.strip()
    ordered = dict.fromkeys(classes[key] for key in sorted(classes, key=_order))
    names += [name for name in ordered if name not in names]
    return classes


def _order(key: str) -> tuple[float, str]:
    try:
        return float(key), key
    except ValueError:
        return float("inf"), key


def _images(entry: _File, classes: Mapping[str, str], images: Images, notes: Notes) -> Iterator[Annotated]:
    """The images of a file that are on disk, with their boxes."""
    listed = _listed(entry, notes)
    boxes = _boxes_by_image(entry, listed, notes)
    for key, image in listed.items():
        name = with_slashes(image["file_name"])
        place = _found(entry, name, images, notes)
        size = pixels(image.get("width"), image.get("height"), place, notes, entry.file) if place else None
        if place is None or size is None:
            continue
        rows = (_box(annotation, classes, size, entry.file, notes) for annotation in boxes[key])
        yield Annotated(
            image=place,
            name=safe_name(name) if is_inside(name) else place.name,
            width=size[0],
            height=size[1],
            boxes=[row for row in rows if row is not None],
        )


def _listed(entry: _File, notes: Notes) -> dict[str, Document]:
    """Entries of the images by id. Raises BadData for an id that stands for two images."""
    listed: dict[str, Document] = {}
    for number, image in enumerate(entry.document["images"], start=1):
        key = _key(image.get("id")) if isinstance(image, dict) else None
        if key is None or not isinstance(image.get("file_name"), str) or not image["file_name"].strip():
            notes.add(What.BAD_ENTRY, entry.file, f"image {number}")
        elif key in listed and listed[key]["file_name"] != image["file_name"]:
            raise BadData(
                entry.file,
                f"the image id {key} stands for {listed[key]['file_name']} and {image['file_name']}.",
                way_out="Give each image an id of its own.",
            )
        else:
            listed[key] = image
    return listed


def _boxes_by_image(entry: _File, listed: Mapping[str, Document], notes: Notes) -> dict[str, list[Document]]:
    boxes: dict[str, list[Document]] = defaultdict(list)
    for number, annotation in enumerate(entry.document["annotations"], start=1):
        key = _key(annotation.get("image_id")) if isinstance(annotation, dict) else None
        if key is None or key not in listed:
            notes.add(What.UNKNOWN_IMAGE, entry.file, f"annotation {number}: image_id {key}")
        else:
            boxes[key].append({**annotation, "number": number})
    return boxes


def _found(entry: _File, name: str, images: Images, notes: Notes) -> Path | None:
    """The image on disk; None, with a note, if it is not there or no image that Ultralytics reads."""
    if not is_inside(name):
        notes.add(What.BAD_NAME, entry.file, name)
    if not is_image(name):
        notes.add(What.NO_YOLO_IMAGE, entry.file, name)
        return None
    place = images.find(name, _places(entry, images.root))
    if place is None:
        notes.add(What.NO_IMAGE, entry.file, name)
    return place


def _places(entry: _File, root: Path) -> list[Path]:
    """Folders where the images of a file usually lie, the likeliest first."""
    stem = entry.file.stem.removeprefix(f"{_OF_BOXES}_")
    inner = [entry.split, stem, *(["valid"] if entry.split == "val" else [])]
    folders = [root / "images" / name for name in inner] + [root / name for name in inner]
    return [entry.file.parent, *folders, root / "images", root, entry.file.parent / "images"]


def _box(
    annotation: Document, classes: Mapping[str, str], size: tuple[int, int], file: Path, notes: Notes
) -> PixelBox | None:
    """The box of an annotation; None, with a note, if it has none that can be used."""
    text = f"annotation {annotation['number']}"
    name = classes.get(_key(annotation.get("category_id")) or "")
    if name is None:
        notes.add(What.UNKNOWN_CLASS, file, f"{text}: category_id {annotation.get('category_id')}")
        return None
    if annotation.get("iscrowd") in (1, True, "1"):
        notes.add(What.CROWD, file, text)
        return None
    row = numbers(annotation.get("bbox"), 4)
    if row is None:
        around = None if annotation.get("bbox") else _around(annotation.get("segmentation"))
        notes.add(What.BAD_BOX if around is None else What.ENCLOSED, file, text)
        return None if around is None else usable(PixelBox(name, *around), *size, notes, file)
    if annotation.get("segmentation"):
        notes.add(What.OUTLINE, file, text)
    left, top, width, height = row
    if width < 0 or height < 0:
        notes.add(What.FLAT, file, f"{text}: {width:g} x {height:g}")
        return None
    return usable(PixelBox(name, left, top, left + width, top + height), *size, notes, file)


def _around(polygons: object) -> tuple[float, float, float, float] | None:
    """The box around polygons; None without one."""
    if not isinstance(polygons, list):
        return None
    points = [numbers(polygon, len(polygon)) for polygon in polygons if isinstance(polygon, list) and len(polygon) >= 6]
    values = [point for point in points if point is not None and len(point) % 2 == 0]
    if not values:
        return None
    across, down = ([value for point in values for value in point[start::2]] for start in (0, 1))
    return min(across), min(down), max(across), max(down)
