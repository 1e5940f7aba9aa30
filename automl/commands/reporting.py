"""The command `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl.terminal import options as flags
from automl.terminal.exits import exit_codes

REPORT = "report.html"


def report(
    study: flags.Study = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write: .html or .zip; default: report.html."),
    ] = None,
    no_predict: Annotated[
        bool, typer.Option("--no-predict", help="Make no predictions: leave out what is not kept yet.")
    ] = False,
    db: flags.Db = None,
    quiet: flags.Quiet = False,
) -> None:
    """Write a study as one HTML file, or as a zip file to attach to a question."""
    with exit_codes():
        from automl import results, service
        from automl.figures import size

        name = study if study is not None else service.study_name("report", db=db)
        if study is None and not quiet:
            print(f"Study '{name}', the newest one.")
        file = results.report(
            name,
            Path(REPORT) if output is None else output,
            predict=not no_predict,
            db=db,
            progress=not quiet,
        )
        print(f"Wrote {file} ({size(file.stat().st_size)})")
