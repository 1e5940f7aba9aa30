"""The figure of a contest: regret against budget, one panel for each family."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from automl.errors import AutoMLError
from benchmarks.policies.contest import Standing
from benchmarks.policies.figures import LEVEL, resample, table
from benchmarks.policies.race import GRID

# Okabe and Ito's palette, told apart by colour-blind readers; dashes repeat the distinction.
COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999")
DASHES = ("-", "--", "-.", ":")
BAND = f"bands: {LEVEL:.0%} interval of the mean, bootstrap"
SHADE = 0.08  # opacity of a band


def draw(standing: Standing, target: Path) -> None:
    """Writes a PNG (or what the suffix says). Raises AutoMLError without matplotlib or for an unwritable path."""
    try:
        import matplotlib
    except ImportError as error:
        raise AutoMLError("--figure needs matplotlib: pip install -e '.[bench]'") from error
    matplotlib.use("Agg")
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    families = [name for name in standing.contest.families if any(r.family == name for r in standing.results)]
    figure = Figure(figsize=(5.2 * max(1, len(families)), 4.2), dpi=120, layout="constrained")
    budget = np.arange(1, GRID + 1) / GRID * standing.contest.trainings
    for place, family in enumerate(families):
        panel = figure.add_subplot(1, len(families), place + 1)
        curves = {
            policy: table([r for r in standing.results if r.family == family and r.policy == policy])
            for policy in standing.contest.policies
        }
        drawn = resample(curves, 0)
        for number, (policy, curve) in enumerate(curves.items()):
            colour = COLOURS[number % len(COLOURS)]
            line = DASHES[number % len(DASHES)]
            panel.plot(budget, curve.mean(axis=(0, 1)), color=colour, linestyle=line, label=policy, linewidth=1.6)
            low, high = np.quantile(drawn[policy], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
            panel.fill_between(budget, low, high, color=colour, alpha=SHADE, linewidth=0)
        tasks, seeds, _ = next(iter(curves.values())).shape
        panel.set_title(f"{family}: {tasks} tasks × {seeds} seeds, {standing.contest.slots} slots")
        panel.set_xlabel("budget spent (median full trainings)")
        panel.set_ylabel("mean regret (0 best known, 1 median random)")
        panel.set_xlim(0, standing.contest.trainings)
        panel.set_ylim(0, 1.05)
        panel.grid(alpha=0.25)
        handles, _ = panel.get_legend_handles_labels()
        panel.legend(handles=[*handles, Patch(color="#000000", alpha=2 * SHADE, label=BAND)], frameon=False, fontsize=8)
    try:
        figure.savefig(target)
    except (OSError, ValueError) as error:
        raise AutoMLError(f"--figure {target}: {error}") from error
