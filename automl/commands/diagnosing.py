"""The command `diagnose`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl.errors import AutoMLError
from automl.host.hangup import survived
from automl.terminal import options as flags
from automl.terminal.exits import exit_codes

if TYPE_CHECKING:
    from automl.records.diagnosis import FollowUp

SPACE = "space.yaml"


def diagnose(
    study: flags.Study = None,
    trial: Annotated[
        int | None, typer.Option(min=0, help="Number of the trial; default: the handed-over one and the defaults.")
    ] = None,
    follow_up: Annotated[
        bool, typer.Option("--follow-up", help="Write the space of the search that follows, and print its command.")
    ] = False,
    start: Annotated[bool, typer.Option("--start", help="With --follow-up: start that search.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="With --follow-up: file of the space; default: space.yaml.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or a GPU's index; default: a GPU if there is one.")] = None,
    db: flags.Db = None,
    json_: flags.Json = False,
) -> None:
    """Say what a study's trainings suffer from, and what to do next."""
    with survived(), exit_codes():
        from automl import results
        from automl.terminal import diagnosis as terminal
        from automl.terminal.report import dumps
        from automl.terminal.tables import open_console

        for flag in [name for name, given in (("--start", start), ("-o", output is not None)) if given]:
            if not follow_up:
                raise AutoMLError(f"{flag} is for the search that follows. Add --follow-up.")
        space = (output or Path(SPACE)) if follow_up else None
        report = results.diagnose(study, trial=trial, follow_up=space, device=device, db=db, progress=not json_)
        if json_:
            print(dumps(report, indent=2))
        else:
            terminal.print_diagnosis(open_console(), report, started=start)
        if start and report.follow_up is not None:
            _start(report.follow_up, db)


def _start(follow: FollowUp, db: str | None) -> None:
    """Run the search that follows, and print its report on standard error: standard output has the diagnosis."""
    from automl import service
    from automl.store.address import db_words
    from automl.terminal.report import print_report
    from automl.terminal.tables import open_console

    report = service.search(follow.data, follow.budgets, db=db, **follow.options)
    print_report(open_console(stderr=True), report, db_words=db_words(db))
