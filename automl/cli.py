"""The command line: the list of its commands. Heavy libraries load in the commands."""

from __future__ import annotations

from typing import Annotated

import typer

from automl import __version__
from automl.commands import (
    checking,
    diagnosing,
    export,
    managing,
    reading,
    reporting,
    searching,
    tools,
    verifying,
)
from automl.terminal.exits import CODES
from automl.terminal.lasting import outlast

WELCOME = f"""automl {__version__}: searches the best training recipe of a YOLO detector within a budget.

  automl demo-data                                   a small data set, and a search of minutes for it
  automl check --data data.yaml                      what is wrong with a data set, and what to do first
  automl search --data data.yaml --budget 2gpu-h     search; with --dry-run: the plan and its cost alone
  automl show                                        the answer of the newest study
  automl export -o hyp.yaml                          its recipe, for production training
  automl dashboard                                   all studies in the browser

Every command: automl --help. The options of one: automl search --help."""
DATA, TRAIN, READ, RESULTS, MANAGE, TOOLS = (
    "Data",
    "Search",
    "Look at studies",
    "From winner to production",
    "Act on studies",
    "Tools",
)

app = typer.Typer(
    help="Search for the best training recipe of a YOLO detector within a budget.",
    epilog=CODES,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"automl {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of `automl` itself, before any command."""
    if context.invoked_subcommand is None:
        print(WELCOME)


app.command(
    cls=checking.CheckCommand,
    epilog=checking.EPILOG,
    context_settings={"allow_extra_args": True},
    rich_help_panel=DATA,
)(checking.check)
app.command(
    cls=searching.SearchCommand,
    epilog=searching.EPILOG,
    context_settings={"allow_extra_args": True},
    rich_help_panel=TRAIN,
)(searching.search)
app.command(rich_help_panel=TRAIN)(searching.resume)
app.command(rich_help_panel=TRAIN)(searching.confirm)
app.command(rich_help_panel=READ)(reading.show)
app.command(rich_help_panel=READ)(reading.status)
app.command(rich_help_panel=READ)(reading.studies)
app.command(cls=export.ExportCommand, rich_help_panel=READ)(export.export)
app.command(rich_help_panel=READ)(searching.attach)
app.command(rich_help_panel=READ)(tools.dashboard)
app.command(epilog=verifying.EPILOG, rich_help_panel=RESULTS)(verifying.verify)
app.command(rich_help_panel=RESULTS)(reporting.report)
app.command(rich_help_panel=RESULTS)(diagnosing.diagnose)
app.command(rich_help_panel=MANAGE)(managing.stop)
app.command(rich_help_panel=MANAGE)(managing.note)
app.command(rich_help_panel=MANAGE)(managing.rename)
app.command(rich_help_panel=MANAGE)(managing.delete)
app.command(name="demo-data", rich_help_panel=TOOLS)(tools.demo_data)
app.command(rich_help_panel=TOOLS)(reading.predictors)
app.command(rich_help_panel=TOOLS)(tools.version)
app.command(hidden=True, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(tools.bench)


def main() -> None:
    """Entry point of `automl`."""
    outlast()
    app()


if __name__ == "__main__":
    main()
