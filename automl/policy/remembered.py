"""Rows of a search from its memory, for a report while the database does not answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from automl.policy.history import RESUMABLE
from automl.policy.runs import Run
from automl.policy.search import Search
from automl.records import Ending, StudyRow, StudyState, TrialRow, TrialState


def study_of(search: Search, stored: StudyRow, state: StudyState, ending: Ending, *, at: float) -> StudyRow:
    """The study's row at the end of a session.

    stored  its row at the session's begin
    at      wall seconds of the study
    """
    best, number = search.runs.best_epoch or (None, None)
    return StudyRow(
        **{
            **vars(stored),
            "state": state,
            "reason": ending.sentence,
            "slot_s": search.ledger.spent_s(),
            "wall_s": at,
            "trials": search.trials,
            "baseline_map50_95": search.runs.baseline,
            "best_map50_95": best,
            "best_trial": number,
        }
    )


def trials_of(search: Search, stored: Iterable[TrialRow]) -> list[TrialRow]:
    """The trials' rows by number. Of a trial of this session the mAP50 and the place are not known.

    stored  rows at the session's begin
    """
    known = {row.number: row for row in stored if row.state not in RESUMABLE}
    return [
        known[number] if number in known else _row(run, search.ledger.cost_s(number))
        for number, run in sorted(search.runs.items())
    ]


def _row(run: Run, slot_s: float) -> TrialRow:
    trial, outcome, scores = run.trial, run.outcome, run.scores
    return TrialRow(
        number=trial.number,
        state=TrialState.RUNNING if outcome is None else outcome.state,
        purpose=trial.purpose,
        origin=trial.origin,
        params=trial.params,
        applied=None,
        seed=trial.seed,
        epochs=trial.epochs,
        done_epochs=len(scores),
        attempt=trial.attempt,
        score=run.score,
        best_map50_95=run.best,
        best_map50=None,
        best_epoch=None if run.best is None else scores.index(run.best) + 1,
        last_map50_95=scores[-1] if scores else None,
        slot_s=slot_s,
        paid_s=run.trained_s,
        reason="" if outcome is None else outcome.reason,
        error=None if outcome is None else outcome.error,
        node=None,
        device=None,
        started_at=None,
        ended_at=None,
        repeats=trial.repeats,
    )
