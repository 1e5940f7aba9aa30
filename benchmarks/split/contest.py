"""Contest of divisions: what the recipe that is handed over is worth at production length, for the same budget."""

from __future__ import annotations

import heapq
import itertools
import math
import random
import statistics
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

from automl.costs import split
from automl.costs.budget import Budget, Ledger
from automl.costs.shares import repeats
from automl.errors import AutoMLError
from automl.policy import Search
from automl.records import EpochMetrics, Prepared, Slots, StudySpec
from automl.sampler import open_sampler
from automl.scores.length import compared
from automl.scores.trust import DELIVER
from benchmarks.policies.tasks import defaults
from benchmarks.specs import virtual_spec
from benchmarks.split.task import LongTask

LENGTH = 300  # epochs of production
RULES = ("ours", "40", "75", "150", "unchecked")  # of the search's horizon; "unchecked" hands over without comparing
_RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Run:
    """One study of one rule."""

    rule: str
    budget: float  # in trainings of production length
    task: int
    seed: int
    horizon: int  # of the search; 0 where nothing is searched
    gain: float  # noise-free mAP50-95 of what is handed over, above the defaults trained for LENGTH epochs
    found: bool  # what is handed over is not the defaults' recipe
    spent: float  # of the budget


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Mean gain of a rule at a budget over tasks and seeds, with a 90 % bootstrap interval over tasks."""

    rule: str
    budget: float
    horizon: float  # median
    gain: float
    low: float
    high: float
    worst: float  # tenth percentile of the runs
    found: float  # share of runs that hand over a recipe other than the defaults
    runs: int


def contest(budgets: Sequence[float], rules: Sequence[str], tasks: int, seeds: int, jobs: int) -> list[Figure]:
    """Figures of every rule at every budget, and of the defaults for the whole budget.

    Raises AutoMLError for a rule that there is not, and for a budget that pays nothing.
    """
    for rule in rules:
        if rule not in RULES and not (rule.isdecimal() and 1 <= int(rule) <= LENGTH):
            raise AutoMLError(f"--rules {rule}: name ours, unchecked, or a horizon of 1 to {LENGTH} epochs.")
    for budget in budgets:
        if not 0 < budget < math.inf:
            raise AutoMLError(f"--budgets {budget:g}: name trainings of {LENGTH} epochs, above 0.")
    cases = [
        (rule, budget, task, seed)
        for budget in budgets
        for rule in rules
        for task in range(tasks)
        for seed in range(seeds)
    ]
    with ProcessPoolExecutor(jobs) as pool:
        runs = list(pool.map(_run, cases, chunksize=4))
    whole = [_whole(budget, task) for budget in budgets for task in range(tasks)]
    return [
        _figure([run for run in (*whole, *runs) if (run.budget, run.rule) == (budget, rule)])
        for budget in budgets
        for rule in ("defaults, whole budget", *rules)
    ]


def play(task: LongTask, spec: StudySpec, seed: int) -> Search:
    """The study to its end, in virtual time."""
    search = Search(spec, open_sampler(spec.sampler, task.space, seed), Ledger(map(Budget.parse, spec.budgets)))
    order, heap, observed = itertools.count(), list[tuple[float, int, int, int]](), {}
    free, at = spec.slots.count, 0.0
    while True:
        while free:
            trial = search.next_trial(at)
            if trial is None:
                break
            free -= 1
            observed[trial.number] = task.observe(trial.params, trial.epochs, f"{task.number} {seed} {trial.number}")
            heapq.heappush(heap, (at + task.epoch_s, next(order), trial.number, 1))
        if not heap:
            return search
        at, _, number, epoch = heapq.heappop(heap)
        score = float(observed[number][epoch - 1])
        metrics = EpochMetrics(
            epoch=epoch, map50_95=score, map50=score, precision=score, recall=score, train_s=task.epoch_s, val_s=0.0
        )
        outcome = search.report(number, metrics, at)
        if outcome is None:
            heapq.heappush(heap, (at + task.epoch_s, next(order), number, epoch + 1))
        else:
            search.close(number, outcome, at)
            free += 1


def spec_of(task: LongTask, rule: str, budget: Budget, slots: Slots, seed: int) -> StudySpec:
    """Spec of a study by a rule, as `automl search` would compile it."""
    start = defaults(task.space)
    prepared = _prepared(task)
    asked = split.Asked(train=LENGTH, epochs=int(rule) if rule.isdecimal() else None)
    division = split.divide([budget], slots, prepared, asked, besides_s=0.0)
    left = division.searching([budget], slots, task.epoch_s)
    if rule == "unchecked":
        left = (budget.less(slot_s=LENGTH * task.epoch_s),)
        division = split.divide(left, slots, prepared, split.Asked(recipe_only=True), besides_s=0.0)
    count, reserve_s = repeats(left, task.epoch_s * division.epochs, slots, 3) if division.searches else (0, 0.0)
    spec = virtual_spec(
        f"long-{task.number}",
        task.space,
        start,
        sampler="gp",
        seed=seed,
        epochs=division.epochs,
        warmup=task.warmup,
        epoch_s=task.epoch_s,
        budget=left[0] if rule == "unchecked" else budget,
        slots=slots.count,
    )
    return replace(
        spec,
        budgets=(f"{(left[0] if rule == 'unchecked' else budget).slot_s:.3f}cpu-s",),
        train=division.production,
        compare=division.production > 0,
        defaults_alone="" if division.searches else division.sentence,
        reserve_trials=count,
        reserve_s=reserve_s,
        early_end=True,
    )


def _run(case: tuple[str, float, int, int]) -> Run:
    rule, trainings, number, seed = case
    task, slots = LongTask(number), Slots(count=2, device="cpu")
    budget = Budget(text="", slot_s=trainings * LENGTH * task.epoch_s, device="cpu")
    spec = spec_of(task, rule, budget, slots, seed)
    search = play(task, spec, seed)
    production, winner = search.production, search.runs.winner or 0
    if spec.compare:
        winner = production.winner or 0
        sides = production.best(0), production.best(winner)
        held = winner and all(sides) and compared(*sides).chance >= DELIVER
        winner = winner if held else 0
    params = search.runs[winner].trial.params
    length = spec.epochs if spec.defaults_alone else LENGTH
    return Run(
        rule=rule,
        budget=trainings,
        task=number,
        seed=seed,
        horizon=0 if spec.defaults_alone else spec.epochs,
        gain=task.end(params if winner else {}, length) - task.end({}, LENGTH),
        found=bool(winner),
        spent=search.ledger.spent_s() / (budget.slot_s or 1.0),
    )


def _whole(trainings: float, number: int) -> Run:
    """The defaults trained once, for the whole budget."""
    task = LongTask(number)
    return Run(
        rule="defaults, whole budget",
        budget=trainings,
        task=number,
        seed=0,
        horizon=0,
        gain=task.end({}, int(trainings * LENGTH)) - task.end({}, LENGTH),
        found=False,
        spent=1.0,
    )


def _figure(runs: Sequence[Run]) -> Figure:
    gains = [run.gain for run in runs]
    by_task = [[run.gain for run in runs if run.task == task] for task in sorted({run.task for run in runs})]
    rng = random.Random(0)
    means = sorted(
        statistics.fmean(itertools.chain.from_iterable(rng.choices(by_task, k=len(by_task)))) for _ in range(_RESAMPLES)
    )
    return Figure(
        rule=runs[0].rule,
        budget=runs[0].budget,
        horizon=statistics.median(run.horizon for run in runs),
        gain=statistics.fmean(gains),
        low=means[int(0.05 * _RESAMPLES)],
        high=means[int(0.95 * _RESAMPLES) - 1],
        worst=sorted(gains)[len(gains) // 10],
        found=statistics.fmean(run.found for run in runs),
        runs=len(runs),
    )


def rows_of(figures: Iterable[Figure]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [
        "| trainings of 300 epochs | search's horizon | gain over the defaults at 300 [90 %] | worst tenth | found |",
        "|---|---|---|---|---|",
    ]
    for figure in figures:
        names = {"ours": "ours", "unchecked": "20 trainings, winner trained and handed over unchecked"}
        name = names.get(figure.rule, figure.rule if not figure.rule.isdecimal() else f"{figure.rule} epochs")
        horizon = f" ({figure.horizon:.0f})" if figure.rule == "ours" else ""
        interval = f"{figure.gain:+.4f} [{figure.low:+.4f}, {figure.high:+.4f}]"
        lines.append(f"| {figure.budget:g} | {name}{horizon} | {interval} | {figure.worst:+.3f} | {figure.found:.2f} |")
    return lines


def _prepared(task: LongTask) -> Prepared:
    return Prepared(
        defaults=defaults(task.space),
        fitted=None,
        tensors=0,
        parameters=0,
        train_images=0,
        val_images=0,
        train_s=task.epoch_s,
        val_s=0.0,
        startup_s=0.0,
        memory_bytes=0,
        versions={},
    )
