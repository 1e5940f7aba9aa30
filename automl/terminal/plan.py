"""A plan on a terminal: the points, the shares of the budget, what to expect and what to beware of."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from automl.costs.points import short, shown
from automl.figures import duration, format_cost
from automl.records import ENOUGH_TRAININGS, Listener, Notice
from automl.terminal.report import PLAIN

Document = Mapping[str, Any]
_COSTS = ("epoch", "val", "training", "paid", "longest", "batch", "memory", "image", "params", "GFLOPs")
_HEADINGS = ("point", "role", *_COSTS)
_LEGEND = (
    f"epoch, val, training: slot time; paid: trainings that the budget would pay there; longest: epochs of the longest "
    f"horizon with {ENOUGH_TRAININGS} of them; image: latency"
)
_WIDE = 118  # columns of a terminal that shows all of them
_ORDER = ("probe", "baseline", "points", "search", "confirmation", "production")


def print_plan(console: Console, plan: Document) -> None:
    """The whole plan, as `automl search --dry-run` shows it."""
    table = Table(title="Plan: the defaults at each point", title_justify="left", title_style="bold", **PLAIN)
    headings = _HEADINGS if console.width >= _WIDE else _HEADINGS[:-3]
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("point", "role") else "right", no_wrap=True)
    for point in plan["points"]:
        cells = _cells(point, plan["device"])[: len(headings)]
        table.add_row(*cells, style="dim" if point["role"] == "left out" else "")
    console.print(table)
    console.print(_LEGEND, style="dim", highlight=False, soft_wrap=not console.is_terminal)
    for line in (*_lines(plan), *plan["notes"], *plan["warnings"]):
        console.print(line, highlight=False, markup=False, soft_wrap=not console.is_terminal)


def brief(plan: Document) -> list[str]:
    """The plan in a few lines, as every search begins with."""
    points = [point for point in plan["points"] if point["role"] != "left out"]
    told = []
    for point in points if len(points) > 1 else ():
        cost = format_cost(point["training_s"], plan["device"])
        told.append(f"{point['role']} {shown(point['name'])}: {cost} a training, batch {point['batch']}")
    return [*told, *_lines(plan), *plan["notes"], *plan["warnings"]]


def _cells(point: Document, device: str) -> list[str]:
    name = escape(short(point["name"]))
    if not point["epoch_s"]:
        return [name, point["role"], *["–"] * len(_COSTS)]
    pays = point["trainings"]
    return [
        name,
        point["role"],
        f"{point['epoch_s']:.2f} s",
        f"{point['val_s']:.2f} s",
        format_cost(point["training_s"], device),
        "–" if pays is None or pays == float("inf") else f"{pays:.0f} x",
        str(point["longest"] or "–"),
        "–" if point["batch"] is None else str(point["batch"]),
        f"{point['memory_bytes'] / 1e9:.1f} GB",
        f"{1000 * point['latency_s']:.1f} ms" if point["latency_s"] else "–",
        f"{point['parameters'] / 1e6:.1f} M",
        f"{point['gflops']:.1f}" if point["gflops"] else "–",
    ]


def _lines(plan: Document) -> list[str]:
    device, shares = plan["device"], plan["shares"]
    total = plan["budget_s"] or sum(shares.values())
    named = [purpose for purpose in _ORDER if shares.get(purpose)]
    percents = whole_percents([shares[purpose] for purpose in named], total)
    told = [
        f"{format_cost(shares[purpose], device)} {purpose} ({percent}%)"
        for purpose, percent in zip(named, percents, strict=True)
    ]
    return [
        f"Plan: horizon {plan['epochs']} epochs, rungs at {', '.join(map(str, plan['rungs'])) or 'none'}; about "
        f"{plan['trials']} trials, of those after the defaults {_reached(plan['reach'])}.",
        f"Budget {' / '.join(plan['budgets'])}: {', '.join(told)}.",
        f"Expected end after {duration(plan['wall_s'])} on {plan['slots']} {device} slot"
        f"{'s' if plan['slots'] != 1 else ''}; disk {plan['disk_bytes'] / 1e9:.1f} GB.",
    ]


def _reached(reach: Sequence[Sequence[float]]) -> str:
    """How many trials reach each rung, each of which counts at the lower ones too."""
    (level, trials), *further = reach
    told = [f"{trials:.0f} reach epoch {level}"]
    told += [f"{trials:.0f} of these epoch {level}" for level, trials in further]
    return ", ".join(told)


def whole_percents(parts: Sequence[float], total: float) -> list[int]:
    """Each part of the total in whole percents, which sum to what all parts together round to.

    The largest remainders are rounded up (Hamilton's method), so that parts of one whole never sum to 101.
    """
    exact = [100 * part / total for part in parts]
    whole = [math.floor(percent) for percent in exact]
    missing = round(sum(exact)) - sum(whole)
    by_remainder = sorted(range(len(exact)), key=lambda place: whole[place] - exact[place])
    for place in by_remainder[:missing]:
        whole[place] += 1
    return whole


def without_plan(listener: Callable[[Notice], None]) -> Listener:
    """The listener without the plan in brief: the whole one follows."""

    def listen(notice: Notice) -> None:
        if notice.kind != "plan":
            listener(notice)

    return listen
