"""The command `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl.terminal import options as flags
from automl.terminal.exits import exit_codes


def export(
    study: flags.Study = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")] = Path("hyp.yaml"),
    trial: Annotated[int | None, typer.Option(help="Number of the trial; the winner if left out.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of the training; default: production's.")] = None,
    format: Annotated[str, typer.Option(help="ultralytics or json.")] = "ultralytics",
    db: flags.Db = None,
) -> None:
    """Write the winner's complete recipe for production training."""
    with exit_codes():
        from automl import service

        name = study if study is not None else service.study_name("export", db=db)
        if study is None:
            print(f"Study '{name}', the newest one.")
        print(export_words(name, output, trial=trial, epochs=epochs, format=format, db=db))


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
