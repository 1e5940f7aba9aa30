"""Search spaces in YAML files, checked key by key against the trainer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from automl.errors import BadSpace
from automl.files.home import shipped
from automl.files.yaml_text import NotYaml, YamlText, parse_yaml
from automl.records import Params, ParamValue
from automl.space import EPOCH_KEYS, KINDS, Parameter, SearchSpace, parameter_of, trainer_key

EXAMPLE = "configs/spaces/small.yaml"
Problem = tuple[int, str]  # line from 1, or 0 for the whole file, and a sentence


@dataclass(frozen=True, kw_only=True)
class _Rules:
    """Facts by which the keys of one file are checked."""

    defaults: Params  # every key that the trainer knows, with its default
    fixed: Params  # arguments that the file gives to every trial
    dead: Mapping[str, str]  # keys that have no effect beside `fixed`, with the reason
    lines: Mapping[str, int]  # line of every key, by dotted path, from 1

    def line(self, *path: str) -> int:
        """Line of a key; 1 for one that the file does not have."""
        return self.lines.get(".".join(path), 1)

    def unknown(self, name: str) -> str:
        """Problem of a key that the trainer does not know."""
        if name in self.dead:
            return f"'{name}' has no effect: {self.dead[name]}"
        close = get_close_matches(name, list(self.defaults), n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        return f"the trainer has no key '{name}'.{hint}"


def read_space(
    file: Path,
    defaults: Params,
    dead: Callable[[Params], Mapping[str, str]],
    problem: Callable[[str, object], str | None] = lambda key, value: None,
) -> SearchSpace:
    """Space of a YAML file, checked against the trainer.

    defaults  every key that the trainer knows, with its default
    dead      keys without effect beside the arguments that every trial has, with the reason
    problem   clause on a value that the trainer's key cannot have; None for others

    Raises BadSpace with one line for each error.
    """
    text = _load(file)
    document, lines = text.values, text.lines
    if not isinstance(document, dict) or not isinstance(document.get("parameters"), dict):
        raise BadSpace(file, [(1, f"has no mapping 'parameters:'. For an example see {shipped(EXAMPLE)}")])
    fixed = document.get("fixed") or {}
    if not isinstance(fixed, dict):
        raise BadSpace(file, [(lines.get("fixed", 1), "'fixed' must be a mapping of trainer arguments")])
    rules = _Rules(defaults=defaults, fixed=fixed, dead=dead(fixed), lines=lines)
    parameters, problems = _parameters(document["parameters"], rules)
    problems += [(line, f"'{key}' stands twice: keep one of them") for line, key in text.repeated]
    problems += _unknown_keys(document, rules)
    problems += _impossible(parameters, rules, problem)
    problems += _without_effect(parameters, replace(rules, dead=dead(_certain(fixed, parameters))))
    if problems:
        raise BadSpace(file, sorted(set(problems)))
    return SearchSpace(tuple(parameters), fixed, str(file))


def _load(file: Path) -> YamlText:
    """Content of the file. Raises BadSpace."""
    try:
        return parse_yaml(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSpace(file, [(0, f"cannot be read ({error.strerror}). Check --space.")]) from error
    except UnicodeDecodeError as error:
        raise BadSpace(file, [(0, "is not UTF-8 text. Check --space.")]) from error
    except NotYaml as error:
        raise BadSpace(file, [(error.line or 0, f"is not YAML: {error.problem}")]) from error


def _parameters(entries: Mapping[object, object], rules: _Rules) -> tuple[list[Parameter], list[Problem]]:
    """Dimensions that can be read, and the problems of the others."""
    parameters: list[Parameter] = []
    problems: list[Problem] = []
    for name, entry in entries.items():
        line, key = rules.line("parameters", str(name)), trainer_key(str(name))
        if key not in rules.defaults:
            problems.append((line, rules.unknown(key)))
            continue
        try:
            parameters.append(_checked(str(name), entry, rules.defaults, parameters))
        except ValueError as error:
            problems.append((line, str(error)))
        if key in rules.fixed:
            problems.append((line, f"'{name}' is both fixed and searched: keep one of them"))
    return parameters, problems


def _unknown_keys(document: Mapping[str, object], rules: _Rules) -> Iterator[Problem]:
    for key in document:
        if key not in ("parameters", "fixed", "description"):
            yield rules.line(str(key)), f"unknown key '{key}'. Known: parameters, fixed, description."
    for name in rules.fixed:
        if name not in rules.defaults:
            yield rules.line("fixed", str(name)), rules.unknown(str(name))


def _impossible(
    parameters: Sequence[Parameter], rules: _Rules, problem: Callable[[str, object], str | None]
) -> Iterator[Problem]:
    """Values that a key of the trainer cannot have: fixed ones, choices, ends of ranges and defaults."""
    for name, value in rules.fixed.items():
        text = problem(str(name), value)
        if text is not None:
            yield rules.line("fixed", str(name)), text
    for parameter in parameters:
        ends = () if parameter.of_horizon or parameter.kind == "choice" else (parameter.low, parameter.high)
        texts = [
            problem(trainer_key(parameter.name), value) for value in (*parameter.choices, *ends, parameter.default)
        ]
        text = next(filter(None, texts), None)
        if text is not None:
            yield rules.line("parameters", parameter.name), text


def _without_effect(parameters: Sequence[Parameter], rules: _Rules) -> Iterator[Problem]:
    for parameter in parameters:
        key = trainer_key(parameter.name)
        if key in rules.dead:
            line = rules.line("parameters", parameter.name)
            yield line, f"'{parameter.name}' has no effect: {rules.dead[key]}"


def _certain(fixed: Params, parameters: Sequence[Parameter]) -> dict[str, ParamValue]:
    """Arguments that every trial has, None for an unknown value; a searched optimizer counts as 'auto' if it may be."""
    certain = dict(fixed)
    for parameter in parameters:
        if parameter.name == "optimizer":
            certain["optimizer"] = "auto" if "auto" in parameter.choices else "SGD"
        else:
            certain.setdefault(trainer_key(parameter.name), None)
    return certain


def _checked(name: str, entry: object, defaults: Params, earlier: Sequence[Parameter]) -> Parameter:
    """Dimension of an entry. Raises ValueError with its problem.

    earlier  dimensions above it in the file, which its conditions may name
    """
    if not isinstance(entry, dict):
        raise ValueError(f"'{name}' must be a mapping such as {{uniform: [0.0, 1.0]}}")  # noqa: TRY004
    kind, bounds = _kind(name, entry)
    if "of" in entry:
        _check_shares(name, kind, bounds, entry["of"])
    elif kind != "choice":
        _check_range(name, kind, bounds)
    choices = {parameter.name: parameter.choices for parameter in earlier if parameter.kind == "choice"}
    when = entry.get("when") or {}
    if not isinstance(when, dict):
        raise ValueError(f"'{name}': 'when' must be a mapping such as {{optimizer: SGD}}")  # noqa: TRY004
    for other in when:
        if other not in choices:
            raise ValueError(f"'{name}': 'when' names '{other}', which is no choice above this line")
    parameter = parameter_of(name, {"default": defaults.get(trainer_key(name)), **entry})
    for other, allowed in parameter.when:
        stranger = next((value for value in allowed if value not in choices[other]), None)
        if stranger is not None:
            raise ValueError(f"'{name}': 'when' asks for {other}={stranger}, which is not among its choices")
    if parameter.of_horizon:
        _check_epochs(name, kind, parameter.default)
    elif not parameter.holds(parameter.default):
        raise ValueError(
            f"'{name}': the default {parameter.default!r} lies outside. Widen the range or give a 'default'."
        )
    return parameter


def _kind(name: str, entry: Mapping[object, Any]) -> tuple[str, list[Any]]:
    """Kind of an entry's range, and its bounds or choices. Raises ValueError unless it has exactly one."""
    kinds = [kind for kind in KINDS if kind in entry]
    unknown = [key for key in entry if key not in (*KINDS, "default", "of", "when")]
    if unknown:
        raise ValueError(f"'{name}' has the unknown key '{unknown[0]}'. Known: {', '.join(KINDS)}, default, of, when.")
    if len(kinds) != 1:
        raise ValueError(f"'{name}' needs exactly one of {', '.join(KINDS)}")
    kind, bounds = kinds[0], entry[kinds[0]]
    if not isinstance(bounds, list) or any(isinstance(b, list | dict) for b in bounds):
        raise ValueError(f"'{name}': {kind} needs a list")
    if kind == "choice" and len(set(map(repr, bounds))) < 2:
        raise ValueError(f"'{name}': a choice needs two different values or more: move a single one under 'fixed'")
    return kind, bounds


def _check_range(name: str, kind: str, bounds: Sequence[object]) -> None:
    numbers = [b for b in bounds if isinstance(b, int | float) and not isinstance(b, bool)]
    if len(bounds) != 2 or len(numbers) != 2:
        raise ValueError(f"'{name}': {kind} needs two numbers [low, high]")
    low, high = numbers
    if not all(math.isfinite(n) for n in numbers):
        raise ValueError(f"'{name}': {kind} needs finite numbers")
    if low >= high:
        fault = "empty" if low == high else "inverted"
        raise ValueError(f"'{name}': the range [{low}, {high}] is {fault}")
    if kind == "log" and low <= 0:
        raise ValueError(f"'{name}': a log range must start above zero, not at {low}")
    if kind == "int" and any(n != int(n) for n in numbers):
        raise ValueError(f"'{name}': an int range needs whole numbers")


def _check_shares(name: str, kind: str, bounds: Sequence[object], of: object) -> None:
    if of != "horizon":
        raise ValueError(f"'{name}': of: {of} is unknown. Write 'of: horizon' for a range in shares of the epochs.")
    if trainer_key(name) not in EPOCH_KEYS or kind == "choice":
        raise ValueError(f"'{name}': only ranges of {' and '.join(EPOCH_KEYS)} can be shares 'of: horizon'")
    _check_range(name, "log" if kind == "log" else "uniform", bounds)
    outside = next((b for b in bounds if isinstance(b, int | float) and not 0 <= b <= 1), None)
    if outside is not None:
        raise ValueError(f"'{name}': with 'of: horizon' the range is in shares from 0 to 1, and {outside} is not")


def _check_epochs(name: str, kind: str, default: ParamValue) -> None:
    number = isinstance(default, int | float) and not isinstance(default, bool)
    if not number or not math.isfinite(float(default or 0)) or float(default or 0) < 0:
        raise ValueError(f"'{name}': the default is in epochs, 0 or more, and {default!r} is not")
    if kind == "log" and default == 0:
        raise ValueError(f"'{name}': a log range cannot hold the default of 0 epochs")
    if kind == "int" and default != int(default or 0):
        raise ValueError(f"'{name}': an int range cannot hold the default of {default} epochs")
