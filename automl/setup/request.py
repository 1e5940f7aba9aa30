"""Check of a search request, before anything heavy is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from automl.checks.choice import SIZE
from automl.costs import points
from automl.costs.budget import Budget, parse_all
from automl.costs.points import Limits
from automl.costs.split import Asked
from automl.data.boxes import BoxSizes, box_sizes
from automl.data.dataset import Dataset, fingerprints, read_dataset
from automl.data.examination import examine
from automl.data.holdout import find_unseen
from automl.data.images import TEST
from automl.errors import AutoMLError, BadData, UnknownName
from automl.files.home import shipped
from automl.files.shell import quoted
from automl.records import Params, ParamValue, Slots, VariantWeights
from automl.sampler import SAMPLERS
from automl.setup.candidates import BASELINE, Candidates, check_deploy, choose
from automl.setup.options import SearchRequest
from automl.setup.weights import Say, Starts, find_weights, from_scratch
from automl.space import POINT, SearchSpace, settle, without
from automl.space.earlier import Earlier
from automl.space.file import read_space
from automl.trainers import surrogate
from automl.trainers.base import TRAINERS
from automl.trainers.ultralytics import schema, values

MOST_SEED = 2**31 - 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A request of which every input was read and can be used."""

    request: SearchRequest
    dataset: Dataset  # for the search: without the images held back from val
    data_fingerprint: str  # of the whole
    same_data: frozenset[str]  # digests by which earlier studies may know it
    unseen: str  # as in the spec
    reported: Dataset | None  # whose test split is measured too
    slots: Slots
    budgets: tuple[Budget, ...]
    models: tuple[str, ...]
    imgsz: tuple[int, ...]
    weights: tuple[VariantWeights, ...]  # a variant that is left out starts from scratch
    space: SearchSpace
    fixed: Params  # arguments of every trial that the user set, and the baseline's model and image size
    notes: tuple[str, ...]  # sentences for the user
    automatic: tuple[str, ...] = ()  # operating points that the user did not name: probed only if they promise much
    chosen: tuple[str, ...] = ()  # sentences of the plan on the choice of variants and image sizes
    limits: Limits = field(default_factory=Limits)
    earlier: tuple[Earlier, ...] = ()  # results of earlier trainings, the newest study first
    read: tuple[str, ...] = ()  # sentences of the plan on what was read of other tools' files

    @property
    def asked(self) -> Asked:
        """Lengths of the trainings that the user asked for; the surrogate has no production of its own accord."""
        search = self.request
        alone = search.recipe_only or (search.trainer == "surrogate" and not search.train)
        return Asked(epochs=search.epochs, train=search.train, recipe_only=alone)

    def weights_for(self, model: str) -> VariantWeights | None:
        """The weights file with which trainings of that model start; None from scratch."""
        return next((weights for weights in self.weights if weights.model == model), None)


def check(
    request: SearchRequest,
    slots: Slots,
    say: Say = lambda text: None,
    given: Mapping[str, Path] = MappingProxyType({}),
    home: Path | None = None,
) -> Checked:
    """Read everything that the request names. Raises the AutoMLError of the first wrong input.

    say    gets a sentence before each download of weights, nothing else being downloaded, and before long checks
    given  checkpoints that were named as models, by variant
    home   folder of all studies, where images that were examined are remembered; None: nowhere
    """
    limits = _check_words(request, slots.device)
    budgets = parse_all(request.budgets, slots.device)
    with _all_of_them(request.data):
        whole = read_dataset(request.data, test=request.test)
    unseen = find_unseen(whole, request.holdout, request.seed, evaluate=request.test)
    dataset = unseen.dataset
    known = known_keys(request.trainer)
    fixed = dict(request.fixed) | ({"batch": request.batch} if request.batch is not None else {})
    _check_fixed(request.trainer, fixed, dataset)
    space, left_out = _space(request, known, fixed, dataset, pretrained=bool(given))
    candidates = _candidates(request, space, {**space.fixed, **fixed}, dataset)
    models, sizes = _points(request, candidates)
    _check_multiples(request.trainer, models, sizes)
    if request.trainer == "ultralytics":
        fixed = {"amp": True, **fixed, "model": models[0], "imgsz": sizes[0]}
        space = space.with_points(models, sizes, schema.is_p6)
    if not _certain(space, candidates):
        raise AutoMLError(
            "there is nothing to search: the space has no parameter left, and one model and image size. Set fewer "
            "arguments, or name several --models or --imgsz."
        )
    untidy: tuple[str, ...] = ()
    if request.trainer == "ultralytics":
        with _all_of_them(request.data):
            untidy = examine(whole, test=unseen.name == TEST or unseen.reported is not None, home=home, say=say)
    # The automatic candidates' weights are looked for once one is probed: most of them never are.
    certain = [m for m in models if any(f"{m}@{size}" not in candidates.automatic for size in sizes)]
    starts = _starts(request, certain, space, say, given)
    digests = fingerprints(whole)
    not_searched = [f"{name} is not searched: {reason}." for name, reason in left_out.items()]
    return Checked(
        request=request,
        dataset=dataset,
        data_fingerprint=digests[0],
        same_data=frozenset(digests),
        unseen=unseen.name,
        reported=unseen.reported,
        slots=slots,
        budgets=budgets,
        models=models,
        imgsz=sizes,
        weights=starts.files,
        space=space,
        fixed=fixed,
        notes=(*whole.notes, *untidy, *unseen.notes, *starts.notes, *_ignored(request, space), *not_searched),
        automatic=candidates.automatic,
        chosen=candidates.notes,
        limits=limits,
    )


@contextmanager
def _all_of_them(data: Path) -> Iterator[None]:
    """Add the way to all problems to the refusal of a label file or an image, which names the first one."""
    try:
        yield
    except BadData as error:
        if error.file.name != data.name:
            error.args = (f"{error} For all of them: automl check --data {quoted(str(data))}",)
        raise


def _ignored(request: SearchRequest, space: SearchSpace) -> tuple[str, ...]:
    """Sentence on arguments of the user's that optimizer=auto, the trainer's default, sets by itself."""
    fixed = {**space.fixed, **request.fixed}
    auto = request.trainer == "ultralytics" and str(fixed.get("optimizer", "auto")).lower() == "auto"
    texts = [f"{key}={request.fixed[key]}" for key in schema.SET_BY_AUTO if auto and key in request.fixed]
    if not texts:
        return ()
    verb, pronoun = ("has", "it") if len(texts) == 1 else ("have", "them")
    return (
        f"--set {' --set '.join(texts)} {verb} no effect: the default optimizer is auto, which sets {pronoun} by "
        "itself. Name one too: --set optimizer=SGD.",
    )


def _starts(
    request: SearchRequest, models: Sequence[str], space: SearchSpace, say: Say, given: Mapping[str, Path]
) -> Starts:
    """Weights of the variants. Raises BadWeights, and AutoMLError where random layers would be frozen."""
    if request.trainer != "ultralytics":
        return Starts()
    starts = find_weights(request.weights, models, offline=request.offline, say=say, given=given)
    if not starts.files and any(parameter.name == "freeze" for parameter in space.parameters):
        raise AutoMLError("'freeze' cannot be searched: without weights it would freeze random layers.")
    return starts


def _check_words(request: SearchRequest, device: str) -> Limits:
    """Limits on a result. Raises AutoMLError for the first option that is wrong by itself; reads no file."""
    if request.trainer not in TRAINERS:
        raise UnknownName("trainer", request.trainer, TRAINERS)
    if request.sampler not in SAMPLERS:
        raise UnknownName("sampler", request.sampler, SAMPLERS)
    check_deploy(request)
    if request.name is not None:
        check_name(request.name)
    if request.epochs is not None and request.epochs < 1:
        raise AutoMLError(f"--epochs {request.epochs} is no training. Use 1 or more.")
    _check_numbers(request, device)
    latency_s = request.max_latency / 1000 if request.max_latency is not None else None
    limits = Limits(target=request.target, latency_s=latency_s, parameters=request.max_params)
    points.check_limits(limits)
    if request.train is not None and request.train < max(1, request.epochs or 1):
        least = f"at least the --epochs {request.epochs} of a trial" if request.epochs else "such as --train 300"
        raise AutoMLError(
            f"--train {request.train} is no production training: write how many epochs it may have, {least}."
        )
    if request.train is not None and request.recipe_only:
        raise AutoMLError("--train and --recipe-only contradict each other: drop one.")
    if request.confirm < 0:
        raise AutoMLError(f"--confirm {request.confirm}: write the number of best trials with seed repeats, or 0.")
    return limits


def check_name(name: str, option: str = "--name ") -> None:
    """Raise AutoMLError for a name of a study that cannot be a folder."""
    if NAME.fullmatch(name) is None:
        raise AutoMLError(
            f"{option}'{name}' cannot be a folder: use up to 64 letters, digits, dots, dashes and underscores."
        )


def check_model(name: str) -> None:
    """Raise UnknownName or AutoMLError if the network no longer exists."""
    schema.model_yaml(name)


def known_keys(trainer: str) -> Params:
    """Arguments that a study of the trainer may set, with their defaults."""
    return dict(surrogate.DEFAULTS) if trainer == "surrogate" else schema.defaults()


def _check_fixed(trainer: str, fixed: Params, dataset: Dataset) -> None:
    """Raise AutoMLError for the first argument that the trainer does not know, or whose value it cannot have."""
    if trainer == "ultralytics":
        schema.check_fixed(fixed)
        values.check_values(fixed, dataset.nc)
        return
    for key, value in fixed.items():
        if key not in surrogate.DEFAULTS and key != "batch":
            raise UnknownName("parameter", key, tuple(surrogate.DEFAULTS))
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise AutoMLError(f"--set {key}={value}: {key} is a number, for example {surrogate.DEFAULTS.get(key, 16)}.")


def _space(
    request: SearchRequest, known: Params, fixed: Params, dataset: Dataset, *, pretrained: bool
) -> tuple[SearchSpace, dict[str, str]]:
    """The search space, and the reason by name for each dimension of it that is not searched.

    pretrained  True if checkpoints were named as models
    """

    def dead(certain: Params) -> Mapping[str, str]:
        if request.trainer == "surrogate":
            return {}
        reasons = schema.keys_that_are_dead({**certain, **fixed}, segments=dataset.segments)
        named = request.models or ([str(fixed["model"])] if "model" in fixed else [])
        if not pretrained and from_scratch(request.weights, named):
            reasons["freeze"] = "without weights it would freeze random layers"
        return {key: reason for key, reason in reasons.items() if key not in ("model", "imgsz")}

    if request.space is not None:
        problem = values.problem_of if request.trainer == "ultralytics" else lambda key, value: None
        space = read_space(request.space, known, dead, problem)
        return settle(space, fixed)
    if request.trainer == "surrogate":
        return surrogate_space(), {}
    file = shipped("configs/spaces/scratch-low.yaml")
    space = read_space(file, known, lambda certain: {})
    searched_optimizer: dict[str, ParamValue] = {"optimizer": "SGD", **fixed}
    space, left_out = without(space, dead({**space.fixed, **searched_optimizer}))
    space, set_by_user = settle(space, fixed)
    return space, left_out | set_by_user


def surrogate_space() -> SearchSpace:
    """The space of the surrogate trainer's curves."""
    parameters: dict[str, Any] = {}
    for name, entry in surrogate.SPACE.items():
        kind = "log" if entry.get("log") else "uniform"
        parameters[name] = {kind: [entry["low"], entry["high"]], "default": surrogate.DEFAULTS[name]}
    return SearchSpace.from_document({"parameters": parameters})


def _certain(space: SearchSpace, candidates: Candidates) -> list[str]:
    """Dimensions that are searched for certain: of the operating points only those that the user named remain."""
    named = {p.name: [choice for choice in p.choices if choice not in candidates.automatic] for p in space.parameters}
    return [name for name, choices in named.items() if name != POINT or len(choices) > 1]


def _candidates(request: SearchRequest, space: SearchSpace, fixed: Params, dataset: Dataset) -> Candidates:
    """Model variants and image sizes: from the flags and the space, else those that the data suggest."""
    searched: dict[str, Sequence[Any]] = {p.name: p.choices for p in space.parameters if p.name in ("model", "imgsz")}
    named = {name: searched.get(name) or (fixed[name],) for name in ("model", "imgsz") if {name} & {*searched, *fixed}}
    if request.deploy is not None and "model" in named:
        source = request.space if "model" in searched or "model" in space.fixed else "--set model"
        raise AutoMLError(f"--deploy {request.deploy} chooses the variants, and {source} names them: use one.")
    if request.trainer != "ultralytics":
        return Candidates(models=(request.trainer,), sizes=(640,))
    members: Sequence[Any] = request.models or named.get("model", ())
    sizes: Sequence[Any] = request.imgsz or named.get("imgsz", ())
    if (named and request.deploy is None) or (members and sizes):
        return Candidates(models=tuple(members or (BASELINE,)), sizes=tuple(sizes or (SIZE,)))
    boxes = BoxSizes(at=SIZE, sides=()) if sizes else box_sizes(dataset, at=SIZE)
    complete = replace(request, models=tuple(map(_absolute, members)), imgsz=tuple(sizes))
    return choose(complete, boxes, single=request.names_weights)


def _points(request: SearchRequest, candidates: Candidates) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Model variants and image sizes that can be trained."""
    models, sizes = candidates.models, candidates.sizes
    if request.trainer != "ultralytics":
        return models, sizes
    networks = tuple(_absolute(str(model)) for model in models)
    pixels = tuple(size for size in sizes if isinstance(size, int) and size >= 32)
    if len(pixels) != len(sizes):
        wrong = next(size for size in sizes if size not in pixels)
        raise AutoMLError(f"--imgsz {wrong}: image sizes are whole numbers of at least 32 pixels.")
    for model in networks:
        schema.model_yaml(model)
        if schema.is_p6(model) and max(pixels) < 1280:
            raise AutoMLError(f"--models {model}: P6 variants are made for 1280 pixels. Add --imgsz 1280.")
    if schema.is_p6(networks[0]) and pixels[0] < 1280:
        raise AutoMLError(f"the baseline would be {networks[0]} at {pixels[0]} px. Name 1280 first, or another model.")
    return networks, pixels


def _check_numbers(request: SearchRequest, device: str) -> None:
    """Raise AutoMLError for a batch or a seed with which nothing can be trained."""
    batch = request.batch if request.batch is not None else request.fixed.get("batch")
    if isinstance(batch, float) and 0 < batch < 1:
        if device == "cpu":
            raise AutoMLError(
                f"--batch {batch} is a share of a GPU's memory, and trials run on the CPU. Use a number of images, or "
                "leave it out for 16."
            )
    elif isinstance(batch, float) and batch % 1:
        raise AutoMLError(f"--batch {batch} is no whole number of images, nor a share of a GPU's memory below 1.")
    if isinstance(batch, int | float) and batch <= 0 and batch != -1:
        raise AutoMLError(f"--batch {batch} is no batch. Use 1 or more, or leave it out for what fits the device.")
    if not 0 <= request.seed <= MOST_SEED:
        raise AutoMLError(f"--seed {request.seed}: seeds are whole numbers from 0 to {MOST_SEED}.")


def _check_multiples(trainer: str, models: Sequence[str], sizes: Sequence[int]) -> None:
    """Raise AutoMLError for an image size that is no multiple of the network's stride: training would change it."""
    if trainer != "ultralytics":
        return
    for model in models:
        p6 = schema.is_p6(model)
        stride = 64 if p6 else 32
        for size in sizes:
            if size % stride and (not p6 or size >= 1280):  # P6 variants go with 1280 pixels and up only
                below = size - size % stride
                raise AutoMLError(
                    f"--imgsz {size}: {model} takes multiples of {stride} pixels. Use {below} or {below + stride}."
                )


def _absolute(model: str) -> str:
    file = Path(model).expanduser()
    return str(file.absolute()) if file.suffix in (".yaml", ".yml") and file.is_file() else model
