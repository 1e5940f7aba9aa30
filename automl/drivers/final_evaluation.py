"""The last figures: what the defaults and the winner score on images that the search never saw."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from automl.costs.budget import Ledger, limits_of
from automl.drivers.session import Session
from automl.errors import AutoMLError
from automl.figures import format_cost
from automl.files import folders
from automl.records import EvaluationRow, Purpose, SplitMetrics, StudySpec, Trial, TrialRow, TrialState
from automl.scores import leaderboard, resample
from automl.store import read
from automl.trainers import detections

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from automl.store.write import Recorder

SPLIT = "test"  # where the study's data.yaml has the images, whatever they are called
BEYOND = 0.1  # share of a budget that the measurement may cost beyond it
BEYOND_S = 60.0  # and at least so many seconds
_NOTHING = SplitMetrics(images=0, map50_95=math.nan, map50=math.nan, precision=math.nan, recall=math.nan)


def chosen(rows: Sequence[TrialRow]) -> list[TrialRow]:
    """The baseline and the trial to take home where that is another one, whole trainings only, where the defaults have
    learnt anything: of the rest a figure says nothing. And the production training, whole or not: its weights are
    what is used."""
    baseline, winner = leaderboard.baseline_of(rows), leaderboard.winner(rows)
    production = leaderboard.production_of(rows)
    whole = [baseline, winner if winner is not None and winner.number else None]
    found = [row for row in whole if row is not None and row.state is TrialState.COMPLETED]
    if baseline is None or leaderboard.nothing_learnt(baseline):
        found = []
    learnt = production is not None and not leaderboard.nothing_learnt(production)
    return [*found, production] if production is not None and learnt else found


def measure(engine: Engine, session: Session, recorder: Recorder, at: Callable[[], float]) -> bool:
    """Measures what `chosen` names, each once in a study's life; False when the user interrupted it.

    at  wall seconds of the study until now

    What it costs is charged as confirmation, beyond the budget where that is spent, but not by more than
    BEYOND of it or BEYOND_S: then it is left out and the log says so. A measurement that fails is kept as
    NaN: it has cost time too.
    """
    spec = session.search.spec
    if not spec.unseen:
        return True
    recorder.close()
    rows = chosen(read.trials(engine, spec.name))
    known = {each.trial for each in read.evaluations(engine, spec.name) if each.split == spec.unseen}
    waiting = [row for row in rows if row.number not in known]
    problem = too_dear(spec, session.search.ledger, len(waiting), at())
    if problem is not None:
        session.note(f"Nothing was measured on {spec.unseen}: {problem}", at())
        return True
    try:
        for row in waiting:
            recorder.evaluated(_measured(session, row, at))
            recorder.close()
    except KeyboardInterrupt:
        return False
    return True


def _measured(session: Session, row: TrialRow, at: Callable[[], float]) -> EvaluationRow:
    from automl.drivers import ray_tune

    spec, began = session.search.spec, at()
    session.note(f"Measuring trial {row.number} on {spec.unseen} ...", began, row.number)
    trial = as_trained(row)
    job = session.job(trial, "0" if spec.slots.device == "gpu" else "cpu")
    alone = row.number == 0 or row.purpose is Purpose.PRODUCTION  # the defaults had fewer epochs than a production
    defaults = None if alone else folders.trial(spec.directory, 0)
    found, doubt = _NOTHING, dict[str, float]()
    try:
        found = ray_tune.evaluate(spec, trial, job, SPLIT, lambda: session.beat(at()))
        doubt = noise(Path(job.directory), spec.seed, defaults)
    except AutoMLError as error:
        session.note(f"Trial {row.number} could not be measured on {spec.unseen}: {error}", at(), row.number)
    slot_s = at() - began
    session.search.ledger.charge(None, slot_s)
    session.beat(at())
    return EvaluationRow(
        trial=row.number,
        split=spec.unseen,
        images=found.images,
        map50_95=found.map50_95,
        map50=found.map50,
        precision=found.precision,
        recall=found.recall,
        slot_s=slot_s,
        at=time.time(),
        **doubt,
    )


def noise(trial: Path, seed: int, defaults: Path | None = None) -> dict[str, float]:
    """What the noise of the images leaves of a figure, as fields of an EvaluationRow: those that can be told.

    trial, defaults  folders of the trial and of trial 0, with their detections; None for trial 0 itself

    A driver may have ended between the two measurements: both are read from their files.
    """
    found = detections.load(detections.file_of(trial, SPLIT))
    if found is None:
        return {}
    own = resample.spread(found, seed)
    known = {"low": own.low, "high": own.high}
    base = detections.load(detections.file_of(defaults, SPLIT)) if defaults is not None else None
    if base is None or not found.same_images(base):
        return known
    above = resample.gain(found, base, seed)
    return known | {"gain": above.value, "gain_low": above.low, "gain_high": above.high, "chance": above.chance}


def as_trained(row: TrialRow) -> Trial:
    """The trial as it was trained, with the limit of detections that its own splits had raised."""
    trial = Trial(
        number=row.number,
        params=row.params,
        epochs=row.epochs,
        seed=row.seed,
        purpose=row.purpose,
        origin=row.origin,
        attempt=row.attempt,
        done_epochs=row.done_epochs,
    )
    limit = (row.applied or {}).get("max_det")
    return trial if limit is None else replace(trial, params={**row.params, "max_det": limit})


def too_dear(spec: StudySpec, ledger: Ledger, count: int, at: float) -> str | None:
    """Why the budget forbids so many measurements, in words; None where it does not.

    at  wall seconds of the study
    """
    cost_s = count * spec.unseen_s
    for budget in limits_of(spec):
        limit = budget.limit_s
        if limit is None:
            continue
        beyond_s = cost_s + (ledger.spent_s(at) if budget.slot_s is not None else at) - limit
        if beyond_s > max(BEYOND * limit, BEYOND_S):
            return (
                f"it would cost about {format_cost(cost_s, spec.slots.device)}, and {budget.text} would be "
                f"exceeded by {beyond_s / limit:.0%}."
            )
    return None
