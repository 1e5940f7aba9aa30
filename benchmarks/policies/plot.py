"""The figure of a contest: regret against budget, with a panel for each family."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.drawing import COLOURS, DASHES, new_figure, save
from benchmarks.policies.contest import Standing
from benchmarks.policies.figures import LEVEL, resample, table
from benchmarks.policies.race import GRID

BAND = f"bands: {LEVEL:.0%} interval of the mean, bootstrap"
SHADE = 0.08  # opacity of a band


def draw(standing: Standing, target: Path) -> None:
    """Draw the figure into a file. Raises AutoMLError without matplotlib or for a path that cannot be written."""
    families = [name for name in standing.contest.families if any(run.family == name for run in standing.results)]
    figure = new_figure(5.2 * max(1, len(families)), 4.2)
    from matplotlib.patches import Patch

    budget = np.arange(1, GRID + 1) / GRID * standing.contest.trainings
    for place, family in enumerate(families):
        panel = figure.add_subplot(1, len(families), place + 1)
        curves = {
            policy: table([run for run in standing.results if run.family == family and run.policy == policy])
            for policy in standing.contest.policies
        }
        means = resample(curves, 0)
        for number, (policy, curve) in enumerate(curves.items()):
            colour = COLOURS[number % len(COLOURS)]
            dash = DASHES[number % len(DASHES)]
            panel.plot(budget, curve.mean(axis=(0, 1)), color=colour, linestyle=dash, label=policy, linewidth=1.6)
            low, high = np.quantile(means[policy], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
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
    save(figure, target)
