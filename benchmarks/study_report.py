"""Time and size of the report on a large synthetic study: no data set and no predictions, which are kept."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from automl.errors import AutoMLError
from automl.store import bulk
from automl.store.checks import keep
from automl.store.engine import open_store
from automl.terminal.exits import exit_codes
from automl.terminal.tables import print_table
from benchmarks.page.report import synthetic_report
from benchmarks.page.study import SyntheticStudy

NAME = "wheat"
FEWEST = 40  # trials


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """One form of the report; medians of repeated measurements."""

    form: str  # "html" or "zip"
    trials: int
    first_s: float  # wall seconds of the first one in the process, which loads libraries
    wall_s: float  # of a later one
    cpu_s: float
    size_bytes: int


def run(trials: int, epochs: int, repeat: int) -> list[ReportRow]:
    """Measure both forms. Raises AutoMLError for a study that is too small."""
    if trials < FEWEST or min(epochs, repeat) < 1:
        raise AutoMLError(f"--trials is {FEWEST} or more, --epochs and --repeat are 1 or more.")
    with tempfile.TemporaryDirectory(prefix="automl-report-") as folder:
        url = f"sqlite:///{Path(folder) / 'automl.db'}"
        _fill(url, trials, epochs, Path(folder))
        return [_measure(url, Path(folder) / f"report.{form}", trials, repeat) for form in ("html", "zip")]


def _fill(url: str, trials: int, epochs: int, folder: Path) -> None:
    study = SyntheticStudy(
        name=NAME, trials=trials, mean_epochs=epochs, directory=str(folder / "study"), now=time.time()
    )
    engine = open_store(url)
    try:
        bulk.write_study(
            engine, study.study, study.rows, study.epochs(), events=study.events(), evaluations=study.evaluations()
        )
        keep(engine, synthetic_report(time.time()))
    finally:
        engine.dispose()


def _measure(url: str, file: Path, trials: int, repeat: int) -> ReportRow:
    from automl import report

    walls, cpus = [], []
    for _ in range(repeat + 1):
        began, cpu = time.perf_counter(), time.process_time()
        report(NAME, file, db=url, progress=False)
        walls.append(time.perf_counter() - began)
        cpus.append(time.process_time() - cpu)
    return ReportRow(
        form=file.suffix[1:],
        trials=trials,
        first_s=round(walls[0], 2),
        wall_s=round(statistics.median(walls[1:]), 2),
        cpu_s=round(statistics.median(cpus[1:]), 2),
        size_bytes=file.stat().st_size,
    )


def report(
    trials: Annotated[int, typer.Option(help="Trials of the study.")] = 1000,
    epochs: Annotated[int, typer.Option(help="Mean epochs of a trial.")] = 20,
    repeat: Annotated[int, typer.Option(help="Measurements after the first one.")] = 3,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure time and size of `automl report` for a study of a thousand trials."""
    with exit_codes():
        rows = run(trials, epochs, repeat)
    if json_:
        print(json.dumps({"rows": [asdict(row) for row in rows]}))
        return
    head = ["form", "trials", "first, s", "later, s", "CPU s", "kB"]
    lines = [
        [row.form, f"{row.trials:,}", f"{row.first_s:.2f}", f"{row.wall_s:.2f}", f"{row.cpu_s:.2f}", _kilobytes(row)]
        for row in rows
    ]
    print_table((head, lines), ["Without predictions, which are made once and kept."], 100)


def _kilobytes(row: ReportRow) -> str:
    return f"{row.size_bytes / 1000:.0f}"
