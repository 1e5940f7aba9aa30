"""Workers that are gone in the middle of a trial, counted in a row. Pure."""

from __future__ import annotations

from enum import StrEnum

from automl.policy.runs import Run
from automl.records import Outcome, TrialState


class Loss(StrEnum):
    """Kind of a loss, in words."""

    DIED = "its worker process died (killed, or out of memory)"
    LATE = "its worker hung"


MOST = {Loss.DIED: 3, Loss.LATE: 2}  # so many in a row, without a new epoch between them, end a trial


def ending(run: Run, loss: Loss, reason: str) -> Outcome:
    """Outcome of a trial with another loss: interrupted if it goes on in another worker, else failed.

    The defaults are interrupted even then: the study ends with them, and goes on with them once it is resumed.
    """
    run.lost += 1
    if run.lost < MOST[loss]:
        return Outcome(state=TrialState.INTERRUPTED, reason=reason)
    epoch = f"epoch {len(run.scores) + 1}"
    reason = f"{reason}; {run.lost} workers in a row were lost in {epoch}"
    run.given_up = True
    state = TrialState.INTERRUPTED if run.trial.number == 0 else TrialState.FAILED
    return Outcome(state=state, reason=reason)
