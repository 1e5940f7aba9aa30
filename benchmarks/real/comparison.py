"""Ours beside Ultralytics' tuners and its plain defaults, on real trainings at equal CPU (or GPU) seconds.

Every method gets its own copy of train and val, the same initial tensors, image size, horizon, batch size and
number of slots of one thread, at niceness 0 and without network; everything else is its own default. When all its
processes together have used the budget it is killed, and what it has written until then counts. Then its winner is
trained anew with new seeds, by plain Ultralytics for every method, and scored on val and on images that no method
ever saw: the test split, or a part of val that was held back.

Not the same, because it belongs to the method: our search confirms its winner within the budget; the genetic tuner
and the defaults train one network at a time, so that they fill one slot (two of them run side by side).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from automl.data.dataset import Dataset, fingerprint, read_dataset
from automl.data.holdout import hold_back
from automl.errors import AutoMLError, BadData, StudyConflict, UnknownName
from automl.setup.request import check_model
from automl.trainers.ultralytics.weights import check_weights
from benchmarks.overhead.figures import Settings, add_up
from benchmarks.overhead.workspace import (
    copy_data,
    empty,
    environment,
    run_beside,
    versions,
    write_initial,
    write_settings,
)
from benchmarks.real import findings as real_found
from benchmarks.real.figures import (
    BASELINE,
    METHODS,
    Allowance,
    Finding,
    Judged,
    Params,
    RealSettings,
    Row,
    long_epochs,
    long_row,
    row_of,
)
from benchmarks.real.steps import Command, Document, Step, keep, kept, locked, run_steps
from benchmarks.real.train import Job, write_job

HELD_BACK = 0.3  # of val, where the data has no test split
_LONG = (BASELINE, "automl")  # trained beyond the horizon too
_PEERS = {"ray": "use_ray", "genetic": "ga"}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The comparison as far as it has come."""

    rows: tuple[Row, ...]
    findings: dict[str, Finding]
    judged: dict[str, list[Judged]]
    settings: RealSettings
    budget_s: float
    split: str  # what the last scores were measured on, in words
    missing: tuple[str, ...]  # methods or trainings that are still to be run


def run(
    settings: RealSettings,
    methods: Sequence[str],
    out: Path,
    listener: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Runs what `out` does not hold yet and returns the whole comparison.

    Raises UnknownName, BadBudget, BadData and BadWeights for bad input before anything is trained, and StudyConflict
    where `out` holds a comparison with other settings.
    """
    if sys.platform != "linux":
        raise AutoMLError("`automl bench real` reads /proc and needs Linux.")
    for method in methods:
        if method not in METHODS:
            raise UnknownName("method", method, METHODS)
    allowance = Allowance.parse(settings.budget, settings.unit)
    dataset, split = _with_test(read_dataset(settings.data), settings.seed)
    settings = _resolved(settings, dataset)
    out = out.absolute()
    _claim(out, settings, dataset)
    bench = _Bench(settings, dataset, out, allowance)
    bench.write_initial()
    first, *others = settings.new_seeds
    run_steps(out, [bench.anew(BASELINE, {}, settings.epochs, first)], settings.slots, listener)
    listener(f"budget: {bench.budget_s():.0f} {settings.unit} seconds for each method")
    run_steps(out, [bench.method(name) for name in METHODS if name in methods], settings.slots, listener)
    more = [bench.anew(BASELINE, {}, settings.epochs, seed) for seed in others]
    for name, found in bench.findings().items():
        seeds = () if name == "defaults" else settings.new_seeds  # the long training is the winner itself
        more += [bench.anew(name, found.params, found.epochs, seed) for seed in seeds]
    run_steps(out, more, settings.slots, listener)
    run_steps(out, bench.long_trainings(), settings.slots, listener)
    return bench.outcome(split)


class _Bench:
    """The steps of one comparison and what they left."""

    def __init__(self, settings: RealSettings, dataset: Dataset, place: Path, allowance: Allowance) -> None:
        self._settings = settings
        self._dataset = dataset
        self._place = place
        self._allowance = allowance
        self._initial = str(place / "initial" / "initial.pt")

    def write_initial(self) -> None:
        """The tensors with which everything begins, once."""
        with locked(self._place, "initial"):
            if kept(self._place, "initial") is None:
                write_initial(self._told(self._settings.data, self._settings.weights), self._place / "initial")
                keep(self._place, "initial", {})

    def budget_s(self) -> float:
        """Seconds that each method may use; known once the defaults were trained."""
        return self._allowance.seconds_at(self._baseline()["used_s"])

    def _slot_s(self) -> float:
        """The budget as our search counts it, in seconds for which a slot is held.

        Where others use the machine too, a slot is held for longer than it computes: as much longer as the training
        of the defaults took. The meter still ends the search at the budget's CPU seconds.
        """
        paid = self._baseline()
        return self.budget_s() * (max(1.0, paid["wall_s"] / paid["used_s"]) if self._settings.unit == "cpu" else 1.0)

    def method(self, name: str) -> Step:
        """One search, or the long training of the defaults, stopped at the budget."""
        epochs = self._settings.epochs
        if name == "defaults":
            paid = self._baseline()
            epochs = long_epochs(self.budget_s(), paid["used_s"], paid["paid_s"], epochs)

        def prepare(room: Path) -> Command:
            empty(room)
            if name == "defaults":
                words = self._train(room, {}, epochs, self._settings.seed)
            else:
                words = self._search(name, room)
            limit = ["--cpu-limit" if self._settings.unit == "cpu" else "--wall-limit", f"{self.budget_s():.3f}"]
            return self._metered(room, words, limit, alone=name == "ray")

        def read(room: Path) -> Document:
            tree = _report(room)
            if name == "defaults" and not (room / "result.json").exists():  # stopped before it was scored
                words = [sys.executable, "-m", "benchmarks.real.train", "--score", str(room / "job.json")]
                run_beside(words, room, environment(room, self._place / "initial" / "ultralytics"))
            found = asdict(real_found.finding(name, room, tree, self._settings, epochs))
            if name == "defaults":
                scores = json.loads((room / "result.json").read_text(encoding="utf-8"))
                found["judged"] = {**scores, "seed": self._settings.seed, "used_s": found["used_s"]}
            _tidy(room)
            return found

        return Step(name=name, slots=self._slots(name), prepare=prepare, read=read)

    def long_trainings(self) -> list[Step]:
        """The defaults and our winner, if it is there, trained beyond the horizon."""
        known, steps = self._settings, []
        for name in _LONG if known.long else ():
            if name == BASELINE:
                params: Params | None = {}
            else:
                params = real_found.ours_at(self._place / name, known.long) if kept(self._place, name) else None
            for seed in known.long_new_seeds if params is not None else ():
                steps.append(self.anew(f"{name}-{known.long}epochs", params or {}, known.long, seed))
        return steps

    def anew(self, name: str, params: Params, epochs: int, seed: int) -> Step:
        """One training of a winner, or of the defaults, with a new seed."""

        def prepare(room: Path) -> Command:
            empty(room)
            return self._metered(room, self._train(room, params, epochs, seed), [], alone=False)

        def read(room: Path) -> Document:
            tree, result = _report(room), room / "result.json"
            if tree["exit_code"] != 0 or not result.exists():
                raise AutoMLError(f"{room.name} ended with {tree['exit_code']}:\n{real_found.tail(room / 'log.txt')}")
            marks = room / "marks.jsonl"
            paid = add_up(marks.read_text(encoding="utf-8").splitlines())
            cpu = self._settings.unit == "cpu"
            searched = real_found.finding(name, room, tree, self._settings, epochs) if name == BASELINE else None
            document = {
                **json.loads(result.read_text(encoding="utf-8")),
                "seed": seed,
                "used_s": tree["cpu_s"] if cpu else tree["wall_s"],
                "wall_s": tree["wall_s"],
                "paid_s": paid.process_s if cpu else paid.wall_s,
                "finding": None if searched is None else asdict(searched),
            }
            _tidy(room)
            return document

        return Step(name=f"{name}-{seed}", slots=1, prepare=prepare, read=read)

    def findings(self) -> dict[str, Finding]:
        """What the methods that have ended found."""
        documents = {name: kept(self._place, name) for name in METHODS}
        return {name: _finding(document) for name, document in documents.items() if document is not None}

    def outcome(self, split: str) -> Outcome:
        """The comparison as it lies in the folder."""
        findings = {BASELINE: _finding(self._baseline()["finding"]), **self.findings()}
        judged = {name: self._judged(name) for name in findings}
        long = {
            name: self._anew(f"{name}-{self._settings.long}epochs", self._settings.long_new_seeds) for name in _LONG
        }
        wanted = {name: 1 if name == "defaults" else self._settings.seeds for name in (*METHODS, BASELINE)}
        return Outcome(
            rows=(
                *(row_of(name, found, judged[name]) for name, found in findings.items()),
                *(long_row(name, trained) for name, trained in long.items() if trained),
            ),
            findings=findings,
            judged=judged,
            settings=self._settings,
            budget_s=self.budget_s(),
            split=split,
            missing=tuple(name for name, count in wanted.items() if len(judged.get(name, ())) < count),
        )

    def _judged(self, name: str) -> list[Judged]:
        if name == "defaults":
            known = (kept(self._place, name) or {}).get("judged")
            return [] if known is None else [_judged(known)]
        return self._anew(name, self._settings.new_seeds)

    def _anew(self, name: str, seeds: Sequence[int]) -> list[Judged]:
        documents = [kept(self._place, f"{name}-{seed}") for seed in seeds]
        return [_judged(each) for each in documents if each is not None]

    def _baseline(self) -> Document:
        return kept(self._place, f"{BASELINE}-{self._settings.new_seeds[0]}") or {}

    def _slots(self, name: str) -> int:
        return 1 if name in ("genetic", "defaults") else self._settings.slots

    def _told(self, data: str, weights: str) -> Settings:
        """The settings that `peers` understands. It never comes to the end of its trials: the meter stops it."""
        known = self._settings
        return Settings(
            data=data,
            weights=weights,
            model=known.model,
            imgsz=known.imgsz,
            epochs=known.epochs,
            trials=10_000,
            batch=known.batch,
            slots=known.slots,
            seed=known.seed,
            device=known.device,
        )

    def _search(self, name: str, room: Path) -> list[str]:
        told = self._told(str(copy_data(self._dataset, room / "data")), self._initial)
        if name in _PEERS:
            return [sys.executable, "-m", "benchmarks.overhead.peers", _PEERS[name], str(write_settings(told, room))]
        flags: dict[str, Any] = {
            "data": told.data,
            "weights": told.weights,
            "models": told.model,
            "imgsz": told.imgsz,
            "epochs": told.epochs,
            "batch": told.batch,
            "seed": told.seed,
            "device": told.device,
            "name": real_found.STUDY,
            "budget": f"{self._slot_s():.0f}{self._settings.unit}-s",
        } | ({"slots": told.slots} if told.device == "cpu" else {})
        words = [word for key, value in flags.items() for word in (f"--{key}", str(value))]
        return [sys.executable, "-m", "automl.cli", "search", *words]

    def _train(self, room: Path, params: Params, epochs: int, seed: int) -> list[str]:
        data = copy_data(self._dataset, room / "data", ("train", "val", "test"))
        job = Job(
            data=str(data),
            weights=self._initial,
            params=dict(params),
            epochs=epochs,
            imgsz=self._settings.imgsz,
            batch=self._settings.batch,
            seed=seed,
            device=self._settings.device,
        )
        return [sys.executable, "-m", "benchmarks.real.train", str(write_job(job, room))]

    def _metered(self, room: Path, words: Sequence[str], limit: Sequence[str], *, alone: bool) -> Command:
        variables = environment(room, self._place / "initial" / "ultralytics")
        if alone:
            variables["RAY_ADDRESS"] = "local"  # a cluster of its own, whatever else runs on this machine
        meter = [
            sys.executable,
            "-m",
            "benchmarks.overhead.process_tree",
            *limit,
            "--timeline",
            str(room / "timeline.jsonl"),
        ]
        return Command(words=[*meter, str(room / "tree.json"), str(room / "log.txt"), *words], environment=variables)


def _with_test(dataset: Dataset, seed: int) -> tuple[Dataset, str]:
    """The data set with a labelled test split, and in words what that is."""
    if dataset.test is not None and dataset.test.boxes:
        return dataset, f"the {len(dataset.test.images)} images of the test split"
    try:
        held = hold_back(dataset, HELD_BACK, seed)
    except BadData as error:
        raise BadData(
            dataset.file,
            f"there is no labelled test split, and val ({len(dataset.val.images)} images) is too small to hold "
            f"{HELD_BACK:.0%} of it back. Give the data set a test split, or a larger val.",
        ) from error
    return held, f"{len(held.test.images) if held.test else 0} images held back from val"


def _resolved(settings: RealSettings, dataset: Dataset) -> RealSettings:
    """The settings with files that mean the same from every folder, each of them checked."""
    check_model(settings.model)
    file = Path(settings.model)
    model = str(file.absolute()) if file.is_file() else settings.model
    return replace(settings, weights=str(check_weights(settings.weights)), data=str(dataset.file), model=model)


def _claim(out: Path, settings: RealSettings, dataset: Dataset) -> None:
    """Makes the folder, or checks that it holds this very comparison."""
    wanted = {
        **asdict(settings),
        "data": fingerprint(dataset),
        "weights": hashlib.sha256(Path(settings.weights).read_bytes()).hexdigest(),
        "versions": versions(),
    }
    for key in ("seeds", "long", "long_seeds"):  # more of them may be asked for later
        del wanted[key]
    out.mkdir(parents=True, exist_ok=True)
    there = kept(out, "settings")
    if there is None and any(not each.name.startswith(".") for each in out.iterdir()):
        raise StudyConflict(f"{out} holds other files. Choose an empty --out, or one that this command has made.")
    if there is None:
        keep(out, "settings", wanted)
        return
    other = [f"{key} {there.get(key)}" for key in wanted if there.get(key) != wanted[key]]
    if other:
        raise StudyConflict(f"{out} holds a comparison with other settings ({', '.join(other)}). Choose another --out.")


def _judged(document: Document) -> Judged:
    return Judged(
        seed=document["seed"],
        val=document["val"],
        test=document["test"],
        used_s=document["used_s"],
        wall_s=document.get("wall_s", 0.0),
    )


def _report(room: Path) -> Document:
    found: Document = json.loads((room / "tree.json").read_text(encoding="utf-8"))
    return found


def _finding(document: Document) -> Finding:
    known = {key: value for key, value in document.items() if key != "judged"}
    return Finding(**{**known, "curve": [(used, best) for used, best in known["curve"]]})


def _tidy(room: Path) -> None:
    """Removes the copy of the data and the weights: gigabytes that nothing reads any more."""
    shutil.rmtree(room / "data", ignore_errors=True)
    for file in list(room.rglob("*.pt")):
        os.unlink(file)  # noqa: PTH108
