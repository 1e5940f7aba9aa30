"""A plan on a terminal: operating points, shares of the budget, expectations and warnings."""

from __future__ import annotations

import time

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from automl.costs.plan import Plan
from automl.costs.points import HEADINGS, LEGEND, cells
from automl.records import Listener, Notice
from automl.terminal.report import PLAIN

_WIDE = 118  # columns of a terminal that shows all of them


def print_plan(console: Console, plan: Plan) -> None:
    """Print the whole plan, as `automl search --dry-run` shows it."""
    table = Table(title="Plan: the defaults at each operating point", title_justify="left", title_style="bold", **PLAIN)
    headings = HEADINGS if console.width >= _WIDE else HEADINGS[:-3]
    for heading in headings:
        table.add_column(heading, justify="left" if heading in HEADINGS[:2] else "right", no_wrap=True)
    for point in plan.points:
        row = map(escape, cells(point, plan.device)[: len(headings)])
        table.add_row(*row, style="dim" if point.role == "left out" else "")
    console.print(table)
    console.print(LEGEND, style="dim", highlight=False, soft_wrap=not console.is_terminal)
    for line in plan.sentences(time.time()):
        console.print(line, highlight=False, markup=False, soft_wrap=not console.is_terminal)


def brief(plan: Plan) -> list[str]:
    """The few lines of the plan with which every search begins."""
    return plan.brief(time.time())


def without_plan(listener: Listener) -> Listener:
    """The listener without the plan in brief, for a command that prints the whole plan."""

    def listen(notice: Notice) -> None:
        if notice.kind != "plan":
            listener(notice)

    return listen
