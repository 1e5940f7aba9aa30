"""Verification of a recipe: it is trained again with further seeds, and judged by the figure that it promised."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from filelock import FileLock, Timeout

from automl.drivers.alone import epochs_alone
from automl.errors import AutoMLError, StudyConflict, TrialError
from automl.figures import format_cost
from automl.files.home import home_folder, make_folder
from automl.recipes.reading import WrittenRecipe, read_recipe
from automl.records import TrainJob, Trial
from automl.records.document import DocumentKind
from automl.records.verification import Verification
from automl.reports.newest import study_for
from automl.reports.report import report_of
from automl.scores import promise as rules
from automl.setup.halves import Place
from automl.setup.managing import check_not_running
from automl.setup.opening import writer
from automl.setup.slots import find_slots
from automl.setup.verified import Asked, of_recipe, of_study
from automl.store import documents, read
from automl.store.address import command

if TYPE_CHECKING:
    from sqlalchemy import Engine

FOLDER = "verifications"  # below the home folder
MOST_SEEDS = 20
Say = Callable[[str], None]


class _Further(NamedTuple):
    """A further training."""

    seed: int
    score: float
    slot_s: float


@dataclass(frozen=True, kw_only=True)
class Trainings:
    """Trainings of one recipe with further seeds, below one folder: a call that was killed goes on there."""

    asked: Asked
    place: Place
    folder: Path
    say: Say

    def train(self, seed: int) -> _Further:
        """Train with a seed; an earlier call may have done so."""
        known = self._known(seed)
        if known is not None:
            self.say(f"Seed {seed}: mAP50-95 {known.score:.4f}, trained by an earlier call.")
            return known
        began, scores = time.monotonic(), self._scores(seed)
        score = rules.figure_of(self.asked.promised.promise, scores)
        further = _Further(seed, score, (time.monotonic() - began) * self.place.slots)
        self._file(seed).write_text(json.dumps(further._asdict()), encoding="utf-8")
        cost = format_cost(further.slot_s, self.place.kind)
        self.say(f"Seed {seed}: mAP50-95 {score:.4f} after {len(scores)} epochs, {cost}.")
        return further

    def _scores(self, seed: int) -> list[float]:
        """mAP50-95 by epoch, to the end as the promise's trainings had it, or to one that is no number."""
        promise, scores = self.asked.promised.promise, list[float]()
        trial = Trial(number=seed, params=self.asked.params, epochs=promise.epochs, seed=seed)
        step = max(1, promise.epochs // 10)
        epochs = epochs_alone(self.asked.trainer, trial, self._job(seed))
        try:
            for metrics in epochs:
                scores.append(metrics.map50_95)
                if metrics.epoch % step == 0 and not metrics.replayed:
                    self.say(f"Seed {seed}, epoch {metrics.epoch} of {promise.epochs}: {metrics.map50_95:.4f}")
                if not metrics.finite or rules.ends(promise, scores):
                    break
        except TrialError as error:
            cause = str(error).splitlines()[0].partition(". See ")[0]
            log = Path(self._job(seed).directory) / "log.txt"
            raise AutoMLError(f"{self.asked.name} could not be trained with seed {seed}: {cause}. See {log}") from None
        finally:
            epochs.close()
        return scores

    def _job(self, seed: int) -> TrainJob:
        return TrainJob(
            data=str(self.folder / "data.yaml"),
            weights=self.asked.weights,
            fixed=self.asked.fixed,
            directory=str(self.folder / f"seed-{seed}"),
            cache=str(self.folder / "cache"),
            device=self.place.device,
            threads=self.place.threads,
            network=self.asked.network,
        )

    def _file(self, seed: int) -> Path:
        return self.folder / f"seed-{seed}" / "figure.json"

    def _known(self, seed: int) -> _Further | None:
        with suppress(OSError, ValueError, TypeError):
            return _Further(**json.loads(self._file(seed).read_text(encoding="utf-8")))
        return None


def check_seeds(seeds: int) -> None:
    """Raise AutoMLError for a number of trainings that makes no verification."""
    if not 1 <= seeds <= MOST_SEEDS:
        raise AutoMLError(f"--seeds {seeds}: train 1 to {MOST_SEEDS} further seeds.")


def place_of(device: str | None, say: Say) -> Place:
    """One slot, with all threads: the trainings run one after another."""
    slots = find_slots(device, None, say)
    if len(slots.devices) > 1:
        say(f"The trainings run one after another, on GPU {slots.devices[0]}.")
    return Place.of(slots)


def verify(asked: Asked, seeds: int, place: Place, home: str | Path | None, say: Say) -> Verification:
    """Train the recipe with that many further seeds, and judge its figure.

    Ctrl-C ends the training at once. The same call goes on from its last snapshot.

    Raises AutoMLError if a training fails, StudyConflict while another process verifies the same recipe.
    """
    promise = asked.promised.promise
    for note in asked.notes:
        say(f"Note: {note}")
    say(f"{asked.name} promises {promise.map50_95:.4f} ({promise.measure}) after {promise.epochs} epochs.")
    if asked.cost:
        say(f"Further trainings: {seeds}. One such training cost {asked.cost}.")
    root = make_folder(home_folder(home) / FOLDER)
    folder = root / _key(asked)
    lock = FileLock(str(root / f"{folder.name}.lock"), timeout=0)
    try:
        with lock:
            make_folder(folder)
            asked.write_data(folder / "data.yaml")
            further = _all(Trainings(asked=asked, place=place, folder=folder, say=say), seeds)
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        raise StudyConflict(f"{asked.name} is being verified by another process. Wait for its end.") from None
    with suppress(OSError):
        (root / f"{folder.name}.lock").unlink(missing_ok=True)
        root.rmdir()
    return _verification(asked, further, place)


def _all(trainings: Trainings, seeds: int) -> list[_Further]:
    try:
        return [trainings.train(seed) for seed in next_seeds(trainings.asked, seeds)]
    except KeyboardInterrupt:
        trainings.say("Interrupted. The same command goes on from the last snapshot.")
        raise


def next_seeds(asked: Asked, count: int) -> list[int]:
    """Seeds that were not trained before."""
    first = max(asked.promised.seeds, default=asked.seed) + 1
    return list(itertools.islice(itertools.count(first), count))


def _key(asked: Asked) -> str:
    """Name of the folder for the trainings of one recipe."""
    parts = (asked.name, asked.trainer, dict(asked.fixed), dict(asked.params), asked.promised.document(), asked.weights)
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _verification(asked: Asked, further: Sequence[_Further], place: Place) -> Verification:
    promise, scores = asked.promised.promise, tuple(training.score for training in further)
    low, high = rules.interval_of(promise, len(scores))
    return Verification(
        recipe=asked.name,
        epochs=promise.epochs,
        promised=promise.map50_95,
        low=low,
        high=high,
        scores=scores,
        seeds=tuple(training.seed for training in further),
        holds=rules.holds(promise, scores),
        sentence=rules.sentence(promise, scores, asked.name),
        slot_s=sum(training.slot_s for training in further),
        device=place.kind,
        at=time.time(),
        measure=promise.measure,
        study=asked.study,
        trial=asked.trial,
        notes=tuple(asked.notes),
    )


def without(asked: Asked, earlier: Sequence[Verification]) -> Asked:
    """The recipe with the seeds of earlier verifications of the same trial among those that are known."""
    known = {seed for record in earlier if record.trial == asked.trial for seed in record.seeds}
    seeds = tuple(sorted({*asked.promised.seeds, *known}))
    return replace(asked, promised=replace(asked.promised, seeds=seeds))


# -- the verb -----------------------------------------------------------------------------------------


def run(
    recipe: str | Path | None,
    seeds: int,
    device: str | None,
    data: str | Path | None,
    home: str | Path | None,
    db: str | None,
    say: Say,
) -> Verification:
    """Verify a recipe's file or a study's answer; keep the record where its study is in the database."""
    check_seeds(seeds)
    moved = None if data is None else Path(data)
    if is_file(recipe):
        written = read_recipe(Path(str(recipe)).expanduser())
        place = place_of(device, say)
        asked = of_recipe(written, moved, home, place)
        engine = _engine_of(written, home, db)
    else:
        engine = writer(home, db)
        row = study_for(engine, "verify", None if recipe is None else str(recipe), db)
        check_not_running(engine, row, db)
        place = place_of(device, say)
        asked = of_study(report_of(engine, row), moved, home, command("verify", row.name, db), place)
    if engine is not None:
        asked = without(asked, documents.records(engine, asked.study, DocumentKind.VERIFICATION, Verification).records)
    verification = verify(asked, seeds, place, home, say)
    if engine is not None:
        key = f"{_key(asked)}-{verification.seeds[0]}"
        documents.keep(engine, asked.study, DocumentKind.VERIFICATION, key, verification)
    return verification


def is_file(recipe: str | Path | None) -> bool:
    """True for a recipe's file, False for the name of a study."""
    if recipe is None:
        return False
    path = Path(str(recipe)).expanduser()
    return (
        isinstance(recipe, Path) or path.suffix in (".yaml", ".yml", ".json") or path.is_file() or len(path.parts) > 1
    )


def _engine_of(written: WrittenRecipe, home: str | Path | None, db: str | None) -> Engine | None:
    """The database with the recipe's study; None where there is none of that name with that data set."""
    try:
        engine = writer(home, db)
        spec = read.study(engine, written.facts.get("study", "")).spec
    except AutoMLError:
        return None
    return engine if written.facts.get("data", "").endswith(spec.data_fingerprint) else None
