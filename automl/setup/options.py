"""Options of a search: their one list, and the request that they become. Light: the command line loads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict, Unpack

from automl.errors import AutoMLError, close_names
from automl.records import Params

_LISTS = {"models": "yolov5n,yolov5s", "imgsz": "640,1280"}  # options that may not be empty lists, and examples
OTHERS = (
    "fresh_probe",
    "home",
    "db",
    "progress",
    "listener",
    "notify",
)  # keywords of `search` and `dry_run` that are no part of the request


class SearchOptions(TypedDict, total=False):
    """Options of `search` and `dry_run` in Python. None, or left out: the default of `SearchRequest`."""

    models: Sequence[str | Path] | None
    imgsz: Sequence[int] | None
    deploy: str | None
    weights: str | Path | None
    offline: bool | None
    trust_model: bool | None
    space: str | Path | None
    name: str | None
    sampler: str | None
    seed: int | None
    epochs: int | None
    batch: float | None
    fixed: Params | None
    device: str | int | Sequence[int] | None
    slots: int | None
    trainer: str | None
    target: float | None
    max_latency: float | None
    max_params: int | None
    holdout: float | None
    test: bool | None
    portfolio: bool | None
    warm_start: Sequence[str | Path] | None
    reuse: bool | None
    early_end: bool | None
    confirm: int | None
    train: int | None
    recipe_only: bool | None


@dataclass(frozen=True, kw_only=True)
class SearchRequest:
    """Everything that a user may ask of a search, with the defaults."""

    data: Path
    budgets: Sequence[str]
    models: Sequence[str] = ()
    imgsz: Sequence[int] = ()
    deploy: str | None = None  # "mobile", "cloud" or "edge": YOLOv5 variants for that place
    weights: str = "auto"  # "auto", "none", files separated by commas, or a folder
    offline: bool = False  # nothing is downloaded
    trust_model: bool = False  # network files that could run code are trusted
    space: Path | None = None
    name: str | None = None
    sampler: str = "gp"
    seed: int = 0
    epochs: int | None = None
    batch: float | None = None  # images, or below 1 a share of a GPU's memory
    fixed: Params = field(default_factory=dict)  # arguments of every trial
    device: str | None = None  # "cpu" or GPUs such as "0,1" and "cuda:0"; None: GPUs where there are any
    slots: int | None = None  # CPU slots; None: one for each core
    trainer: str = "ultralytics"
    target: float | None = None  # mAP50-95 that is enough
    max_latency: float | None = None  # milliseconds of one image on the probing device
    max_params: int | None = None
    holdout: float | None = None  # share of val that the search never sees
    test: bool = True  # final evaluation of the defaults and the winner on images that the search never saw
    portfolio: bool = True  # known-good recipes run after the defaults
    warm_start: Sequence[str] = ()  # earlier studies, and files of other tools
    reuse: bool = True  # earlier studies of the same data are looked for
    early_end: bool = True  # the search ends when the rest of the budget promises too little
    confirm: int = 3  # best trials with seed repeats, beside the defaults
    train: int | None = None  # epochs of production; None: 300 where the budget is one of time
    recipe_only: bool = False  # no production trainings: the search's own are the answer

    @property
    def names_weights(self) -> bool:
        """True if `weights` names files or a folder."""
        return self.weights.strip() not in ("auto", "none", "")


def request_of(data: str | Path, budget: str | Sequence[str], **options: Unpack[SearchOptions]) -> SearchRequest:
    """Request with paths and lists in one form. Raises AutoMLError for an unknown option or an empty list.

    budget  one budget, or several of which the first reached ends the search
    """
    _check_names(options)
    values: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if "space" in values:
        values["space"] = Path(values["space"])
    if "weights" in values:
        values["weights"] = str(values["weights"])
    if "device" in values:
        values["device"] = _device(values["device"])
    if "batch" in values and float(values["batch"]).is_integer():
        values["batch"] = int(values["batch"])
    for name, example in _LISTS.items():
        values[name] = tuple(values.get(name, ()))
        if options.get(name) is not None and not values[name]:
            raise AutoMLError(f"--{name} is empty: name what is searched, as in --{name} {example}, or leave it out.")
    values["models"] = tuple(map(str, values["models"]))
    values["warm_start"] = tuple(map(str, values.get("warm_start", ())))
    budgets = (budget,) if isinstance(budget, str) else tuple(budget)
    return SearchRequest(data=Path(data), budgets=budgets, **values)


def _device(device: object) -> str:
    """The device as the command line has it, from Ultralytics' other forms too: 0, [0, 1] and torch.device("cuda")."""
    return ",".join(map(str, device)) if isinstance(device, list | tuple) else str(device)


def _check_names(options: Mapping[str, object]) -> None:
    known = (*SearchOptions.__annotations__, *OTHERS)
    for name in options:
        if name not in known:
            near = close_names(name, known)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(known)}."
            raise AutoMLError(f"search has no option '{name}'. {hint}")
