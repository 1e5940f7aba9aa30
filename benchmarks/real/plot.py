"""The figure of `automl bench real`: best score so far against seconds used, and what the winners are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from automl.errors import AutoMLError
from benchmarks.policies.plot import COLOURS, DASHES
from benchmarks.real.figures import TITLES, Finding, Judged


def draw(
    findings: Mapping[str, Finding], judged: Mapping[str, Sequence[Judged]], *, budget_s: float, unit: str, target: Path
) -> None:
    """Writes a PNG (or what the suffix says). Raises AutoMLError without matplotlib or for an unwritable path."""
    try:
        import matplotlib
    except ImportError as error:
        raise AutoMLError("the figure needs matplotlib: pip install -e '.[bench]'") from error
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.4), dpi=120, layout="constrained")
    panel = figure.add_subplot()
    for number, (name, found) in enumerate(findings.items()):
        colour = COLOURS[number % len(COLOURS)]
        used, best = [seconds for seconds, _ in found.curve], [score for _, score in found.curve]
        if not found.curve:
            continue
        end = max(found.used_s, used[-1])
        panel.step(
            [*used, end], [*best, best[-1]], where="post", color=colour, linestyle=DASHES[number % len(DASHES)],
            label=TITLES[name], linewidth=1.6,
        )  # fmt: skip
        for each in judged[name]:
            panel.plot(end, each.test, marker="o", markersize=6, color=colour, markeredgecolor="white")
    panel.plot([], [], "o", color="#888888", label="on images never seen, new seeds")
    panel.axvline(budget_s, color="#BBBBBB", linewidth=1)
    panel.set_xlabel(f"{unit.upper()} seconds used")
    panel.set_ylabel("mAP50-95: best on val so far")
    panel.set_xlim(0, budget_s * 1.06)
    panel.grid(alpha=0.25)
    panel.legend(frameon=False, fontsize=8, loc="lower right")
    try:
        figure.savefig(target)
    except (OSError, ValueError) as error:
        raise AutoMLError(f"{target}: {error}") from error
