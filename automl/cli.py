"""The command line: parse, call one function of `service`, print. Heavy libraries load in the commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from automl.errors import AutoMLError, NoSpace
from automl.records import EndedBy
from automl.setup.options import SearchOptions, SearchRequest
from automl.terminal.exits import exit_codes

app = typer.Typer(
    help="Searches for the best training recipe of a YOLO detector within a budget.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

EXIT_CODES = {EndedBy.STOP: 0, EndedBy.USER: 130}  # of a search that can be resumed; 1 for any other reason
PIPED = 120  # columns of what is printed into a file or a pipe


Db = Annotated[
    str | None,
    typer.Option(envvar="AUTOML_DB", help="Database URL; without it SQLite in AUTOML_HOME (./automl-runs)."),
]
Study = Annotated[str, typer.Argument(help="Name of the study; see `automl studies`.")]
MaybeStudy = Annotated[str | None, typer.Argument(help="Name of the study; the newest one if left out.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result.")]
JsonEvents = Annotated[Path | None, typer.Option(help="Append every event to this file, one JSON object a line.")]


@app.command()
def search(
    data: Annotated[Path, typer.Option(help="A YOLO data.yaml.")],
    budget: Annotated[
        list[str],
        typer.Option(help="40gpu-h, 8cpu-h, 90min (wall) or 200trials. May be repeated: the first reached ends."),
    ],
    models: Annotated[str | None, typer.Option(help="Variants to search: yolov5n,yolov5s, or own model yaml.")] = None,
    imgsz: Annotated[str | None, typer.Option(help="Image sizes to search: 640,1280.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Pretrained weights: .pt or .safetensors.")] = None,
    space: Annotated[Path | None, typer.Option(help="Search space; default: configs/spaces/scratch-low.yaml.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the study.")] = None,
    sampler: Annotated[str, typer.Option(help="gp, tpe, cmaes, evolve or random.")] = SearchRequest.sampler,
    seed: Annotated[int, typer.Option(help="Seed of the search and of every training.")] = SearchRequest.seed,
    epochs: Annotated[
        int | None, typer.Option(help="Horizon; default: the longest for which the budget pays 20 trainings.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Batch size; default: 16 on CPU, else what fits 60 % of the GPU, 64 at most.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE for every trial, the baseline included. Repeatable."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, or GPU indices: 0,1. Default: all GPUs, else cpu.")] = None,
    slots: Annotated[int | None, typer.Option(help="Trials side by side on CPU; default: one for each core.")] = None,
    trainer: Annotated[str, typer.Option(help="ultralytics, or surrogate (trains nothing).")] = SearchRequest.trainer,
    target: Annotated[float | None, typer.Option(help="mAP50-95 that is enough: the search ends there.")] = None,
    max_latency: Annotated[float | None, typer.Option(help="Milliseconds an image may take on this device.")] = None,
    max_params: Annotated[int | None, typer.Option(help="Parameters that the network may have.")] = None,
    no_early_end: Annotated[
        bool, typer.Option("--no-early-end", help="Spend the budget also where the rest promises next to nothing.")
    ] = False,
    confirm: Annotated[
        int, typer.Option(help="Best trials that run again with other seeds, beside the defaults; 0 for none.")
    ] = SearchRequest.confirm,
    train: Annotated[
        int | None,
        typer.Option(help="Train what is taken home for up to so many epochs, within the budget: 300."),
    ] = None,
    no_portfolio: Annotated[
        bool, typer.Option("--no-portfolio", help="Try no known-good recipes after the defaults.")
    ] = False,
    warm_start: Annotated[
        list[str] | None,
        typer.Option(help="Begin with what a study, evolve.csv, tune_results.ndjson or hyp.yaml found. Repeatable."),
    ] = None,
    no_warm_start: Annotated[
        bool, typer.Option("--no-warm-start", help="Look for no earlier studies of the same data.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and train nothing.")] = False,
    fresh_probe: Annotated[
        bool, typer.Option("--fresh-probe", help="Measure the cost of an epoch anew instead of reusing an earlier one.")
    ] = False,
    holdout: Annotated[
        float | None,
        typer.Option(help="Share of val that the search never sees, for an unbiased last figure: 0.3."),
    ] = None,
    no_test: Annotated[
        bool, typer.Option("--no-test", help="Measure neither the defaults nor the winner on the test split.")
    ] = False,
    export: Annotated[Path | None, typer.Option(help="Write the best hyp.yaml here at the end.")] = None,
    db: Db = None,
    quiet: Quiet = False,
    json_events: JsonEvents = None,
    json_: Json = False,
) -> None:
    """Search for the best hyperparameters within a budget."""

    def run(service: Any, listener: Any) -> Any:
        if export is not None and trainer == "surrogate":
            raise AutoMLError("--export: trials of the trainer 'surrogate' have no recipe, since nothing is trained.")
        options = SearchOptions(
            models=_listed(models) if models is not None else None,
            imgsz=[_whole(size, "--imgsz") for size in _listed(imgsz)] if imgsz is not None else None,
            weights=weights,
            space=space,
            name=name,
            sampler=sampler,
            seed=seed,
            epochs=epochs,
            batch=batch,
            fixed=dict(_assignment(text) for text in set_ or ()),
            device=device,
            slots=slots,
            trainer=trainer,
            target=target,
            max_latency=max_latency,
            max_params=max_params,
            portfolio=not no_portfolio,
            warm_start=warm_start or (),
            reuse=not no_warm_start,
            confirm=confirm,
            early_end=not no_early_end,
            train=train,
            holdout=holdout,
            test=not no_test,
        )
        verb = service.dry_run if dry_run else service.search
        return verb(data, budget, fresh_probe=fresh_probe, db=db, listener=listener, **options)

    if dry_run:
        _foresee(run, quiet=quiet, as_json=json_)
        return
    _drive(run, quiet=quiet, json_events=json_events, as_json=json_, export=export, db=db)


@app.command()
def resume(
    study: Study,
    export: Annotated[Path | None, typer.Option(help="Write the best hyp.yaml here at the end.")] = None,
    db: Db = None,
    quiet: Quiet = False,
    json_events: JsonEvents = None,
    json_: Json = False,
) -> None:
    """Go on with an interrupted study, or one whose driver died, from its snapshots."""

    def run(service: Any, listener: Any) -> Any:
        return service.resume(study, db=db, listener=listener)

    _drive(run, quiet=quiet, json_events=json_events, as_json=json_, export=export, db=db)


@app.command()
def status(study: MaybeStudy = None, db: Db = None, json_: Json = False) -> None:
    """Show what a study is doing now."""
    with exit_codes():
        from automl import service
        from automl.terminal import report as terminal

        found = service.status(study, db=db)
        if json_:
            print(terminal.dumps(found, indent=2))
        else:
            terminal.print_status(_console(), found, db=db)


@app.command()
def stop(study: Study, db: Db = None) -> None:
    """Ask a running study to stop after its running epochs; it can be resumed."""
    with exit_codes():
        from automl import service
        from automl.store import address

        service.stop(study, db=db)
        print(f"study '{study}' stops after its running epochs. Go on with: {address.command('resume', study, db)}")


@app.command()
def studies(db: Db = None, json_: Json = False) -> None:
    """List all studies, newest first."""
    with exit_codes():
        from automl import service
        from automl.terminal import report as terminal

        found = service.overviews(db=db)
        if json_:
            print(terminal.dumps([terminal.listing(each) for each in found], indent=2))
        else:
            terminal.print_studies(_console(), found)


@app.command()
def show(
    study: MaybeStudy = None,
    limit: Annotated[int, typer.Option(help="Rows of the leaderboard.")] = 10,
    curves: Annotated[bool, typer.Option(help="With --json: every epoch too.")] = False,
    db: Db = None,
    json_: Json = False,
) -> None:
    """Show a study's leaderboard, cost and verdict."""
    with exit_codes():
        from automl import service
        from automl.terminal import report as terminal

        if limit < 1:
            raise AutoMLError(f"--limit {limit} is no leaderboard. Use 1 row or more.")
        report = service.show(study, db=db)
        if json_:
            epochs = service.curves(report.study.name, db=db) if curves else None
            print(terminal.dumps(terminal.as_json(report, epochs), indent=2))
        else:
            terminal.print_report(_console(), report, limit=limit)


@app.command()
def export(
    study: Study,
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")] = Path("hyp.yaml"),
    trial: Annotated[int | None, typer.Option(help="Number of the trial; the winner if left out.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of the production training; else the search's.")] = None,
    format: Annotated[str, typer.Option(help="ultralytics or json.")] = "ultralytics",
    db: Db = None,
) -> None:
    """Write the winner's complete recipe for production training."""
    with exit_codes():
        from automl import service

        print(_export(service, study, output, db, trial=trial, epochs=epochs, format=format))


@app.command()
def predictors(
    curves: Annotated[Path | None, typer.Option(help="Recorded trainings, one JSON object a line.")] = None,
    study: Annotated[str | None, typer.Option(help="Or a study: its trials that ran to the horizon.")] = None,
    db: Annotated[
        str | None, typer.Option(envvar="AUTOML_DB", help="Database of the study; without it that in AUTOML_HOME.")
    ] = None,
    end: Annotated[str, typer.Option(help="What is predicted: best (epoch) or last3 (mean of them).")] = "best",
    resamples: Annotated[int, typer.Option(min=20, help="Bootstrap resamples of the trainings.")] = 400,
    json_: Json = False,
) -> None:
    """What predicts the end of a training from its first epochs: rank correlations of many predictors."""
    import json

    from automl.reports import predictors as judged
    from automl.reports import recorded
    from automl.terminal.tables import print_table

    with exit_codes():
        if (curves is None) == (study is None):
            raise AutoMLError("give either --curves FILE or --study NAME: that is where the trainings come from.")
        trainings = recorded.from_file(curves) if curves is not None else recorded.from_store(str(study), db)
        found = judged.predict_table(trainings, end=end, resamples=resamples)
    if json_:
        print(json.dumps({"end": end, "resamples": resamples, "rows": judged.rows_of(found)}))
        return
    for trainings_, group, n in judged.sections(found):
        print_table(judged.table(found, trainings_, group), [judged.caption(trainings_, group, n, end), ""], 150)


@app.command()
def dashboard(
    port: Annotated[int, typer.Option(help="Port of the page.")] = 8501,
    public: Annotated[
        bool, typer.Option("--public", help="Serve other machines too; needs sign-in (OpenID Connect), see the README.")
    ] = False,
    db: Db = None,
) -> None:
    """Show studies in the browser: live state, leaderboard, insight, downloads. Reads only."""
    with exit_codes():
        from automl import page

        page.serve(db=db, port=port, public=public)


@app.command(name="demo-data")
def demo_data(
    directory: Annotated[Path, typer.Argument(help="Folder to make.")],
    seed: Annotated[int, typer.Option(help="Same seed, same images.")] = 0,
) -> None:
    """Make a small real detection data set: handwritten digits on photographs."""
    with exit_codes():
        from automl.data.demo import make_demo

        print(make_demo(directory, seed=seed))


@app.command(hidden=True, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def bench(context: typer.Context) -> None:
    """Say where the measurements have gone, for scripts that an earlier version was right for."""
    with exit_codes():
        words = " ".join(context.args) or "--help"
        now = f"automl {words}" if words.startswith("predictors") else f"python -m benchmarks {words}"
        raise AutoMLError(f"`automl bench` is no command any more. In a checkout of the project, write: {now}")


def main() -> None:
    """Entry point of `automl`."""
    app()


def _drive(
    run: Callable[[Any, Any], Any],
    *,
    quiet: bool,
    json_events: Path | None,
    as_json: bool,
    export: Path | None,
    db: str | None,
) -> None:
    """A search with its progress; prints the report and exits with 130 when it was interrupted."""
    with exit_codes():
        from automl import service
        from automl.recipes import check_place
        from automl.store import address
        from automl.terminal import progress
        from automl.terminal import report as terminal

        if export is not None:
            check_place(export)
        console = _console(stderr=as_json)
        with _event_file(json_events) as events:
            shown = progress.display(console, quiet=quiet)
            with shown:

                def listener(notice: Any) -> None:
                    shown(notice)
                    if events is not None:
                        events(notice)

                report = run(service, listener)
        name = report.study.name
        if as_json:
            print(terminal.dumps(terminal.as_json(report, None), indent=2))
        else:
            terminal.print_report(console, report)
        if report.best is not None and export is not None:
            print(_export(service, name, export, db), file=sys.stderr if as_json else sys.stdout)
        if report.interrupted:
            print(f"Go on with: {address.command('resume', name, db)}", file=sys.stderr)
            raise typer.Exit(EXIT_CODES.get(report.ended_by, 1))
        recipes = report.study.spec.trainer == "ultralytics"
        if export is None and not as_json and report.best is not None and recipes:
            print(f"Take it home with: {address.command('export', name, db)} -o hyp.yaml")


def _foresee(run: Callable[[Any, Any], Any], *, quiet: bool, as_json: bool) -> None:
    """The plan of a search that does not begin."""
    with exit_codes():
        from automl import service
        from automl.terminal import plan as plan_view
        from automl.terminal import progress
        from automl.terminal import report as terminal

        shown = progress.display(_console(stderr=True), quiet=quiet or as_json)
        with shown:
            plan = run(service, plan_view.without_plan(shown))
        if as_json:
            print(terminal.dumps(plan, indent=2))
        else:
            plan_view.print_plan(_console(), plan)


def _export(service: Any, study: str, output: Path, db: str | None, **chosen: Any) -> str:
    written = service.export(study, output, db=db, **chosen)
    train = "" if chosen.get("format") == "json" else f". Train it with: yolo detect train cfg={written}"
    return f"Wrote {written}{train}"


@contextmanager
def _event_file(path: Path | None) -> Iterator[Any]:
    if path is None:
        yield None
        return
    from automl.terminal.progress import JsonEvents

    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise NoSpace(f"{path} cannot be written ({error.strerror}). Choose another --json-events.") from error
    with file:
        yield JsonEvents(file)


def _console(*, stderr: bool = False) -> Any:
    from rich.console import Console

    console = Console(stderr=stderr)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED  # a file or a pipe has no width: no figure is cut off
    return console


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _whole(text: str, flag: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise AutoMLError(f"{flag} {text}: whole numbers, separated by commas.") from None


def _assignment(text: str) -> tuple[str, Any]:
    import yaml

    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise AutoMLError(f"--set {text}: write KEY=VALUE, for example --set nbs=16.")
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise AutoMLError(f"--set {text}: the value cannot be read.") from None


if __name__ == "__main__":
    main()
