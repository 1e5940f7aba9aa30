"""Options that several commands share or that need more words, and readers of options. Light: `--help` loads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from automl.errors import AutoMLError
from automl.records import Params
from automl.terminal import names

Db = Annotated[
    str | None,
    typer.Option(envvar="AUTOML_DB", help="Database URL; without it SQLite in AUTOML_HOME (./automl-runs)."),
]
Study = Annotated[
    str | None,
    typer.Argument(help="Name of the study; if left out, the newest one that fits.", autocompletion=names.of_studies),
]
Named = Annotated[str, typer.Argument(help="Name of the study.", autocompletion=names.of_studies)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result.")]
JsonEvents = Annotated[Path | None, typer.Option(help="Append every event to this file, one JSON object a line.")]
Budgets = Annotated[
    list[str] | None,
    typer.Option(
        metavar="AMOUNT",
        help="40gpu-h, 8cpu-h, 90min (wall) or 200trials. Required. May be repeated: the first reached ends.",
    ),
]
Horizon = Annotated[int | None, typer.Option(help="Epochs of the search's trainings; default: what production leaves.")]
Batch = Annotated[
    float | None, typer.Option(help="Batch size, or share of a GPU's memory; default: 16 on CPU, 0.6 up to 64.")
]
NoEarlyEnd = Annotated[
    bool, typer.Option("--no-early-end", help="Spend the whole budget even if little more is to be expected.")
]
Repeated = Annotated[int, typer.Option(help="Best trials with seed repeats, beside the defaults; 0 for none.")]
Length = Annotated[
    int | None,
    typer.Option(help="Epochs of production, at which the defaults and the winner compare; default: 300."),
]
RecipeOnly = Annotated[
    bool, typer.Option("--recipe-only", help="Compare at the search's length; train nothing for production.")
]
NoPortfolio = Annotated[bool, typer.Option("--no-portfolio", help="Try no known-good recipes after the defaults.")]
WarmStart = Annotated[
    list[str] | None,
    typer.Option(help="Begin with results of a study, or of another tool's file or folder. Repeatable."),
]
NoWarmStart = Annotated[bool, typer.Option("--no-warm-start", help="Look for no earlier studies of the same data.")]
MovedData = Annotated[Path | None, typer.Option("--data", help="The study's data.yaml, where the data set has moved.")]
FreshProbe = Annotated[
    bool, typer.Option("--fresh-probe", help="Measure the cost of an epoch anew instead of reusing an earlier one.")
]
Holdout = Annotated[
    float | None,
    typer.Option(help="Share of val that the search never sees, for an unbiased final evaluation: 0.3."),
]
NoTest = Annotated[
    bool, typer.Option("--no-test", help="No final evaluation of the defaults and the winner on the test split.")
]
Notify = Annotated[
    list[str] | None,
    typer.Option(metavar="URL", help="Send messages there: an address of Apprise, never stored. Repeatable."),
]
TrustModel = Annotated[
    bool, typer.Option("--trust-model", help="Use a network file though it could run code on this machine.")
]
Export = Annotated[Path | None, typer.Option(help="Write the best hyp.yaml here at the end.")]


def listed(text: str | None) -> list[str] | None:
    """Parts of a text with commas; None for an option that was left out."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def whole_numbers(text: str | None, flag: str) -> list[int] | None:
    """Whole numbers of a text with commas; None for an option that was left out. Raises AutoMLError."""
    parts = listed(text)
    return None if parts is None else [_whole_number(part, flag) for part in parts]


def assignments(texts: Sequence[str] | None) -> Params:
    """Values by key of the KEY=VALUE texts of `--set`, numbers as `yolo` takes them. Raises AutoMLError."""
    from automl.files.yaml_text import NotYaml, parse_yaml

    values = {}
    for text in texts or ():
        key, separator, value = text.partition("=")
        if not separator or not key.strip():
            raise AutoMLError(f"--set {text}: write KEY=VALUE, for example --set nbs=16.")
        try:
            values[key.strip()] = None if value.strip().lower() == "none" else parse_yaml(value).values
        except NotYaml as error:
            raise AutoMLError(f"--set {text}: the value cannot be read ({error.problem}).") from None
    return values


def _whole_number(text: str, flag: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise AutoMLError(f"{flag} {text}: whole numbers, separated by commas.") from None
