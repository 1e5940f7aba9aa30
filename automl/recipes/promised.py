"""The promise of a recipe's figure, as an exported recipe keeps it for `automl verify`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automl.data.dataset import fingerprint, read_dataset
from automl.errors import AutoMLError
from automl.policy.production import PATIENCE
from automl.recipes.subject import Subject
from automl.records import StudySpec, model_of, weights_for
from automl.scores.promise import Promise, from_scores, of_search
from automl.trainers.ultralytics.weights import sha256

KEY = "promise"  # of the JSON recipe, and of a comment line of the other


@dataclass(frozen=True, kw_only=True)
class Promised:
    """A promise with what its trainings had, so that a further one is the same but for its seed."""

    promise: Promise
    seeds: tuple[int, ...]  # that were trained already
    data: str | None = None  # fingerprint of the data set that the recipe names; None: not known
    weights: str | None = None  # sha256 of the weights that the trainings began with; None: from scratch
    initial: str | None = None  # sha256 of the file of initial weights beside the recipe
    arguments: Mapping[str, Any] = field(default_factory=dict)  # where they differ from the recipe's, for its length
    digest: str = ""  # of the recipe's arguments as exported

    def document(self) -> dict[str, Any]:
        """The promise as plain JSON values."""
        promise = self.promise
        return {
            "mAP50-95": round(promise.map50_95, 6),
            "low": round(promise.low, 6),
            "high": round(promise.high, 6),
            "epochs": promise.epochs,
            "patience": promise.patience,
            "best_epoch": promise.best,
            "seeds": list(self.seeds),
            "data": self.data,
            "weights": self.weights,
            "initial": self.initial,
            "arguments": dict(self.arguments),
            "digest": self.digest,
        }


def promised_from(document: Mapping[str, Any]) -> Promised:
    """The promise that `document` wrote; keys of a newer version are ignored.

    Raises KeyError, TypeError or ValueError for a damaged one.
    """
    promise = Promise(
        map50_95=float(document["mAP50-95"]),
        low=float(document["low"]),
        high=float(document["high"]),
        epochs=int(document["epochs"]),
        patience=int(document.get("patience", 0)),
        best=bool(document.get("best_epoch", False)),
    )
    if not promise.low <= promise.high or promise.epochs < 1 or promise.patience < 0:
        raise ValueError("no interval")
    return Promised(
        promise=promise,
        seeds=tuple(int(seed) for seed in document.get("seeds", ())),
        data=document.get("data"),
        weights=document.get("weights"),
        initial=document.get("initial"),
        arguments=dict(document.get("arguments") or {}),
        digest=str(document.get("digest", "")),
    )


def digest_of(arguments: Mapping[str, Any]) -> str:
    """Digest of a recipe's arguments, without the places of files, which may move."""
    rest = {key: value for key, value in arguments.items() if key not in ("data", "model", "pretrained")}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, default=str).encode()).hexdigest()[:16]


def promised_of(
    subject: Subject, exported: Mapping[str, Any], searched: Mapping[str, Any], data: Path, initial: Path | None
) -> Promised | None:
    """The promise of the figure that the trial has: at production length where it was trained at the recipe's."""
    trial, production, spec = subject.trial, subject.produced, subject.study.spec
    measured, promise = searched, of_search(trial, subject.verdict)
    best = None if production is None else production.best_map50_95
    if production is not None and best is not None and production.epochs == subject.length:
        scores = subject.long_scores or (best,)
        measured, promise = exported, from_scores(scores, production.epochs, patience=PATIENCE, best=True)
    if promise is None:
        return None
    estimate = None if subject.verdict is None else subject.verdict.of(trial.number)
    runs = max(len(subject.long_scores), estimate.seeds if estimate is not None else 1)
    weights = weights_for(spec, model_of(spec, trial.params))
    return _kept(
        promise,
        seeds=sorted({trial.seed, *range(spec.seed, spec.seed + runs)}),
        data=_fingerprint(spec, data),
        weights=None if weights is None else weights.sha256,
        initial=initial,
        exported=exported,
        measured=measured,
    )


def _fingerprint(spec: StudySpec, data: Path) -> str | None:
    """Fingerprint of the data set that a recipe names; None where that cannot be told."""
    if data == Path(spec.data):
        return spec.data_fingerprint
    with suppress(AutoMLError, OSError):
        return fingerprint(read_dataset(data))
    return None


def _kept(
    promise: Promise,
    *,
    seeds: Sequence[int],
    data: str | None,
    weights: str | None,
    initial: Path | None,
    exported: Mapping[str, Any],
    measured: Mapping[str, Any],
) -> Promised:
    """The promise to keep with a recipe.

    exported  arguments of the recipe
    measured  arguments of the trainings that the figure was measured in
    """
    same = ("data", "model", "pretrained", "epochs", "patience", "seed")
    return Promised(
        promise=promise,
        seeds=tuple(seeds),
        data=data,
        weights=weights,
        initial=sha256(initial) if initial is not None and initial.is_file() else None,
        arguments={key: value for key, value in measured.items() if key not in same and exported.get(key) != value},
        digest=digest_of(exported),
    )
