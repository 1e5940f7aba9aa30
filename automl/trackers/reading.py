"""Reading of a study for an export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from automl.errors import AutoMLError
from automl.recipes import no_recipe_text, recipe_text, subject_of
from automl.records import Listener, model_of, weights_for
from automl.reports import report
from automl.reports.card import lines_of_recipe
from automl.reports.report import StudyReport
from automl.store import read
from automl.trackers.contents import Contents

if TYPE_CHECKING:
    from sqlalchemy import Engine


def contents_of(
    engine: Engine, study: str, *, recipe: bool = False, listener: Listener = lambda notice: None
) -> Contents:
    """The contents of a study as they are now.

    recipe    with the winner's recipe
    listener  of the progress, a notice for each hundred trials

    Raises UnknownName for a study that does not exist.
    """
    overview = report.report_of(engine, read.study(engine, study))
    text, notes = _recipe(engine, overview) if recipe else ("", ())
    return Contents(
        engine=engine,
        study=overview.study,
        trials=tuple(sorted(overview.trials, key=lambda trial: trial.number)),
        evaluations=overview.evaluations,
        winner=None if overview.winner is None else overview.winner.number,
        answer=lines_of_recipe(overview),
        recipe=text,
        notes=notes,
        listener=listener,
    )


def _recipe(engine: Engine, overview: StudyReport) -> tuple[str, tuple[str, ...]]:
    """Text of the winner's recipe, else empty and a note that says why. Initial weights are named where they lie."""
    spec, row = overview.study.spec, overview.winner
    if row is None:
        return "", ()
    if spec.trainer != "ultralytics":
        return "", (f"no hyp.yaml is written: {no_recipe_text(spec.trainer)}",)
    subject = subject_of(engine, overview, row, answer=lines_of_recipe(overview))
    weights = weights_for(spec, model_of(spec, subject.trial.params))
    initial = None if weights is None else Path(weights.path)
    try:
        return recipe_text(subject, Path("hyp.yaml"), "ultralytics", initial), ()
    except AutoMLError as error:
        return "", (f"no hyp.yaml is written: {error}",)
