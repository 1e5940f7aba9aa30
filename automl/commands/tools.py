"""Commands beside studies: `dashboard`, `demo-data`, `version`, and a name of an earlier version."""

from __future__ import annotations

import shlex
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
    directory: Annotated[Path, typer.Argument(help="New folder.")] = Path("demo-data"),
    seed: Annotated[int, typer.Option(help="Same seed, same images.")] = 0,
) -> None:
    """Make a small real detection data set, and print a search for it that takes minutes on a CPU."""
    with exit_codes():
        from automl.data.demo import TINY, make_demo

        data = make_demo(directory, seed=seed)
        files = [shlex.quote(_short(file)) for file in (data, data.with_name(TINY))]
        print(f"{_short(data)}: 300 train, 80 val and 80 test images, handwritten digits on photographs.")
        print("A search of some nine minutes on two cores, with the tiny network beside it:")
        print(
            f"  automl search --data {files[0]} --models {files[1]} --weights none \\\n"
            "    --imgsz 96 --batch 8 --set nbs=8 --epochs 12 --train 60 --budget 14cpu-min --export hyp.yaml"
        )


def _short(file: Path) -> str:
    """The path from the current folder where it lies below it."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def version(json_: flags.Json = False) -> None:
    """Print the versions of automl and its engines, the platform and the database: for a report of an error."""
    with exit_codes():
        from automl.reports import versions
        from automl.terminal.report import dumps

        about = versions.about()
        if json_:
            print(dumps(about, indent=2))
        else:
            print("\n".join(f"{name:<12} {text}" for name, text in about.items()))


def bench(context: typer.Context) -> None:
    """Name the command of today, for scripts of an earlier version."""
    from automl.files.shell import quoted

    with exit_codes():
        words = quoted(*context.args) or "--help"
        today = f"automl {words}" if words.startswith("predictors") else f"python -m benchmarks {words}"
        raise AutoMLError(f"`automl bench` is no command any more. In a checkout of the project, write: {today}")
