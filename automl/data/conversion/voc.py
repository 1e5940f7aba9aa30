"""Pascal VOC annotations: an XML file for each image, and lists of images for the splits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from automl.data.conversion.boxes import numbers, pixels, usable
from automl.data.conversion.notes import Notes, What
from automl.data.conversion.places import Images, files_below, is_inside, with_slashes
from automl.data.conversion.records import Annotated, Parts, PixelBox
from automl.data.listing import is_image
from automl.errors import BadData
from automl.files.regular import is_file, read_regular, read_regular_text

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LISTS = ("train", "val", "test", "trainval")
_FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_XML, _PICTURES = "Annotations", "JPEGImages"  # folders of VOC
_EDGES = ("xmin", "ymin", "xmax", "ymax")
_SET = "trainval"


class _File(NamedTuple):
    """One annotation file that could be read."""

    file: Path
    root: Element


def read_voc(source: Path, notes: Notes) -> Parts:
    """Images and boxes of a folder of XML files. Raises BadData."""
    if source.is_file():
        raise BadData(source, "is a file; VOC annotations are a folder of XML files.", way_out="Name the folder.")
    folder = source.parent if source.name == _XML else source
    files = [file for file in files_below(source) if file.suffix.lower() == ".xml"]
    if not files:
        raise BadData(source, "holds no XML file.", way_out="Name the folder with Annotations and JPEGImages.")
    documents = [entry for file in files if (entry := _parsed(file, notes)) is not None]
    if not documents:
        raise BadData(
            files[0], f"none of the {len(files)} XML files is one of Pascal VOC.", way_out="Mend or replace them."
        )
    images, parts = Images(folder), Parts()
    for split, entries in _splits(folder, documents, notes).items():
        parts.splits[split] = [image for entry in entries if (image := _image(entry, images, notes)) is not None]
        parts.files[split] = [entry.file for entry in entries]
    _without_xml(images, files, notes)
    parts.names = sorted({box.name for split in parts.splits.values() for image in split for box in image.boxes})
    return parts


def _parsed(file: Path, notes: Notes) -> _File | None:
    """The file, without following anything that it declares; None, with a note, if it cannot be used."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(read_regular(file))
    except ParseError as error:
        notes.add(What.BAD_FILE, file, f"not valid XML: {error}", line=error.position[0])
    except DefusedXmlException:
        notes.add(What.BAD_FILE, file, "it declares entities, which can fill the memory or read other files")
    except OSError as error:
        notes.add(What.BAD_FILE, file, f"cannot be read ({error.strerror})")
    except (ValueError, LookupError, RecursionError) as error:
        notes.add(What.BAD_FILE, file, str(error))
    else:
        if root.tag == "annotation":
            return _File(file, root)
        notes.add(What.OTHER_FILE, file, f"its root is <{root.tag}>, not <annotation>")
    return None


def _splits(folder: Path, documents: Sequence[_File], notes: Notes) -> dict[str, list[_File]]:
    """The files by split: by the lists of ImageSets, else by folders called train, val or test, else all in train."""
    lists = _lists(folder)
    if lists:
        return _by_lists(lists, documents, notes)
    splits: dict[str, list[_File]] = {}
    for entry in documents:
        inner = entry.file.relative_to(folder).parts[:-1]
        split = next((_FOLDERS[part.lower()] for part in inner if part.lower() in _FOLDERS), "train")
        splits.setdefault(split, []).append(entry)
    return splits


def _lists(folder: Path) -> dict[str, list[str]]:
    """Stems by split from ImageSets. `trainval` counts only where train or val has no list of its own."""
    lists: dict[str, list[str]] = {}
    for name in _LISTS:
        places = (folder / "ImageSets" / "Main" / f"{name}.txt", folder / "ImageSets" / f"{name}.txt")
        file = next((path for path in places if is_file(path)), None)
        if file is not None:
            lists[name] = _stems(file)
    whole = lists.pop(_SET, None)
    if whole is not None and "train" not in lists:
        val = set(lists.get("val", ()))
        lists["train"] = [stem for stem in whole if stem not in val]
    return {name: stems for name, stems in lists.items() if stems}


def _stems(file: Path) -> list[str]:
    try:
        lines = read_regular_text(file).splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadData(file, "cannot be read as a list of images.", way_out="Save it as UTF-8, a name a line.") from None
    names = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return list(dict.fromkeys(_stem(name) for name in names))


def _stem(line: str) -> str:
    """The name of a line, without the -1, 0 or 1 that lists of one class have behind it."""
    name, _, flag = line.rpartition(" ")
    name = name.strip() if flag in ("-1", "0", "1") and name else line
    name = with_slashes(name).rpartition("/")[2]
    return name.rpartition(".")[0] if is_image(name) or name.lower().endswith(".xml") else name


def _by_lists(lists: dict[str, list[str]], documents: Sequence[_File], notes: Notes) -> dict[str, list[_File]]:
    by_stem = {entry.file.stem: entry for entry in documents}
    splits = {name: [by_stem[stem] for stem in stems if stem in by_stem] for name, stems in lists.items()}
    for name, stems in lists.items():
        for stem in stems:
            if stem not in by_stem:
                notes.add(What.NO_XML, stem, f"listed in {name}")
    listed = {stem for stems in lists.values() for stem in stems}
    for stem, entry in by_stem.items():
        if stem not in listed:
            notes.add(What.UNLISTED, entry.file)
    return splits


def _image(entry: _File, images: Images, notes: Notes) -> Annotated | None:
    """The image of a file with its boxes; None, with a note, if it is not there."""
    place = _found(entry, images, notes)
    width, height = (entry.root.findtext(f"size/{side}") for side in ("width", "height"))
    size = pixels(width, height, place, notes, entry.file) if place is not None else None
    if place is None or size is None:
        return None
    rows = [_box(element, size, entry.file, notes) for element in entry.root.iterfind("object")]
    return Annotated(
        image=place,
        name=place.name,
        width=size[0],
        height=size[1],
        boxes=[row for row in rows if row is not None],
    )


def _found(entry: _File, images: Images, notes: Notes) -> Path | None:
    """The image: that of the XML file's own stem, else the one that it names."""
    parent = entry.file.parent
    places = [parent, parent.parent / _PICTURES, parent.parent / "images", images.root / _PICTURES, images.root]
    name = with_slashes((entry.root.findtext("filename") or "").strip())
    if name and not is_inside(name):
        notes.add(What.BAD_NAME, entry.file, name)
        name = ""
    place = images.of_stem(entry.file.stem, places) or (images.find(name, places) if name else None)
    if place is not None and is_image(place.name):
        return place
    other = bool(name) and not is_image(name) and "." in name
    notes.add(What.NO_YOLO_IMAGE if other else What.NO_IMAGE, entry.file, name or entry.file.stem)
    return None


def _box(element: Element, size: tuple[int, int], file: Path, notes: Notes) -> PixelBox | None:
    """The box of an object; None, with a note, if it has none that can be used."""
    name = (element.findtext("name") or "").strip()
    if not name:
        notes.add(What.UNKNOWN_CLASS, file, "an object without a name")
        return None
    row = numbers([element.findtext(f"bndbox/{edge}") for edge in _EDGES], len(_EDGES))
    if row is None:
        notes.add(What.BAD_BOX, file, name)
        return None
    box = usable(PixelBox(name, *row), *size, notes, file)
    if box is not None:
        for what, word in ((What.DIFFICULT, "difficult"), (What.TRUNCATED, "truncated")):
            if (element.findtext(word) or "").strip() == "1":
                notes.add(what, file, name)
        if any(element.find(word) is not None for word in ("polygon", "segmentation")):
            notes.add(What.OUTLINE, file, name)
    return box


def _without_xml(images: Images, files: Sequence[Path], notes: Notes) -> None:
    """Note images that have no annotation file."""
    stems = {file.stem for file in files}
    for image in images.every:
        if image.stem not in stems:
            notes.add(What.NO_XML, image)
