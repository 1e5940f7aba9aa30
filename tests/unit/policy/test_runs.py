"""Memory of a search's trials: who would win now, the best epoch, a target."""

from __future__ import annotations

import pytest

from automl.policy.runs import Run, Runs
from automl.records import Outcome, Purpose, Trial, TrialState

COMPLETED = TrialState.COMPLETED


def add(
    runs: Runs, scores: list[float], state: TrialState = COMPLETED, *, of: int | None = None, epochs: int | None = None
) -> None:
    """The next trial: it ended with those scores.

    of      the trial that it repeats
    epochs  its horizon; as many as there are scores if left out
    """
    purpose = Purpose.SEARCH if of is None else Purpose.CONFIRMATION
    length = len(scores) if epochs is None else epochs
    trial = Trial(number=len(runs), params={}, epochs=length, seed=of or 0, purpose=purpose, repeats=of)
    run = runs[trial.number] = Run(trial)
    for score in scores:
        runs.add(run, score)
    run.outcome = Outcome(state=state)


def test_a_lucky_epoch_does_not_win() -> None:
    runs = Runs()
    for scores in ([0.3] * 6, [0.3, 0.6, 0.3, 0.3, 0.3, 0.3, 0.3], [0.4] * 6):
        add(runs, scores)
    assert runs.best_epoch == (0.6, 1)
    assert runs.winner == 2


def test_the_defaults_win_in_a_tie() -> None:
    runs = Runs()
    add(runs, [0.4] * 6)
    add(runs, [0.403] * 6)
    assert runs.winner == 0


@pytest.mark.parametrize(("repeated", "winner"), [(0.30, 0), (0.5, 1)])
def test_repeats_decide_who_wins(repeated: float, winner: int) -> None:
    runs = Runs()
    add(runs, [0.4] * 6)
    add(runs, [0.5] * 6)
    add(runs, [0.4] * 6, of=0)
    add(runs, [repeated] * 6, of=1)
    assert runs.winner == winner


def test_before_any_trial_is_completed_the_best_score_wins() -> None:
    runs = Runs()
    assert runs.winner is None
    add(runs, [0.1], TrialState.INTERRUPTED)
    add(runs, [0.2], TrialState.STOPPED)
    assert runs.winner == 1


def test_the_best_epoch_is_none_of_a_failed_trial_or_a_repeat() -> None:
    runs = Runs()
    assert runs.best_epoch is None
    add(runs, [0.3])
    add(runs, [0.9], of=0)
    add(runs, [0.8], TrialState.FAILED)
    assert runs.best_epoch == (0.3, 0)
    assert runs.epochs == 3


@pytest.mark.parametrize(
    ("curves", "sentence"),
    [
        (([0.499] * 12, [0.503] * 12), None),  # a tie with the defaults, which would be handed over
        (([0.3] * 12, [*[0.45] * 6, 0.51, *[0.45] * 5]), None),  # one lucky epoch
        (([0.3] * 12, [0.505] * 12), "trial 1 reached mAP50-95 0.505: the target 0.5 is met"),
        (([0.3] * 12, [0.505] * 11), None),  # not at its end
    ],
)
def test_a_target_is_met_by_the_current_winner(curves: tuple[list[float], ...], sentence: str | None) -> None:
    runs = Runs()
    for scores in curves:
        add(runs, scores, COMPLETED if len(scores) == 12 else TrialState.STOPPED, epochs=12)
    assert runs.target_met(0.5) == sentence
    assert runs.target_met(None) is None
