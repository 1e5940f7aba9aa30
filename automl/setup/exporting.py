"""Recipes of a study as files: that of the winner or of a trial, and the defaults beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from automl.errors import StudyConflict
from automl.reports.card import lines_of_recipe
from automl.reports.report import StudyReport
from automl.store import read

if TYPE_CHECKING:
    from sqlalchemy import Engine


def export_recipe(
    engine: Engine, report: StudyReport, output: Path, *, trial: int | None, epochs: int | None, format: str
) -> Path:
    """Write the recipe of the winner, or of a trial; beside the winner's that of the defaults. The recipe's file."""
    from automl.recipes import check_place, defaults_beside, subject_of, write_recipe

    name = report.study.name
    row = report.winner if trial is None else read.trial(engine, name, trial)
    if row is None:
        raise StudyConflict(f"no trial of study '{name}' has a score yet. Wait for its first epoch.")
    subjects = [
        subject_of(engine, report, searched, epochs=epochs, answer=lines_of_recipe(report))
        for searched in (row, report.baseline if report.answer is None else report.answer.defaults.trial)
        if searched is not None
    ]
    file = write_recipe(subjects[0], check_place(output, format), format)
    if trial is None and len(subjects) > 1:
        write_recipe(subjects[1], defaults_beside(file), format)
    return file
