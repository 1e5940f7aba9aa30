"""End of a session, and the state in which it leaves the study."""

from __future__ import annotations

import pytest

from automl.drivers.ends import INTERRUPTED, ending_of, state_after
from automl.records import EndedBy, Ending, Outcome, StudyState, TrialState
from tests.builders.factories import make_search, make_spec


@pytest.mark.parametrize(
    ("by", "state"),
    [
        (EndedBy.BUDGET, StudyState.FINISHED),
        (EndedBy.TARGET, StudyState.FINISHED),
        (EndedBy.USER, StudyState.INTERRUPTED),
        (EndedBy.STOP, StudyState.INTERRUPTED),
        (EndedBy.DISK, StudyState.INTERRUPTED),
        (EndedBy.ERROR, StudyState.INTERRUPTED),
        (EndedBy.FAILURE, StudyState.INTERRUPTED),
    ],
)
def test_only_a_search_that_came_to_its_end_is_finished(by: EndedBy, state: StudyState) -> None:
    assert state_after(make_search(make_spec()), Ending(by, "")) is state


def test_a_baseline_that_failed_ends_the_study_for_good() -> None:
    search = make_search(make_spec())
    search.next_trial(0.0)
    search.close(0, Outcome(state=TrialState.FAILED, reason="broken"), 1.0)
    ending = ending_of(search, interrupted=True)
    assert ending == Ending(EndedBy.FAILURE, "the baseline training failed: broken")
    assert state_after(search, ending) is StudyState.FAILED


def test_a_pause_tells_more_than_the_interrupt_that_ended_it() -> None:
    search = make_search(make_spec())
    assert ending_of(search, interrupted=True) == Ending(EndedBy.USER, INTERRUPTED)
    search.pause(Ending(EndedBy.DISK, "full"))
    assert ending_of(search, interrupted=True) == Ending(EndedBy.DISK, "full")
