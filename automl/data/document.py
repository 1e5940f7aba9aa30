"""A data.yaml as a mapping that knows the line of each key, for errors."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.errors import BadData
from automl.files import pointers
from automl.files.home import expanded
from automl.files.regular import read_regular
from automl.files.yaml_text import NotYaml, parse_yaml

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class Document:
    """One YAML file whose top level is a mapping."""

    file: Path  # absolute
    values: Mapping[str, Any]
    for_yolo: Mapping[str, Any]  # values as Ultralytics reads them, by YAML 1.1
    texts: Mapping[str, str]  # scalars as written, by dotted path
    lines: Mapping[str, int]  # of the keys, from 1; nested ones by dotted path

    def bad(self, problem: str, key: str | None = None, way_out: str = "") -> BadData:
        """Error about the file, at the key's line where there is one."""
        return BadData(self.file, problem, line=self.lines.get(key) if key else None, way_out=way_out)


def read_document(path: Path) -> Document:
    """The mapping in a YAML file. Raises BadData without one, with the line where there is one.

    A key that stands twice is refused too. Ultralytics takes the last one in silence, and leaves data out.
    """
    file = expanded(path).absolute()
    try:
        text = parse_yaml(_read_text(file))
    except OSError as error:  # a folder above it that is closed, or a name that is too long
        raise BadData(file, f"cannot be read ({error.strerror}); check its permissions.") from None
    except ValueError as error:
        raise BadData(str(file).replace("\0", "?"), f"is no path of a file ({error}).") from None
    except NotYaml as error:
        way_out = "Correct this line." if error.line else "Correct it."
        raise BadData(file, f"not valid YAML: {error.problem}. {way_out}", line=error.line) from None
    if not isinstance(text.values, dict):
        raise BadData(file, "not a mapping; it needs the keys train, val and names, each as 'key: value'.")
    for line, key in text.repeated:
        raise BadData(file, f"'{key}' stands twice; keep one of them.", line=line)
    return Document(
        file=file,
        values=_by_name(text.values),
        for_yolo=_by_name(text.as_yaml_1_1),
        texts=text.texts,
        lines=text.lines,
    )


def _by_name(values: Mapping[Any, Any]) -> dict[str, Any]:
    """The values by key. The word None is no value, as Ultralytics has it."""
    return {str(key): None if value == "None" else value for key, value in values.items()}


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
        content = read_regular(file)
        if pointers.is_pointer(content):
            raise BadData(file, f"{pointers.IN_WORDS}; {pointers.WAY_OUT}.")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadData(file, "not a text file in UTF-8; save it as UTF-8.") from None
    except OSError as error:
        raise BadData(file, f"cannot be read ({error.strerror}); check its permissions.") from None


def _yaml_files(folder: Path) -> list[str]:
    try:
        return sorted(file.name for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    except OSError:
        return []


def _suggestion(file: Path) -> str:
    if not file.parent.is_dir():
        return f" The folder {file.parent} does not exist either; check the path."
    near = difflib.get_close_matches(file.name, _yaml_files(file.parent), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else " Check the path."
