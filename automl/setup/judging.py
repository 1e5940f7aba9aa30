"""Judgement of labels by a trained model: which model judges which split, and what that costs."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from automl.checks.suspects import JudgedImage, judged_image, ranked, suspects_in
from automl.data import Dataset
from automl.errors import AutoMLError
from automl.figures import format_cost, listed
from automl.files.home import home_folder, make_folder
from automl.records.check import Suspect
from automl.setup.baseline import Baseline, find_baseline
from automl.setup.halves import CrossFit, Place, cross_fit, request_of
from automl.setup.slots import find_slots
from automl.trainers.predictions import Predictions
from automl.trainers.ultralytics.predict import predict_apart

WEAK = 0.3  # mAP50-95 below which a model errs more often than labels do
_BUDGET = "Add --budget, such as 2cpu-h or 1gpu-h, for two half-trained models that judge it"
_HINTS = " A model so weak errs more often than labels do: take its suspects as hints."


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Suspicious labels, and who has judged what."""

    suspects: tuple[Suspect, ...]  # the most suspicious first
    judged: str  # sentences: which splits were judged by what, at what cost, and which were not
    slot_s: float  # slot-seconds of trainings and predictions
    wall_s: float = 0.0
    kind: str = "cpu"  # "cpu" or "gpu": the unit of slot_s
    train: bool = True  # False if train was not judged


def judge(
    dataset: Dataset,
    baseline: str | Path,
    *,
    home: str | Path | None = None,
    db: str | None = None,
    budget: Sequence[str] = (),
    splits: Sequence[str] = ("train", "val"),
    device: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Judgement:
    """Labels of these splits that a model contradicts which was not trained on them.

    What the baseline has not seen it judges itself. Train, which it has seen, is judged by two half-trained models,
    each on the other's half, within the budget; without one it is not judged.

    baseline  name of a study, or a weights file
    budget    for the half-trained models, such as "1gpu-h"
    device    "cpu", a GPU's index, or None for a GPU if there is one

    Raises AutoMLError, before anything is trained, for a model that cannot judge these labels.
    """
    unknown = [name for name in splits if name not in ("train", "val", "test")]
    if unknown:
        raise AutoMLError(f"--split {unknown[0]}: the splits are train, val and test.")
    place = Place.of(find_slots(device, None, say))
    if budget:
        place.allowed_s(budget)
    model = find_baseline(baseline, home=home, db=db)
    judging = _Judging(dataset, model, model.ids(dataset), place, say)
    folder = make_folder(home_folder(home))
    with tempfile.TemporaryDirectory(prefix=".check-", dir=folder) as workshop:
        return judging.judge([name for name in splits if name in dataset.splits], budget, Path(workshop))


@dataclass(frozen=True)
class _Judging:
    dataset: Dataset
    model: Baseline
    ids: Mapping[int, int]  # classes of the data set by those of the model
    place: Place
    say: Callable[[str], None]

    def judge(self, splits: Sequence[str], budget: Sequence[str], folder: Path) -> Judgement:
        began, suspects, sentences = time.monotonic(), list[Suspect](), list[str]()
        train = "train" in splits
        seen = {split: self.model.has_seen(self.dataset, split) for split in splits}
        own = [split for split in splits if len(seen[split]) < len(set(self.dataset.splits[split].images))]
        if own:
            suspects += self._by_baseline(own, seen, folder)
            sentences.append(self._of_baseline(own, seen))
        for split in splits:
            if seen[split] and split != "train":
                sentences.append(f"{len(seen[split])} images of {split} were not judged: the model has seen them.")
        if seen.get("train"):
            fit = self._cross_fit(budget, folder)
            train = not fit.problem
            suspects += [] if fit.problem else self._by_halves(fit, seen["train"])
            sentences.append(self._of_halves(fit, time.monotonic() - began))
        wall_s = time.monotonic() - began
        slot_s, kind = wall_s * self.place.slots, self.place.kind
        sentences.append(f"Spent on judging: {format_cost(slot_s, kind)}.")
        text = " ".join(sentences)
        return Judgement(
            suspects=tuple(ranked(suspects)), judged=text, slot_s=slot_s, wall_s=wall_s, kind=kind, train=train
        )

    def _by_baseline(self, splits: Sequence[str], seen: Mapping[str, frozenset[Path]], folder: Path) -> list[Suspect]:
        images = {
            split: [image for image in dict.fromkeys(self.dataset.splits[split].images) if image not in seen[split]]
            for split in splits
        }
        every = [image for own in images.values() for image in own]
        self.say(f"Looking for suspicious labels in {len(every)} images of {listed(splits)} ...")
        request = request_of(self.model.weights, every, self.model.imgsz, self.place)
        predicted = predict_apart(request, folder / "baseline.npz")
        split_of = {str(image): split for split, own in images.items() for image in own}
        return suspects_in(list(judged_images(predicted, split_of, self.ids, self.dataset)), self.dataset.nc)

    def _cross_fit(self, budget: Sequence[str], folder: Path) -> CrossFit:
        if not budget:
            return CrossFit(problem=f"the model was trained on it. {_BUDGET}")
        if self.model.recipe is None:
            return CrossFit(problem=self.model.problem)
        return cross_fit(self.dataset, self.model.recipe, self.place, budget, folder, self.say)

    def _by_halves(self, fit: CrossFit, seen: frozenset[Path]) -> list[Suspect]:
        split_of = {str(image): "train" for image in seen}
        own = {number: number for number in range(self.dataset.nc)}
        return [
            suspect
            for predicted in fit.predictions
            for suspect in suspects_in(list(judged_images(predicted, split_of, own, self.dataset)), self.dataset.nc)
        ]

    def _of_baseline(self, splits: Sequence[str], seen: Mapping[str, frozenset[Path]]) -> str:
        verb = "was" if len(splits) == 1 else "were"
        words = f"{listed(splits).capitalize()} {verb} judged by {self.model.words} at {self.model.imgsz} px"
        partial = [f"{len(seen[split])} images of {split}" for split in splits if seen[split]]
        words += f", without {listed(partial)} that it was trained on" if partial else ""
        score = self.model.map50_95
        words += "" if score is None else f" (mAP50-95 {score:.3f} on val)"
        unsure = self.model.seen is None and "train" not in splits
        words += ", which is taken as trained on train alone." if unsure else "."
        return words + (_HINTS if score is not None and score < WEAK else "")

    def _of_halves(self, fit: CrossFit, wall_s: float) -> str:
        if fit.problem:
            return f"Train was not judged: {fit.problem}."
        assert self.model.recipe is not None
        scores = listed([f"{score:.3f}" for score in fit.map50_95])
        cost = format_cost(wall_s * self.place.slots, self.place.kind)
        weak = _HINTS if min(fit.map50_95) < WEAK else ""
        return (
            f"Train was judged by two half-trained models, each on the half that it had not seen: {fit.epochs} epochs "
            f"of {self.model.recipe.origin}, mAP50-95 {scores} on val, {cost}.{weak}"
        )


def judged_images(
    predicted: Predictions, split_of: Mapping[str, str], ids: Mapping[int, int], dataset: Dataset
) -> Iterator[JudgedImage]:
    """Images with their labels and predictions, in the data set's classes; other classes are left out.

    split_of  split of each image that is judged
    ids       classes of the data set by those of the model
    """
    columns = math.prod(dataset.extra.get("kpt_shape", (0,)))
    table = np.full(max(len(predicted.names), 1), -1)
    for theirs, own in ids.items():
        table[theirs] = own
    for image, single in zip(predicted.images, predicted, strict=True):
        if image in split_of:
            classes = table[single.classes]
            known = classes >= 0
            yield judged_image(
                split_of[image],
                image,
                boxes=single.boxes[known],
                classes=classes[known],
                confidence=single.confidence[known],
                keypoint_columns=columns,
            )
