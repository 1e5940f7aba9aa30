"""Private names of the engines: what automl relies on although no documentation promises it, and the check for it.

Each engine's table lies beside the code that uses the engine. This module imports no engine: the module of a name is
loaded when the name is checked.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from types import CodeType
from typing import Any

from automl.errors import EngineMismatch

DISTRIBUTION = "yolo-automl"


@dataclass(frozen=True)
class PrivateName:
    """A name within an engine that may vanish with any release.

    name      "module:path"; "module:Class().name" for what only the methods of a class mention: an attribute, an event
    purpose   what automl needs it for
    caller    function or class of the engine, "module:path", which has to use the name: else our own has no effect
    degraded  what is missing without the name; None where automl cannot run without it
    """

    name: str
    purpose: str
    caller: str | None = None
    degraded: str | None = None


def check_names(engine: str, names: Iterable[PrivateName]) -> list[str]:
    """Notes on what automl has to do without, one sentence each.

    engine  name of its distribution

    Raises EngineMismatch where a name is missing that automl cannot do without.
    """
    missing = [entry for entry in names if not is_there(entry)]
    fatal = [f"{entry.name} ({entry.purpose})" for entry in missing if entry.degraded is None]
    if fatal:
        raise EngineMismatch(engine, version_of(engine), fatal, working_versions(engine))
    first = {entry.degraded: entry.name for entry in reversed(missing)}
    return [f"{engine} {version_of(engine)} lacks {name}: {effect}." for effect, name in first.items()]


def is_there(entry: PrivateName) -> bool:
    """True if the engine has the name, and its caller still uses it."""
    kind, of_instance, attribute = entry.name.partition("().")
    try:
        if of_instance:
            return uses(_resolve(kind), attribute)
        _resolve(entry.name)
        return entry.caller is None or _called(entry.caller, re.split("[.:]", entry.name)[-1])
    except (ImportError, AttributeError):
        return False


def _called(caller: str, name: str) -> bool:
    """True if the engine's caller uses the name. A method in whose place another tool has put its own tells nothing."""
    module, _, path = caller.partition(":")
    owner = _resolve(caller)
    wrapped = "." in path and _root(owner) != module.partition(".")[0]
    return wrapped or uses(owner, name)


def version_of(engine: str) -> str:
    """Installed version of a distribution; "?" for one without metadata."""
    try:
        return metadata.version(engine)
    except metadata.PackageNotFoundError:
        return "?"


def working_versions(engine: str) -> str:
    """Versions of an engine that this automl was made for, such as ">=8.4.190,<8.5"; empty where nothing says it."""
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return ""
    for text in requirements:
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*])?\s*\(?([^;)]*)", text)
        if match is not None and match[1].lower() == engine.lower():
            return ",".join(sorted((part.strip() for part in match[2].split(",")), reverse=True))
    return ""


def _resolve(name: str) -> Any:
    """The object behind "module:path". Raises ImportError or AttributeError where there is none."""
    module, _, path = name.partition(":")
    value: Any = importlib.import_module(module)
    for part in path.split(".") if path else ():
        value = getattr(value, part)
    return value


def uses(owner: Any, name: str) -> bool:
    """True if a function, or any method of a class or of its bases, has the name in its code.

    True too if another tool has put a function of its own in place of one of them: its code tells nothing.
    """
    members = [owner]
    engine = _root(owner)
    if isinstance(owner, type):
        members = [member for kind in owner.__mro__ if _root(kind) == engine for member in vars(kind).values()]
    for member in members:
        code = _code(member)
        if code is not None and (name in _names(code) or _root(member) not in (engine, "")):
            return True
    return False


def _root(value: Any) -> str:
    """Top-level package in which a class or a function was defined; empty where nothing says it."""
    return str(getattr(inspect.unwrap(getattr(value, "__func__", value)), "__module__", None) or "").partition(".")[0]


def _code(member: Any) -> CodeType | None:
    if isinstance(member, property):
        member = member.fget
    code = getattr(inspect.unwrap(getattr(member, "__func__", member)), "__code__", None)
    return code if isinstance(code, CodeType) else None


def _names(code: CodeType) -> Iterator[str]:
    """Attributes, globals, parameters, locals and texts of a function and of those within it."""
    yield from code.co_names
    yield from code.co_varnames
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
        elif isinstance(constant, str):
            yield constant
