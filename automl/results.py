"""Functions behind the commands for trained networks, one for each verb; `service` has those of the search."""

from __future__ import annotations

from pathlib import Path

from automl.host.guest import visiting
from automl.records.diagnosis import DiagnosisReport
from automl.reports.newest import study_for
from automl.setup import diagnosing
from automl.setup.opening import writer
from automl.store.address import named_db
from automl.terminal.check import sayer


@visiting()
def diagnose(
    study: str | None = None,
    *,
    trial: int | None = None,
    follow_up: str | Path | None = None,
    device: str | None = None,
    home: str | Path | None = None,
    db: str | None = None,
    progress: bool | None = None,
) -> DiagnosisReport:
    """Symptoms of trainings, from their curves and from their predictions on val, each with its remedy.

    study      its name; None: the newest one
    trial      number of the trial; None: the training that is handed over, and that of the defaults
    follow_up  file for the space of the search that follows; None: no such search
    device     "cpu" or a GPU's index, for predictions that are not kept yet; None: a GPU if there is one
    progress   False: print nothing

    Raises AutoMLError where there is nothing to look at, and where no search would mend what is seen.
    """
    db, say = named_db(home, db), sayer(progress)
    engine = writer(home, db)
    row = study_for(engine, "diagnose", study, db)
    file = None if follow_up is None else Path(follow_up)
    return diagnosing.diagnosed(engine, row, trial, file, device, db, say)
