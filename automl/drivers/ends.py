"""End of a driver's session, and the state in which it leaves the study. Pure: every kind of driver ends alike."""

from __future__ import annotations

from automl.policy import Search
from automl.records import EndedBy, Ending, StudyState

INTERRUPTED = "interrupted by the user"
SEARCH_ENDS = (EndedBy.BUDGET, EndedBy.TARGET, EndedBy.EARLY, EndedBy.EXHAUSTED, EndedBy.CONFIRMED)


def ending_of(search: Search, *, interrupted: bool) -> Ending:
    """Cause of this session's end, with the sentence for the study's row."""
    if search.failure is not None:
        return Ending(EndedBy.FAILURE, search.failure)
    if search.pause_ending is not None:
        return search.pause_ending
    if interrupted or search.ending is None:
        return Ending(EndedBy.USER, INTERRUPTED)
    return search.ending


def state_after(search: Search, ending: Ending) -> StudyState:
    """The state in which such an end leaves the study."""
    if ending.by is EndedBy.FAILURE:
        return StudyState.FAILED if search.failures.final else StudyState.INTERRUPTED
    return StudyState.FINISHED if ending.by in SEARCH_ENDS else StudyState.INTERRUPTED
