"""Candidates of a search whose user names no model variants or no image sizes: which points may be compared. Pure.

The rules are those that `automl check` recommends by: see `automl.checks.choice`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from automl.checks.choice import DEPLOYMENTS, FAMILY, LARGE, Sizes, sizes_for
from automl.data.boxes import BoxSizes
from automl.errors import AutoMLError, UnknownName
from automl.figures import listed
from automl.setup.options import SearchRequest

BASELINE = "yolov5s"
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
    suggested = Sizes(sizes=tuple(request.imgsz)) if request.imgsz else sizes_for(boxes)
    sizes = suggested.sizes
    large = [size for size in sizes if isinstance(size, int) and size >= LARGE]
    if large and not request.models and not single and all(size % P6_STRIDE == 0 for size in large):
        models += tuple(f"{model}6" for model in members)
    named = {f"{model}@{size}" for model in request.models or models[:1] for size in request.imgsz or sizes[:1]}
    every = (f"{model}@{size}" for model in models for size in sizes)
    automatic = tuple(point for point in every if point not in named)
    notes = (*_deployed(request), *filter(None, [suggested.why]))
    return Candidates(models=models, sizes=sizes, automatic=automatic, notes=notes)


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
