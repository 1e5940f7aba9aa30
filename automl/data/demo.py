"""A small detection problem from what installed packages carry: handwritten digits on photographs."""

from __future__ import annotations

import importlib.util
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from automl.data.dataset import fingerprint, read_dataset
from automl.errors import AutoMLError, NoSpace
from automl.files.home import shipped

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    Pixels = npt.NDArray[np.float64]  # (height, width) ink of one digit, fractions in [0, 1]
    Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels

MARKER = "demo.json"  # tells a folder of ours from anyone else's, and with which settings it was made
TINY = "tiny.yaml"  # a network that trains in seconds, copied beside the data
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPLITS = ("train", "val", "test")

# No photograph is in two splits: a background learnt by heart must not score. Package and path within it.
PHOTOGRAPHS = {
    "train": (
        ("sklearn", "datasets/images/china.jpg"),
        ("ultralytics", "assets/bus.jpg"),
        ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    ),
    "val": (("sklearn", "datasets/images/flower.jpg"),),
    "test": (("ultralytics", "assets/zidane.jpg"),),
}
DIGIT_SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}  # of the handwritten images of each class
EMPTY_SHARE = 0.06  # images without any digit
MOST_DIGITS = 3  # on one image
SIDE = (0.35, 0.75)  # a digit's side before it is turned, fractions of the image
ANGLE = 20.0  # degrees to either side
FAINT = 0.35  # ink below this is left out, fraction of full ink
CONTRAST = (0.4, 0.9)  # difference of a digit from the mean behind it, fractions of white


@dataclass(frozen=True, kw_only=True)
class _Settings:
    """Everything that the pictures depend on, besides the packages' versions."""

    seed: int
    train: int
    val: int
    test: int
    imgsz: int  # pixels
    classes: int
    version: int = 1  # raise it when the drawing changes

    def count(self, split: str) -> int:
        return {"train": self.train, "val": self.val, "test": self.test}[split]


def make_demo(
    directory: Path,
    *,
    seed: int = 0,
    train: int = 300,
    val: int = 80,
    test: int = 80,
    imgsz: int = 96,
    classes: int = 5,
) -> Path:
    """Draw the demo data set into `directory`, unless it lies there already; its data.yaml. A network lies beside it.

    The same arguments give the same bytes. Neither photographs nor handwritten images are shared between
    splits. The folder appears in one step: an interrupted call leaves none behind.

    Raises AutoMLError if the folder holds anything else, cannot be written, or if scikit-learn is missing.
    """
    settings = _Settings(seed=seed, train=train, val=val, test=test, imgsz=imgsz, classes=classes)
    _check_settings(settings)
    directory = directory.expanduser().resolve()
    is_new = not _is_made(directory, settings)
    try:
        if is_new:
            _make(directory, settings, _load_digits())
        if not (directory / TINY).exists():
            (directory / TINY).write_bytes(shipped("configs/demo/tiny.yaml").read_bytes())
    except OSError as error:
        raise NoSpace(f"cannot write the demo to {directory}: {error.strerror or error}.") from error
    return directory / "data.yaml"


def _make(directory: Path, settings: _Settings, digits: tuple[Any, Any]) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        workshop.chmod(0o755)  # mkdtemp's folders are closed to everyone else
        _draw(workshop, settings, digits)
        _move(workshop, directory, settings)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _check_settings(settings: _Settings) -> None:
    if min(settings.train, settings.val, settings.test) < 1:
        raise AutoMLError("the demo needs at least one image in train, val and test.")
    if not 1 <= settings.classes <= len(NAMES):
        raise AutoMLError(f"the demo has 1 to {len(NAMES)} classes, not {settings.classes}.")
    if not 32 <= settings.imgsz <= 416:
        raise AutoMLError(f"the demo draws images of 32 to 416 pixels, not {settings.imgsz}.")


def _is_made(directory: Path, settings: _Settings) -> bool:
    """True where the folder holds exactly this demo, False where it is free. Anything else raises."""
    if directory.exists() and not directory.is_dir():
        raise AutoMLError(f"{directory} is a file; choose a folder for the demo data set.")
    if not directory.exists() or not any(directory.iterdir()):
        return False
    try:
        marker = json.loads((directory / MARKER).read_text())
        drawn_with, digest = marker["settings"], marker["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        raise AutoMLError(
            f"{directory} is not empty and not a demo data set; choose another folder or empty it."
        ) from None
    if drawn_with != asdict(settings):
        raise AutoMLError(
            f"{directory} holds a demo made with other settings ({_words(drawn_with)}); "
            "choose another folder or delete it."
        )
    if fingerprint(read_dataset(directory / "data.yaml")) != digest:
        raise AutoMLError(f"the demo in {directory} was changed since it was made; delete it to make it anew.")
    return True


def _words(settings: Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items()) if isinstance(settings, dict) else "?"


def _move(workshop: Path, directory: Path, settings: _Settings) -> None:
    try:
        if directory.exists():
            directory.rmdir()
        workshop.rename(directory)
    except OSError:
        if not _is_made(directory, settings):  # else another process was faster, with the same pictures
            raise


def _load_digits() -> tuple[Any, Any]:
    """Images (n, 8, 8) with ink from 0 to 16, and their digits (n,)."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise AutoMLError(
            'the demo draws scikit-learn\'s handwritten digits: pip install "yolo-automl[demo]"'
        ) from None
    bunch = load_digits()
    return bunch.images, bunch.target


def _photographs(split: str) -> list[Image.Image]:
    """Photographs of one split, read without importing the packages that carry them."""
    from PIL import Image

    photographs = []
    for package, path in PHOTOGRAPHS[split]:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            if (file := Path(folder) / path).is_file():
                with Image.open(file) as image:
                    photographs.append(image.convert("RGB"))
    if not photographs:
        names = " or ".join(f"{package}/{path}" for package, path in PHOTOGRAPHS[split])
        raise AutoMLError(f"the demo found no photograph for its {split} split ({names}): reinstall yolo-automl[demo].")
    return photographs


def _draw(folder: Path, settings: _Settings, digits: tuple[Any, Any]) -> None:
    for split in SPLITS:
        (folder / "images" / split).mkdir(parents=True)
        (folder / "labels" / split).mkdir(parents=True)
        _draw_split(folder, split, settings, digits)
    document = {split: f"images/{split}" for split in SPLITS}
    names = dict(enumerate(NAMES[: settings.classes]))
    file = folder / "data.yaml"
    file.write_text(yaml.safe_dump({**document, "names": names}, sort_keys=False))
    marker = {"settings": asdict(settings), "fingerprint": fingerprint(read_dataset(file))}
    (folder / MARKER).write_text(json.dumps(marker, indent=2) + "\n")


def _draw_split(folder: Path, split: str, settings: _Settings, digits: tuple[Any, Any]) -> None:
    import numpy as np

    photographs = _photographs(split)
    hands = _hands(split, settings, digits)
    for index in range(settings.count(split)):
        # A generator for each image: more images in one split leave all others as they were.
        rng = np.random.default_rng([settings.seed, SPLITS.index(split), index])
        scene = _background(photographs[rng.integers(len(photographs))], settings.imgsz, rng)
        rows = [] if rng.random() < EMPTY_SHARE else _paste_digits(scene, hands, rng)
        if index == 0 and not rows:
            rows = _paste_digits(scene, hands, rng)  # however small, no split is without an object
        scene.save(folder / "images" / split / f"{index:04d}.jpg", quality=90)
        (folder / "labels" / split / f"{index:04d}.txt").write_text("".join(f"{row}\n" for row in rows))


def _hands(split: str, settings: _Settings, digits: tuple[Any, Any]) -> list[Any]:
    """Handwritten images of each class that belong to this split alone."""
    import numpy as np

    images, target = digits
    first = sum(DIGIT_SHARES[earlier] for earlier in SPLITS[: SPLITS.index(split)])
    hands = []
    for digit in range(settings.classes):
        own = np.random.default_rng([settings.seed, digit]).permutation(np.flatnonzero(target == digit))
        low, high = round(first * len(own)), round((first + DIGIT_SHARES[split]) * len(own))
        hands.append(images[own[low:high]])
    return hands


def _background(photograph: Image.Image, imgsz: int, rng: np.random.Generator) -> Image.Image:
    """A random square of a photograph, at a random scale."""
    from PIL import Image

    width, height = photograph.size
    side = int(rng.integers(min(imgsz, width, height), min(width, height) + 1))
    left, top = int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1))
    square = photograph.resize((imgsz, imgsz), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    return square.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else square


def _paste_digits(scene: Image.Image, hands: list[Any], rng: np.random.Generator) -> list[str]:
    """Label rows of the digits pasted onto the scene; they do not touch each other."""
    boxes: list[Box] = []
    rows = []
    for _ in range(int(rng.integers(1, MOST_DIGITS + 1))):
        kind = int(rng.integers(len(hands)))
        ink = _ink(hands[kind][rng.integers(len(hands[kind]))], scene.width, rng)
        box = _place(ink.shape[1], ink.shape[0], scene.width, boxes, rng)
        if box is not None:
            boxes.append(box)
            _blend(scene, ink, box, rng)
            rows.append(_row(kind, box, scene.width))
    return rows


def _ink(digit: Any, imgsz: int, rng: np.random.Generator) -> Pixels:
    """Ink of one digit, enlarged, turned, and cut to where ink is visible."""
    import numpy as np
    from PIL import Image

    side = round(imgsz * rng.uniform(*SIDE))
    small = Image.fromarray(np.asarray(digit * 255 / 16, dtype=np.uint8))
    large = small.resize((side, side), Image.Resampling.BICUBIC)
    turned = large.rotate(rng.uniform(-ANGLE, ANGLE), Image.Resampling.BICUBIC, expand=True)
    grey = np.asarray(turned, dtype=np.float64) / 255
    ink = np.clip((grey - FAINT) / (0.7 - FAINT), 0, 1)  # sharper strokes than eight by eight pixels give
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _place(width: int, height: int, imgsz: int, others: list[Box], rng: np.random.Generator) -> Box | None:
    """A free place for a box; None after twenty tries."""
    if width > imgsz or height > imgsz:
        return None
    for _ in range(20):
        left, top = int(rng.integers(imgsz - width + 1)), int(rng.integers(imgsz - height + 1))
        box = (left, top, left + width, top + height)
        if all(box[2] <= b[0] or b[2] <= box[0] or box[3] <= b[1] or b[3] <= box[1] for b in others):
            return box
    return None


def _blend(scene: Image.Image, ink: Pixels, box: Box, rng: np.random.Generator) -> None:
    """Lay ink on the scene: light on dark and dark on light, at a random contrast."""
    import numpy as np
    from PIL import Image

    behind = np.asarray(scene.crop(box), dtype=np.float64) / 255
    mean = behind.mean(axis=(0, 1))
    step = rng.uniform(*CONTRAST) * (-1 if mean.mean() > 0.5 else 1)
    colour = np.clip(mean + step + rng.uniform(-0.1, 0.1, 3), 0, 1)
    mixed = behind + ink[:, :, None] * (colour - behind)
    scene.paste(Image.fromarray(np.asarray(mixed * 255, dtype=np.uint8)), box)


def _row(kind: int, box: Box, imgsz: int) -> str:
    left, top, right, bottom = box
    numbers = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
    return " ".join([str(kind), *(f"{number / imgsz:.6f}" for number in numbers)])
