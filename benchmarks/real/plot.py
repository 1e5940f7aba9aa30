"""The figure of the benchmark on real trainings: best score so far against seconds used, and the winners' scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.drawing import COLOURS, DASHES, new_figure, save
from benchmarks.real.figures import TITLES, Finding, Retraining


def draw(
    findings: Mapping[str, Finding],
    retrainings: Mapping[str, Sequence[Retraining]],
    *,
    budget_s: float,
    unit: str,
    target: Path,
) -> None:
    """Draw the figure into a file. Raises AutoMLError without matplotlib or for a path that cannot be written."""
    figure = new_figure(7.2, 4.4)
    panel = figure.add_subplot()
    for number, (name, finding) in enumerate(findings.items()):
        if not finding.curve:
            continue
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        used, best = [seconds for seconds, _ in finding.curve], [score for _, score in finding.curve]
        end = max(finding.used_s, used[-1])
        panel.step(
            [*used, end],
            [*best, best[-1]],
            where="post",
            color=colour,
            linestyle=dash,
            label=TITLES[name],
            linewidth=1.6,
        )
        for training in retrainings[name]:
            panel.plot(end, training.test, marker="o", markersize=6, color=colour, markeredgecolor="white")
    panel.plot([], [], "o", color="#888888", label="on images never seen, new seeds")
    panel.axvline(budget_s, color="#BBBBBB", linewidth=1)
    panel.set_xlabel(f"{unit.upper()} seconds used")
    panel.set_ylabel("mAP50-95: best on val so far")
    panel.set_xlim(0, budget_s * 1.06)
    panel.grid(alpha=0.25)
    panel.legend(frameon=False, fontsize=8, loc="lower right")
    save(figure, target)
