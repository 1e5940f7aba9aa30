"""A YAML mapping that remembers on which line each key stands, so that an error can say where."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from automl.errors import BadData

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class Document:
    """One YAML file whose top level is a mapping."""

    file: Path  # absolute
    values: Mapping[str, Any]
    lines: Mapping[str, int]  # of the keys, from 1

    def bad(self, problem: str, key: str | None = None) -> BadData:
        """An error to raise, at the key's line where there is one."""
        return BadData(self.file, problem, line=self.lines.get(key) if key else None)


def read_document(path: Path) -> Document:
    """The mapping in a YAML file. Raises BadData if there is none, naming the line where YAML gave up."""
    file = Path(path).expanduser().absolute()
    text = _read_text(file)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise BadData(
            file, f"not valid YAML: {problem}. Correct this line.", line=mark.line + 1 if mark else None
        ) from None
    except ValueError as error:  # a date such as 2024-13-45
        raise BadData(file, f"not valid YAML: {error}. Put the value in quotes.") from None
    if not isinstance(values, dict) or not isinstance(node, yaml.MappingNode):
        raise BadData(file, "not a mapping; it needs the keys train, val and names, each as 'key: value'.")
    lines = {str(key.value): key.start_mark.line + 1 for key, _ in node.value}
    return Document(file=file, values={str(key): value for key, value in values.items()}, lines=lines)


def _read_text(file: Path) -> str:
    if file.is_dir():
        inside = _yaml_files(file)
        hint = f"Name the file: {', '.join(str(file / name) for name in inside)}." if inside else "It has none."
        raise BadData(file, f"is a folder; a data.yaml is needed. {hint}")
    if not file.exists():
        raise BadData(file, f"no such file.{_suggestion(file)}")
    if file.suffix.lower() not in SUFFIXES:
        raise BadData(file, "not named .yaml or .yml; give the data.yaml of the data set.")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadData(file, "not a text file in UTF-8; save it as UTF-8.") from None
    except OSError as error:
        raise BadData(file, f"cannot be read ({error.strerror}); check its permissions.") from None


def _yaml_files(folder: Path) -> list[str]:
    try:
        return sorted(each.name for each in folder.iterdir() if each.suffix.lower() in SUFFIXES)
    except OSError:
        return []


def _suggestion(file: Path) -> str:
    if not file.parent.is_dir():
        return f" The folder {file.parent} does not exist either; check the path."
    near = difflib.get_close_matches(file.name, _yaml_files(file.parent), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else " Check the path."
