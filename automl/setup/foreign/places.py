"""Files that belong together: the recipe beside a curve, the trials of an experiment, the runs of a folder."""

from __future__ import annotations

from pathlib import Path

from automl.figures import listed
from automl.setup.foreign.content import bad

# What a folder is read from, the richest first.
FILES = (
    *("evolve.csv", "tune_results.ndjson", "tune_results.csv", "best_hyperparameters.yaml"),
    *("hyp_evolve.yaml", "hyp_evolved.yaml", "args.yaml", "hyp.yaml", "opt.yaml"),
    *("result.json", "params.json", "progress.csv", "config.yaml", "files/config.yaml", "recipe.json"),
)
BESIDE_A_CURVE = ("args.yaml", "hyp.yaml", "opt.yaml", "params.json")
MOST_TRIALS = 2000  # folders of an experiment of Ray Tune that are read
_NAMED = 3  # runs that an error names


def file_in(folder: Path) -> Path | None:
    """The file from which a folder is read; None for the trials of Ray Tune in its subfolders.

    Raises AutoMLError for a folder without any; it names the runs in it.
    """
    file = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if file is not None:
        return file
    if trials_in(folder):
        return None
    if (folder / "results.csv").is_file():
        return folder / "results.csv"
    if (folder / "data.yaml").is_file() and (folder / "trials").is_dir():
        raise bad(folder, "is the folder of a study; write the study's name instead, and --db where its database is")
    runs = [run for run in _subfolders(folder) if any((run / name).is_file() for name in FILES) or trials_in(run)]
    if runs:
        names = listed([str(run) for run in runs], most=_NAMED)
        raise bad(folder, f"is a folder of runs; name the one to begin with: {names}")
    raise bad(folder, f"is a folder without a recipe; looked for {', '.join(FILES)}")


def trials_in(folder: Path) -> list[Path]:
    """Folders of the trials of an experiment of Ray Tune, in order of their names."""
    return [trial for trial in _subfolders(folder) if (trial / "params.json").is_file()]


def beside(file: Path, names: tuple[str, ...] = BESIDE_A_CURVE) -> Path | None:
    """The first file of one of those names in the same folder."""
    return next((file.with_name(name) for name in names if file.with_name(name).is_file()), None)


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise bad(folder, f"cannot be read ({error.strerror}). Check the path") from None
