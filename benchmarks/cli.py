"""Command line of the benchmarks: each prints a table, or one JSON object with --json."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from automl.errors import AutoMLError
from automl.terminal.exits import exit_codes
from automl.terminal.tables import print_table
from benchmarks.study_report import report

app = typer.Typer(help="Measure the costs and results of automl, beside those of its peers.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def scale(
    trials: Annotated[int, typer.Option(help="Surrogate trials to run.")] = 10_000,
    slots: Annotated[int, typer.Option(help="Virtual slots.")] = 100,
    sampler: Annotated[str | None, typer.Option(help="Name of a sampler; default: that of a search.")] = None,
    parameters: Annotated[int, typer.Option(help="Numeric dimensions of the space.")] = 28,
    sqlite: Annotated[bool, typer.Option("--sqlite", help="Record every epoch in SQLite while deciding.")] = False,
    cpu_clock: Annotated[
        bool, typer.Option("--cpu-clock", help="Time decisions by CPU seconds: for a machine that others keep busy.")
    ] = False,
    json_: AsJson = False,
) -> None:
    """Measure decision time, idle slots, CPU and memory of the search itself, in virtual time."""
    from automl.setup.options import SearchRequest
    from benchmarks.scale import run

    with exit_codes():
        if min(trials, slots, parameters) < 1:
            raise AutoMLError("--trials, --slots and --parameters are 1 or more.")
        name = sampler or SearchRequest.sampler
        result = run(trials, slots, sampler=name, parameters=parameters, sqlite=sqlite, cpu_clock=cpu_clock)
    _show(asdict(result), json_)


@app.command()
def overhead(
    data: Annotated[Path, typer.Option(help="A YOLO data.yaml; copied, never written to.")],
    weights: Annotated[Path, typer.Option(help="Pretrained weights: .pt or .safetensors.")],
    model: Annotated[str, typer.Option(help="Variant.")] = "yolov5n",
    imgsz: Annotated[int, typer.Option(help="Image size.")] = 160,
    epochs: Annotated[int, typer.Option(help="Horizon of a trial.")] = 5,
    trials: Annotated[int, typer.Option(help="Trials of each method.")] = 20,
    batch: Annotated[int, typer.Option(help="Batch size.")] = 16,
    slots: Annotated[int, typer.Option(help="Trials side by side, one thread each.")] = 2,
    methods: Annotated[str, typer.Option(help="Methods to run: ours,use_ray,ga.")] = "ours,use_ray,ga",
    folder: Annotated[
        Path | None, typer.Option(help="Folder for results and logs; methods with a result there are not run again.")
    ] = None,
    markdown: Annotated[bool, typer.Option(help="Print a Markdown table.")] = False,
    json_: AsJson = False,
) -> None:
    """Measure the share of training in CPU and slot time, beside Ultralytics' model.tune with and without Ray."""
    from benchmarks.overhead import figures
    from benchmarks.overhead.comparison import run

    settings = figures.Settings(
        data=str(data),
        weights=str(weights),
        model=model,
        imgsz=imgsz,
        epochs=epochs,
        trials=trials,
        batch=batch,
        slots=slots,
    )
    with exit_codes():
        comparison = run(
            settings,
            _names(methods),
            folder=folder,
            command=shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
            listener=_progress,
        )
    if json_:
        print(json.dumps(comparison.to_dict()))
    elif markdown:
        print(figures.markdown(comparison))
    else:
        print_table(figures.table(comparison), figures.captions(comparison))


@app.command()
def split(
    budgets: Annotated[str, typer.Option(help="Budgets in trainings of 300 epochs.")] = "2,4,8,15",
    rules: Annotated[
        str, typer.Option(help="ours, a horizon in epochs, or unchecked: the winner handed over uncompared.")
    ] = "ours,40,75,150,unchecked",
    tasks: Annotated[int, typer.Option(min=1, help="Tasks of the family.")] = 16,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each rule on each task.")] = 3,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    json_: AsJson = False,
) -> None:
    """Measure divisions of a budget between a search and trainings of 300 epochs, in virtual time."""
    from benchmarks.split import contest

    with exit_codes():
        figures = contest.contest(_numbers(budgets, "--budgets"), _names(rules), tasks, seeds, jobs)
    print(json.dumps([asdict(figure) for figure in figures]) if json_ else "\n".join(contest.rows_of(figures)))


@app.command()
def policies(
    policies: Annotated[
        str, typer.Option(help="automl, automl:SAMPLER, E, F, tpe-full, ga, median, hyperband, random, full, defaults.")
    ] = "automl,E,F,ga,median,hyperband,random",
    families: Annotated[
        str, typer.Option(help="lcbench, curves, mixed, yolo; a suffix such as +15 adds 15 irrelevant dimensions.")
    ] = "lcbench,lcbench+15,curves,mixed,yolo",
    tasks: Annotated[str, typer.Option(help="Tasks of each family: a count, or numbers such as 8-15.")] = "8",
    seeds: Annotated[int, typer.Option(help="Runs of each policy on each task.")] = 10,
    slots: Annotated[int, typer.Option(help="Virtual slots.")] = 4,
    trainings: Annotated[float, typer.Option(help="Budget in median full trainings of the task.")] = 30.0,
    startup: Annotated[float, typer.Option(help="Virtual seconds before a trial's first epoch.")] = 0.0,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 2,
    lcbench: Annotated[
        Path | None,
        typer.Option(help="Folder of LCBench's surrogate; default: shared/data/lcbench nearby."),
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder for finished runs, which are not run again.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw regret against budget into a file.")] = None,
    json_: AsJson = False,
) -> None:
    """Compare search policies by the budget that each needs for a good checkpoint, in virtual time."""
    from benchmarks.extras import need
    from benchmarks.policies import figures
    from benchmarks.policies.contest import Contest, run

    contest = Contest(
        policies=_names(policies),
        families=_names(families),
        tasks=tasks,
        seeds=seeds,
        slots=slots,
        trainings=trainings,
        startup_s=startup,
        jobs=jobs,
        lcbench=lcbench,
        cache=cache,
    )
    with exit_codes():
        if figure is not None:
            need("matplotlib", "--figure")
        standing = run(contest, _progress)
        if figure is not None:
            from benchmarks.policies.plot import draw

            draw(standing, figure)
    rows = figures.rows(standing)
    if json_:
        print(json.dumps({"rows": [asdict(row) for row in rows], "skipped": standing.skipped}))
    else:
        print_table(figures.printed(rows), figures.captions(standing, rows), 130)


@app.command()
def real(
    data: Annotated[Path, typer.Option(help="A YOLO data.yaml; copied, never written to.")],
    weights: Annotated[Path, typer.Option(help="Pretrained weights: .pt or .safetensors.")],
    budget: Annotated[str, typer.Option(help="Budget of each method: 20trainings, 1800cpu-s, 1cpu-h or 30gpu-min.")],
    out: Annotated[Path, typer.Option(help="Folder of results, logs and figure; steps in it are not run again.")],
    model: Annotated[str, typer.Option("--model", "--models", help="Variant.")] = "yolov5n",
    imgsz: Annotated[int, typer.Option(help="Image size.")] = 160,
    epochs: Annotated[int, typer.Option(help="Horizon of every trial.")] = 40,
    batch: Annotated[int, typer.Option(help="Batch size.")] = 16,
    seeds: Annotated[int, typer.Option(min=1, help="Retrainings of each winner.")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of the searches.")] = 0,
    slots: Annotated[int, typer.Option(min=1, help="Trainings side by side, one thread each.")] = 2,
    device: Annotated[str, typer.Option(help="cpu, or a GPU's index.")] = "cpu",
    methods: Annotated[str, typer.Option(help="Methods to run now.")] = "automl,ray,genetic,defaults",
    long: Annotated[int, typer.Option(min=0, help="Also train our winner and the defaults for this many epochs.")] = 0,
    long_seeds: Annotated[int, typer.Option(min=1, help="Long trainings of each.")] = 1,
    json_: AsJson = False,
) -> None:
    """Compare our search with Ultralytics' tuners and its defaults: real trainings at equal CPU (or GPU) seconds."""
    from benchmarks.extras import need
    from benchmarks.real import figures
    from benchmarks.real.comparison import run
    from benchmarks.real.plot import draw

    settings = figures.RealSettings(
        data=str(data),
        weights=str(weights),
        model=model,
        imgsz=imgsz,
        epochs=epochs,
        budget=budget,
        seeds=seeds,
        batch=batch,
        slots=slots if device == "cpu" else 1,
        seed=seed,
        device=device,
        long=long,
        long_seeds=long_seeds,
    )
    with exit_codes():
        need("matplotlib", "the figure of this benchmark")
        outcome = run(settings, _names(methods), out, _progress)
        budget_s, unit = outcome.budget_s, settings.unit
        draw(outcome.findings, outcome.retrainings, budget_s=budget_s, unit=unit, target=out / "real.png")
    captions = figures.captions(settings, budget_s, outcome.missing, outcome.split)
    if json_:
        print(json.dumps({"rows": [asdict(row) for row in outcome.rows], "budget_s": budget_s, "captions": captions}))
    else:
        print_table(figures.table(outcome.rows, unit), [*captions, f"Figure: {out / 'real.png'}"], 120)


@app.command()
def page(
    trials: Annotated[int, typer.Option(help="Trials of a synthetic study, and of a running one beside it.")] = 10_000,
    epochs: Annotated[int, typer.Option(help="Mean epochs of a trial.")] = 100,
    db: Annotated[
        list[str] | None,
        typer.Option(help="Postgres servers, beside SQLite: postgresql://USER@HOST/NAME; uses a new database."),
    ] = None,
    repeat: Annotated[int, typer.Option(help="Times that each view is measured; the medians are shown.")] = 1,
    json_: AsJson = False,
) -> None:
    """Measure server time and memory of all views of the page over a large study, its queries and live refresh."""
    from benchmarks.page.views import Size, captions, document, run, table

    with exit_codes():
        servers = tuple(db or filter(None, (os.environ.get("AUTOML_TEST_DB"),)))
        result = run(Size(trials=trials, epochs=epochs), servers=servers, repeat=repeat, listener=_progress)
    if json_:
        print(json.dumps(document(result)))
    else:
        print_table(table(result), captions(result), 110)


@app.command()
def verdict(
    studies: Annotated[int, typer.Option(help="Simulated studies a cell.", min=2)] = 400,
    gaps: Annotated[str, typer.Option(help="True gains of the best recipe over the defaults, mAP50-95.")] = "0,.03,.1",
    seed_sds: Annotated[str, typer.Option(help="Standard deviations of a run, mAP50-95.")] = ".01,.02,.05",
    seed: Annotated[int, typer.Option(help="Seed of the studies.")] = 0,
    json_: AsJson = False,
) -> None:
    """Compare rules for what a search hands over and claims, on simulated studies with a known truth."""
    from benchmarks.verdict import captions, simulate, table

    with exit_codes():
        rows = []
        for row in simulate(studies, _scores(gaps, "--gaps"), _scores(seed_sds, "--seed-sds"), seed):
            _progress(f"gap {row.gap:g}, seed sd {row.seed_sd:g}: {row.rule}")
            rows.append(row)
    if json_:
        print(json.dumps({"rows": [asdict(row) for row in rows], "captions": captions(studies)}))
    else:
        print_table(table(rows), captions(studies), 110)


@app.command()
def suspects(
    data: Annotated[Path, typer.Option(help="A YOLO data.yaml; copied, never written to.")],
    weights: Annotated[str, typer.Option(help="Weights with which the models begin, or none.")],
    model: Annotated[str, typer.Option(help="Variant, or a network file.")] = "yolov5n",
    imgsz: Annotated[int, typer.Option(help="Image size.")] = 320,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of each half-trained model.")] = 25,
    budget: Annotated[str, typer.Option(help="Budget of both models.")] = "4cpu-h",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the errors and the halves.")] = 0,
    folder: Annotated[
        Path | None, typer.Option(help="Folder for the copy and the predictions, which a later run only scores.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """Measure suspicious labels against errors of known places: removed, shifted and re-classed boxes."""
    from benchmarks import suspects as measured

    settings = measured.Settings(
        data=str(data), weights=weights, model=model, imgsz=imgsz, epochs=epochs, budget=budget, seed=seed
    )
    with exit_codes():
        figures = measured.run(settings, folder, _progress)
    if json_:
        print(json.dumps([asdict(figure) for figure in figures]))
    else:
        print_table(measured.table(figures), measured.captions(), 110)


@app.command()
def soak(
    studies: Annotated[int, typer.Option(min=1, help="Studies to play; one alone is told in full.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first study; the next ones follow.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    json_: AsJson = False,
) -> None:
    """Play whole studies with random faults at every event, and check what has to hold, in virtual time.

    Ends with code 1 if something did not hold.
    """
    from benchmarks.soak import soak as soaking

    with exit_codes():
        soaked = soaking.run(studies, seed, jobs, _progress)
    if json_:
        print(json.dumps(soaked.document()))
    else:
        print_table(soaking.table(soaked), soaking.captions(soaked), 110)
    raise typer.Exit(1 if soaked.seeds else 0)


@app.command()
def check(
    data: Annotated[Path, typer.Option(help="A YOLO data.yaml, whose images are copied and linked; never written to.")],
    images: Annotated[int, typer.Option(min=20, help="Images of the set that is made of them.")] = 20_000,
    pixels: Annotated[bool, typer.Option(help="Read pixels too.")] = True,
    folder: Annotated[Path | None, typer.Option(help="Folder for the set, on a disk with links.")] = None,
    json_: AsJson = False,
) -> None:
    """Measure how fast a data check reads, for the first time and again, and its memory."""
    from benchmarks import check as checking

    with exit_codes():
        rows = checking.run(data, images, pixels=pixels, folder=folder, listener=_progress)
    if json_:
        print(json.dumps({"rows": [asdict(row) for row in rows], "captions": list(checking.captions(rows))}))
    else:
        print_table(checking.table(rows), list(checking.captions(rows)), 130)


@app.command()
def price(
    data: Annotated[Path, typer.Option(help="A YOLO data.yaml; its images are linked, never written to.")],
    weights: Annotated[Path, typer.Option(help="Pretrained weights: .pt or .safetensors.")],
    out: Annotated[Path, typer.Option(help="Folder of scores; trainings in it are not run again.")],
    model: Annotated[str, typer.Option(help="Variant.")] = "yolov5n",
    imgsz: Annotated[int, typer.Option(help="Image size.")] = 160,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of a training.")] = 8,
    batch: Annotated[int, typer.Option(help="Batch size.")] = 16,
    device: Annotated[str, typer.Option(help="cpu, or a GPU's index.")] = "cpu",
    damages: Annotated[str, typer.Option(help="Wrong labels.")] = "removed,shifted,re-classed,added",
    shares: Annotated[str, typer.Option(help="Shares of train's boxes that are made wrong.")] = ".4",
    seeds: Annotated[int, typer.Option(min=1, help="Pairs of each kind and share.")] = 2,
    json_: AsJson = False,
) -> None:
    """Measure what wrong labels in train cost in mAP50-95: removed, shifted, re-classed and added boxes."""
    from benchmarks.price import losses
    from benchmarks.price.damage import Damage

    with exit_codes():
        unknown = [name for name in _names(damages) if name not in tuple(Damage)]
        if unknown:
            raise AutoMLError(f"--damages {unknown[0]}: one of {', '.join(Damage)}.")
        settings = losses.Settings(
            data=str(data),
            weights=str(weights.absolute()),
            model=model,
            imgsz=imgsz,
            epochs=epochs,
            batch=batch,
            device=device,
            damages=tuple(map(Damage, _names(damages))),
            shares=tuple(_fractions(shares)),
            seeds=seeds,
        )
        rows = losses.run(settings, out, _progress)
    if json_:
        print(json.dumps({"rows": [asdict(row) for row in rows], "captions": losses.captions(settings)}))
    else:
        print_table(losses.table(rows), losses.captions(settings), 100)


app.command()(report)


def _fractions(text: str) -> list[float]:
    numbers = _numbers(text, "--shares")
    if not all(0 < number <= 1 for number in numbers):
        raise AutoMLError(f"--shares {text}: parts of the boxes, above 0 and at most 1.")
    return numbers


def _numbers(text: str, flag: str) -> list[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise AutoMLError(f"{flag} {text}: write numbers with commas between them, such as .01,.05.") from None


def _scores(text: str, flag: str) -> list[float]:
    numbers = _numbers(text, flag)
    if not all(0 <= number <= 0.5 for number in numbers):
        raise AutoMLError(f"{flag} {text}: mAP50-95 between 0 and 0.5.")
    return numbers


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _show(result: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))
        return
    for key, value in result.items():
        print(f"{key:<18} {value}")
