"""Commands that train, `search`, `resume` and `confirm`, and `attach`, which watches one that does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from automl.commands.export import export_words
from automl.errors import AutoMLError
from automl.host.hangup import survived
from automl.host.shortage import check_limits
from automl.setup.options import SearchOptions, SearchRequest
from automl.setup.trusting import trusting
from automl.terminal import options as flags
from automl.terminal.exits import exit_codes, resumable_code
from automl.terminal.spelling import check_option, check_words, joined, missing
from automl.terminal.trust import asked

if TYPE_CHECKING:
    from automl.costs.plan import Plan
    from automl.records import Listener
    from automl.reports.report import StudyReport


EXAMPLE = "automl search --data custom.yaml --budget 2gpu-h"
PANELS = {  # of `automl search --help`, in their order, with their options
    "Required": ("data", "budget"),
    "Networks": ("models", "imgsz", "deploy", "max_latency", "max_params", "weights", "offline", "trust_model"),
    "Trainings": ("epochs", "batch", "set_", "device", "slots", "seed", "trainer"),
    "What is searched, and how": ("space", "sampler", "warm_start", "no_warm_start", "no_portfolio", "fresh_probe"),
    "End and answer": (
        *("target", "no_early_end", "confirm", "train", "recipe_only", "holdout", "no_test", "export", "dry_run"),
    ),
    "Study and output": ("name", "db", "detach", "quiet", "json_events", "notify", "json_"),
}
EPILOG = "See the plan and its cost first: add --dry-run. Every option in more words: docs/manual.md."


class SearchCommand(TyperCommand):
    """The command `search`: its options in panels, its words as people type them."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        by_name: dict[str | None, Any] = {option.name: option for option in self.params}
        for panel, names in PANELS.items():
            for name in names:
                by_name[name].rich_help_panel = panel
        order = [name for names in PANELS.values() for name in names]
        self.params.sort(key=lambda option: order.index(option.name) if option.name in order else len(order))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words; those that no option takes end the command with the words to write instead."""
        words = joined(args)
        with exit_codes():
            try:
                left_over: list[str] = super().parse_args(ctx, list(words))
            except Exception as error:  # of click, which newer versions of Typer keep inside
                check_option(getattr(error, "option_name", ""), words)
                raise
            check_words(left_over, [name for option in self.params for name in option.opts])
        return left_over


def search(
    data: Annotated[Path | None, typer.Option(help="A YOLO data.yaml. Required.")] = None,
    budget: flags.Budgets = None,
    models: Annotated[str | None, typer.Option(help="Variants to search: yolov5n,yolov5s, or own model yaml.")] = None,
    imgsz: Annotated[str | None, typer.Option(help="Image sizes to search: 640,1280.")] = None,
    deploy: Annotated[str | None, typer.Option(help="Variants for a place: mobile, cloud or edge.")] = None,
    weights: Annotated[str, typer.Option(help="auto, none (scratch), FILE[,FILE] or folder.")] = SearchRequest.weights,
    offline: Annotated[bool, typer.Option("--offline", help="Download nothing.")] = False,
    trust_model: flags.TrustModel = False,
    space: Annotated[Path | None, typer.Option(help="Search space; default: configs/spaces/scratch-low.yaml.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the study.")] = None,
    sampler: Annotated[str, typer.Option(help="gp, tpe, cmaes, evolve or random.")] = SearchRequest.sampler,
    seed: Annotated[int, typer.Option(help="Seed of the search and of every training.")] = SearchRequest.seed,
    epochs: flags.Horizon = None,
    batch: flags.Batch = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Argument of every trial. Repeatable.")
    ] = None,
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
    detach: flags.Detach = False,
    quiet: flags.Quiet = False,
    json_events: flags.JsonEvents = None,
    notify: flags.Notify = None,
    json_: flags.Json = False,
) -> None:
    """Search for the best hyperparameters within a budget.

    Example: automl search --data custom.yaml --budget 2gpu-h
    """

    with survived(), exit_codes():
        check_limits()
        from automl import service

        if data is None or not budget:
            raise missing("search", EXAMPLE, data=data, budget=budget)
        if export is not None and trainer == "surrogate":
            raise AutoMLError(
                "--export: trials of the trainer 'surrogate' have no recipe, since nothing is trained. "
                "Leave --export out."
            )
        options = SearchOptions(
            models=flags.listed(models),
            imgsz=flags.whole_numbers(imgsz, "--imgsz"),
            deploy=deploy,
            weights=weights,
            offline=offline,
            trust_model=trust_model,
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
        if detach:
            if dry_run:
                raise AutoMLError("--dry-run begins no study, so there is nothing to detach. Leave --detach out.")
            _check_export(export)
            _detach(db, as_json=json_)
            return
        if dry_run:
            from automl.terminal.plan import without_plan
            from automl.terminal.progress import shown
            from automl.terminal.tables import open_console

            def drawn_up() -> Plan:
                with shown(open_console(stderr=True), quiet=quiet or json_) as listener:
                    heard = without_plan(listener)
                    return service.dry_run(
                        data,
                        budget,
                        fresh_probe=fresh_probe,
                        db=db,
                        listener=heard,
                        notify=notify or (),
                        progress=False,
                        **options,
                    )

            _print_plan(trusting(drawn_up, asked), as_json=json_)
            return
        _check_export(export)

        report = _followed(
            lambda listener: service.search(
                data,
                budget,
                fresh_probe=fresh_probe,
                db=db,
                listener=listener,
                notify=notify or (),
                progress=False,
                **options,
            ),
            quiet=quiet,
            events=json_events,
            as_json=json_,
        )
        _finish(report, export=export, db=db, as_json=json_)


def resume(
    study: flags.Study = None,
    data: flags.MovedData = None,
    trust_model: flags.TrustModel = False,
    export: flags.Export = None,
    db: flags.Db = None,
    detach: flags.Detach = False,
    quiet: flags.Quiet = False,
    json_events: flags.JsonEvents = None,
    notify: flags.Notify = None,
    json_: flags.Json = False,
) -> None:
    """Go on with a study that was interrupted, or whose process ended unexpectedly, from its snapshots."""

    with survived(), exit_codes():
        check_limits()
        from automl import service

        _check_export(export)
        if detach:
            _detach(db, as_json=json_)
            return

        report = _followed(
            lambda listener: service.resume(
                study,
                data=data,
                trust_model=trust_model,
                db=db,
                listener=listener,
                notify=notify or (),
                progress=False,
            ),
            quiet=quiet,
            events=json_events,
            as_json=json_,
        )
        _finish(report, export=export, db=db, as_json=json_)


def confirm(
    study: flags.Study = None,
    seeds: Annotated[int, typer.Option(help="Most further seeds of each of the two sides.")] = 2,
    budget: Annotated[str | None, typer.Option(help="For these alone, as in search; default: what they cost.")] = None,
    data: flags.MovedData = None,
    trust_model: flags.TrustModel = False,
    db: flags.Db = None,
    quiet: flags.Quiet = False,
    json_events: flags.JsonEvents = None,
    notify: flags.Notify = None,
    json_: flags.Json = False,
) -> None:
    """Train further seeds of a finished study's best recipe and of the defaults, until it is decided."""

    with survived(), exit_codes():
        check_limits()
        from automl import service

        report = _followed(
            lambda listener: service.confirm(
                study,
                seeds=seeds,
                budget=budget or (),
                data=data,
                trust_model=trust_model,
                db=db,
                listener=listener,
                notify=notify or (),
                progress=False,
            ),
            quiet=quiet,
            events=json_events,
            as_json=json_,
        )
        _finish(report, export=None, db=db, as_json=json_)


def attach(study: flags.Study = None, db: flags.Db = None, json_: flags.Json = False) -> None:
    """Follow a running study until it ends, as its own terminal does. Ctrl-C leaves it running."""

    with survived(), exit_codes():
        from automl.store import address

        name = study
        try:
            from automl import service
            from automl.records import EndedBy, StudyState
            from automl.terminal.progress import shown
            from automl.terminal.tables import open_console

            name = study or service.study_name("attach", db=db)
            with shown(open_console(stderr=json_), quiet=False) as listener:
                report = service.attach(name, db=db, listener=listener)
        except KeyboardInterrupt:
            again = address.command("attach", name, db) if name else f"automl attach{address.db_words(db)}"
            print(f"The search goes on. See it again: {again}", file=sys.stderr)
            return
        _finish(report, export=None, db=db, as_json=json_)
        row = report.study
        if row.state is StudyState.RUNNING:
            resume = address.command("resume", name, db)
            print(f"automl: the study process ended unexpectedly. Go on with: {resume}", file=sys.stderr)
            raise typer.Exit(1)
        if row.state is StudyState.FAILED or row.ended_by is EndedBy.FAILURE:
            print(f"automl: the search ended without an answer: {row.reason}", file=sys.stderr)
            raise typer.Exit(1)


def _followed(
    action: Callable[[Listener], StudyReport], *, quiet: bool, events: Path | None, as_json: bool
) -> StudyReport:
    """Report of a training whose progress is shown; a network file that could run code is asked for first."""
    from automl.terminal.detached import announced
    from automl.terminal.progress import shown
    from automl.terminal.tables import open_console

    def run() -> StudyReport:
        with shown(open_console(stderr=as_json), quiet=quiet, events=events) as screen, announced(screen) as listener:
            return action(listener)

    return trusting(run, asked)


def _detach(db: str | None, *, as_json: bool) -> None:
    """Run this command line in a process that outlives the terminal, until its study has begun."""
    from automl.terminal.detached import detach

    detach(sys.argv[1:], as_json=as_json, db=db)


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
        print("Nothing was trained. Begin with the same command, without --dry-run.")


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
    if report.waiting and export is not None:
        print(f"{export} is not written: the database does not have the winner's rows yet.", file=sys.stderr)
    elif report.best is not None and export is not None:
        print(export_words(name, export, db=db), file=sys.stderr if as_json else sys.stdout)
    if report.interrupted:
        print(f"Go on with: {address.command('resume', name, db)}", file=sys.stderr)
        raise typer.Exit(resumable_code(report.ended_by))
