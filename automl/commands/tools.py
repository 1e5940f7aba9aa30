"""Commands beside studies: `dashboard`, `demo-data`, `version`, and a name of an earlier version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl.errors import AutoMLError
from automl.terminal import options as flags
from automl.terminal.exits import exit_codes

# Options of the search that `demo-data` prints; the demo of the Makefile has the same.
DEMO = "--weights none --imgsz 96 --batch 8 --set nbs=8 --epochs 12 --train 60 --budget 14cpu-min --export hyp.yaml"


def dashboard(
    port: Annotated[int, typer.Option(help="Port of the page.")] = 8501,
    public: Annotated[
        bool, typer.Option("--public", help="Serve other machines too; needs sign-in (OpenID Connect), see the manual.")
    ] = False,
    host: Annotated[
        list[str] | None,
        typer.Option(help="Further name by which browsers reach the page, such as a proxy's. Repeatable."),
    ] = None,
    db: flags.Db = None,
) -> None:
    """Show studies in the browser: live state, leaderboard, insight, downloads. Reads only."""
    with exit_codes():
        from automl import page

        page.serve(db=db, port=port, public=public, hosts=host or ())


def demo_data(
    directory: Annotated[Path, typer.Argument(help="New folder.")] = Path("demo-data"),
    seed: Annotated[int, typer.Option(help="Same seed, same images.")] = 0,
) -> None:
    """Make a small real detection data set, and print a search for it that takes minutes on a CPU."""
    with exit_codes():
        from automl.data.dataset import read_dataset
        from automl.data.demo import TINY, make_demo
        from automl.figures import listed
        from automl.files.shell import quoted

        data = make_demo(directory, seed=seed)
        counts = [f"{len(split.images)} {name}" for name, split in read_dataset(data).splits.items()]
        print(f"{_short(data)}: {listed(counts)} images, handwritten digits on photographs.")
        print("A search of some nine minutes on two cores, with the tiny network beside it:")
        words = ("search", "--data", _short(data), "--models", _short(data.with_name(TINY)), *DEMO.split())
        print(f"  {quoted('automl', *words)}")


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
