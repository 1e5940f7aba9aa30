"""A plan on a terminal: operating points, shares of the budget, expectations and warnings."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from automl.costs.plan import Plan
from automl.costs.points import Point, short, shown
from automl.figures import clock, format_cost, span
from automl.records import ENOUGH_TRAININGS, Listener, Notice
from automl.scores.words import course_text
from automl.terminal.report import PLAIN

_COSTS = ("epoch", "val", "training", "paid", "longest", "batch", "memory", "image", "params", "GFLOPs")
_HEADINGS = ("model@size", "role", *_COSTS)
_LEGEND = (
    "epoch, val, training: time of one GPU, or of one trial on the CPU; paid: trainings that the budget would pay; "
    f"longest: most epochs with {ENOUGH_TRAININGS} of them; image: latency; ~: estimated from the baseline"
)
_WIDE = 118  # columns of a terminal that shows all of them
_ORDER = ("probe", "baseline", "points", "search", "confirmation", "production")


def print_plan(console: Console, plan: Plan) -> None:
    """Print the whole plan, as `automl search --dry-run` shows it."""
    table = Table(title="Plan: the defaults at each operating point", title_justify="left", title_style="bold", **PLAIN)
    headings = _HEADINGS if console.width >= _WIDE else _HEADINGS[:-3]
    for heading in headings:
        table.add_column(heading, justify="left" if heading in _HEADINGS[:2] else "right", no_wrap=True)
    for point in plan.points:
        cells = _cells(point, plan.device)[: len(headings)]
        table.add_row(*cells, style="dim" if point.role == "left out" else "")
    console.print(table)
    console.print(_LEGEND, style="dim", highlight=False, soft_wrap=not console.is_terminal)
    for line in _sentences(plan):
        console.print(line, highlight=False, markup=False, soft_wrap=not console.is_terminal)


def brief(plan: Plan) -> list[str]:
    """The few lines of the plan with which every search begins."""
    lines = []
    points = (plan.baseline, *plan.compared)
    for point in points if len(points) > 1 else ():
        cost = format_cost(point.training_s, plan.device)
        lines.append(f"{point.role} {shown(point.name)}: {cost} a training, batch {point.batch}")
    return [*lines, *plan.notes, *plan.warnings, *_ending(plan)]


def whole_percents(parts: Sequence[float], total: float) -> list[int]:
    """Each part of the total in whole percents, which sum to the rounded percentage of all parts together.

    The largest remainders are rounded up (Hamilton's method), so that parts of one whole never sum to 101.
    """
    exact = [100 * part / total for part in parts]
    whole = [math.floor(percent) for percent in exact]
    missing = round(sum(exact)) - sum(whole)
    by_remainder = sorted(range(len(exact)), key=lambda place: whole[place] - exact[place])
    for place in by_remainder[:missing]:
        whole[place] += 1
    return whole


def without_plan(listener: Listener) -> Listener:
    """The listener without the plan in brief, for a command that prints the whole plan."""

    def listen(notice: Notice) -> None:
        if notice.kind != "plan":
            listener(notice)

    return listen


def _cells(point: Point, device: str) -> list[str]:
    name = escape(short(point.name))
    if not point.epoch_s:
        return [name, point.role, *["–"] * len(_COSTS)]
    about, unknown = "~" if point.estimated else "", point.estimated
    return [
        name,
        point.role,
        f"{about}{point.epoch_s:.2f} s",
        f"{about}{point.val_s:.2f} s",
        f"{about}{format_cost(point.training_s, device)}",
        f"{point.trainings:.0f} x" if math.isfinite(point.trainings) else "–",
        str(point.longest or "–"),
        "–" if point.batch is None or unknown else str(point.batch),
        "–" if unknown else f"{point.memory_bytes / 1e9:.1f} GB",
        f"{1000 * point.latency_s:.1f} ms" if point.latency_s and not unknown else "–",
        f"{point.parameters / 1e6:.1f} M",
        f"{point.gflops:.1f}" if point.gflops else "–",
    ]


def _sentences(plan: Plan) -> list[str]:
    device, shares = plan.device, plan.shares
    total_s = plan.budget_s or sum(shares.values())
    purposes = [purpose for purpose in _ORDER if shares.get(purpose)]
    percents = whole_percents([shares[purpose] for purpose in purposes], total_s)
    parts = [
        f"{format_cost(shares[purpose], device)} {purpose} ({percent}%)"
        for purpose, percent in zip(purposes, percents, strict=True)
    ]
    course = (
        f"{course_text(plan.epochs, plan.rungs)}; about {plan.trials} trials, of those after the defaults "
        f"{_reached(plan.reach)}"
    )
    return [
        f"Plan: {course if plan.trials > 1 else f'the defaults for {plan.epochs} epochs'}.",
        f"Budget {' / '.join(plan.budgets)}: {', '.join(parts)}.",
        f"Disk: {plan.disk_bytes / 1e9:.1f} GB.",
        *plan.notes,
        *plan.warnings,
        *_ending(plan),
    ]


def _ending(plan: Plan) -> list[str]:
    """The plan in at most three sentences that need no other."""
    alone = f"Every recipe trains for up to {plan.epochs} epochs, and the best is compared with the defaults."
    tried = f"About {plan.trials} recipes are tried, the defaults first; weak ones are stopped early."
    ends = clock(time.time() + plan.wall_s)
    return [
        plan.answer or alone,
        *([tried] if plan.trials > 1 else []),
        f"It takes about {span(plan.wall_s)} {_places(plan)}, ends {ends}.",
    ]


def _places(plan: Plan) -> str:
    """Where trials run: 'on 4 GPUs', 'with 2 trials at a time on the CPU'."""
    if plan.device == "gpu":
        return f"on {plan.slots} {'GPU' if plan.slots == 1 else 'GPUs'}"
    return f"with {'one trial' if plan.slots == 1 else f'{plan.slots} trials'} at a time on the CPU"


def _reached(reach: Sequence[tuple[int, float]]) -> str:
    """Numbers of trials that reach each rung; each of them counts at the lower rungs too."""
    (level, trials), *further = reach
    parts = [f"{trials:.0f} reach epoch {level}"]
    parts += [f"{trials:.0f} of these epoch {level}" for level, trials in further]
    return ", ".join(parts)
