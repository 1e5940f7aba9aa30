"""The console of a command, and plain tables of text."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

PIPED = 120  # columns of what is printed into a file or a pipe


def open_console(*, stderr: bool = False) -> Console:
    """Console of standard output or of standard error."""
    console = Console(stderr=stderr)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED  # a file or a pipe has no width: no figure is cut off
    return console


def print_table(
    content: tuple[Sequence[str], Sequence[Sequence[str]]], captions: Sequence[str], least_width: int = 0
) -> None:
    """Print a table of head and rows, then its captions.

    least_width  columns of the terminal that the table may use even where it is narrower
    """
    head, rows = content
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in head:
        table.add_column(name, justify="right" if name else "left")
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False)
    console.width = max(console.width, least_width)
    console.print(table)
    for line in captions:
        console.print(line, markup=False, soft_wrap=True)
