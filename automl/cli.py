"""The command line: the list of its commands. Heavy libraries load in the commands."""

from __future__ import annotations

from typing import Annotated

import typer

from automl import __version__
from automl.commands import export, managing, reading, searching, tools

app = typer.Typer(
    help="Search for the best training recipe of a YOLO detector within a budget.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"automl {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of `automl` itself, before any command."""


app.command()(searching.search)
app.command()(searching.resume)
app.command()(searching.confirm)
app.command()(reading.status)
app.command()(managing.stop)
app.command()(reading.studies)
app.command()(reading.show)
app.command(cls=export.ExportCommand)(export.export)
app.command()(reading.predictors)
app.command()(tools.dashboard)
app.command(name="demo-data")(tools.demo_data)
app.command(hidden=True, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(tools.bench)


def main() -> None:
    """Entry point of `automl`."""
    app()


if __name__ == "__main__":
    main()
