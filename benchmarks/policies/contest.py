"""Contest of search policies in virtual time: every policy on every task with every seed, with kept results."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from automl.errors import AutoMLError, UnknownName
from automl.sampler import SAMPLERS
from automl.setup.options import SearchRequest
from benchmarks.policies.families import numbers, open_family
from benchmarks.policies.ours import open_search
from benchmarks.policies.race import Policy, Track, regrets
from benchmarks.policies.rivals import RIVALS
from benchmarks.policies.sources import SHAPES, digest, sources
from benchmarks.policies.tasks import Scale, Task, measure

OURS = "automl"  # the product's default sampler; "automl:gp" names another
# Files that a kept result depends on: apart, so that a change of our search does not run the peers again.
TRACK_FILES = sources("benchmarks.policies.race", "benchmarks.policies.families", without=SHAPES)
PEER_FILES = sources("benchmarks.policies.rivals", without=SHAPES)
OUR_FILES = sources("benchmarks.policies.ours")


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Options of `python -m benchmarks policies`."""

    policies: tuple[str, ...]
    families: tuple[str, ...]
    tasks: str = "8"
    seeds: int = 10
    slots: int = 4
    trainings: float = 30.0  # budget, in median full trainings of the task
    startup_s: float = 0.0
    jobs: int = 2
    lcbench: Path | None = None
    cache: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run of a policy on a task with a seed."""

    policy: str
    task: Task
    seed: int
    slots: int
    trainings: float
    startup_s: float
    scale: Scale


@dataclass(frozen=True, kw_only=True)
class Result:
    """Result of a run."""

    policy: str
    family: str
    task: str
    seed: int
    regrets: list[float]  # at 0.5 %, 1 % ... 100 % of the budget
    trials: int
    completed: int
    epochs: int
    wall_s: float  # virtual, of the run
    spent: float  # share of the budget
    cpu_s: float  # real, of this process: policy and task together


@dataclass(frozen=True)
class Standing:
    """Results of a contest, and the families that could not run."""

    contest: Contest
    results: list[Result]
    skipped: dict[str, str] = field(default_factory=dict)  # family: reason


def policy_names() -> tuple[str, ...]:
    """All names for `--policies`."""
    return (OURS, *(f"{OURS}:{name}" for name in SAMPLERS), *RIVALS)


def check(contest: Contest) -> None:
    """Raise UnknownName or AutoMLError for a contest that cannot run."""
    for name in contest.policies:
        if name not in policy_names():
            raise UnknownName("policy", name, policy_names())
    for name in contest.families:
        open_family(name, numbers(contest.tasks), contest.lcbench)
    for option, value in (("--seeds", contest.seeds), ("--slots", contest.slots), ("--jobs", contest.jobs)):
        if value < 1:
            raise AutoMLError(f"{option} {value}: use 1 or more.")
    if not contest.trainings > 0 or not contest.policies or not contest.families:
        raise AutoMLError("a contest needs a policy, a family and --trainings above zero.")


def open_policy(name: str, task: Task, *, slots: int, budget_s: float, seed: int) -> Policy:
    """A new policy by name; raises UnknownName."""
    ours = _of_ours(name)
    if ours is not None:
        sampler, confirm = ours
        return open_search(task, sampler=sampler, confirm=confirm, slots=slots, budget_s=budget_s, seed=seed)
    if name not in RIVALS:
        raise UnknownName("policy", name, policy_names())
    return RIVALS[name](task, seed)


def _of_ours(name: str) -> tuple[str, int] | None:
    """Sampler and number of repeated trials behind a name of our search today; None for a peer."""
    ours, _, sampler = name.partition(":")
    return (sampler or SearchRequest.sampler, SearchRequest.confirm) if ours == OURS else None


def play(entry: Entry) -> Result:
    """Result of one policy on one task with one seed."""
    began = time.process_time()
    budget_s = entry.trainings * entry.scale.training_s
    policy = open_policy(entry.policy, entry.task, slots=entry.slots, budget_s=budget_s, seed=entry.seed)
    track = Track(entry.task, slots=entry.slots, budget_s=budget_s, seed=entry.seed, startup_s=entry.startup_s)
    race = track.run(policy)
    return Result(
        policy=entry.policy,
        family=entry.task.family,
        task=entry.task.name,
        seed=entry.seed,
        regrets=[round(value, 5) for value in regrets(race, entry.scale, budget_s).tolist()],
        trials=race.trials,
        completed=race.completed,
        epochs=race.epochs,
        wall_s=round(race.end_s, 3),
        spent=round(race.spent_s / budget_s, 4),
        cpu_s=round(time.process_time() - began, 3),
    )


def run(contest: Contest, listener: Callable[[str], None] = lambda line: None) -> Standing:
    """Run every policy on every task with every seed, except those with a result in the cache."""
    check(contest)
    skipped: dict[str, str] = {}
    tasks: list[Task] = []
    for name in contest.families:
        family = open_family(name, numbers(contest.tasks), contest.lcbench)
        tasks += family
        if not family:
            skipped[name] = "its files are not here: name their folder with --lcbench"
    cache = _Cache(contest.cache)
    with _pool(contest.jobs) as pool:
        scales = {key: Scale(**value) for key, value in cache.complete(pool, _scale_jobs(tasks), listener, "scales")}
        entries = [
            Entry(
                policy=policy,
                task=task,
                seed=seed,
                slots=contest.slots,
                trainings=contest.trainings,
                startup_s=contest.startup_s,
                scale=scales[_scale_key(task)],
            )
            for seed in range(contest.seeds)
            for task in tasks
            for policy in contest.policies
        ]
        jobs: dict[str, Job] = {_key(entry): (_play, entry) for entry in entries}
        results = [Result(**value) for _, value in cache.complete(pool, jobs, listener, "runs")]
    order = {name: index for index, name in enumerate(contest.policies)}
    results.sort(key=lambda result: (result.family, order[result.policy], result.task, result.seed))
    return Standing(contest, results, skipped)


Job = tuple[Callable[[Any], dict[str, Any]], Any]


def _play(entry: Entry) -> dict[str, Any]:
    return asdict(play(entry))


def _measure(task: Task) -> dict[str, Any]:
    return asdict(measure(task))


def _scale_jobs(tasks: Sequence[Task]) -> dict[str, Job]:
    return {_scale_key(task): (_measure, task) for task in tasks}


def _scale_key(task: Task) -> str:
    return f"scale {task.name} {digest(TRACK_FILES)}"


def _key(entry: Entry) -> str:
    ours = _of_ours(entry.policy)
    words = (entry.policy, *(ours or ()), entry.task.name, entry.seed, entry.slots, entry.trainings, entry.startup_s)
    files = PEER_FILES if ours is None else OUR_FILES
    return f"run {' '.join(map(str, words))} {digest(TRACK_FILES)} {digest(files)}"


def _pool(jobs: int) -> ProcessPoolExecutor:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # the runs themselves are parallel
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))


class _Cache:
    """Finished jobs by key, one JSON line each in `results.jsonl` of the folder; in memory without a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / "results.jsonl" if folder is not None else None
        self._known: dict[str, dict[str, Any]] = {}
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            for line in self._file.read_text(encoding="utf-8").splitlines() if self._file.is_file() else []:
                if line.endswith("}"):  # a line that was cut off is run again
                    document = json.loads(line)
                    self._known[document["key"]] = document["value"]

    def complete(
        self, pool: ProcessPoolExecutor, jobs: dict[str, Job], listener: Callable[[str], None], title: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Key and value of every job, known ones first."""
        yield from ((key, self._known[key]) for key in jobs if key in self._known)
        waiting: dict[Future[dict[str, Any]], str] = {
            pool.submit(call, argument): key for key, (call, argument) in jobs.items() if key not in self._known
        }
        total, began = len(waiting), time.monotonic()
        for done, future in enumerate(as_completed(waiting), start=1):
            key, value = waiting[future], future.result()
            self._write(key, value)
            if done in (1, total) or done % max(1, total // 20) == 0:
                left_s = (time.monotonic() - began) / done * (total - done)
                listener(f"{title}: {done} of {total}, about {left_s:.0f} s left")
            yield key, value

    def _write(self, key: str, value: dict[str, Any]) -> None:
        self._known[key] = value
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "value": value}) + "\n")
