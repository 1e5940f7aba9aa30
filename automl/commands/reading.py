"""Commands that read studies: `status`, `studies`, `show` and `predictors`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl.errors import AutoMLError
from automl.terminal import options as flags
from automl.terminal.exits import exit_codes


def status(study: flags.Study = None, db: flags.Db = None, json_: flags.Json = False) -> None:
    """Show what a study is doing now."""
    with exit_codes():
        from automl import service
        from automl.terminal import report as terminal
        from automl.terminal import studies as listing
        from automl.terminal.tables import open_console

        report = service.status(study, db=db)
        if json_:
            print(terminal.dumps(terminal.status_json(report), indent=2))
        else:
            listing.print_status(open_console(), report, db=db)


def studies(db: flags.Db = None, json_: flags.Json = False) -> None:
    """List all studies, newest first."""
    with exit_codes():
        from automl import service
        from automl.store import address
        from automl.terminal import report as terminal
        from automl.terminal import studies as listing
        from automl.terminal.tables import open_console

        overviews = service.overviews(db=db)
        if json_:
            print(terminal.dumps([terminal.listing(overview) for overview in overviews], indent=2))
        elif overviews:
            listing.print_studies(open_console(), overviews)
        else:
            print(f"There is no study yet. Begin one with: {address.BEGIN}{address.db_words(db)}")


def show(
    study: flags.Study = None,
    limit: Annotated[int, typer.Option(help="Rows of the leaderboard.")] = 10,
    details: Annotated[
        bool, typer.Option("--details", help="Also costs, plan against spent, trust in the rungs, repeats.")
    ] = False,
    curves: Annotated[bool, typer.Option(help="With --json: every epoch too.")] = False,
    db: flags.Db = None,
    json_: flags.Json = False,
) -> None:
    """Show a study's answer and leaderboard."""
    with exit_codes():
        from automl import service
        from automl.store import address
        from automl.terminal import report as terminal
        from automl.terminal.tables import open_console

        if limit < 1:
            raise AutoMLError(f"--limit {limit} is no leaderboard. Use 1 row or more.")
        report = service.show(study, db=db)
        if json_:
            epochs = service.curves(report.study.name, db=db) if curves else None
            print(terminal.dumps(terminal.as_json(report, epochs), indent=2))
        else:
            words = address.db_words(db)
            terminal.print_report(open_console(), report, limit=limit, details=details, db_words=words)


def predictors(
    curves: Annotated[Path | None, typer.Option(help="Recorded trainings, one JSON object a line.")] = None,
    study: Annotated[str | None, typer.Option(help="Or a study: its trials that ran to the horizon.")] = None,
    db: Annotated[
        str | None, typer.Option(envvar="AUTOML_DB", help="Database of the study; without it that in AUTOML_HOME.")
    ] = None,
    end: Annotated[str, typer.Option(help="Score to predict: best (epoch) or last3 (mean of three).")] = "best",
    resamples: Annotated[int, typer.Option(min=20, help="Bootstrap resamples of the trainings.")] = 400,
    json_: flags.Json = False,
) -> None:
    """Rank correlations of predictors of a training's end, computed from its first epochs."""
    import json

    from automl.reports import predictors as rules
    from automl.reports import recorded
    from automl.terminal.tables import print_table

    with exit_codes():
        if (curves is None) == (study is None):
            raise AutoMLError("give either --curves FILE or --study NAME: that is where the trainings come from.")
        trainings = recorded.from_file(curves) if curves is not None else recorded.from_store(str(study), db)
        rows = rules.predict_table(trainings, end=end, resamples=resamples)
    if json_:
        print(json.dumps({"end": end, "resamples": resamples, "rows": rules.rows_of(rows)}))
        return
    for kind, group, n in rules.sections(rows):
        print_table(rules.table(rows, kind, group), [rules.caption(kind, group, n, end), ""], 150)
