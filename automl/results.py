"""Functions behind the commands for trained networks, one for each verb; `service` has those of the search."""

from __future__ import annotations

from pathlib import Path

from automl.host.guest import visiting
from automl.host.platforms import check_platform
from automl.records.diagnosis import DiagnosisReport
from automl.records.verification import Verification
from automl.reports.newest import study_for
from automl.setup import diagnosing
from automl.setup.opening import reader, writer
from automl.setup.reporting import check_place, report_study
from automl.store.address import named_db
from automl.terminal.check import sayer


@visiting()
def verify(
    recipe: str | Path | None = None,
    *,
    seeds: int = 2,
    device: str | None = None,
    data: str | Path | None = None,
    home: str | Path | None = None,
    db: str | None = None,
    progress: bool | None = None,
) -> Verification:
    """Train a recipe again with further seeds: does its figure lie in the interval that was promised?

    It is the interval of further single trainings, so it holds the noise of a seed too. The interval of the mean over
    seeds, which reports show, is narrower.

    recipe    file that `export` has written, or name of a study, whose answer is verified; None: the newest study
    seeds     further trainings, each with a seed of its own
    device    "cpu" or a GPU's index; default: a GPU if there is one
    data      the data.yaml, where the data set has moved
    progress  False: say nothing on standard error

    Raises AutoMLError where nothing can be trained, or where data or weights are not those of the promise.
    """
    from automl.setup import verifying

    check_platform()
    return verifying.run(recipe, seeds, device, data, home, named_db(home, db), sayer(progress))


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
