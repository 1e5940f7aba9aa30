"""Commands beside studies: `dashboard`, `demo-data`, and a name of an earlier version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl.errors import AutoMLError
from automl.terminal import options as flags
from automl.terminal.exits import exit_codes


def dashboard(
    port: Annotated[int, typer.Option(help="Port of the page.")] = 8501,
    public: Annotated[
        bool, typer.Option("--public", help="Serve other machines too; needs sign-in (OpenID Connect), see the manual.")
    ] = False,
    db: flags.Db = None,
) -> None:
    """Show studies in the browser: live state, leaderboard, insight, downloads. Reads only."""
    with exit_codes():
        from automl import page

        page.serve(db=db, port=port, public=public)


def demo_data(
    directory: Annotated[Path, typer.Argument(help="New folder.")],
    seed: Annotated[int, typer.Option(help="Same seed, same images.")] = 0,
) -> None:
    """Make a small real detection data set: handwritten digits on photographs."""
    with exit_codes():
        from automl import service

        print(service.demo_data(directory, seed=seed))


def bench(context: typer.Context) -> None:
    """Name the command of today, for scripts of an earlier version."""
    with exit_codes():
        words = " ".join(context.args) or "--help"
        today = f"automl {words}" if words.startswith("predictors") else f"python -m benchmarks {words}"
        raise AutoMLError(f"`automl bench` is no command any more. In a checkout of the project, write: {today}")
