"""The command `verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from automl.terminal import names
from automl.terminal import options as flags
from automl.terminal.exits import exit_codes

EPILOG = (
    "Exit codes: 0 the figure holds; 1 it does not; 2 wrong input, or nothing could be trained; 130 interrupted, the "
    "same command goes on."
)


def verify(
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="[RECIPE|STUDY]",
            help="File that automl export has written, or a study, whose answer is trained again; default: the "
            "newest finished study.",
            autocompletion=names.of_studies,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Further trainings, each with a seed of its own.")] = 2,
    device: Annotated[str | None, typer.Option(help="cpu, or a GPU's index; default: a GPU if there is one.")] = None,
    data: Annotated[str | None, typer.Option(help="The data.yaml, where the data set has moved.")] = None,
    db: flags.Db = None,
    quiet: flags.Quiet = False,
    json_: flags.Json = False,
) -> None:
    """Train a recipe again with further seeds: does its figure lie in the interval that was promised?"""
    with exit_codes():
        from automl import results
        from automl.figures import format_cost
        from automl.terminal.report import dumps

        record = results.verify(recipe, seeds=seeds, device=device, data=data, db=db, progress=False if quiet else None)
        if json_:
            from dataclasses import asdict

            print(dumps(asdict(record), indent=2))
        else:
            print(record.sentence)
            print(f"Cost: {format_cost(record.slot_s, record.device)}.")
    if not record.holds:
        raise typer.Exit(1)
