"""The space of the search that follows from a diagnosis. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from automl.records import Params, ParamValue
from automl.records.diagnosis import Diagnosis

_OF_RATE = ("lr0", "momentum", "warmup_epochs")  # that `optimizer=auto` would choose itself


def order_of(diagnoses: Sequence[Diagnosis]) -> tuple[str, ...]:
    """Parameters that the remedies name, those of the most telling symptom first, each once."""
    return tuple(dict.fromkeys(name for diagnosis in diagnoses for name in diagnosis.space))


def space_of(
    diagnoses: Sequence[Diagnosis], known: Mapping[str, Mapping[str, Any]], values: Params, moved: Params
) -> dict[str, Any]:
    """Document of the space file; empty where no remedy names a parameter, so that the space stays as it is.

    known   entries of the shipped space by name, which say the kind of each parameter
    values  arguments of the diagnosed trial: defaults of the parameters
    moved   those that the search had moved: what is not searched again stays fixed at them
    """
    ranges: dict[str, tuple[float, float]] = {}
    for diagnosis in reversed(diagnoses):
        ranges |= diagnosis.space
    names = [name for name in order_of(diagnoses) if name in known]
    if not names:
        return {}
    choices = {name: _choices(known[name], ranges[name], values.get(name)) for name in names if "choice" in known[name]}
    names.sort(key=lambda name: name not in choices)  # conditions name choices above them
    parameters = {
        name: {"choice": choices[name], "default": values.get(name, known[name]["default"])}
        if name in choices
        else _entry(known[name], ranges[name], values.get(name), choices)
        for name in names
        if name not in choices or len(choices[name]) > 1
    }
    fixed = {name: value for name, value in moved.items() if name not in parameters}
    if any(name in parameters for name in _OF_RATE) and values.get("optimizer") not in (None, "auto"):
        fixed["optimizer"] = values["optimizer"]
    return {"parameters": parameters, "fixed": fixed}


def _choices(entry: Mapping[str, Any], limits: tuple[float, float], value: ParamValue) -> list[ParamValue]:
    """Choices within the limits, with the present value among them."""
    low, high = limits
    kept: list[ParamValue] = [
        choice for choice in entry["choice"] if isinstance(choice, int | float) and low <= choice <= high
    ]
    return kept if value is None or value in kept else [*kept, value]


def _entry(
    entry: Mapping[str, Any], limits: tuple[float, float], value: ParamValue, choices: Mapping[str, list[ParamValue]]
) -> dict[str, Any]:
    """Entry with other limits, wide enough for the present value, and with those of its conditions that can be met."""
    kind = next(kind for kind in ("uniform", "log", "int") if kind in entry)
    number = float(value) if isinstance(value, int | float) else float(entry["default"])
    if kind == "log" and number <= 0:  # switched off in the diagnosed trial: no logarithm reaches it
        number = float(entry["default"])
    low, high = (float(f"{limit:.6g}") for limit in (min(limits[0], number), max(limits[1], number)))
    when = {name: [value for value in values if value in choices.get(name, [])] for name, values in _when(entry)}
    document: dict[str, Any] = {kind: [low, high], "default": number}
    when = {name: values for name, values in when.items() if values}
    return {**document, "when": when} if when else document


def _when(entry: Mapping[str, Any]) -> list[tuple[str, list[ParamValue]]]:
    return list((entry.get("when") or {}).items())
