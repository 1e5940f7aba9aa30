"""The command line: parse, call one function of `service`, print. Heavy libraries load in the commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl import __version__
from automl.errors import AutoMLError
from automl.setup.options import SearchOptions, SearchRequest
from automl.terminal import options as flags
from automl.terminal.exits import exit_codes, resumable_code

if TYPE_CHECKING:
    from automl.costs.plan import Plan
    from automl.reports.report import StudyReport

app = typer.Typer(
    help="Search for the best training recipe of a YOLO detector within a budget.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"automl {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of `automl` itself, before any command."""


@app.command()
def search(
    data: Annotated[Path, typer.Option(help="A YOLO data.yaml.")],
    budget: flags.Budgets,
    models: Annotated[str | None, typer.Option(help="Variants to search: yolov5n,yolov5s, or own model yaml.")] = None,
    imgsz: Annotated[str | None, typer.Option(help="Image sizes to search: 640,1280.")] = None,
    deploy: Annotated[str | None, typer.Option(help="Variants for a place: mobile, cloud or edge.")] = None,
    weights: Annotated[str, typer.Option(help="auto, none (scratch), FILE[,FILE] or folder.")] = SearchRequest.weights,
    offline: Annotated[bool, typer.Option("--offline", help="Download nothing.")] = False,
    space: Annotated[Path | None, typer.Option(help="Search space; default: configs/spaces/scratch-low.yaml.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the study.")] = None,
    sampler: Annotated[str, typer.Option(help="gp, tpe, cmaes, evolve or random.")] = SearchRequest.sampler,
    seed: Annotated[int, typer.Option(help="Seed of the search and of every training.")] = SearchRequest.seed,
    epochs: flags.Horizon = None,
    batch: flags.Batch = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE for every trial. Repeatable.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, or GPUs: 0,1 or cuda:0; default: all, else cpu.")] = None,
    slots: Annotated[int | None, typer.Option(help="Trials side by side on CPU; default: one for each core.")] = None,
    trainer: Annotated[str, typer.Option(help="ultralytics, or surrogate (trains nothing).")] = SearchRequest.trainer,
    target: Annotated[float | None, typer.Option(help="mAP50-95 that is enough: it ends the search.")] = None,
    max_latency: Annotated[float | None, typer.Option(help="Milliseconds an image may take on this device.")] = None,
    max_params: Annotated[int | None, typer.Option(help="Parameters that the network may have.")] = None,
    no_early_end: flags.NoEarlyEnd = False,
    confirm: flags.Repeated = SearchRequest.confirm,
    train: flags.Length = None,
    recipe_only: flags.RecipeOnly = False,
    no_portfolio: flags.NoPortfolio = False,
    warm_start: flags.WarmStart = None,
    no_warm_start: flags.NoWarmStart = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and train nothing.")] = False,
    fresh_probe: flags.FreshProbe = False,
    holdout: flags.Holdout = None,
    no_test: flags.NoTest = False,
    export: flags.Export = None,
    db: flags.Db = None,
    quiet: flags.Quiet = False,
    json_events: flags.JsonEvents = None,
    json_: flags.Json = False,
) -> None:
    """Search for the best hyperparameters within a budget."""

    with exit_codes():
        from automl import service
        from automl.terminal.progress import shown
        from automl.terminal.tables import open_console

        if export is not None and trainer == "surrogate":
            raise AutoMLError("--export: trials of the trainer 'surrogate' have no recipe, since nothing is trained.")
        options = SearchOptions(
            models=flags.listed(models),
            imgsz=flags.whole_numbers(imgsz, "--imgsz"),
            deploy=deploy,
            weights=weights,
            offline=offline,
            space=space,
            name=name,
            sampler=sampler,
            seed=seed,
            epochs=epochs,
            batch=batch,
            fixed=flags.assignments(set_),
            device=device,
            slots=slots,
            trainer=trainer,
            target=target,
            max_latency=max_latency,
            max_params=max_params,
            portfolio=not no_portfolio,
            warm_start=warm_start,
            reuse=not no_warm_start,
            confirm=confirm,
            early_end=not no_early_end,
            train=train,
            recipe_only=recipe_only,
            holdout=holdout,
            test=not no_test,
        )
        if dry_run:
            from automl.terminal.plan import without_plan

            with shown(open_console(stderr=True), quiet=quiet or json_) as listener:
                heard = without_plan(listener)
                plan = service.dry_run(data, budget, fresh_probe=fresh_probe, db=db, listener=heard, **options)
            _print_plan(plan, as_json=json_)
            return
        _check_export(export)
        with shown(open_console(stderr=json_), quiet=quiet, events=json_events) as listener:
            report = service.search(data, budget, fresh_probe=fresh_probe, db=db, listener=listener, **options)
        _finish(report, export=export, db=db, as_json=json_)


@app.command()
def resume(
    study: flags.Study,
    export: flags.Export = None,
    db: flags.Db = None,
    quiet: flags.Quiet = False,
    json_events: flags.JsonEvents = None,
    json_: flags.Json = False,
) -> None:
    """Go on with a study that was interrupted, or whose process ended unexpectedly, from its snapshots."""

    with exit_codes():
        from automl import service
        from automl.terminal.progress import shown
        from automl.terminal.tables import open_console

        _check_export(export)
        with shown(open_console(stderr=json_), quiet=quiet, events=json_events) as listener:
            report = service.resume(study, db=db, listener=listener)
        _finish(report, export=export, db=db, as_json=json_)


@app.command()
def confirm(
    study: flags.Study,
    seeds: Annotated[int, typer.Option(help="Most further seeds of each of the two sides.")] = 2,
    budget: Annotated[str | None, typer.Option(help="For these alone, as in search; default: what they cost.")] = None,
    db: flags.Db = None,
    quiet: flags.Quiet = False,
    json_events: flags.JsonEvents = None,
    json_: flags.Json = False,
) -> None:
    """Train further seeds of a finished study's best recipe and of the defaults, until it is decided."""

    with exit_codes():
        from automl import service
        from automl.terminal.progress import shown
        from automl.terminal.tables import open_console

        with shown(open_console(stderr=json_), quiet=quiet, events=json_events) as listener:
            report = service.confirm(study, seeds=seeds, budget=budget or (), db=db, listener=listener)
        _finish(report, export=None, db=db, as_json=json_)


@app.command()
def status(study: flags.MaybeStudy = None, db: flags.Db = None, json_: flags.Json = False) -> None:
    """Show what a study is doing now."""
    with exit_codes():
        from automl import service
        from automl.terminal import report as terminal
        from automl.terminal.tables import open_console

        report = service.status(study, db=db)
        if json_:
            print(terminal.dumps(terminal.status_json(report), indent=2))
        else:
            terminal.print_status(open_console(), report, db=db)


@app.command()
def stop(study: flags.Study, db: flags.Db = None) -> None:
    """Ask a running study to stop after its running epochs; it can be resumed."""
    with exit_codes():
        from automl import service
        from automl.store import address

        service.stop(study, db=db)
        print(f"study '{study}' stops after its running epochs. Go on with: {address.command('resume', study, db)}")


@app.command()
def studies(db: flags.Db = None, json_: flags.Json = False) -> None:
    """List all studies, newest first."""
    with exit_codes():
        from automl import service
        from automl.terminal import report as terminal
        from automl.terminal.tables import open_console

        overviews = service.overviews(db=db)
        if json_:
            print(terminal.dumps([terminal.listing(overview) for overview in overviews], indent=2))
        else:
            terminal.print_studies(open_console(), overviews)


@app.command()
def show(
    study: flags.MaybeStudy = None,
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


@app.command()
def export(
    study: flags.Study,
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")] = Path("hyp.yaml"),
    trial: Annotated[int | None, typer.Option(help="Number of the trial; the winner if left out.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of the training; default: production's.")] = None,
    format: Annotated[str, typer.Option(help="ultralytics or json.")] = "ultralytics",
    db: flags.Db = None,
) -> None:
    """Write the winner's complete recipe for production training."""
    with exit_codes():
        print(_export(study, output, trial=trial, epochs=epochs, format=format, db=db))


@app.command()
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


@app.command()
def dashboard(
    port: Annotated[int, typer.Option(help="Port of the page.")] = 8501,
    public: Annotated[
        bool, typer.Option("--public", help="Serve other machines too; needs sign-in (OpenID Connect), see the manual.")
    ] = False,
    db: flags.Db = None,
) -> None:
    """Show studies in the browser: live state, leaderboard, insight, downloads. Reads only."""
    with exit_codes():
        from automl import page

        page.serve(db=db, port=port, public=public)


@app.command(name="demo-data")
def demo_data(
    directory: Annotated[Path, typer.Argument(help="New folder.")],
    seed: Annotated[int, typer.Option(help="Same seed, same images.")] = 0,
) -> None:
    """Make a small real detection data set: handwritten digits on photographs."""
    with exit_codes():
        from automl.data.demo import make_demo

        print(make_demo(directory, seed=seed))


@app.command(hidden=True, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def bench(context: typer.Context) -> None:
    """Name the command of today, for scripts of an earlier version."""
    with exit_codes():
        words = " ".join(context.args) or "--help"
        today = f"automl {words}" if words.startswith("predictors") else f"python -m benchmarks {words}"
        raise AutoMLError(f"`automl bench` is no command any more. In a checkout of the project, write: {today}")


def main() -> None:
    """Entry point of `automl`."""
    app()


def _check_export(output: Path | None) -> None:
    """Raise NoSpace or AutoMLError, before a search begins, if its winner could not be written there."""
    if output is not None:
        from automl.recipes import check_place, defaults_beside

        check_place(defaults_beside(check_place(output)))


def _print_plan(plan: Plan, *, as_json: bool) -> None:
    from automl.terminal.plan import print_plan
    from automl.terminal.report import dumps
    from automl.terminal.tables import open_console

    if as_json:
        print(dumps(plan, indent=2))
    else:
        print_plan(open_console(), plan)


def _finish(report: StudyReport, *, export: Path | None, db: str | None, as_json: bool) -> None:
    """Print the report of a search and export its winner. Raises typer.Exit after an interrupted search."""
    from automl.store import address
    from automl.terminal import report as terminal
    from automl.terminal.tables import open_console

    name = report.study.name
    if as_json:
        print(terminal.dumps(terminal.as_json(report, None), indent=2))
    else:
        terminal.print_report(open_console(), report, db_words=address.db_words(db))
    if report.best is not None and export is not None:
        print(_export(name, export, db=db), file=sys.stderr if as_json else sys.stdout)
    if report.interrupted:
        print(f"Go on with: {address.command('resume', name, db)}", file=sys.stderr)
        raise typer.Exit(resumable_code(report.ended_by))


def _export(
    study: str,
    output: Path,
    *,
    trial: int | None = None,
    epochs: int | None = None,
    format: str = "ultralytics",
    db: str | None,
) -> str:
    """Write a recipe; the sentence that names its file and, for Ultralytics, the command that trains it."""
    from automl import service
    from automl.recipes import defaults_beside

    file = service.export(study, output, trial=trial, epochs=epochs, format=format, db=db)
    text = f"Wrote {file}" if format == "json" else f"Wrote {file}. Train it with: yolo detect train cfg={file}"
    return text if trial is not None else f"{text} (the defaults to compare with: {defaults_beside(file).name})"


if __name__ == "__main__":
    main()
