"""Compile the confirmation of a finished study: what it will train at most, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from automl.costs.budget import Ledger, limits_of, parse_all
from automl.errors import AutoMLError, StudyConflict
from automl.figures import format_cost
from automl.policy import Search
from automl.policy.confirming import Prospect
from automl.records import Confirming, StudyRow, StudySpec, StudyState
from automl.sampler import open_sampler
from automl.scores.words import chance_text, trial_name
from automl.space import SearchSpace
from automl.store import read
from automl.store.address import command

if TYPE_CHECKING:
    from sqlalchemy import Engine

SEEDS = 2  # further ones of each side unless the user names a number


def check_finished(row: StudyRow, db: str | None) -> None:
    """Raise StudyConflict unless the study has finished."""
    if row.state is StudyState.FAILED:
        raise StudyConflict(f"study '{row.name}' has failed ({row.reason}), so there is no answer to confirm.")
    if row.state is not StudyState.FINISHED:
        raise StudyConflict(
            f"study '{row.name}' has not finished: it is {row.state.value}. Let it end before you confirm it; where "
            f"its process has stopped, go on with: {command('resume', row.name, db)}"
        )


def confirming(engine: Engine, row: StudyRow, seeds: int, budgets: Sequence[str]) -> tuple[StudySpec, str]:
    """The study's spec with further seeds, and a sentence on what they cost.

    seeds    most further ones of each side
    budgets  for them alone; empty: no limit but the seeds

    Raises AutoMLError for input that cannot be used, StudyConflict where nothing is to be confirmed.
    """
    if seeds < 1:
        raise AutoMLError(f"--seeds {seeds}: write how many further seeds each side gets at most, 1 or more.")
    limits = parse_all(budgets, row.spec.slots.device) if budgets else ()
    trials, evaluations = read.trials(engine, row.name), read.evaluations(engine, row.name)
    besides_s = row.spec.probe_s + sum(evaluation.slot_s for evaluation in evaluations)
    earlier = row.spec.confirming
    record = Confirming(
        seeds=seeds,
        budgets=tuple(limit.text for limit in limits),
        trials=len(trials),
        slot_s=besides_s + sum(trial.slot_s for trial in trials),
        wall_s=row.wall_s,
        reason=row.reason if earlier is None else earlier.reason,
    )
    spec = replace(row.spec, confirming=record)
    ledger = Ledger(limits_of(spec))
    ledger.charge(None, besides_s)
    sampler = open_sampler("random", SearchSpace.from_document(spec.space), spec.seed)  # it proposes nothing
    search = Search(replace(spec, sampler="random", warm=()), sampler, ledger)
    search.replay(trials, read.epochs(engine, row.name))
    prospect = search.confirmation.prospect()
    if prospect is None:
        raise StudyConflict(
            f"study '{row.name}' has nothing to confirm: no recipe that ran to its end scored above the defaults."
        )
    if search.confirmation.decided:
        raise StudyConflict(
            f"study '{row.name}' has nothing to confirm: {trial_name(prospect.trial)} beats the defaults with a chance "
            f"of {chance_text(prospect.chance or 0.0)}, which decides it."
        )
    cost = format_cost(prospect.cost_s / 2, spec.slots.device)
    if search.confirmation.next(row.wall_s) is None:
        raise AutoMLError(
            f"--budget {' --budget '.join(record.budgets)} pays no further training (about {cost} each). "
            "Raise it, or leave it out for what they cost."
        )
    return spec, _cost(spec, record, prospect, at_length=search.confirmation.at_length)


def _cost(spec: StudySpec, record: Confirming, prospect: Prospect, *, at_length: bool) -> str:
    length = "at production length" if at_length else "at the search's length"
    one = "another seed each" if record.seeds == 1 else f"up to {record.seeds} further seeds each"
    within = f", within {' and '.join(record.budgets)}" if record.budgets else ""
    return (
        f"{trial_name(prospect.trial).capitalize()} and {trial_name(0)} train again {length} (up to {prospect.epochs} "
        f"epochs), in turn, with {one} until it is decided: at most {2 * record.seeds} trainings, about "
        f"{format_cost(record.seeds * prospect.cost_s, spec.slots.device)}{within}"
    )
