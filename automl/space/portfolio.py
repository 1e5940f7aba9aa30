"""Known-good recipes that run after the defaults, as published and in the trainer's terms. Pure.

Source: hyp.scratch-low, -med, -high, hyp.VOC and hyp.Objects365 of YOLOv5's data/hyps, on YOLOv5's own scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from automl.records import ENOUGH_TRAININGS, FEWEST_TRAININGS, Params, ParamValue, Start
from automl.space import POINT, Parameter, SearchSpace, trainer_key
from automl.space.schemas import translated

NAMES = ("scratch-low", "scratch-med", "scratch-high", "VOC", "Objects365")
PUBLISHED: Mapping[str, tuple[float, ...]] = {  # in the order of NAMES, without `anchors`, which is no gain
    "lr0": (0.01, 0.01, 0.01, 0.00334, 0.00258),
    "lrf": (0.01, 0.1, 0.1, 0.15135, 0.17),
    "momentum": (0.937, 0.937, 0.937, 0.74832, 0.779),
    "weight_decay": (0.0005, 0.0005, 0.0005, 0.00025, 0.00058),
    "warmup_epochs": (3.0, 3.0, 3.0, 3.3835, 1.33),
    "warmup_momentum": (0.8, 0.8, 0.8, 0.59462, 0.86),
    "warmup_bias_lr": (0.1, 0.1, 0.1, 0.18657, 0.0711),
    "box": (0.05, 0.05, 0.05, 0.02, 0.0539),
    "cls": (0.5, 0.3, 0.3, 0.21638, 0.299),
    "cls_pw": (1.0, 1.0, 1.0, 0.5, 0.825),
    "obj": (1.0, 0.7, 0.7, 0.51728, 0.632),
    "obj_pw": (1.0, 1.0, 1.0, 0.67198, 1.0),
    "iou_t": (0.2, 0.2, 0.2, 0.2, 0.2),
    "anchor_t": (4.0, 4.0, 4.0, 3.3744, 3.44),
    "fl_gamma": (0.0, 0.0, 0.0, 0.0, 0.0),
    "hsv_h": (0.015, 0.015, 0.015, 0.01041, 0.0188),
    "hsv_s": (0.7, 0.7, 0.7, 0.54703, 0.704),
    "hsv_v": (0.4, 0.4, 0.4, 0.27739, 0.36),
    "degrees": (0.0, 0.0, 0.0, 0.0, 0.0),
    "translate": (0.1, 0.1, 0.1, 0.04591, 0.0902),
    "scale": (0.5, 0.9, 0.9, 0.75544, 0.491),
    "shear": (0.0, 0.0, 0.0, 0.0, 0.0),
    "perspective": (0.0, 0.0, 0.0, 0.0, 0.0),
    "flipud": (0.0, 0.0, 0.0, 0.0, 0.0),
    "fliplr": (0.5, 0.5, 0.5, 0.5, 0.5),
    "mosaic": (1.0, 1.0, 1.0, 0.85834, 1.0),
    "mixup": (0.0, 0.1, 0.1, 0.04266, 0.0),
    "copy_paste": (0.0, 0.0, 0.1, 0.0, 0.0),
}
OF_ITS_OPTIMIZER = ("lr0", "momentum", "warmup_momentum", "warmup_bias_lr")


def recipes() -> tuple[Start, ...]:
    """Published recipes by name, in Ultralytics' terms."""
    return tuple(
        Start(name, translated({key: row[column] for key, row in PUBLISHED.items()}))
        for column, name in enumerate(NAMES)
    )


def starts(base: Params, space: SearchSpace, before: Sequence[Start], trainings: float) -> tuple[Start, ...]:
    """Recipes to train after `before`. Each is a trial like any other, and may be stopped.

    None below FEWEST_TRAININGS affordable trainings, the first two below ENOUGH_TRAININGS, then all.

    base       every argument of a trial that changes nothing of the study's fixed ones
    trainings  full trainings that the budget pays
    """
    affordable = round(trainings)
    count = 0 if affordable < FEWEST_TRAININGS else 2 if affordable < ENOUGH_TRAININGS else len(NAMES)
    candidates = [Start(name, fit(recipe, base, space)) for name, recipe in recipes()]
    return distinct(candidates, [params for _, params in before])[:count]


def words(recipes: Sequence[Start], trainings: float) -> str:
    """Sentence on the recipes that run, and on the rule behind it; empty if all of them run anyway.

    trainings  full trainings that the budget pays
    """
    rule = f"none where the budget pays fewer than {FEWEST_TRAININGS} trainings, two below {ENOUGH_TRAININGS}"
    if recipes:
        names = ", ".join(name for name, _ in recipes)
        return f"Known-good recipes after the defaults: {names} ({rule}; --no-portfolio)."
    return f"No known-good recipes are tried ({rule}; it pays {trainings:.1f})." if trainings < FEWEST_TRAININGS else ""


def fit(recipe: Params, base: Params, space: SearchSpace) -> dict[str, ParamValue]:
    """Arguments of a trial: `base` with those arguments of the recipe that the space searches.

    Numbers beyond a range become its end; a value that is no choice stays as in `base`. Learning rates and momenta
    belong to the recipe's optimizer, and are left out with another one. Where optimizers are searched and the recipe
    names none, they are taken only from within the ranges of the optimizer of `base`.
    """
    optimizers = next((p for p in space.parameters if p.name == "optimizer"), None)
    source = dict(recipe)
    optimizer = str(source.get("optimizer", base.get("optimizer")))
    if optimizers is None or not optimizers.holds(optimizer):
        source.pop("optimizer", None)
        if optimizer.lower() != str(base.get("optimizer", optimizer)).lower():
            source = {key: value for key, value in source.items() if key not in OF_ITS_OPTIMIZER}
    arguments = dict(base)
    values: dict[str, ParamValue] = {}
    unsure = OF_ITS_OPTIMIZER if optimizers is not None and "optimizer" not in recipe else ()
    for parameter in space.parameters:
        key = trainer_key(parameter.name)
        if parameter.name == POINT:
            values[POINT] = f"{base.get('model')}@{base.get('imgsz')}"
        elif parameter.active(values):
            if key in source and not (key in unsure and not parameter.holds(source[key])):
                arguments[key] = _nearest(parameter, source[key], arguments.get(key))
            values[parameter.name] = arguments.get(key)
    return arguments


def distinct(candidates: Sequence[Start], others: Sequence[Params] = ()) -> tuple[Start, ...]:
    """Candidates that equal none of the others. Equal candidates are one, under both names."""
    merged: dict[int, Start] = {}
    for name, params in candidates:
        if any(dict(params) == dict(other) for other in others):
            continue
        twin = next((index for index, (_, other) in merged.items() if dict(other) == dict(params)), None)
        if twin is None:
            merged[len(merged)] = Start(name, params)
        else:
            merged[twin] = Start(_joined(merged[twin].origin, name), params)
    return tuple(merged.values())


def _joined(first: str, second: str) -> str:
    """Both names, with their common prefix once: 'scratch-med+high'."""
    prefix = first.partition("-")[0] + "-"
    return f"{first}+{second.removeprefix(prefix)}"


def _nearest(parameter: Parameter, value: ParamValue, otherwise: ParamValue) -> ParamValue:
    """The value within the parameter, else its nearest end; `otherwise` for what has no nearest end."""
    if parameter.holds(value):
        return value
    if parameter.kind == "choice" or not isinstance(value, int | float) or isinstance(value, bool):
        return otherwise
    nearest = min(parameter.high, max(parameter.low, float(value)))
    return round(nearest) if parameter.kind == "int" else nearest
