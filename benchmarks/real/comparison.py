"""Our search beside Ultralytics' tuners and its defaults, on real trainings at equal CPU (or GPU) seconds.

Every method gets a copy of train and val of its own, the same initial tensors, image size, horizon, batch size and
number of slots of one thread, at niceness 0 and without network. All else is its own default. A method is killed once
all its processes together have used the budget; its files until then count. Then plain Ultralytics trains the winner
of each method again with new seeds. These trainings are scored on val and on images that no method saw: the test
split, or a part of val that was held back.

Differences that belong to the methods: our search repeats its winner within the budget; the genetic tuner and the
defaults train one network at a time and fill one slot, so two of them run side by side.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from automl.data.dataset import Dataset, read_dataset
from automl.data.holdout import hold_back
from automl.errors import AutoMLError, BadData, StudyConflict, UnknownName
from automl.setup.request import check_model
from automl.trainers.ultralytics.weights import check_weights
from benchmarks.overhead.figures import Settings
from benchmarks.overhead.workspace import (
    copy_data,
    empty,
    environment,
    inputs,
    metered,
    peer_command,
    read_meter,
    read_paid,
    run_beside,
    search_command,
    tail,
    write_initial,
)
from benchmarks.real.figures import (
    BASELINE,
    METHODS,
    Allowance,
    Finding,
    Params,
    RealSettings,
    Retraining,
    Row,
    long_epochs,
    long_row,
    row_of,
)
from benchmarks.real.findings import STUDY, finding, winner_at
from benchmarks.real.steps import Command, Document, Step, keep, kept, locked, run_steps
from benchmarks.real.train import Job, write_job

HELD_BACK = 0.3  # of val, if the data set has no test split
_LONG = (BASELINE, "automl")  # also trained beyond the horizon
_PEERS = {"ray": "use_ray", "genetic": "ga"}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The comparison as far as it has come."""

    rows: tuple[Row, ...]
    findings: dict[str, Finding]
    retrainings: dict[str, list[Retraining]]
    settings: RealSettings
    budget_s: float
    split: str  # description of the images of the last scores
    missing: tuple[str, ...]  # methods with a search or trainings still to run


def run(
    settings: RealSettings,
    methods: Sequence[str],
    out: Path,
    listener: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Run the steps that `out` does not hold yet; returns the whole comparison.

    Raises UnknownName, BadBudget, BadData or BadWeights for bad input before any training, and StudyConflict if
    `out` holds a comparison with other settings.
    """
    if sys.platform != "linux":
        raise AutoMLError("`python -m benchmarks real` reads /proc and needs Linux.")
    for method in methods:
        if method not in METHODS:
            raise UnknownName("method", method, METHODS)
    allowance = Allowance.parse(settings.budget, settings.unit)
    dataset, split = _with_test(read_dataset(settings.data), settings.seed)
    settings = _resolved(settings, dataset)
    out = out.absolute()
    _claim(out, settings, dataset)
    comparison = _Comparison(settings, dataset, out, allowance)
    comparison.write_initial()
    first, *others = settings.new_seeds
    run_steps(out, [comparison.retraining(BASELINE, {}, settings.epochs, first)], settings.slots, listener)
    listener(f"budget: {comparison.budget_s():.0f} {settings.unit} seconds for each method")
    run_steps(out, [comparison.method(name) for name in METHODS if name in methods], settings.slots, listener)
    steps = [comparison.retraining(BASELINE, {}, settings.epochs, seed) for seed in others]
    for name, result in comparison.findings().items():
        seeds = () if name == "defaults" else settings.new_seeds  # the long training is the winner itself
        steps += [comparison.retraining(name, result.params, result.epochs, seed) for seed in seeds]
    run_steps(out, steps, settings.slots, listener)
    run_steps(out, comparison.long_trainings(), settings.slots, listener)
    return comparison.outcome(split)


class _Comparison:
    """Steps of one comparison, and their results in its folder."""

    def __init__(self, settings: RealSettings, dataset: Dataset, out: Path, allowance: Allowance) -> None:
        self._settings = settings
        self._dataset = dataset
        self._out = out
        self._allowance = allowance
        self._initial = str(out / "initial" / "initial.pt")

    def write_initial(self) -> None:
        """Write the initial tensors of all trainings once."""
        with locked(self._out, "initial"):
            if kept(self._out, "initial") is None:
                write_initial(self._peer_settings(self._settings.data, self._settings.weights), self._out / "initial")
                keep(self._out, "initial", {})

    def budget_s(self) -> float:
        """Seconds that each method may use; known once the defaults were trained."""
        return self._allowance.seconds_at(self._baseline()["used_s"])

    def _slot_s(self) -> float:
        """The budget in the unit of our search: seconds for which a slot is held.

        On a busy machine a slot is held for longer than it computes. The training of the defaults gives the ratio.
        The meter still ends the search at the budget's CPU seconds.
        """
        baseline = self._baseline()
        busy = max(1.0, baseline["wall_s"] / baseline["used_s"]) if self._settings.unit == "cpu" else 1.0
        return self.budget_s() * busy

    def method(self, name: str) -> Step:
        """One search, or the long training of the defaults, stopped at the budget."""
        epochs = self._settings.epochs
        if name == "defaults":
            baseline = self._baseline()
            epochs = long_epochs(self.budget_s(), baseline["used_s"], baseline["paid_s"], epochs)

        def prepare(folder: Path) -> Command:
            empty(folder)
            if name == "defaults":
                words = self._train(folder, {}, epochs, self._settings.seed)
            else:
                words = self._search(name, folder)
            limit = ["--cpu-limit" if self._settings.unit == "cpu" else "--wall-limit", f"{self.budget_s():.3f}"]
            return self._metered(folder, words, limit, own_ray=name == "ray")

        def read(folder: Path) -> Document:
            tree = read_meter(folder)
            if name == "defaults" and not (folder / "result.json").exists():  # stopped before it was scored
                words = [sys.executable, "-m", "benchmarks.real.train", "--score", str(folder / "job.json")]
                run_beside(words, folder, environment(folder, self._out / "initial" / "ultralytics"))
            document = asdict(finding(name, folder, tree, self._settings, epochs))
            if name == "defaults":
                scores = json.loads((folder / "result.json").read_text(encoding="utf-8"))
                document["judged"] = {**scores, "seed": self._settings.seed, "used_s": document["used_s"]}
            _tidy(folder)
            return document

        return Step(name=name, slots=self._slots(name), prepare=prepare, read=read)

    def long_trainings(self) -> list[Step]:
        """Trainings of the defaults and of our winner beyond the horizon."""
        settings, steps = self._settings, []
        for name in _LONG if settings.long else ():
            params: Params | None = {}
            if name != BASELINE:
                params = winner_at(self._out / name, settings.long) if kept(self._out, name) else None
            for seed in settings.long_new_seeds if params is not None else ():
                steps.append(self.retraining(f"{name}-{settings.long}epochs", params or {}, settings.long, seed))
        return steps

    def retraining(self, name: str, params: Params, epochs: int, seed: int) -> Step:
        """One training of a winner, or of the defaults, with a new seed."""

        def prepare(folder: Path) -> Command:
            empty(folder)
            return self._metered(folder, self._train(folder, params, epochs, seed))

        def read(folder: Path) -> Document:
            tree, result = read_meter(folder), folder / "result.json"
            if tree["exit_code"] != 0 or not result.exists():
                raise AutoMLError(f"{folder.name} ended with {tree['exit_code']}:\n{tail(folder / 'log.txt')}")
            paid = read_paid(folder)
            cpu = self._settings.unit == "cpu"
            baseline = finding(name, folder, tree, self._settings, epochs) if name == BASELINE else None
            document = {
                **json.loads(result.read_text(encoding="utf-8")),
                "seed": seed,
                "used_s": tree["cpu_s"] if cpu else tree["wall_s"],
                "wall_s": tree["wall_s"],
                "paid_s": paid.process_s if cpu else paid.wall_s,
                "finding": None if baseline is None else asdict(baseline),
            }
            _tidy(folder)
            return document

        return Step(name=f"{name}-{seed}", slots=1, prepare=prepare, read=read)

    def findings(self) -> dict[str, Finding]:
        """Findings of the methods that have ended."""
        documents = {name: kept(self._out, name) for name in METHODS}
        return {name: _finding(document) for name, document in documents.items() if document is not None}

    def outcome(self, split: str) -> Outcome:
        """The comparison as far as the folder holds it."""
        findings = {BASELINE: _finding(self._baseline()["finding"]), **self.findings()}
        retrainings = {name: self._retrainings(name) for name in findings}
        long = {
            name: self._with_seeds(f"{name}-{self._settings.long}epochs", self._settings.long_new_seeds)
            for name in _LONG
        }
        counts = {name: 1 if name == "defaults" else self._settings.seeds for name in (*METHODS, BASELINE)}
        return Outcome(
            rows=(
                *(row_of(name, result, retrainings[name]) for name, result in findings.items()),
                *(long_row(name, trainings) for name, trainings in long.items() if trainings),
            ),
            findings=findings,
            retrainings=retrainings,
            settings=self._settings,
            budget_s=self.budget_s(),
            split=split,
            missing=tuple(name for name, count in counts.items() if len(retrainings.get(name, ())) < count),
        )

    def _retrainings(self, name: str) -> list[Retraining]:
        if name == "defaults":
            document = (kept(self._out, name) or {}).get("judged")
            return [] if document is None else [_retraining(document)]
        return self._with_seeds(name, self._settings.new_seeds)

    def _with_seeds(self, name: str, seeds: Sequence[int]) -> list[Retraining]:
        documents = [kept(self._out, f"{name}-{seed}") for seed in seeds]
        return [_retraining(document) for document in documents if document is not None]

    def _baseline(self) -> Document:
        return kept(self._out, f"{BASELINE}-{self._settings.new_seeds[0]}") or {}

    def _slots(self, name: str) -> int:
        return 1 if name in ("genetic", "defaults") else self._settings.slots

    def _peer_settings(self, data: str, weights: str) -> Settings:
        """Settings for `peers`, with more trials than the budget pays: the meter stops the method."""
        settings = self._settings
        return Settings(
            data=data,
            weights=weights,
            model=settings.model,
            imgsz=settings.imgsz,
            epochs=settings.epochs,
            trials=10_000,
            batch=settings.batch,
            slots=settings.slots,
            seed=settings.seed,
            device=settings.device,
        )

    def _search(self, name: str, folder: Path) -> list[str]:
        settings = self._peer_settings(str(copy_data(self._dataset, folder / "data")), self._initial)
        if name in _PEERS:
            return peer_command(_PEERS[name], settings, folder)
        return search_command(settings, f"{self._slot_s():.0f}{self._settings.unit}-s", name=STUDY)

    def _train(self, folder: Path, params: Params, epochs: int, seed: int) -> list[str]:
        data = copy_data(self._dataset, folder / "data", ("train", "val", "test"))
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
        return [sys.executable, "-m", "benchmarks.real.train", str(write_job(job, folder))]

    def _metered(
        self, folder: Path, words: Sequence[str], limit: Sequence[str] = (), *, own_ray: bool = False
    ) -> Command:
        variables = environment(folder, self._out / "initial" / "ultralytics", own_ray=own_ray)
        options = [*limit, "--timeline", str(folder / "timeline.jsonl")]
        return Command(words=metered(words, folder, options), environment=variables)


def _with_test(dataset: Dataset, seed: int) -> tuple[Dataset, str]:
    """The data set with a labelled test split, and a description of that split."""
    if dataset.test is not None and dataset.test.boxes:
        return dataset, f"the {len(dataset.test.images)} images of the test split"
    try:
        divided = hold_back(dataset, HELD_BACK, seed)
    except BadData as error:
        raise BadData(
            dataset.file,
            f"there is no labelled test split, and val ({len(dataset.val.images)} images) is too small to hold "
            f"{HELD_BACK:.0%} of it back. Give the data set a test split, or a larger val.",
        ) from error
    return divided, f"{len(divided.test.images) if divided.test else 0} images held back from val"


def _resolved(settings: RealSettings, dataset: Dataset) -> RealSettings:
    """The settings with absolute paths, after a check of each file."""
    check_model(settings.model)
    file = Path(settings.model)
    model = str(file.absolute()) if file.is_file() else settings.model
    return replace(settings, weights=str(check_weights(settings.weights)), data=str(dataset.file), model=model)


def _claim(out: Path, settings: RealSettings, dataset: Dataset) -> None:
    """Make the folder; raise StudyConflict if it holds anything but this comparison."""
    identity = {**asdict(settings), **inputs(dataset, settings.weights)}
    for key in ("seeds", "long", "long_seeds"):  # may be raised later
        del identity[key]
    out.mkdir(parents=True, exist_ok=True)
    stored = kept(out, "settings")
    if stored is None and any(not file.name.startswith(".") for file in out.iterdir()):
        raise StudyConflict(f"{out} holds other files. Choose an empty --out, or one that this command has made.")
    if stored is None:
        keep(out, "settings", identity)
        return
    other = [f"{key} {stored.get(key)}" for key in identity if stored.get(key) != identity[key]]
    if other:
        raise StudyConflict(f"{out} holds a comparison with other settings ({', '.join(other)}). Choose another --out.")


def _retraining(document: Document) -> Retraining:
    return Retraining(
        seed=document["seed"],
        val=document["val"],
        test=document["test"],
        used_s=document["used_s"],
        wall_s=document.get("wall_s", 0.0),
    )


def _finding(document: Document) -> Finding:
    fields = {key: value for key, value in document.items() if key != "judged"}
    return Finding(**{**fields, "curve": [(used, best) for used, best in fields["curve"]]})


def _tidy(folder: Path) -> None:
    """Remove the copy of the data and the weights: gigabytes that nothing reads any more."""
    shutil.rmtree(folder / "data", ignore_errors=True)
    for file in list(folder.rglob("*.pt")):
        os.unlink(file)  # noqa: PTH108
