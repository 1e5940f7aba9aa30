"""Options that several commands share, and readers of options in a form of their own. Light: `--help` loads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from automl.errors import AutoMLError
from automl.records import Params

Db = Annotated[
    str | None,
    typer.Option(envvar="AUTOML_DB", help="Database URL; without it SQLite in AUTOML_HOME (./automl-runs)."),
]
Study = Annotated[str, typer.Argument(help="Name of the study; see `automl studies`.")]
MaybeStudy = Annotated[str | None, typer.Argument(help="Name of the study; the newest one if left out.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result.")]
JsonEvents = Annotated[Path | None, typer.Option(help="Append every event to this file, one JSON object a line.")]


def listed(text: str | None) -> list[str] | None:
    """Parts of a text with commas; None for an option that was left out."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def whole_numbers(text: str | None, flag: str) -> list[int] | None:
    """Whole numbers of a text with commas; None for an option that was left out. Raises AutoMLError."""
    parts = listed(text)
    return None if parts is None else [_whole_number(part, flag) for part in parts]


def assignments(texts: Sequence[str] | None) -> Params:
    """Values by key of the KEY=VALUE texts of `--set`. Raises AutoMLError."""
    import yaml

    values = {}
    for text in texts or ():
        key, separator, value = text.partition("=")
        if not separator or not key.strip():
            raise AutoMLError(f"--set {text}: write KEY=VALUE, for example --set nbs=16.")
        try:
            values[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise AutoMLError(f"--set {text}: the value cannot be read.") from None
    return values


def _whole_number(text: str, flag: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise AutoMLError(f"{flag} {text}: whole numbers, separated by commas.") from None
