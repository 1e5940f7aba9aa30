"""Overviews of studies, with the records that extend them, from trials in memory."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rich.console import Console

from automl.records import StudyRow, StudyState, TrialPoint, TrialRow
from automl.reports.overview import Overview, overview_of
from automl.reports.report import StudyReport, StudyStatus
from automl.reports.watch import StudyProgress
from automl.scores import leaderboard
from automl.scores.answer import answer_of
from automl.scores.ending import LOOK_BACK
from tests.builders.factories import make_point, make_row, make_spec, make_study


def make_overview(*rows: TrialRow, study: StudyRow | None = None, **changes: Any) -> Overview:
    """The overview of a study with these trials, whose process does not run."""
    overview = overview_of(study or make_study(), alive=False, trials=rows, finalists=rows, running=(), evaluations=())
    return replace(overview, **changes)


def make_report(*rows: TrialRow, paid_share: float = 0.9, **changes: Any) -> StudyReport:
    """The report on a study with these trials, in this order; they cost 25 minutes in all."""
    cost = {"spent_s": {"probe": 60.0, "baseline": 720.0, "search": 720.0}}
    ranked = leaderboard.rank(rows)
    return StudyReport.extend(
        make_overview(*rows, **{**cost, **changes}),
        trials=rows,
        best=ranked[0] if ranked else None,
        paid_share=paid_share,
    )


def make_status(*rows: TrialRow, events: tuple[Any, ...] = (), **changes: Any) -> StudyStatus:
    """The status of a study with these trials."""
    return StudyStatus.extend(make_overview(*rows, **changes), events=events)


def make_points(count: int, *, ended: bool = True, spread: float = 0.01) -> tuple[TrialPoint, ...]:
    """Completed trials around .4, an end a second."""
    return tuple(
        make_point(number, 0.4 + spread * (number % 3), ended_at=float(number) if ended else None)
        for number in range(count)
    )


def make_latest(spread: float = 0.01, count: int = LOOK_BACK) -> tuple[tuple[float, float], ...]:
    """Scores around .4 and slot-seconds of the trials that ended last."""
    return tuple((0.4 + spread * (number % 3), 720.0) for number in range(count))


def make_progress(count: int = 10, *, alive: bool = True, share: float = 0.5, **changes: Any) -> StudyProgress:
    """A study whose trial 2 is .02 above the defaults, seen when a share of its budget is spent."""
    state = changes.pop("state", StudyState.RUNNING)
    cost_s = 720.0 * count
    study = make_study(spec=make_spec(), state=state, slot_s=cost_s, wall_s=cost_s, reason="it is spent")
    rows = [changes.get("baseline", make_row(0, 0.4)), changes.get("winner", make_row(2, 0.42))]
    by_number = {row.number: row for row in rows if row is not None}
    verdict = changes.get("verdict", leaderboard.verdict(by_number.values()))
    fields: dict[str, Any] = {
        "study": study,
        "answer": answer_of(by_number.values(), (), changes.get("study", study).spec, verdict),
        "alive": alive,
        "points": make_points(count),
        "running": (),
        "baseline": make_row(0, 0.4),
        "winner": make_row(2, 0.42),
        "verdict": verdict,
        "production": None,
        "evaluations": (),
        "share_spent": share,
        "spent_s": {},
        "planned_s": {},
        "latest": make_latest(),
    }
    return StudyProgress(**{**fields, **changes})


def best_epoch_elsewhere(**changes: Any) -> StudyRow:
    """A study whose best single epoch is that of trial 9."""
    return make_study(best_map50_95=0.99, best_trial=9, **changes)


def text_of(draw: Callable[[Console], object], width: int = 200) -> str:
    """Text that is printed on a console of that width."""
    shown = io.StringIO()
    draw(Console(file=shown, width=width))
    return shown.getvalue()
