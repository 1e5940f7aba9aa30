"""Data sets in all forms that Ultralytics reads, each in a folder of its own."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from tests.builders.data_folder import BOX, POLYGON, image_bytes, write_image

NAMES = "names: [cat, dog, bird]\n"
FOLDERS = f"train: images/train\nval: images/val\n{NAMES}"
LABELS: Mapping[str, str | None] = {  # label files of all kinds, usable or not, by the stem of their image
    "box": BOX,
    "two": "0 0.5 0.5 0.2 0.2\n\n2 0.25 0.25 0.1 0.1\n",
    "twice": BOX + BOX,
    "empty": "",
    "blank": "\n  \n",
    "none": None,
    "polygon": POLYGON,
    "polygons": POLYGON + "0 0.1 0.2 0.3 0.4 0.5 0.9 0.2 0.1\n",
    "mixed": POLYGON + BOX,
    "odd": "1 0.1 0.1 0.5 0.1 0.3 0.6 0.7\n",
    "four": "0 0.5 0.5 0.2\n",
    "six": "0 0.5 0.5 0.2 0.2 0.9\n",
    "text": "cat 0.5 0.5 0.2 0.2\n",
    "nan": "0 nan 0.5 0.2 0.2\n",
    "nan-size": "0 0.5 0.5 0.2 nan\n",
    "inf": "0 0.5 inf 0.2 0.2\n",
    "nan-polygon": "0 0.1 0.1 0.2 0.1 0.2 nan\n",
    "nan-class": "nan 0.5 0.5 0.2 0.2\n",
    "negative": "0 0.5 0.5 -0.2 0.2\n",
    "bit-negative": "0 -0.005 0.5 0.2 0.2\n",
    "over": "0 1.2 0.5 0.2 0.2\n",
    "bit-over": "0 1.005 0.5 0.2 0.2\n",
    "across": "0 0.95 0.5 0.2 0.2\n",
    "pixels": "0 16 12 8 6\n",
    "half-class": "3.5 0.5 0.5 0.2 0.2\n",
    "float-class": "1.0 0.5 0.5 0.2 0.2\n",
    "minus-class": "-1 0.5 0.5 0.2 0.2\n",
    "far-class": "3 0.5 0.5 0.2 0.2\n",
    "tabs": "0\t0.5\t0.5\t0.2\t0.2\n",
    "commas": "0,0.5,0.5,0.2,0.2\n",
    "crlf": "0 0.5 0.5 0.2 0.2\r\n1 0.5 0.5 0.1 0.1\r\n",
    "mac": "0 0.5 0.5 0.2 0.2\r1 0.5 0.5 0.1 0.1\r",
    "bom": "\ufeff0 0.5 0.5 0.2 0.2\n",
    "zero": "0 0.5 0.5 0 0\n",
    "exponent": "0 5e-1 .5 2e-1 +0.2\n",
}


def write_labels(folder: Path) -> None:
    """An image for each of LABELS in train, and some files that are no text."""
    for stem, text in LABELS.items():
        label = write_image(folder / f"images/train/{stem}.jpg", None)
        if text is not None:
            label.write_bytes(text.encode())
    write_image(folder / "images/train/utf16.jpg", None).write_bytes(BOX.encode("utf-16"))
    write_image(folder / "images/train/binary.jpg", None).write_bytes(bytes(range(256)))
    write_image(folder / "images/val/a.jpg", BOX)


def write_turned(folder: Path) -> None:
    """An image for each orientation of EXIF, in three formats."""
    for orientation in range(10):
        for suffix, kind in (("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("tif", "TIFF")):
            exif = Image.Exif()
            exif[0x0112] = orientation
            buffer = io.BytesIO()
            Image.open(io.BytesIO(image_bytes())).save(buffer, kind, exif=exif)
            image = folder / f"images/train/{orientation}{kind}.{suffix}"
            write_image(image, BOX)
            image.write_bytes(buffer.getvalue())
    write_image(folder / "images/val/a.jpg", BOX)


def _plain(folder: Path) -> None:
    for name in ("train/a", "train/deep/b.x", "more/c", "val/d", "val/e"):
        write_image(folder / "images" / f"{name}.jpg", BOX)


def _names(folder: Path) -> None:
    for name in ("a b.jpg", "ü.jpg", "日本.JPG", "c.JpEg", "d.png", "e.gif", "no-suffix", ".hidden.jpg", "[x]*.jpg"):
        write_image(folder / "images/train" / name, None)
    for stem in ("a b", "ü", "日本"):
        (folder / f"labels/train/{stem}.txt").write_text(BOX)
    write_image(folder / "images/val/d.jpg", BOX)
    (folder / "images/train/.dir").mkdir()
    write_image(folder / "images/train/.dir/f.jpg", BOX)


def _linked(folder: Path) -> None:
    _plain(folder)
    write_image(folder / "elsewhere/images/g.jpg", BOX)
    (folder / "images/train/link").symlink_to(folder / "elsewhere/images")
    (folder / "images/val/h.jpg").symlink_to(folder / "elsewhere/images/g.jpg")


def _stems(folder: Path) -> None:
    _plain(folder)
    (folder / "images/train/a.png").write_bytes(image_bytes("PNG"))


def _listed(text: str, encoding: str = "utf-8") -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        _plain(folder)
        (folder / "list.txt").write_bytes(text.replace("ROOT", str(folder)).encode(encoding))

    return write


LIST = f"train: list.txt\nval: images/val\n{NAMES}"
FORMS: dict[str, tuple[str, Callable[[Path], None]]] = {  # data.yaml and files by the name of the form
    "folders": (FOLDERS, _plain),
    "list of folders": (f"train: [images/train, images/more]\nval: [images/val]\n{NAMES}", _plain),
    "block list": (f"train:\n  - images/train\n  - images/more\nval: images/val\n{NAMES}", _plain),
    "overlapping folders": (f"train: [images, images/train]\nval: images/val\n{NAMES}", _plain),
    "folder with a slash": (f"train: ./images/train/\nval: images/../images/val\n{NAMES}", _plain),
    "validation": (f"train: images/train\nvalidation: images/val\n{NAMES}", _plain),
    "absolute path": (f"path: ROOT\n{FOLDERS}", _plain),
    "relative path": (f"path: .\n{FOLDERS}", _plain),
    "relative path below": (f"path: images\ntrain: train\nval: val\n{NAMES}", _plain),
    "absolute folders": (f"train: ROOT/images/train\nval: ROOT/images/val\n{NAMES}", _plain),
    "empty path": (f"path:\n{FOLDERS}", _plain),
    "export of Roboflow": (f"train: ../images/train\nval: ../images/val\n{NAMES}", _plain),
    "with test": (f"{FOLDERS}test: images/more\n", _plain),
    "empty test": (f"{FOLDERS}test:\n", _plain),
    "names by id": (f"{FOLDERS.replace(NAMES, '')}names: {{0: cat, 1: dog, 2: bird}}\n", _plain),
    "names in disorder": (f"{FOLDERS.replace(NAMES, '')}names:\n  2: bird\n  0: cat\n  1: dog\n", _plain),
    "names and nc": (f"{FOLDERS}nc: 3\n", _plain),
    "nc alone": (f"{FOLDERS.replace(NAMES, '')}nc: 3\n", _plain),
    "nc as text": (f"{FOLDERS.replace(NAMES, '')}nc: '3'\n", _plain),
    "byte-order mark": (f"\ufeff{FOLDERS}", _plain),
    "names by quoted id": (f"{FOLDERS.replace(NAMES, '')}names: {{'0': cat, '1': dog, '2': bird}}\n", _plain),
    "names of other scripts": (f"{FOLDERS.replace(NAMES, '')}names: [猫, ёж, vögel]\n", _plain),
    "names of numbers": (f"{FOLDERS.replace(NAMES, '')}names: [10, 2.5, 'x']\n", _plain),
    "nc as a float": (f"{FOLDERS}nc: 3.0\n", _plain),
    "anchors": ("base: &base images/train\ntrain: *base\nval: images/val\n" + NAMES, _plain),
    "path below a folder above": (f"path: ROOT/images/..\n{FOLDERS}", _plain),
    "list of lists": (f"train: [list.txt, list.txt]\nval: list.txt\n{NAMES}", _listed("./images/train/a.jpg")),
    "further keys": (f"{FOLDERS}download: https://example.com/a.zip\nroboflow: {{version: 3}}\n", _plain),
    "one channel": (f"{FOLDERS}channels: 1\n", _plain),
    "windows lines": (FOLDERS.replace("\n", "\r\n"), _plain),
    "comments": (f"# a set\n{FOLDERS}# the end\n", _plain),
    "relative list": (LIST, _listed("./images/train/a.jpg\n./images/train/deep/b.x.jpg\n")),
    "absolute list": (LIST, _listed("ROOT/images/train/a.jpg\nROOT/images/more/c.jpg")),
    "list with blanks": (LIST, _listed("\n\n./images/train/a.jpg\n\n  \n./images/more/c.jpg\n\n")),
    "list with comments": (LIST, _listed("# train\n./images/train/a.jpg\n# more\n")),
    "list with windows lines": (LIST, _listed("./images/train/a.jpg\r\n./images/more/c.jpg\r\n")),
    "list with a mark": (LIST, _listed("./images/train/a.jpg\n", "utf-8-sig")),
    "list with repeats": (LIST, _listed("./images/train/a.jpg\n./images/train/a.jpg\n")),
    "list in disorder": (LIST, _listed("./images/val/e.jpg\n./images/train/a.jpg\n")),
    "list and folder": (f"train: [list.txt, images/more]\nval: images/val\n{NAMES}", _listed("./images/train/a.jpg")),
    "all kinds of names": (FOLDERS, _names),
    "links": (FOLDERS, _linked),
    "two images of one stem": (FOLDERS, _stems),
    "all kinds of labels": (FOLDERS, write_labels),
    "all kinds of labels, of keypoints": (f"{FOLDERS}kpt_shape: [1, 2]\n", write_labels),
    "turned images": (FOLDERS, write_turned),
}
REFUSED: dict[str, tuple[str, Callable[[Path], None]]] = {  # by Ultralytics
    "nc without a value": (f"{FOLDERS}nc:\n", _plain),
    "nc of another length": (f"{FOLDERS}nc: 2\n", _plain),
    "nc of a fraction": (f"{FOLDERS}nc: 3.5\n", _plain),
    "no train": (f"val: images/val\n{NAMES}", _plain),
    "no val": (f"train: images/train\n{NAMES}", _plain),
    "valid": (f"train: images/train\nvalid: images/val\n{NAMES}", _plain),
    "no names": (FOLDERS.replace(NAMES, ""), _plain),
    "a number": (f"train: 3\nval: images/val\n{NAMES}", _plain),
    "no such folder": (f"train: images/train\nval: images/none\n{NAMES}", _plain),
    "one of two folders": (f"train: [images/train, images/none]\nval: images/val\n{NAMES}", _plain),
    "no images": (f"train: images/train\nval: labels/val\n{NAMES}", _plain),
    "no labels": (f"train: labels\nval: images/val\n{NAMES}", _plain),
    "an image": (f"train: images/train/a.jpg\nval: images/val\n{NAMES}", _plain),
    "empty list": (LIST, _listed("\n")),
    "list in UTF-16": (LIST, _listed("./images/train/a.jpg\n", "utf-16")),
    "ids with a gap": (f"{FOLDERS.replace(NAMES, '')}names: {{0: cat, 2: bird}}\n", _plain),
    "names of text": (f"{FOLDERS.replace(NAMES, '')}names: cat\n", _plain),
    "path of a number": (f"path: 7\n{FOLDERS}", _plain),
}


def write_form(name: str, folder: Path) -> Path:
    """A data set of FORMS or REFUSED in a new folder; its data.yaml."""
    text, write = (FORMS | REFUSED)[name]
    folder.mkdir(parents=True)
    write(folder)
    file = folder / "data.yaml"
    file.write_bytes(text.replace("ROOT", str(folder)).encode())
    return file
