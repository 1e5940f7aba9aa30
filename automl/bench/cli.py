"""`automl bench …`: measurements that print a table, or one JSON object with --json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

bench = typer.Typer(help="Measure what automl costs, beside its peers.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@bench.command()
def scale(
    trials: Annotated[int, typer.Option(help="Surrogate trials to play.")] = 10_000,
    slots: Annotated[int, typer.Option(help="Virtual slots.")] = 100,
    sampler: Annotated[str, typer.Option(help="tpe or random.")] = "tpe",
    parameters: Annotated[int | None, typer.Option(help="Dimensions of the space; default: the surrogate's 8.")] = None,
    json_: Json = False,
) -> None:
    """CPU, memory and decision time of the search itself, in virtual time with SQLite."""
    from automl.bench import scale as measured

    _show(asdict(measured.run(trials, slots, sampler=sampler, parameters=parameters)), json_)


def _show(result: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))
        return
    for key, value in result.items():
        print(f"{key:<18} {value}")
