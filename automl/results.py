"""Functions behind the commands for trained networks, one for each verb; `service` has those of the search."""

from __future__ import annotations

from pathlib import Path

from automl.host.guest import visiting
from automl.reports.newest import study_for
from automl.setup.opening import reader
from automl.setup.reporting import check_place, report_study
from automl.terminal.check import sayer


@visiting()
def report(
    study: str | None = None,
    output: str | Path = "report.html",
    *,
    predict: bool = True,
    home: str | Path | None = None,
    db: str | None = None,
    progress: bool | None = None,
) -> Path:
    """Write a study as one HTML file that needs no network, or as a zip file with its parts; the file's path.

    study     its name; None: the newest one
    output    file that ends in .html or .zip
    predict   False: make no predictions of the defaults and the winner; those that are kept are shown
    progress  False: say nothing; None or True: say on standard error what takes long

    Raises AutoMLError for a place that cannot be used and for a study without a score, before anything is predicted.
    """
    file, engine = check_place(output), reader(home, db)
    row = study_for(engine, "report", study, db)
    return report_study(engine, row, file, predict=predict, say=sayer(progress))
