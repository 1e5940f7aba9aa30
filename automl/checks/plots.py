"""Plots of all labels: boxes by class, where boxes lie, and their sizes. Drawn without the user's settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl.checks.facts import Facts
from automl.checks.tiles import class_name

MOST_CLASSES = 30  # bars of a plot
_BINS = (10, 48)  # of a heat map's side: fewest and most
_SPLIT_COLOURS = {"train": "#1f77b4", "val": "#e07b00", "test": "#7a7f87"}
_DPI = 110


def plots(facts: Facts, folder: Path) -> Mapping[str, str]:
    """Files of the plots in the folder, by their keys; none without boxes."""
    boxes = [split.boxes for split in facts.splits.values() if len(split.boxes)]
    if not boxes:
        return {}
    every = np.concatenate(boxes)
    with own_settings():
        _by_class(facts, folder / "classes.png")
        _heat(every[:, :2], folder / "centres.png", ("left to right", "top to bottom"), upside_down=True)
        _heat(every[:, 2:], folder / "sizes.png", ("width", "height"))
    return {"classes": "classes.png", "centres": "centres.png", "sizes": "sizes.png"}


@contextmanager
def own_settings() -> Iterator[None]:
    """Matplotlib's own settings instead of the user's, which are as before afterwards."""
    import matplotlib

    ours = {key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")}
    before = {key: value for key, value in matplotlib.rcParams.copy().items() if not key.startswith("backend")}
    matplotlib.rcParams.update(ours)
    try:
        yield
    finally:
        matplotlib.rcParams.update(before)


def new_figure(width: float, height: float) -> tuple[Any, Any]:
    """A figure of so many inches with one plot. It belongs to no window and to no backend of the user's."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _by_class(facts: Facts, file: Path) -> None:
    """Bars of the classes with the most boxes, each with the splits side by side."""
    counts = {
        name: np.bincount(split.box_class, minlength=facts.nc)[: facts.nc] for name, split in facts.splits.items()
    }
    total = np.sum(list(counts.values()), axis=0)
    kinds = np.argsort(-total, kind="stable")[:MOST_CLASSES]
    figure, axes = new_figure(7.0, 1.1 + 0.32 * len(kinds))
    before = np.zeros(len(kinds))
    for name, count in counts.items():
        axes.barh(np.arange(len(kinds)), count[kinds], left=before, label=name, color=_SPLIT_COLOURS[name])
        before += count[kinds]
    for place, kind in enumerate(kinds.tolist()):
        axes.text(before[place], place, f" {int(total[kind]):,}", va="center", fontsize=8)
    axes.set_yticks(np.arange(len(kinds)), [class_name(facts.names, kind) for kind in kinds.tolist()])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)  # a class may be called $x$
    axes.invert_yaxis()
    axes.margins(x=0.12)
    rest = facts.nc - len(kinds)
    axes.set_xlabel(f"boxes; the {len(kinds)} most frequent of {facts.nc} classes" if rest else "boxes")
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(file)


def _heat(points: NDArray[np.float32], file: Path, labels: tuple[str, str], *, upside_down: bool = False) -> None:
    """Map of how many boxes lie where, from 0 to 1 in both directions."""
    from matplotlib.colors import LogNorm

    usable = points[np.isfinite(points).all(axis=1)]
    bins = int(np.clip(np.sqrt(len(usable) / 4), *_BINS))
    counts, edges, _ = np.histogram2d(usable[:, 0], usable[:, 1], bins=bins, range=((0, 1), (0, 1)))
    norm = LogNorm(vmin=0.5, vmax=max(2.0, float(counts.max())))  # one box has to be seen beside a thousand
    figure, axes = new_figure(4.6, 4.2)
    shading = np.ma.masked_equal(counts.T, 0)
    mesh = axes.pcolormesh(edges, edges, shading, cmap="YlGnBu", norm=norm)
    axes.set_aspect("equal")
    if upside_down:
        axes.invert_yaxis()
    axes.set_xlabel(f"{labels[0]}, share of the image")
    axes.set_ylabel(f"{labels[1]}, share of the image")
    figure.colorbar(mesh, ax=axes, label="boxes", shrink=0.8)
    figure.savefig(file)
