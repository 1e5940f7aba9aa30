"""Report and status of a stored study, and whether its process is alive."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.files import folders
from automl.records import EndedBy, EvaluationRow, EventRow, StudyRow, StudyState, TrialRow, TrialState
from automl.reports import glance, life
from automl.reports.frames import trials_frame
from automl.reports.glance import Glance
from automl.reports.overview import Overview, overview_of
from automl.scores import leaderboard
from automl.scores.halving import RungTrust, rung_trust
from automl.store import read
from automl.store.address import command
from automl.store.replay import waiting_rows

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Engine

LATEST = 1000  # trials that the trust in rungs is measured on
EVENTS = 10  # last lines of the log in a status
SILENT_S = 15.0  # without a heartbeat, after which the database may be behind


@dataclass(frozen=True, kw_only=True, repr=False)
class StudyReport(Glance):
    """A study with all its trials; the answer of `search`, `resume`, `confirm` and `show`."""

    trials: tuple[TrialRow, ...]  # best score first, then those without a score
    best: TrialRow | None  # best score, be it a tie with the defaults or without repeats
    paid_share: float  # share of the trials' slot-seconds that went into training and validation
    rungs: tuple[RungTrust, ...] = ()  # trust in each rung's order, by the latest trials
    interrupted: bool = False
    ended_by: EndedBy | None = None  # end of the session that this report is of; None for a study that was read

    def _repr_html_(self) -> str:
        return glance.html(self, glance.leaderboard_html(self, self.trials))

    def to_dataframe(self) -> pd.DataFrame:
        """A row for each trial in the order of the leaderboard, then those without a score.

        Columns have the names and units of a trial's fields. Parameters are columns with the prefix `params_`.
        Raises AutoMLError if pandas is missing.
        """
        return trials_frame(self.trials, self.baseline)


@dataclass(frozen=True, kw_only=True, repr=False)
class StudyStatus(Glance):
    """Present activity of a study; the answer of `status`."""

    events: tuple[EventRow, ...]

    def _repr_html_(self) -> str:
        return glance.html(self, glance.running_html(self.running), glance.log_html(self.events))


def report_of(engine: Engine, study: StudyRow, *, ended_by: EndedBy | None = None) -> StudyReport:
    """The study with all its trials, ranked."""
    return report_from(
        study,
        read.trials(engine, study.name),
        read.evaluations(engine, study.name),
        read.scores(engine, study.name, latest=LATEST),
        ended_by=ended_by,
        waiting=waiting_of(engine, study),
    )


def report_from(
    study: StudyRow,
    rows: Sequence[TrialRow],
    evaluations: Sequence[EvaluationRow],
    scores: Mapping[int, list[float]],
    *,
    ended_by: EndedBy | None = None,
    waiting: str = "",
) -> StudyReport:
    """The report of a study from its rows.

    scores   mAP50-95 of each epoch, by trial
    waiting  sentence on rows that the database has not got yet
    """
    ranked = leaderboard.rank(rows)
    with_score = {row.number for row in ranked}
    charged_s = sum(row.slot_s for row in rows)
    return StudyReport.extend(
        _overview(study, rows, evaluations, waiting),
        trials=(*ranked, *(row for row in rows if row.number not in with_score)),
        best=ranked[0] if ranked else None,
        paid_share=sum(row.paid_s for row in rows) / charged_s if charged_s else 0.0,
        interrupted=(study.state is StudyState.INTERRUPTED or bool(waiting)) and ended_by is not None,
        ended_by=ended_by,
        rungs=rung_trust(scores, study.spec.rungs, study.spec.epochs),
    )


def status_of(engine: Engine, study: StudyRow) -> StudyStatus:
    """The study as it stands now."""
    rows, evaluations = read.trials(engine, study.name), read.evaluations(engine, study.name)
    overview = _overview(study, rows, evaluations, waiting_of(engine, study))
    return StudyStatus.extend(overview, events=tuple(read.events(engine, study.name, limit=EVENTS)))


def waiting_of(engine: Engine, study: StudyRow) -> str:
    """Sentence on rows that wait in the study's journal; empty without any, and for those of a running group."""
    silent = time.time() - study.heartbeat_at > SILENT_S
    rows = waiting_rows(engine, study) if silent or not is_alive(study) else 0
    if not rows:
        return ""
    text = f"{rows} rows of the study are not in the database yet and wait in {folders.journals(study.spec.directory)}."
    return text if is_alive(study) else f"{text} Store them with: {command('resume', study.name, None)}"


def _overview(
    study: StudyRow, rows: Sequence[TrialRow], evaluations: Sequence[EvaluationRow], waiting: str
) -> Overview:
    numbers = leaderboard.finalists(rows)
    return overview_of(
        study,
        alive=is_alive(study),
        trials=rows,
        finalists=[row for row in rows if row.number in numbers],
        running=[row for row in rows if row.state is TrialState.RUNNING],
        evaluations=evaluations,
        waiting=waiting,
    )


def is_alive(study: StudyRow) -> bool:
    """True while the study runs and its process shows signs of life."""
    return study.state is StudyState.RUNNING and not is_dead(study)


def is_dead(study: StudyRow) -> bool:
    """True once the study process has ended: by the process table on its machine, else by its silence."""
    return life.life_of(study) in (life.Life.GONE, life.Life.SILENT)
