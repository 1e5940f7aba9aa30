"""The command `export`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from automl.errors import AutoMLError
from automl.files.shell import quoted
from automl.records import Notice
from automl.terminal import options as flags
from automl.terminal.exits import exit_codes

RECIPE = "hyp.yaml"


class ExportCommand(TyperCommand):
    """The command with `--to TOOL PLACE`, which may be repeated: typer knows no repeated pairs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments with each pair as one word."""
        return super().parse_args(ctx, joined(args))


def export(
    study: flags.Study = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write; default: hyp.yaml.")] = None,
    trial: Annotated[int | None, typer.Option(help="Number of the trial; the winner if left out.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of the training; default: production's.")] = None,
    format: Annotated[str | None, typer.Option(help="ultralytics or json; default: ultralytics.")] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOOL PLACE",
            help="Write all trials for another tool instead: csv DIR, mlflow URI, optuna URL or tensorboard DIR. "
            "Repeatable.",
        ),
    ] = None,
    db: flags.Db = None,
) -> None:
    """Write the winner's complete recipe for production training, or all trials for another tool."""
    with exit_codes():
        from automl import service

        name = study if study is not None else service.study_name("export", db=db)
        if study is None:
            print(f"Study '{name}', the newest one.")
        if to is None:
            place = Path(RECIPE) if output is None else output
            print(export_words(name, place, trial=trial, epochs=epochs, format=format or "ultralytics", db=db))
            return
        given = {"-o": output, "--trial": trial, "--epochs": epochs, "--format": format}
        for flag in (flag for flag, value in given.items() if value is not None):
            raise AutoMLError(
                f"{flag} is for the recipe, which --to does not write. "
                f"Write it with a command of its own: {quoted('automl', 'export', name, '-o', RECIPE)}"
            )
        export_to(name, [pair(text) for text in to], db)


def export_to(study: str, pairs: Sequence[tuple[str, str]], db: str | None) -> None:
    """Write a study for each tool, once all of them can be used, and print a sentence on each."""
    from automl import service, trackers
    from automl.store.address import store_url

    for tool, place in pairs:
        trackers.check_tool(tool, place, store_url(None, db))
    for tool, place in pairs:
        done = service.export_to(study, tool, place, db=db, listener=show_progress)
        look = f" Look at it with: {done.look}" if done.look else ""
        print(f"Wrote {done.trials} trials and {done.epochs} epochs to {done.place}.{look}")
        for note in done.notes:
            print(f"Note: {note}")


def show_progress(notice: Notice) -> None:
    """Count the written trials of a large study on one line of the terminal, which the last one clears."""
    trials, total = notice.values["trials"], notice.values["of"]
    if sys.stderr.isatty() and total > trials:
        print(f"\r{trials} of {total} trials", end="", file=sys.stderr, flush=True)
    elif sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def joined(words: Sequence[str]) -> list[str]:
    """The words of a command line in which `--to TOOL PLACE` is `--to TOOL=PLACE`."""
    result: list[str] = []
    index = 0
    while index < len(words):
        word, rest = words[index], words[index + 1 :]
        if word == "--":
            return [*result, *words[index:]]
        if word == "--to" and len(rest) > 1 and "=" not in rest[0] and not rest[1].startswith("-"):
            result += [word, f"{rest[0]}={rest[1]}"]
            index += 3
        elif word.startswith("--to=") and "=" not in word[5:] and rest and not rest[0].startswith("-"):
            result += [f"{word}={rest[0]}"]
            index += 2
        else:
            result.append(word)
            index += 1
    return result


def pair(text: str) -> tuple[str, str]:
    """Tool and place of a `TOOL=PLACE`; without a place it is empty."""
    tool, _, place = text.partition("=")
    return tool, place


def export_words(
    study: str,
    output: Path,
    *,
    trial: int | None = None,
    epochs: int | None = None,
    format: str = "ultralytics",
    db: str | None,
) -> str:
    """Write a recipe; sentences that name its files and, for Ultralytics, the command that trains it."""
    from automl import service
    from automl.files.shell import yolo_train
    from automl.recipes import defaults_beside

    file = service.export(study, output, trial=trial, epochs=epochs, format=format, db=db)
    lines = [f"Wrote {file}" if format == "json" else f"Wrote {file}. Train it with: {yolo_train(file)}"]
    lines += [f"The defaults to compare with: {defaults_beside(file)}"] if trial is None else []
    return "\n".join([*lines, *_lacking(file)])


def _lacking(recipe: Path) -> list[str]:
    """Sentence on a data set that is not here, and that the training needs; else nothing."""
    import yaml

    document = yaml.safe_load(recipe.read_text(encoding="utf-8"))  # JSON is YAML too
    data = document.get("arguments", document)["data"]
    return [] if Path(data).is_file() else [f"Its data set, {data}, is not here: add data=FILE to the command."]
