"""Place of a recipe: a file that can be written, and that Ultralytics' command reads."""

from __future__ import annotations

from pathlib import Path

from automl.errors import AutoMLError, NoSpace
from automl.files.shell import unfit_for_yolo

TITLE = "# Training recipe found by automl."
_JSON = '{\n  "facts": {\n    "study": '  # beginning of the other format


def check_place(output: Path, format: str = "ultralytics") -> Path:
    """The file that a recipe for `output` is written to; its folder is created.

    Raises NoSpace where nothing can be written, and AutoMLError for a file that no export has written, or that
    Ultralytics' command could not read.
    """
    file = output / ("hyp.yaml" if format == "ultralytics" else "recipe.json") if output.is_dir() else output
    reason = unfit_for_yolo(file) if format == "ultralytics" else ""
    if reason:
        raise AutoMLError(
            f"{file}: yolo could not train this recipe, since {reason}. Choose another file, such as hyp.yaml."
        )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        exists = file.exists()
        with file.open("a", encoding="utf-8"):
            pass
        if not exists:
            file.unlink()
        text = file.read_text(encoding="utf-8", errors="replace") if exists else ""
    except OSError as error:
        raise NoSpace(f"{output} cannot be written ({error.strerror}). Choose another place.") from error
    if text.strip() and not text.startswith((TITLE, _JSON)):
        raise AutoMLError(f"{file} exists and is no recipe of automl's. Choose another place, or move it away.")
    return file


def defaults_beside(output: Path) -> Path:
    """The file beside a recipe for that of the defaults: `hyp-defaults.yaml` for `hyp.yaml`."""
    return output.with_name(f"{output.stem}-defaults{output.suffix}")
