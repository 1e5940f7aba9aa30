"""YAML of the user, read with the line of every key. A key that stands twice is seen, not overwritten in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml


class NotYaml(Exception):
    """Text that is no YAML; `line` counts from 1 and is None where the parser names none."""

    def __init__(self, problem: str, line: int | None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


@dataclass(frozen=True, kw_only=True)
class YamlText:
    """Content of a YAML text."""

    values: Any  # plain values; of a key that stands twice the last one
    lines: Mapping[str, int]  # line of every key of nested mappings, from 1, by dotted path
    repeated: tuple[tuple[int, str], ...]  # line and name of each key that stands a second time in one mapping


def parse_yaml(text: str) -> YamlText:
    """The content of a text. Raises NotYaml."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        raise NotYaml(str(getattr(error, "problem", None) or error), line) from None
    except ValueError as error:  # a date such as 2024-13-45
        raise NotYaml(f"{error}; put the value in quotes", None) from None
    return YamlText(values=values, lines=dict(_lines(root)), repeated=tuple(_repeated(root)))


def _lines(node: yaml.Node | None, prefix: str = "") -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = f"{prefix}{key.value}"
            yield path, key.start_mark.line + 1
            yield from _lines(value, f"{path}.")


def _repeated(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in names:
                yield key.start_mark.line + 1, name
            names.add(name)
            yield from _repeated(value)
