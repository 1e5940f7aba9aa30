"""YAML of the user: numbers as `yolo` takes them, the text of every value as written, and the line of every key.

YAML 1.1 reads 1e-4 as text, 010 as 8, 12:30 as 750 and 2024-01-01 as a date. Here they are 0.0001, 10 and text. A key
that stands twice is seen, not overwritten in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

_MOST_NODES = 1_000_000  # values in a text, each alias written out
_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:[0-9][0-9_]*|0x[0-9a-fA-F][0-9a-fA-F_]*|0o[0-7][0-7_]*|0b[01][01_]*)$")
_FLOAT = re.compile(
    r"[-+]?(?:(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))$"
    r"|\.(?:nan|NaN|NAN)$"
)


class NotYaml(Exception):
    """Text that is no YAML; `line` counts from 1 and is None where the parser names none."""

    def __init__(self, problem: str, line: int | None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


@dataclass(frozen=True, kw_only=True)
class YamlText:
    """Content of a YAML text. Paths are dotted, with the numbers of list items: `names.0`."""

    values: Any  # plain values; of a key that stands twice the last one
    as_yaml_1_1: Any  # plain values as Ultralytics reads them
    texts: Mapping[str, str]  # scalars as written, by path
    lines: Mapping[str, int]  # line of every key of nested mappings, from 1, by path
    repeated: tuple[tuple[int, str], ...]  # line and name of each key that stands a second time in one mapping


class _Loader(yaml.SafeLoader):
    """Loader with the numbers of Python, and without dates and numbers to the base of 60."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        first: [pair for pair in pairs if pair[0] not in (f"{_TAG}int", f"{_TAG}float", f"{_TAG}timestamp")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_whole_number(self, node: yaml.ScalarNode) -> int:
        """Number in decimal, unless a letter gives another base."""
        text = str(self.construct_scalar(node)).replace("_", "")
        return int(text, 0) if re.match(r"[-+]?0[xob]", text) else int(text)


_Loader.add_implicit_resolver(f"{_TAG}int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver(f"{_TAG}float", _FLOAT, list("-+0123456789."))
_Loader.add_constructor(f"{_TAG}int", _Loader.construct_whole_number)


def parse_yaml(text: str) -> YamlText:
    """The content of a text. Raises NotYaml."""
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        _expanded(root, {})
        return _content(loader, root, yaml.safe_load(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        raise NotYaml(str(getattr(error, "problem", None) or error), line) from None
    except (ValueError, OverflowError) as error:  # a date such as 2024-13-45, which Ultralytics cannot read either
        raise NotYaml(f"{error}; put the value in quotes", None) from None
    except RecursionError:
        raise NotYaml("it is nested too deeply", None) from None


def _content(loader: _Loader, root: yaml.Node | None, as_yaml_1_1: Any) -> YamlText:
    nodes = list(_nodes(root, "", set()))
    keys = [(path, key) for path, node in nodes if isinstance(node, yaml.MappingNode) for key, _ in node.value]
    return YamlText(
        values=None if root is None else loader.construct_document(root),
        as_yaml_1_1=as_yaml_1_1,
        texts={path: node.value for path, node in nodes if isinstance(node, yaml.ScalarNode)},
        lines={_below(path, key.value): key.start_mark.line + 1 for path, key in keys},
        repeated=tuple(_repeated(keys)),
    )


def _expanded(node: yaml.Node | None, sizes: dict[int, int]) -> int:
    """Number of nodes with each alias written out. Raises NotYaml where aliases make a small text a huge one.

    sizes  of the nodes that are done, by identity; of one that holds itself 0
    """
    if node is None or id(node) in sizes:
        return sizes.get(id(node), 0)
    sizes[id(node)] = 0 if isinstance(node, yaml.CollectionNode) else 1
    if isinstance(node, yaml.CollectionNode):
        parts = node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
        size = 1 + sum(_expanded(part, sizes) for part in parts)
        if size > max(_MOST_NODES, 2 * len(sizes)):
            raise NotYaml(f"its aliases stand for more than {_MOST_NODES:,} values", node.start_mark.line + 1)
        sizes[id(node)] = size
    return sizes[id(node)]


def _nodes(node: yaml.Node | None, path: str, seen: set[int]) -> Iterator[tuple[str, yaml.Node]]:
    """Every node with its path; one that aliases repeat comes once, so that a small text stays small."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    yield path, node
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _nodes(item, _below(path, number), seen)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _nodes(value, _below(path, key.value), seen)


def _below(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _repeated(keys: Sequence[tuple[str, yaml.Node]]) -> Iterator[tuple[int, str]]:
    names: set[tuple[str, str]] = set()
    for path, key in keys:
        name = str(key.value)
        if (path, name) in names:
            yield key.start_mark.line + 1, name
        names.add((path, name))
