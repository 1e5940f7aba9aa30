"""Candidates of a search whose user names no model variants or no image sizes: which points may be compared. Pure.

Variants for each deployment are those of the guide: https://docs.ultralytics.com/yolov5/tutorials/tips_for_best_training_results/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from automl.data.boxes import BoxSizes
from automl.errors import AutoMLError, UnknownName
from automl.figures import listed
from automl.setup.options import SearchRequest

FAMILY = ("yolov5n", "yolov5s", "yolov5m", "yolov5l", "yolov5x")  # from the smallest to the largest
BASELINE, SIZE, LARGE = "yolov5s", 640, 1280
DEPLOYMENTS = {"mobile": FAMILY[:3], "cloud": FAMILY[2:], "edge": FAMILY[:2]}
SMALL_PX, SMALL_SHARE = 16, 0.2  # at SIZE: two cells of the finest stride; so many boxes make LARGE a candidate
NEEDED_PX, FEW = 32, 0.01  # a smaller size is a candidate if at it all boxes but a few have such a side
SMALLER = (480, 320)
P6_STRIDE = 64


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Model variants and image sizes, the baseline's first, and how they were chosen."""

    models: tuple[str, ...]
    sizes: tuple[int, ...]
    automatic: tuple[str, ...] = ()  # operating points that the user did not name: probed only if they promise much
    notes: tuple[str, ...] = ()  # sentences of the plan


def choose(request: SearchRequest, boxes: BoxSizes, *, single: bool) -> Candidates:
    """Candidates where the user names variants, image sizes or neither.

    single  True if there can be only one variant, since its weights are given
    """
    members = _members(request)
    models = tuple(request.models) or ((BASELINE,) if single else members)
    sizes, why = (tuple(request.imgsz), ()) if request.imgsz else sizes_for(boxes)
    large = [size for size in sizes if isinstance(size, int) and size >= LARGE]
    if large and not request.models and not single and all(size % P6_STRIDE == 0 for size in large):
        models += tuple(f"{model}6" for model in members)
    named = {f"{model}@{size}" for model in request.models or models[:1] for size in request.imgsz or sizes[:1]}
    every = (f"{model}@{size}" for model in models for size in sizes)
    automatic = tuple(point for point in every if point not in named)
    return Candidates(models=models, sizes=sizes, automatic=automatic, notes=(*_deployed(request), *why))


def check_deploy(request: SearchRequest) -> None:
    """Raise UnknownName or AutoMLError for a deployment that is unknown or contradicts another option."""
    if request.deploy is None:
        return
    if request.deploy not in DEPLOYMENTS:
        raise UnknownName("deployment", request.deploy, tuple(DEPLOYMENTS))
    flag = f"--deploy {request.deploy}"
    if request.trainer != "ultralytics":
        raise AutoMLError(f"{flag} chooses YOLOv5 variants; the trainer '{request.trainer}' has none. Leave it out.")
    if request.models:
        raise AutoMLError(f"{flag} chooses the variants, and --models names them: give one of the two.")
    if request.names_weights:
        raise AutoMLError(
            f"{flag} chooses variants, and --weights {request.weights} fits some: name them with --models instead."
        )
    if request.deploy == "edge" and request.max_latency is None:
        raise AutoMLError(f"{flag} needs the time that an image may take: add --max-latency, in milliseconds.")


def sizes_for(boxes: BoxSizes) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Image sizes worth a search, SIZE first, and the sentence that says why."""
    small = boxes.under(SMALL_PX)
    if small >= SMALL_SHARE:
        return (SIZE, LARGE), (
            f"{small:.0%} of the boxes are under {SMALL_PX} px at {boxes.at}: {LARGE} is a candidate.",
        )
    needed = {size: NEEDED_PX * boxes.at / size for size in SMALLER}
    smaller = tuple(size for size in SMALLER if boxes.sides and boxes.under(needed[size]) <= FEW)
    if smaller:
        large = 1 - boxes.under(needed[smaller[-1]])
        verb = "are candidates" if len(smaller) > 1 else "is a candidate"
        return (SIZE, *smaller), (
            f"{large:.0%} of the boxes are over {needed[smaller[-1]]:.0f} px at {boxes.at}: "
            f"{listed([str(size) for size in smaller])} {verb} too.",
        )
    return (SIZE,), ()


def _members(request: SearchRequest) -> tuple[str, ...]:
    """Variants without a name from the user: the baseline, then the others from the smallest on."""
    allowed = DEPLOYMENTS[request.deploy] if request.deploy is not None else FAMILY
    first = BASELINE if BASELINE in allowed else allowed[0]
    return (first, *(model for model in allowed if model != first))


def _deployed(request: SearchRequest) -> tuple[str, ...]:
    if request.deploy is None:
        return ()
    members: Sequence[str] = DEPLOYMENTS[request.deploy]
    out = [model for model in FAMILY if model not in members]
    return (f"--deploy {request.deploy} takes {listed(members)}, and leaves {listed(out)} out.",)
