"""`python -m benchmarks NAME`: measurements that print a table, or one JSON object with --json."""

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

app = typer.Typer(help="Measure what automl costs and finds, beside its peers.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def scale(
    trials: Annotated[int, typer.Option(help="Surrogate trials to play.")] = 10_000,
    slots: Annotated[int, typer.Option(help="Virtual slots.")] = 100,
    sampler: Annotated[str | None, typer.Option(help="A sampler's name; default: that of a search.")] = None,
    parameters: Annotated[int, typer.Option(help="Numeric dimensions of the space.")] = 28,
    sqlite: Annotated[bool, typer.Option("--sqlite", help="Record every epoch in SQLite while deciding.")] = False,
    cpu_clock: Annotated[
        bool, typer.Option("--cpu-clock", help="Time decisions by CPU seconds: for a machine that others keep busy.")
    ] = False,
    json_: Json = False,
) -> None:
    """Decision time, idle slots, CPU and memory of the search itself, in virtual time."""
    from automl.setup.options import SearchRequest
    from benchmarks import scale as measured

    with exit_codes():
        if min(trials, slots, parameters) < 1:
            raise AutoMLError("--trials, --slots and --parameters are 1 or more.")
        name = sampler or SearchRequest.sampler
        found = measured.run(trials, slots, sampler=name, parameters=parameters, sqlite=sqlite, cpu_clock=cpu_clock)
    _show(asdict(found), json_)


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
    methods: Annotated[str, typer.Option(help="Which to run: ours,use_ray,ga.")] = "ours,use_ray,ga",
    folder: Annotated[
        Path | None, typer.Option(help="Keep results and logs here; methods measured there are not run again.")
    ] = None,
    markdown: Annotated[bool, typer.Option(help="Print a Markdown table.")] = False,
    json_: Json = False,
) -> None:
    """Share of CPU and slot time that is training, beside Ultralytics' model.tune with and without Ray."""
    from benchmarks.overhead import comparison as measured
    from benchmarks.overhead import figures

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
        found = measured.run(
            settings,
            _names(methods),
            folder=folder,
            command=shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
            listener=lambda line: print(line, file=sys.stderr, flush=True),
        )
    if json_:
        print(json.dumps(found.to_dict()))
    elif markdown:
        print(figures.markdown(found))
    else:
        print_table(figures.table(found), figures.captions(found))


@app.command()
def policies(
    policies: Annotated[
        str, typer.Option(help="automl, automl:SAMPLER, E, F, tpe-full, ga, median, hyperband, random, full, defaults.")
    ] = "automl,E,F,ga,median,hyperband,random",
    families: Annotated[
        str, typer.Option(help="lcbench, curves, mixed, yolo; +15 behind one adds that many irrelevant dimensions.")
    ] = "lcbench,lcbench+15,curves,mixed,yolo",
    tasks: Annotated[str, typer.Option(help="Tasks of each family: how many, or which, such as 8-15.")] = "8",
    seeds: Annotated[int, typer.Option(help="Runs of each policy on each task.")] = 10,
    slots: Annotated[int, typer.Option(help="Virtual slots.")] = 4,
    trainings: Annotated[float, typer.Option(help="Budget in median full trainings of the task.")] = 30.0,
    startup: Annotated[float, typer.Option(help="Virtual seconds before a trial's first epoch.")] = 0.0,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 2,
    lcbench: Annotated[
        Path | None, typer.Option(help="Folder of LCBench's surrogate; default: shared/data/lcbench nearby.")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="Keep every finished run here and take it from here.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw regret against budget, for example out.png.")] = None,
    json_: Json = False,
) -> None:
    """Which search policy reaches a good checkpoint with the least budget, beside its peers, in virtual time."""
    from benchmarks.policies import contest as measured
    from benchmarks.policies import figures

    contest = measured.Contest(
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
        standing = measured.run(contest, lambda line: print(line, file=sys.stderr, flush=True))
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
    budget: Annotated[str, typer.Option(help="Of each method: 20trainings, 1800cpu-s, 1cpu-h or 30gpu-min.")],
    out: Annotated[Path, typer.Option(help="Results, logs and figure; what is there is not run again.")],
    model: Annotated[str, typer.Option("--model", "--models", help="Variant.")] = "yolov5n",
    imgsz: Annotated[int, typer.Option(help="Image size.")] = 160,
    epochs: Annotated[int, typer.Option(help="Horizon of every trial.")] = 40,
    batch: Annotated[int, typer.Option(help="Batch size.")] = 16,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings anew of each winner.")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of the searches.")] = 0,
    slots: Annotated[int, typer.Option(min=1, help="Trainings side by side, one thread each.")] = 2,
    device: Annotated[str, typer.Option(help="cpu, or a GPU's index.")] = "cpu",
    methods: Annotated[str, typer.Option(help="Which to run now.")] = "automl,ray,genetic,defaults",
    long: Annotated[int, typer.Option(min=0, help="Train our winner and the defaults for so many epochs too.")] = 0,
    long_seeds: Annotated[int, typer.Option(min=1, help="Long trainings of each.")] = 1,
    json_: Json = False,
) -> None:
    """Ours beside Ultralytics' tuners and its defaults: real trainings at equal CPU (or GPU) seconds."""
    from benchmarks.real import comparison as measured
    from benchmarks.real import figures
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
        found = measured.run(
            settings, _names(methods), out, listener=lambda line: print(line, file=sys.stderr, flush=True)
        )
        unit = settings.unit
        draw(found.findings, found.judged, budget_s=found.budget_s, unit=unit, target=out / "real.png")
    captions = figures.captions(settings, found.budget_s, found.missing, found.split)
    if json_:
        document = {"rows": [asdict(row) for row in found.rows], "budget_s": found.budget_s, "captions": captions}
        print(json.dumps(document))
    else:
        print_table(figures.table(found.rows, unit), [*captions, f"Figure: {out / 'real.png'}"], 120)


@app.command()
def page(
    trials: Annotated[int, typer.Option(help="Trials of the made-up study, and of a running one beside it.")] = 10_000,
    epochs: Annotated[int, typer.Option(help="Mean epochs of a trial.")] = 100,
    db: Annotated[
        list[str] | None,
        typer.Option(help="Postgres servers, beside SQLite: postgresql://USER@HOST/NAME; a new database is dropped."),
    ] = None,
    repeat: Annotated[int, typer.Option(help="Measure each view so often; the medians are told.")] = 1,
    json_: Json = False,
) -> None:
    """Server time and memory of every view of the page over a large study, its queries and its live refresh."""
    from benchmarks.page import views as measured

    with exit_codes():
        servers = tuple(db or filter(None, (os.environ.get("AUTOML_TEST_DB"),)))
        found = measured.run(
            measured.Size(trials=trials, epochs=epochs),
            servers=servers,
            repeat=repeat,
            listener=lambda line: print(line, file=sys.stderr, flush=True),
        )
    if json_:
        print(json.dumps(measured.document(found)))
    else:
        print_table(measured.table(found), measured.captions(found), 110)


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _show(result: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))
        return
    for key, value in result.items():
        print(f"{key:<18} {value}")
