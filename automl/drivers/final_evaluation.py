"""Final evaluation of the defaults and the winner on images that the search never saw."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from automl.costs.budget import Ledger, limits_of
from automl.drivers import worker
from automl.drivers.ends import INTERRUPTED
from automl.drivers.session import Session
from automl.errors import AutoMLError, DataChanged, NoSpace
from automl.figures import format_cost, listed
from automl.files import folders
from automl.policy.prices import Prices
from automl.records import EndedBy, Ending, EvaluationRow, Purpose, SplitMetrics, StudySpec, Trial, TrialRow, TrialState
from automl.scores import leaderboard, resample
from automl.scores.answer import answer_of
from automl.store import read
from automl.trainers import detections

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from automl.store.write import Recorder

SPLIT = "test"  # where the study's data.yaml has the images, whatever they are called
_NOTHING = SplitMetrics(images=0, map50_95=math.nan, map50=math.nan, precision=math.nan, recall=math.nan)


def to_measure(rows: Sequence[TrialRow], spec: StudySpec) -> list[TrialRow]:
    """Trainings to measure: those of the answer, of the defaults first, and a production training beside them.

    The answer's only if the defaults have learnt anything, and of the search's only completed ones: other figures
    say nothing. A production training even if it was cut: its weights are those that are used.
    """
    answer = answer_of(rows, (), spec, leaderboard.verdict(rows))
    sides = [] if answer is None else [answer.defaults, *([answer.recipe] if answer.recipe is not None else [])]
    trained = [side.trained for side in sides]
    usable = [row for row in trained if row.purpose is Purpose.PRODUCTION or row.state is TrialState.COMPLETED]
    if answer is None or leaderboard.nothing_learnt(answer.defaults.trained):
        usable = []
    production = leaderboard.production_of(rows, None if answer is None else answer.handed_over.trial)
    if production is not None and production not in usable and not leaderboard.nothing_learnt(production):
        usable.append(production)
    return usable


def measure(engine: Engine, session: Session, recorder: Recorder, at: Callable[[], float]) -> Ending | None:
    """Measure the trials of `to_measure`, each once in a study's life; what interrupted it, else None.

    The cost is charged as confirmation. Where it would exceed a budget by more than an epoch of each slot, nothing is
    measured and the log says so; what the first measurements have cost counts for the rest. A failed measurement is
    kept as NaN: it has cost time too. A full disk, or data that have changed, interrupts the study: what is left is
    measured when it is resumed.

    Raises RowsWait if the database does not answer.

    at  wall seconds of the study until now
    """
    spec = session.search.spec
    if not spec.unseen:
        return None
    recorder.sync()
    rows = to_measure(read.trials(engine, spec.name), spec)
    base = rows[0] if rows else None
    known = {(row.split, row.trial) for row in read.evaluations(engine, spec.name)}
    splits = (spec.unseen, "test") if spec.reported else (spec.unseen,)
    waiting = [(split, row) for split in splits for row in rows if (split, row.number) not in known]
    search = session.search
    dearest_s = 0.0
    try:
        for done, (split, row) in enumerate(waiting):
            count = (len(waiting) - done) / len(splits)
            problem = too_dear(spec, search.ledger, search.prices, count, at(), dearest_s * len(splits))
            if problem is not None:
                what = f"Trial {row.number} was not" if done else "Nothing was"
                session.note(f"{what} measured on {split if done else listed(splits)}: {problem}", at())
                break
            evaluation = _measured(session, row, base, split, at)
            dearest_s = max(dearest_s, evaluation.slot_s)
            recorder.evaluated(evaluation)
            recorder.sync()
    except KeyboardInterrupt:
        return Ending(EndedBy.USER, INTERRUPTED)
    except (NoSpace, DataChanged) as error:
        by = worker.outside(error)
        session.note(str(error), at())
        return Ending(by or EndedBy.ERROR, str(error))
    return None


def _measured(
    session: Session, row: TrialRow, base: TrialRow | None, split: str, at: Callable[[], float]
) -> EvaluationRow:
    """Measure a training. `base`: that of the defaults, which counts where it is as long."""
    from automl.drivers import calls

    spec, began = session.search.spec, at()
    session.note(f"Measuring trial {row.number} on {split} ...", began, row.number)
    trial = as_trained(row)
    job = session.job(trial)
    if split != spec.unseen:
        job = replace(job, data=str(folders.reported_data(spec.directory)))
    alone = base is None or base.number == row.number or base.epochs != row.epochs
    defaults = None if base is None or alone else folders.trial(spec.directory, base.number)
    metrics, intervals = _NOTHING, dict[str, float]()
    try:
        metrics = calls.evaluate(spec, trial, job, SPLIT, lambda: session.beat(at()), _allowed_s(session, began))
        intervals = noise(Path(job.directory), spec.seed, defaults)
    except (NoSpace, DataChanged):
        session.search.ledger.charge(None, at() - began)
        raise
    except AutoMLError as error:
        session.note(f"Trial {row.number} could not be measured on {split}: {error}", at(), row.number)
    slot_s = at() - began
    session.search.ledger.charge(None, slot_s)
    session.beat(at())
    return EvaluationRow(
        trial=row.number,
        split=split,
        images=metrics.images,
        map50_95=metrics.map50_95,
        map50=metrics.map50,
        precision=metrics.precision,
        recall=metrics.recall,
        slot_s=slot_s,
        at=time.time(),
        **intervals,
    )


def _allowed_s(session: Session, at: float) -> float:
    """Seconds that a measurement may take: many times its price, but no budget is exceeded by more than an epoch."""
    search, patience = session.search, session.patience
    price_s = search.spec.unseen_s * max(1.0, search.prices.ratio)
    left_s = min(search.ledger.left_s(at), search.ledger.wall_left_s(at)) + search.prices.epoch_s()
    return min(patience.first_s(price_s, search.spec.probe_s), max(left_s, patience.last_s(price_s)))


def noise(trial: Path, seed: int, defaults: Path | None = None) -> dict[str, float]:
    """Intervals of a figure over the noise of the images, as those fields of an EvaluationRow that are known.

    trial, defaults  folders of the training and of the defaults', with their detections; None for the defaults'

    Both are read from files, since the study process may have ended between the two measurements.
    """
    winner = detections.load(detections.file_of(trial, SPLIT))
    if winner is None:
        return {}
    own = resample.spread(winner, seed)
    known = {"low": own.low, "high": own.high}
    base = detections.load(detections.file_of(defaults, SPLIT)) if defaults is not None else None
    if base is None or not winner.same_images(base):
        return known
    gain = resample.gain(winner, base, seed)
    return known | {"gain": gain.value, "gain_low": gain.low, "gain_high": gain.high, "chance": gain.chance}


def as_trained(row: TrialRow) -> Trial:
    """The trial as it was trained, with the limit of detections that its own splits had raised."""
    limit = (row.applied or {}).get("max_det")
    trial = row.trial()
    return trial if limit is None else replace(trial, params={**row.params, "max_det": limit})


def too_dear(
    spec: StudySpec, ledger: Ledger, prices: Prices, count: float, at: float, dearest_s: float = 0.0
) -> str | None:
    """Reason of the budget against so many measurements, at today's prices; None if it pays them.

    at         wall seconds of the study
    dearest_s  seconds of the dearest one until now
    """
    cost_s = count * max(spec.unseen_s * max(1.0, prices.ratio), dearest_s)
    for budget in limits_of(spec):
        limit = budget.limit_s
        if limit is None:
            continue
        beyond_s = cost_s + (ledger.spent_s(at) if budget.slot_s is not None else at) - limit
        epochs = spec.slots.count if budget.slot_s is not None else 1
        if beyond_s > epochs * prices.epoch_s():
            return (
                f"it would cost about {format_cost(cost_s, spec.slots.device)}, and {budget.text} would be "
                f"exceeded by {beyond_s / limit:.0%}."
            )
    return None
