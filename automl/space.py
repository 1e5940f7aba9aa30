"""Search spaces: read from YAML, checked key by key, drawn from near the defaults."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from automl.errors import BadSpace
from automl.records import Params, ParamValue

KINDS = ("uniform", "log", "int", "choice")
POINT = "model@imgsz"  # the name under which samplers see model variant and image size together


def trainer_key(name: str) -> str:
    """The trainer's key of a dimension: 'lr0@AdamW' is lr0 with a range of its own under a condition."""
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
    when: tuple[tuple[str, tuple[ParamValue, ...]], ...] = ()  # active if each named choice is among these

    def active(self, values: Params) -> bool:
        """Whether the parameter takes part, given the values of the others."""
        return all(name in values and values[name] in allowed for name, allowed in self.when)

    def holds(self, value: ParamValue) -> bool:
        """Whether the value lies within the dimension."""
        if self.kind == "choice":
            return value in self.choices
        if not isinstance(value, int | float) or isinstance(value, bool) or not self.low <= value <= self.high:
            return False
        return self.kind != "int" or value == int(value)

    def rounded(self, value: ParamValue) -> ParamValue:
        """The value with six significant digits, still within the dimension."""
        if self.kind in ("uniform", "log") and isinstance(value, float):
            return min(self.high, max(self.low, float(f"{value:.6g}")))
        return value

    def near(self, centre: ParamValue, rng: random.Random, spread: float) -> ParamValue:
        """A value drawn around `centre`: normal in the dimension's own scale, mirrored at its ends.

        spread is the standard deviation as a share of the range.
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
        """Values for all active dimensions: each moved with probability `share` from where it stands.

        They stand at the defaults, or at the values `around` where those are given.

        At least one dimension moves. Known-good neighbours of the defaults are found by few, small
        steps; flat draws turn every image and flip half of them.
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

    def arguments(self, values: Params) -> dict[str, ParamValue]:
        """Trainer arguments of a sampler's values: the joint point becomes model and imgsz."""
        arguments = {trainer_key(name): value for name, value in values.items()}
        point = arguments.pop(POINT, None)
        if isinstance(point, str):
            model, imgsz = point.rsplit("@", 1)
            arguments |= {"model": model, "imgsz": int(imgsz)}
        return arguments

    def values(self, arguments: Params) -> dict[str, ParamValue]:
        """The sampler's values of trainer arguments: those within the space, inactive ones left out."""
        source = dict(arguments)
        if "model" in source and "imgsz" in source:
            source[POINT] = f"{source['model']}@{source['imgsz']}"
        found: dict[str, ParamValue] = {}
        for parameter in self.parameters:
            key = trainer_key(parameter.name)
            if key in source and parameter.holds(source[key]) and parameter.active(found):
                found[parameter.name] = source[key]
        return found

    def with_points(self, models: Sequence[str], sizes: Sequence[int], p6: Callable[[str], bool]) -> SearchSpace:
        """The space with model variant and image size as one joint dimension, where there is a choice.

        P6 variants go with 1280 pixels and up only, so the pairs are listed instead of the product.
        """
        points = tuple(f"{m}@{s}" for m in models for s in sizes if not p6(m) or s >= 1280)
        rest = tuple(p for p in self.parameters if p.name not in ("model", "imgsz", POINT))
        if len(points) < 2:
            return SearchSpace(rest, self.fixed, self.file)
        joint = Parameter(POINT, "choice", points[0], choices=points)
        return SearchSpace((joint, *rest), self.fixed, self.file)

    def document(self) -> dict[str, Any]:
        """Plain containers, as `from_document` reads them."""
        parameters = {}
        for p in self.parameters:
            bounds: list[ParamValue] = list(p.choices) if p.kind == "choice" else [p.low, p.high]
            entry: dict[str, Any] = {p.kind: bounds, "default": p.default}
            if p.when:
                entry["when"] = {name: list(allowed) for name, allowed in p.when}
            parameters[p.name] = entry
        return {"parameters": parameters, "fixed": dict(self.fixed), "file": self.file}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> SearchSpace:
        """The space that `document` wrote; it was checked then."""
        parameters = tuple(_parameter(name, entry) for name, entry in document["parameters"].items())
        return cls(parameters, dict(document.get("fixed", {})), str(document.get("file", "")))


def read_space(file: Path, defaults: Params, dead: Callable[[Params], Mapping[str, str]]) -> SearchSpace:
    """The space in a YAML file, checked against the trainer.

    defaults  every key that the trainer knows, with its default
    dead      for the arguments that are certain: keys that have no effect, and why

    Raises BadSpace with one line for each error.
    """
    try:
        text = file.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except OSError as error:
        raise BadSpace(file, [(0, f"cannot be read ({error.strerror}). Check --space.")]) from error
    except UnicodeDecodeError as error:
        raise BadSpace(file, [(0, "is no text in UTF-8. Check --space.")]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 0
        raise BadSpace(file, [(line, f"is not YAML: {getattr(error, 'problem', error)}")]) from error
    lines = _lines(root)
    problems: list[tuple[int, str]] = []
    if not isinstance(document, dict) or not isinstance(document.get("parameters"), dict):
        raise BadSpace(file, [(1, "has no mapping 'parameters:'. See configs/spaces/ for examples.")])
    for key in document:
        if key not in ("parameters", "fixed", "description"):
            problems.append((lines.get(key, 1), f"unknown key '{key}'. Known: parameters, fixed, description."))
    fixed = document.get("fixed") or {}
    if not isinstance(fixed, dict):
        raise BadSpace(file, [(lines.get("fixed", 1), "'fixed' must be a mapping of trainer arguments")])
    for name in fixed:
        if name not in defaults:
            problems.append((lines.get(f"fixed.{name}", 1), _unknown(name, defaults, dead(fixed))))
    parameters: list[Parameter] = []
    for name, entry in document["parameters"].items():
        line = lines.get(f"parameters.{name}", 1)
        key = trainer_key(str(name))
        if key not in defaults:
            problems.append((line, _unknown(key, defaults, dead(fixed))))
            continue
        try:
            parameters.append(_checked(str(name), entry, defaults, parameters))
        except ValueError as error:
            problems.append((line, str(error)))
        if key in fixed:
            problems.append((line, f"'{name}' is both fixed and searched: keep one of them"))
    certain = _certain(fixed, parameters)
    whys = dead(certain)
    for parameter in parameters:
        key = trainer_key(parameter.name)
        if key in whys:
            line = lines.get(f"parameters.{parameter.name}", 1)
            problems.append((line, f"'{parameter.name}' has no effect: {whys[key]}"))
    if problems:
        raise BadSpace(file, sorted(set(problems)))
    return SearchSpace(tuple(parameters), fixed, str(file))


def _certain(fixed: Params, parameters: Sequence[Parameter]) -> dict[str, ParamValue]:
    """Arguments whose value every trial has; a searched optimizer counts as 'auto' if it may be that."""
    certain = dict(fixed)
    for parameter in parameters:
        if parameter.name == "optimizer":
            certain["optimizer"] = "auto" if "auto" in parameter.choices else "SGD"
        else:
            certain.setdefault(trainer_key(parameter.name), None)
    return certain


def _unknown(name: str, defaults: Params, whys: Mapping[str, str]) -> str:
    if name in whys:
        return f"'{name}' has no effect: {whys[name]}"
    from difflib import get_close_matches

    close = get_close_matches(name, list(defaults), n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"the trainer has no key '{name}'.{hint}"


def _checked(name: str, entry: object, defaults: Params, earlier: Sequence[Parameter]) -> Parameter:
    """The parameter, or ValueError with what is wrong in it."""
    if not isinstance(entry, dict):
        raise ValueError(f"'{name}' must be a mapping such as {{uniform: [0.0, 1.0]}}")  # noqa: TRY004
    kinds = [kind for kind in KINDS if kind in entry]
    unknown = [key for key in entry if key not in (*KINDS, "default", "when")]
    if unknown:
        raise ValueError(f"'{name}' has the unknown key '{unknown[0]}'. Known: {', '.join(KINDS)}, default, when.")
    if len(kinds) != 1:
        raise ValueError(f"'{name}' needs exactly one of {', '.join(KINDS)}")
    kind, bounds = kinds[0], entry[kinds[0]]
    if not isinstance(bounds, list) or any(isinstance(b, list | dict) for b in bounds):
        raise ValueError(f"'{name}': {kind} needs a list")
    if kind == "choice":
        if len(set(map(repr, bounds))) < 2:
            raise ValueError(f"'{name}': a choice of fewer than two values is no choice: move it under 'fixed'")
    else:
        _check_range(name, kind, bounds)
    entry = {"default": defaults.get(trainer_key(name)), **entry}
    for other in entry.get("when") or {}:
        chosen = next((p for p in earlier if p.name == other), None)
        if chosen is None or chosen.kind != "choice":
            raise ValueError(f"'{name}': 'when' names '{other}', which is no choice above this line")
    parameter = _parameter(name, entry)
    for other, allowed in parameter.when:
        choices = next(p.choices for p in earlier if p.name == other)
        wrong = next((value for value in allowed if value not in choices), None)
        if wrong is not None:
            raise ValueError(f"'{name}': 'when' asks for {other}={wrong}, which is not among its choices")
    if not parameter.holds(parameter.default):
        raise ValueError(
            f"'{name}': the default {parameter.default!r} lies outside. Widen the range or give a 'default'."
        )
    return parameter


def _check_range(name: str, kind: str, bounds: Sequence[object]) -> None:
    numbers = [b for b in bounds if isinstance(b, int | float) and not isinstance(b, bool)]
    if len(bounds) != 2 or len(numbers) != 2:
        hint = " (write 1.0e-4, not 1e-4: YAML reads the latter as text)" if len(bounds) == 2 else ""
        raise ValueError(f"'{name}': {kind} needs two numbers [low, high]{hint}")
    low, high = numbers
    if not all(math.isfinite(n) for n in numbers):
        raise ValueError(f"'{name}': {kind} needs finite numbers")
    if low >= high:
        what = "empty" if low == high else "inverted"
        raise ValueError(f"'{name}': the range [{low}, {high}] is {what}")
    if kind == "log" and low <= 0:
        raise ValueError(f"'{name}': a log range must start above zero, not at {low}")
    if kind == "int" and any(n != int(n) for n in numbers):
        raise ValueError(f"'{name}': an int range needs whole numbers")


def _parameter(name: str, entry: Mapping[str, Any]) -> Parameter:
    kind = next(kind for kind in KINDS if kind in entry)
    bounds = entry[kind]
    when = tuple((str(k), tuple(v if isinstance(v, list) else [v])) for k, v in (entry.get("when") or {}).items())
    default = entry.get("default")
    if kind == "choice":
        return Parameter(name, kind, default, choices=tuple(bounds), when=when)
    return Parameter(name, kind, default, low=float(bounds[0]), high=float(bounds[1]), when=when)


def _lines(node: yaml.Node | None, prefix: str = "") -> dict[str, int]:
    """Line numbers from 1 of every key, by dotted path."""
    found: dict[str, int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = f"{prefix}{key.value}"
            found[path] = key.start_mark.line + 1
            found |= _lines(value, f"{path}.")
    return found


def settle(space: SearchSpace, fixed: Params) -> tuple[SearchSpace, dict[str, str]]:
    """The space once those arguments are fixed, and why each dimension was left out.

    Their dimensions go; conditions on them are met for good, or take their dimension with them.
    """
    kept: list[Parameter] = []
    left_out: dict[str, str] = {}
    for parameter in space.parameters:
        unmet = [name for name, allowed in parameter.when if name in fixed and fixed[name] not in allowed]
        if trainer_key(parameter.name) in fixed:
            left_out[parameter.name] = "it is set on the command line"
        elif unmet:
            left_out[parameter.name] = f"it has no effect with {unmet[0]}={fixed[unmet[0]]}"
        else:
            kept.append(replace(parameter, when=tuple(c for c in parameter.when if c[0] not in fixed)))
    return SearchSpace(tuple(kept), space.fixed, space.file), left_out


def without(space: SearchSpace, keys: Mapping[str, str]) -> tuple[SearchSpace, dict[str, str]]:
    """The space without the dimensions of those trainer keys, and why each was left out."""
    left_out = {p.name: keys[trainer_key(p.name)] for p in space.parameters if trainer_key(p.name) in keys}
    kept = tuple(p for p in space.parameters if p.name not in left_out)
    return SearchSpace(kept, space.fixed, space.file), left_out
