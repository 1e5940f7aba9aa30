"""Search spaces: dimensions, their conditions, and draws near the defaults."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from automl.records import Params, ParamValue

KINDS = ("uniform", "log", "int", "choice")
EPOCH_KEYS = ("warmup_epochs", "close_mosaic")  # counted in epochs, so their ranges may be shares of the horizon
POINT = "model@imgsz"  # the name under which samplers see model variant and image size together


def trainer_key(name: str) -> str:
    """Trainer's key of a dimension: 'lr0@AdamW' is lr0, with a range of its own under a condition."""
    return name.split("@", 1)[0] if name != POINT else name


@dataclass(frozen=True)
class Parameter:
    """One dimension. Numeric ones have `low` and `high`, categorical ones `choices`."""

    name: str
    kind: str  # one of KINDS
    default: ParamValue
    low: float = 0.0
    high: float = 0.0
    choices: tuple[ParamValue, ...] = ()
    when: tuple[tuple[str, tuple[ParamValue, ...]], ...] = ()  # active if each of these choices has one of its values
    of_horizon: bool = False  # low and high are shares of the horizon; the default is in epochs

    def active(self, values: Params) -> bool:
        """True if the values of the other parameters meet its conditions."""
        return all(name in values and values[name] in allowed for name, allowed in self.when)

    def holds(self, value: ParamValue) -> bool:
        """True for a value within the dimension."""
        if self.kind == "choice":
            return value in self.choices
        if not isinstance(value, int | float) or isinstance(value, bool) or not self.low <= value <= self.high:
            return False
        return self.kind != "int" or value == int(value)

    def rounded(self, value: ParamValue) -> ParamValue:
        """Value with six significant digits, still within the dimension."""
        if self.kind in ("uniform", "log") and isinstance(value, float):
            return min(self.high, max(self.low, float(f"{value:.6g}")))
        return value

    def at_horizon(self, epochs: int) -> Parameter:
        """Dimension in epochs of that horizon, wide enough for its default, which is cut at the horizon."""
        if not self.of_horizon:
            return self
        default = min(float(self.default or 0), float(epochs))
        low, high = min(self.low * epochs, default), max(self.high * epochs, default)
        if self.kind == "int":
            most = max(1, round(high))
            least = min(round(low), most - 1)
            return replace(self, default=round(default), low=float(least), high=float(most), of_horizon=False)
        return replace(self, default=default, low=float(f"{low:.6g}"), high=float(f"{high:.6g}"), of_horizon=False)

    def near(self, centre: ParamValue, rng: random.Random, spread: float) -> ParamValue:
        """Draw around `centre`: normal in the dimension's own scale, mirrored at its ends.

        spread  standard deviation as a share of the range
        """
        if self.kind == "choice":
            return rng.choice(self.choices)
        low, high = self._scaled(self.low), self._scaled(self.high)
        middle = self._scaled(float(centre)) if isinstance(centre, int | float) else (low + high) / 2
        value = middle + rng.gauss(0.0, spread) * (high - low)
        if value < low:
            value = min(high, 2 * low - value)
        if value > high:
            value = max(low, 2 * high - value)
        natural = math.exp(value) if self.kind == "log" else value
        if self.kind == "int":
            return round(natural)
        return self.rounded(natural)

    def unit(self, value: ParamValue) -> float:
        """Place of a number in the dimension's own scale: 0 at its low end, 1 at its high end."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        return (self._scaled(float(value or 0)) - low) / (high - low)

    def at(self, unit: float) -> ParamValue:
        """Number at a place of the scale; places outside [0, 1] are mirrored at the ends."""
        place = 1.0 - abs(unit % 2.0 - 1.0)
        low, high = self._scaled(self.low), self._scaled(self.high)
        scaled = low + place * (high - low)
        if self.kind == "int":
            return round(scaled)
        return self.rounded(math.exp(scaled) if self.kind == "log" else scaled)

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.kind == "log" else value


@dataclass(frozen=True)
class SearchSpace:
    """The dimensions of a search and the arguments that its file fixes."""

    parameters: tuple[Parameter, ...]
    fixed: Params = field(default_factory=dict)
    file: str = ""

    def draw(
        self,
        rng: random.Random,
        *,
        around: Params | None = None,
        spread: float = 0.15,
        share: float = 0.5,
    ) -> dict[str, ParamValue]:
        """Values of all active dimensions, each moved with probability `share`; at least one dimension moves.

        Good neighbours of the defaults lie few, small steps away; flat draws turn every image and flip half of them.

        around  values that are moved; of the others, the defaults
        spread  see `Parameter.near`
        """
        moved = {p.name for p in self.parameters if rng.random() < share}
        if not moved and self.parameters:
            moved = {rng.choice(self.parameters).name}
        values: dict[str, ParamValue] = {}
        for parameter in self.parameters:
            if parameter.active(values):
                centre = (around or {}).get(parameter.name, parameter.default)
                values[parameter.name] = parameter.near(centre, rng, spread) if parameter.name in moved else centre
        return values

    def at_horizon(self, epochs: int) -> SearchSpace:
        """Space with every range in epochs, for trainings of so many epochs: trials have no shares of a horizon."""
        return replace(self, parameters=tuple(p.at_horizon(epochs) for p in self.parameters))

    def arguments(self, values: Params) -> dict[str, ParamValue]:
        """Trainer arguments of a sampler's values: the operating point becomes model and imgsz."""
        arguments = {trainer_key(name): value for name, value in values.items()}
        point = arguments.pop(POINT, None)
        if isinstance(point, str):
            model, imgsz = point.rsplit("@", 1)
            arguments |= {"model": model, "imgsz": int(imgsz)}
        return arguments

    def values(self, arguments: Params) -> dict[str, ParamValue]:
        """Sampler's values of trainer arguments: those within the space, without inactive ones."""
        source = dict(arguments)
        if "model" in source and "imgsz" in source:
            source[POINT] = f"{source['model']}@{source['imgsz']}"
        values: dict[str, ParamValue] = {}
        for parameter in self.parameters:
            key = trainer_key(parameter.name)
            if key in source and parameter.holds(source[key]) and parameter.active(values):
                values[parameter.name] = source[key]
        return values

    def with_points(self, models: Sequence[str], sizes: Sequence[int], p6: Callable[[str], bool]) -> SearchSpace:
        """Space with model variant and image size as one dimension, the operating point, if there is a choice.

        P6 variants need 1280 pixels or more, so the points are listed instead of the product.

        p6  True for the name of a P6 variant
        """
        points = tuple(f"{m}@{s}" for m in models for s in sizes if not p6(m) or s >= 1280)
        rest = tuple(p for p in self.parameters if p.name not in ("model", "imgsz", POINT))
        conditional = tuple(q for p in rest if (q := _on_points(p, points)) is not None)
        joint = (Parameter(POINT, "choice", points[0], choices=points),) if len(points) > 1 else ()
        return SearchSpace((*joint, *conditional), self.fixed, self.file)

    def at_points(self, points: Sequence[str]) -> SearchSpace:
        """Space with those of its operating points only, the first of which is the default.

        A single point is no dimension. Dimensions whose condition is met at none of the points go too.
        """
        conditional: list[Parameter] = []
        for p in self.parameters:
            allowed = next((set(map(str, values)) for name, values in p.when if name == POINT), set(points))
            others = tuple(c for c in p.when if c[0] != POINT)
            if p.name == POINT or not allowed & set(points):
                continue
            rest = tuple(name for name in points if name in allowed)
            conditional.append(replace(p, when=others if len(rest) == len(points) else ((POINT, rest), *others)))
        joint = Parameter(POINT, "choice", points[0], choices=tuple(points))
        dimensions = (joint, *conditional) if len(points) > 1 else tuple(conditional)
        return SearchSpace(dimensions, self.fixed, self.file)

    def document(self) -> dict[str, Any]:
        """Plain containers, as `from_document` reads them."""
        parameters = {}
        for p in self.parameters:
            bounds: list[ParamValue] = list(p.choices) if p.kind == "choice" else [p.low, p.high]
            entry: dict[str, Any] = {p.kind: bounds, "default": p.default}
            if p.of_horizon:
                entry["of"] = "horizon"
            if p.when:
                entry["when"] = {name: list(allowed) for name, allowed in p.when}
            parameters[p.name] = entry
        return {"parameters": parameters, "fixed": dict(self.fixed), "file": self.file}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> SearchSpace:
        """Space of a document that `document` wrote; it was checked then."""
        parameters = tuple(parameter_of(name, entry) for name, entry in document["parameters"].items())
        return cls(parameters, dict(document.get("fixed", {})), str(document.get("file", "")))


def parameter_of(name: str, entry: Mapping[str, Any]) -> Parameter:
    """Dimension of a checked entry of a space file."""
    kind = next(kind for kind in KINDS if kind in entry)
    bounds = entry[kind]
    when = tuple((str(k), tuple(v if isinstance(v, list) else [v])) for k, v in (entry.get("when") or {}).items())
    default = entry.get("default")
    if kind == "choice":
        return Parameter(name, kind, default, choices=tuple(bounds), when=when)
    shares = entry.get("of") == "horizon"
    return Parameter(name, kind, default, low=float(bounds[0]), high=float(bounds[1]), when=when, of_horizon=shares)


def _on_points(parameter: Parameter, points: Sequence[str]) -> Parameter | None:
    """The dimension with its conditions on model and imgsz as one on the points; None if no point meets them."""
    others = tuple(c for c in parameter.when if c[0] not in ("model", "imgsz"))
    values = {name: set(map(str, allowed)) for name, allowed in parameter.when if name in ("model", "imgsz")}
    allowed: list[ParamValue] = []
    for point in points:
        model, imgsz = point.rsplit("@", 1)
        if model in values.get("model", {model}) and imgsz in values.get("imgsz", {imgsz}):
            allowed.append(point)
    if not allowed:
        return None
    return replace(parameter, when=others if len(allowed) == len(points) else ((POINT, tuple(allowed)), *others))


def settle(space: SearchSpace, fixed: Params) -> tuple[SearchSpace, dict[str, str]]:
    """Space once those arguments are fixed, and the reason for each dimension that goes.

    Dimensions of fixed arguments go. Conditions on them are always met, or their dimension goes too.
    """
    dimensions: list[Parameter] = []
    left_out: dict[str, str] = {}
    for parameter in space.parameters:
        unmet = [name for name, allowed in parameter.when if name in fixed and fixed[name] not in allowed]
        if trainer_key(parameter.name) in fixed:
            left_out[parameter.name] = "it is set on the command line"
        elif unmet:
            left_out[parameter.name] = f"it has no effect with {unmet[0]}={fixed[unmet[0]]}"
        else:
            dimensions.append(replace(parameter, when=tuple(c for c in parameter.when if c[0] not in fixed)))
    return SearchSpace(tuple(dimensions), space.fixed, space.file), left_out


def without(space: SearchSpace, keys: Mapping[str, str]) -> tuple[SearchSpace, dict[str, str]]:
    """Space without the dimensions of those trainer keys, and the reason for each dimension that goes.

    keys  reason by trainer key
    """
    left_out = {p.name: keys[trainer_key(p.name)] for p in space.parameters if trainer_key(p.name) in keys}
    dimensions = tuple(p for p in space.parameters if p.name not in left_out)
    return SearchSpace(dimensions, space.fixed, space.file), left_out
