"""Predictions of a weights file on a list of images, each letterboxed as a validation does it.

Run as `python -m automl.trainers.ultralytics.predict TARGET` with a `Request` as JSON on standard input: loading
Ultralytics changes a process for good. Nothing of the weights file but its tensors, its names of classes and its
description of the network is used. The description is code: one that is not harmless is refused, as a network file is.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from automl.errors import AutoMLError, BadData, BadWeights, UntrustedNetwork
from automl.files import trusted
from automl.trainers import predictions
from automl.trainers.apart import environment
from automl.trainers.predictions import ImagePredictions, Predictions
from automl.trainers.ultralytics import schema
from automl.trainers.ultralytics.environment import check_device, prepare_environment, set_threads
from automl.trainers.ultralytics.harmless import doubts
from automl.trainers.ultralytics.own_networks import HEADS, modules_of

if TYPE_CHECKING:
    import torch

    from automl.trainers.ultralytics.weights import Checkpoint

LEAST = 0.01  # confidence; below it a prediction says next to nothing
MOST = 300  # predictions of one image, as in Ultralytics' validation
OVERLAP = 0.7  # IoU of two boxes of one class of which the less confident is dropped, as in the validation
_PAD, _GREY = 0.5, 114  # strides around a batch of images, and their colour
_UNTRUSTED = 3  # exit code
Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Request:
    """Inputs of a prediction."""

    weights: str
    images: tuple[str, ...]
    imgsz: int
    device: str = "cpu"  # or a CUDA index
    threads: int = 1
    least: float = LEAST
    batch: int = 16
    overlap: float = OVERLAP
    most: int = MOST
    agnostic: bool = False  # True: boxes of unlike classes suppress one another too
    tta: bool = False  # True: with Ultralytics' test-time augmentation, three scales and a flip
    whole: bool = False  # True: boxes go beyond the border of the image, as a validation measures them


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a weights file says of itself."""

    names: tuple[str, ...]  # of its classes by id
    imgsz: int | None  # of its training
    model: str | None  # name of Ultralytics' own network that it holds; None for any other
    digest: str


def facts_of(weights: Path) -> Facts:
    """What a checkpoint says of itself, read in a process of its own. Raises AutoMLError if it can predict nothing."""
    done = _answer(["facts", str(weights)], "")
    document = json.loads(done.splitlines()[-1])
    return Facts(**{**document, "names": tuple(document["names"])})


def predict_apart(request: Request, target: Path, said: Callable[[int], None] = lambda count: None) -> Predictions:
    """Predict in a process of its own, which writes the predictions to `target`.

    said  called with the number of images that are done

    Raises AutoMLError.
    """
    _answer([str(target)], json.dumps(asdict(request)), said, threads=request.threads)
    predicted = predictions.load(target)
    if predicted is None:
        raise AutoMLError(f"{target} cannot be read back. Check the disk, and judge the labels again.")
    return predicted


def _answer(
    arguments: Sequence[str], text: str, said: Callable[[int], None] = lambda count: None, *, threads: int = 1
) -> str:
    """Output of this module in a process of its own. Threads that wait for one another must sleep: see `apart`."""
    command = [sys.executable, "-P", "-m", "automl.trainers.ultralytics.predict", *arguments]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            env=environment(threads),
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        lines = []
        try:
            process.stdin.write(text)
            process.stdin.close()
            for line in process.stdout:
                lines.append(line)
                if line.startswith("done "):
                    said(int(line.split()[1]))
        except BaseException:
            process.terminate()
            raise
        code = process.wait()
        errors.seek(0)
        last = (errors.read().strip().splitlines() or [f"the process ended with {code}"])[-1]
    if code == _UNTRUSTED:
        raise UntrustedNetwork(**json.loads(last))
    if code:
        raise AutoMLError(last if code == 2 else f"nothing could be predicted ({last}).")
    return "".join(lines)


def predict(request: Request, cache: Path | str, said: Callable[[int], None] = lambda count: None) -> Predictions:
    """Predict in this process.

    cache  folder for Ultralytics' settings

    Raises BadWeights, UntrustedNetwork, and BadData for an image that cannot be read.
    """
    prepare_environment(cache, request.threads)
    check_device(request.device)
    import torch

    from automl.trainers.ultralytics.weights import read_checkpoint, sha256

    checkpoint = read_checkpoint(request.weights)
    network = _network(checkpoint, Path(request.weights))
    device = torch.device("cpu" if request.device == "cpu" else f"cuda:{request.device}")
    _limit(network, request)
    network = network.to(device)
    set_threads(request.threads)
    predicted: dict[int, ImagePredictions] = {}
    sizes: dict[int, tuple[int, int]] = {}
    channels = int(next(iter(network.parameters())).shape[1])
    for numbers, images, shapes in _batches(request, max(int(max(network.stride)), 32), channels):
        outputs = _outputs(network, images, device, request)
        target = int(images.shape[1]), int(images.shape[2])
        for number, shape, output in zip(numbers, shapes, outputs, strict=True):
            predicted[number] = _in_fractions(output, target, shape, request)
            sizes[number] = (shape[1], shape[0])
        said(len(predicted))
    order = range(len(request.images))
    return predictions.gathered(
        request.images,
        [predicted[number] for number in order],
        [sizes[number] for number in order],
        names=_names(checkpoint),
        imgsz=request.imgsz,
        least=request.least,
        weights=sha256(request.weights),
    )


def _names(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Names of the classes by id. Raises BadWeights where the file names none, or leaves ids out."""
    names = checkpoint.names
    if not names or sorted(names) != list(range(len(names))):
        raise BadWeights(
            f"{checkpoint.source} does not name its classes, so its predictions cannot be compared with labels. Give "
            "the .pt file of a training: best.pt or last.pt."
        )
    return tuple(names[number] for number in range(len(names)))


def _network(checkpoint: Checkpoint, file: Path) -> Any:
    """The network of a checkpoint, built from its own description once that is sure to be harmless."""
    from ultralytics.nn.tasks import DetectionModel

    names, description = _names(checkpoint), _description(checkpoint, file)
    state = dict(checkpoint.state)
    first = next(value for value in state.values() if value.ndim == 4)
    try:
        network = DetectionModel(description, ch=int(first.shape[1]), nc=len(names), verbose=False)
        network.load_state_dict(state)
    except Exception as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadWeights(
            f"{file}: its tensors do not fit the network that it describes ({line}). Give the best.pt of a training "
            "with this version of Ultralytics."
        ) from None
    for parameter in network.parameters():
        parameter.requires_grad = False
    return network.float().eval()


def _limit(network: Any, request: Request) -> None:
    """Set the most predictions of an end-to-end network. Raises AutoMLError for one without test-time augmentation."""
    network.set_head_attr(max_det=request.most, agnostic_nms=request.agnostic)
    if request.tta and not _augments(network):
        raise AutoMLError(
            f"{request.weights} knows no test-time augmentation: Ultralytics has it for networks that end in Detect "
            "with several scales, such as yolov5 or yolo26. Predict without it."
        )


def _augments(network: Any) -> bool:
    """True if Ultralytics' test-time augmentation works: else it would predict as without it."""
    head = network.model[-1]
    return type(head).__name__ == "Detect" and not getattr(network, "end2end", False) and int(head.nl) > 1


def _description(checkpoint: Checkpoint, file: Path) -> dict[str, Any]:
    """The checkpoint's description of its network. Raises BadWeights, and UntrustedNetwork as for a network file."""
    source = f"{file} holds no detector of Ultralytics that can be built here"
    try:
        description: dict[str, Any] = json.loads(json.dumps(dict(checkpoint.description)))
        head = modules_of(description)[-1]
    except (KeyError, IndexError, TypeError, ValueError, RecursionError):
        raise BadWeights(f"{source}. Give the best.pt of a training with Ultralytics 8.") from None
    if head not in HEADS:
        raise BadWeights(f"{source}: its network ends in {head}, and only detectors, which end in Detect, judge boxes.")
    doubt = next(doubts(description, schema.package()), None)
    digest = trusted.digest_of(file.read_bytes())
    if doubt is not None and not trusted.is_trusted(digest):
        raise UntrustedNetwork(f"{file}: {doubt.path} has {doubt.text}, {doubt.reason}", digest, str(file))
    return description


def _batches(request: Request, stride: int, channels: int) -> Iterator[tuple[list[int], Image, list[tuple[int, int]]]]:
    """Numbers of the images of each batch, the images letterboxed to one shape, and their own heights and widths.

    Images of like shapes share a batch, so that it needs little padding. Those in memory are a few batches' worth.
    """
    shapes = [_shape(file) for file in request.images]
    order = sorted(range(len(shapes)), key=lambda number: shapes[number][0] / shapes[number][1])
    for begin in range(0, len(order), request.batch):
        numbers = order[begin : begin + request.batch]
        images = [_read(request.images[number], channels) for number in numbers]
        own = [(int(image.shape[0]), int(image.shape[1])) for image in images]
        target = _target([height / width for height, width in own], request.imgsz, stride)
        yield numbers, np.stack([_letterboxed(image, target, request.imgsz) for image in images]), own


def _shape(file: str) -> tuple[int, int]:
    """Height and width as they are stored, from the header; square if that cannot be read."""
    from PIL import Image as Pictures

    try:
        with Pictures.open(file) as picture:
            return picture.height, picture.width
    except (OSError, ValueError, SyntaxError, ImportError, Pictures.DecompressionBombError):
        return 1, 1


def _read(file: str, channels: int) -> Image:
    """An image in the order of channels of OpenCV, turned as its EXIF data say."""
    import cv2
    from ultralytics.utils.patches import imread

    image: Image | None = imread(file, flags=cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR)
    if image is None:
        raise BadData(file, "cannot be read as an image; repair or remove it.")
    image = image[..., None] if image.ndim == 2 else image
    if image.shape[2] != channels:
        raise BadData(file, f"has {image.shape[2]} channels and the network takes {channels}; judge it with another.")
    return image


def _target(aspects: Sequence[float], imgsz: int, stride: int) -> tuple[int, int]:
    """Height and width of a batch: as Ultralytics' rectangles of a validation."""
    low, high = min(aspects), max(aspects)
    shares = (high, 1.0) if high < 1 else (1.0, 1 / low) if low > 1 else (1.0, 1.0)
    height, width = (math.ceil(share * imgsz / stride + _PAD) * stride for share in shares)
    return height, width


def _letterboxed(image: Image, target: tuple[int, int], imgsz: int) -> Image:
    import cv2

    height, width = image.shape[:2]
    size = _scaled((height, width), imgsz)
    scaled = image if size == (width, height) else cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    scaled = scaled[..., None] if scaled.ndim == 2 else scaled
    boxed: Image = np.full((*target, image.shape[2]), _GREY, dtype=np.uint8)
    left, top = _margins(target, size)
    boxed[top : top + size[1], left : left + size[0]] = scaled
    return boxed


def _scaled(shape: tuple[int, int], imgsz: int) -> tuple[int, int]:
    """Width and height of an image of that height and width, once its longer side is `imgsz`."""
    ratio = imgsz / max(shape)
    return min(math.ceil(shape[1] * ratio), imgsz), min(math.ceil(shape[0] * ratio), imgsz)


def _margins(target: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Pixels to the left of and above an image of that width and height."""
    return round((target[1] - size[0]) / 2 - 0.1), round((target[0] - size[1]) / 2 - 0.1)


def _outputs(network: Any, images: Image, device: torch.device, request: Request) -> list[npt.NDArray[np.float32]]:
    """Rows x1 y1 x2 y2 confidence class of each image, in pixels of the letterboxed one."""
    import torch
    from ultralytics.utils.nms import non_max_suppression

    colours = images[..., ::-1] if images.shape[3] == 3 else images
    batch = torch.from_numpy(np.ascontiguousarray(colours.transpose(0, 3, 1, 2))).to(device).float() / 255
    with torch.inference_mode():
        found = non_max_suppression(
            network(batch, augment=request.tta),
            request.least,
            request.overlap,
            multi_label=True,
            agnostic=request.agnostic,
            max_det=request.most,
            max_time_img=3600.0,  # a limit would leave images of a batch without predictions in silence
            end2end=bool(getattr(network, "end2end", False)),
        )
    return [rows[:, :6].cpu().numpy() for rows in found]


def _in_fractions(
    rows: npt.NDArray[np.float32], target: tuple[int, int], shape: tuple[int, int], request: Request
) -> ImagePredictions:
    """Predictions with boxes as fractions of the image itself.

    They are cut at its border, and those beside it are left out, unless whole boxes are requested.

    target, shape  heights and widths of the letterboxed image and of the image itself
    """
    size = _scaled(shape, request.imgsz)
    left, top = _margins(target, size)
    corners = (rows[:, :4] - np.array([left, top, left, top])) / np.array([*size, *size])
    x1, y1, x2, y2 = corners.T if request.whole else np.clip(corners, 0, 1).T
    inside = (x2 > x1) & (y2 > y1) | request.whole
    boxes = np.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], axis=1)
    return ImagePredictions(
        boxes=boxes[inside].astype(np.float32),
        confidence=np.clip(rows[inside, 4], 0, 1).astype(np.float32),
        classes=rows[inside, 5].astype(np.int32),
    )


def _facts(weights: Path) -> Facts:
    """See `facts_of`; in this process."""
    with tempfile.TemporaryDirectory(prefix="automl-") as cache:
        prepare_environment(cache)
        from automl.trainers.ultralytics.weights import read_checkpoint, sha256

        checkpoint = read_checkpoint(weights)
        _network(checkpoint, weights)
        imgsz, name = checkpoint.arguments.get("imgsz"), Path(str(checkpoint.description.get("yaml_file", ""))).stem
        return Facts(
            names=_names(checkpoint),
            imgsz=imgsz if isinstance(imgsz, int) and imgsz > 0 else None,
            model=name if name and schema.is_packaged(name) else None,
            digest=sha256(weights),
        )


def main() -> int:
    """Answer the request; the exit code."""
    try:
        if sys.argv[1] == "facts":
            print(json.dumps(asdict(_facts(Path(sys.argv[2])))), flush=True)
            return 0
        document = json.load(sys.stdin)
        request = Request(**{**document, "images": tuple(document["images"])})
        with tempfile.TemporaryDirectory(prefix="automl-") as cache:
            predicted = predict(request, cache, lambda count: print(f"done {count}", flush=True))
        predictions.save(predicted, Path(sys.argv[1]))
    except UntrustedNetwork as error:
        print(json.dumps({"problem": error.problem, "digest": error.digest, "file": error.file}), file=sys.stderr)
        return _UNTRUSTED
    except AutoMLError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
