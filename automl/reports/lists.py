"""Lists that Python's functions return: lists of records that show themselves as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from automl import markup
from automl.figures import format_cost, moment, score
from automl.records import EpochRow, StudyRow
from automl.reports.frames import epochs_frame
from automl.reports.glance import state_of
from automl.reports.overview import Overview

if TYPE_CHECKING:
    import pandas as pd

MOST = 20  # records that are shown
FIGURES = ("mAP50-95", "gain", "defaults")  # columns of figures
HEADINGS = ("study", "state", "trials", "winner", *FIGURES, "spent", "begun")
_OF_ROWS = ("study", "state", "trials", "best epoch", "defaults", "spent", "begun")
Record = TypeVar("Record")


def cells(overview: Overview) -> list[str]:
    """Row of a table of studies, by HEADINGS: the winner and its figure, against the defaults'."""
    row, winner = overview.study, overview.winner
    seeds = overview.seeds(winner) if winner is not None else 0
    figure = score(overview.figure(winner))
    return [
        row.name,
        state_of(overview),
        str(row.trials),
        "" if winner is None else f"trial {winner.number}" if winner.number else "defaults",
        f"{figure} ({seeds} seeds)" if seeds > 1 else figure,
        "" if overview.gain is None else f"{overview.gain:+.3f}",
        score(overview.figure(overview.baseline)),
        format_cost(row.slot_s, row.spec.slots.device),
        moment(row.created_at),
    ]


class _Shown(list[Record]):
    """A list whose `repr` stays short."""

    def __repr__(self) -> str:
        lines = [repr(record).partition("\n")[0] for record in self[:MOST]]
        more = [f"... and {len(self) - MOST} more"] if len(self) > MOST else []
        return "[" + ",\n ".join([*lines, *more]) + "]"


class Studies(_Shown[StudyRow]):
    """Studies, newest first; the answer of `studies`."""

    def _repr_html_(self) -> str:
        rows = [
            [
                row.name,
                row.state.value,
                str(row.trials),
                score(row.best_map50_95),
                score(row.baseline_map50_95),
                format_cost(row.slot_s, row.spec.slots.device),
                moment(row.created_at),
            ]
            for row in self[:MOST]
        ]
        return _table(len(self), "studies", _OF_ROWS, rows)


class Overviews(_Shown[Overview]):
    """Studies at a glance, newest first; the answer of `overviews`."""

    def _repr_html_(self) -> str:
        return _table(len(self), "studies", HEADINGS, [cells(overview) for overview in self[:MOST]])


class Curves(_Shown[EpochRow]):
    """Epochs of a study in the order of reporting; the answer of `curves`."""

    def __repr__(self) -> str:
        trials = len({epoch.trial for epoch in self})
        return f"<Curves: {len(self)} epochs of {trials} trial{'' if trials == 1 else 's'}>"

    def to_dataframe(self) -> pd.DataFrame:
        """A row for each epoch, in the order of reporting, with its losses. Raises AutoMLError without pandas."""
        return epochs_frame(self)


def _table(count: int, noun: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    words = ("study", "state", "winner", "spent", "begun")
    more = f"... and {count - len(rows)} more" if count > len(rows) else ""
    title = f"{count} {noun}" if count != 1 else "1 study"
    return markup.block(title, markup.table(headings, rows, left=words), markup.paragraph(more))
