"""Tiny COCO and Pascal VOC data sets, and BCCD in both formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from automl.data.dataset import Dataset
from automl.data.labels import label_path

SIZE = (200, 100)
BOX = [20, 10, 40, 30]  # left, top, width, height in COCO


def picture(file: Path, size: tuple[int, int] = SIZE) -> Path:
    """An image of one colour."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 120, 30)).save(file)
    return file


def coco(folder: Path, *, count: int = 4, name: str = "instances_train.json", **changes: Any) -> Path:
    """A COCO file with a box in each of its images; changes replace its keys."""
    document: dict[str, Any] = {
        "images": [
            {"id": number, "file_name": f"{number}.jpg", "width": SIZE[0], "height": SIZE[1]}
            for number in range(1, count + 1)
        ],
        "annotations": [
            {"id": number, "image_id": number, "category_id": 7, "bbox": BOX} for number in range(1, count + 1)
        ],
        "categories": [{"id": 7, "name": "cat"}, {"id": 90, "name": "dog"}],
    }
    document |= changes
    for image in document["images"] if isinstance(document["images"], list) else ():
        file = image.get("file_name") if isinstance(image, dict) else None
        if isinstance(file, str) and ".." not in file and file.strip():
            picture(folder / "images" / file.replace("\\", "/"))
    place = folder / "annotations" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({key: value for key, value in document.items() if value is not None}), encoding="utf-8")
    return place


def annotation(**changes: Any) -> dict[str, Any]:
    """A further annotation of image 1."""
    return {"id": 99, "image_id": 1, "category_id": 7, "bbox": BOX, **changes}


OBJECT = "<object><name>cat</name>{more}<bndbox><xmin>20</xmin><ymin>10</ymin><xmax>60</xmax><ymax>40</ymax></bndbox></object>"
SIZE_TEXT = f"<size><width>{SIZE[0]}</width><height>{SIZE[1]}</height><depth>3</depth></size>"


def voc_text(*objects: str, name: str = "1.jpg", size: str = SIZE_TEXT) -> str:
    """The XML of one image."""
    rows = "".join(objects or (OBJECT.format(more=""),))
    return f"<annotation><filename>{name}</filename>{size}{rows}</annotation>"


def voc(folder: Path, *, images: int = 4, lists: dict[str, list[str]] | None = None, **texts: str) -> Path:
    """A VOC folder with a box in each of its images. Texts replace the XML by stem: _1 is that of 1.jpg."""
    for stem in map(str, range(1, images + 1)):
        picture(folder / "JPEGImages" / f"{stem}.jpg")
        place = folder / "Annotations" / f"{stem}.xml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(texts.get(f"_{stem}", voc_text(name=f"{stem}.jpg")), encoding="utf-8")
    for split, stems in (lists or {}).items():
        place = folder / "ImageSets" / "Main" / f"{split}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(f"{stem}\n" for stem in stems), encoding="utf-8")
    return folder


def pixel_rows(image: Path, names: tuple[str, ...]) -> list[tuple[str, float, float, float, float]]:
    """Class and edges in pixels of each label row of an image."""
    with Image.open(image) as opened:
        width, height = opened.size
    rows = []
    for text in Path(label_path(str(image))).read_text(encoding="utf-8").splitlines():
        kind, x, y, w, h = map(float, text.split())
        edges = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
        rows.append((names[int(kind)], *edges))
    return rows


def as_coco(dataset: Dataset, folder: Path) -> Path:
    """A YOLO data set as COCO files, its images linked."""
    ids = {name: 3 * number + 5 for number, name in enumerate(dataset.names)}
    for split, part in dataset.splits.items():
        images: list[dict[str, Any]] = []
        rows: list[dict[str, Any]] = []
        for number, image in enumerate(part.images):
            _link(image, folder / "images" / split / image.name)
            with Image.open(image) as opened:
                width, height = opened.size
            images.append({"id": number, "file_name": image.name, "width": width, "height": height})
            for name, left, top, right, bottom in pixel_rows(image, dataset.names):
                box = [left, top, right - left, bottom - top]
                rows.append({"id": len(rows), "image_id": number, "category_id": ids[name], "bbox": box})
        categories = [{"id": key, "name": name} for name, key in ids.items()]
        file = folder / "annotations" / f"instances_{split}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"images": images, "annotations": rows, "categories": categories}))
    return folder


def as_voc(dataset: Dataset, folder: Path) -> Path:
    """A YOLO data set as a VOC folder, its images linked."""
    lists = {}
    for split, part in dataset.splits.items():
        lists[split] = [image.stem for image in part.images]
        for image in part.images:
            _link(image, folder / "JPEGImages" / image.name)
            with Image.open(image) as opened:
                size = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("width", "height"), opened.size, strict=True))
            objects = "".join(
                f"<object><name>{name}</name><bndbox>"
                + "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True))
                + "</bndbox></object>"
                for name, *edges in pixel_rows(image, dataset.names)
            )
            file = folder / "Annotations" / f"{image.stem}.xml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"<annotation><filename>{image.name}</filename><size>{size}</size>{objects}</annotation>")
    return voc(folder, images=0, lists=lists)


def _link(image: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(image)
