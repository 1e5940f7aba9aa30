"""Figures on white, with matplotlib: empty ones, their colours, and their file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from automl.errors import AutoMLError
from benchmarks.extras import need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers can tell apart; dashes repeat the distinction.
COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999")
DASHES = ("-", "--", "-.", ":")


def new_figure(width: float, height: float) -> Figure:
    """An empty figure; sizes in inches. Raises AutoMLError without matplotlib."""
    need("matplotlib", "the figure")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def save(figure: Figure, target: Path) -> None:
    """Write a PNG, or the format of the suffix. Raises AutoMLError for a path that cannot be written."""
    try:
        figure.savefig(target)
    except (OSError, ValueError) as error:
        raise AutoMLError(f"the figure cannot be written to {target}: {error}") from error
