"""Losses of mAP50-95 by wrong labels in train: paired by seed, validated on the same val."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from automl.data.corrected import write_corrected
from automl.data.dataset import Dataset, read_dataset
from automl.drivers.alone import epochs_alone
from automl.records import TrainJob, Trial
from automl.scores.halving import final
from automl.scores.paired import SEEDS_KNOWN, paired
from benchmarks.price.damage import Damage, damaged


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Trainings of one measurement."""

    data: str
    weights: str
    model: str = "yolov5n"
    imgsz: int = 160
    epochs: int = 10
    batch: int = 16
    device: str = "cpu"
    threads: int = 1
    damages: tuple[Damage, ...] = tuple(Damage)
    shares: tuple[float, ...] = (0.1, 0.4)
    seeds: int = 3


@dataclass(frozen=True, kw_only=True)
class Row:
    """Loss by one kind of wrong label."""

    damage: str
    share: float  # of the boxes of train
    loss: float  # mAP50-95, mean over seeds
    low: float  # of a 90 % interval
    high: float
    seeds: int
    score: float  # mAP50-95 with these labels, mean over seeds
    base: float  # and with the labels as they are


Key = tuple[str, float, int]  # damage, share, seed


def run(settings: Settings, folder: Path, say: Callable[[str], None]) -> list[Row]:
    """Rows of all that was trained. Trainings whose score lies in the folder are not run again."""
    dataset = read_dataset(settings.data)
    folder.mkdir(parents=True, exist_ok=True)
    for key in _keys(settings):
        file = _file(folder, key)
        if not file.exists():
            score = _score(settings, dataset, key, folder)
            file.write_text(json.dumps({"score": score, "settings": asdict(settings)}), encoding="utf-8")
            say(f"{key[0]} {key[1]:.0%}, seed {key[2]}: {score:.4f}")
    return rows(settings, folder)


def rows(settings: Settings, folder: Path) -> list[Row]:
    """Rows of the scores in a folder; a cell without a pair has none."""
    scores = {
        key: float(json.loads(_file(folder, key).read_text(encoding="utf-8"))["score"])
        for key in _keys(settings)
        if _file(folder, key).exists()
    }
    cells = dict.fromkeys(key[:2] for key in scores if key[1])
    return [row for cell in cells if (row := _row(cell, scores, settings.seeds)) is not None]


def _row(cell: tuple[str, float], scores: dict[Key, float], seeds: int) -> Row | None:
    both = [seed for seed in range(seeds) if (*cell, seed) in scores and ("none", 0.0, seed) in scores]
    if not both:
        return None
    with_damage, without = [scores[(*cell, seed)] for seed in both], [scores[("none", 0.0, seed)] for seed in both]
    difference = paired(without, with_damage)
    return Row(
        damage=cell[0],
        share=cell[1],
        loss=-difference.mean,
        low=-difference.high,
        high=-difference.low,
        seeds=len(both),
        score=sum(with_damage) / len(both),
        base=sum(without) / len(both),
    )


def _keys(settings: Settings) -> Iterable[Key]:
    """All trainings, the largest shares first: they say most."""
    for share in sorted(settings.shares, reverse=True):
        for seed in range(settings.seeds):
            if share == max(settings.shares):
                yield ("none", 0.0, seed)
            yield from ((damage.value, share, seed) for damage in settings.damages)


def _file(folder: Path, key: Key) -> Path:
    return folder / f"{key[0]}-{key[1]:g}-{key[2]}.json"


def _score(settings: Settings, dataset: Dataset, key: Key, folder: Path) -> float:
    damage, share, seed = key
    labels = damaged(dataset, Damage(damage), share, seed) if share else {}
    with tempfile.TemporaryDirectory(prefix="price-", dir=folder) as place:
        corrected = write_corrected(dataset, Path(place) / "data", labels)
        job = TrainJob(
            data=str(corrected.data),
            weights=settings.weights,
            fixed={"model": settings.model, "imgsz": settings.imgsz, "batch": settings.batch},
            directory=str(Path(place) / "training"),
            cache=str(Path(place) / "cache"),
            device=settings.device,
            threads=settings.threads,
        )
        trial = Trial(number=0, params={}, epochs=settings.epochs, seed=seed)
        scores = [epoch.map50_95 for epoch in epochs_alone("ultralytics", trial, job)]
    return final(scores, settings.epochs)


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Head and rows as text."""
    head = ["labels", "share of train", "loss of mAP50-95 [90 %]", "score", "as they are", "seeds"]
    cells = [
        [
            row.damage,
            f"{row.share:.0%}",
            f"{row.loss:+.3f} [{row.low:+.3f}, {row.high:+.3f}]",
            f"{row.score:.3f}",
            f"{row.base:.3f}",
            str(row.seeds),
        ]
        for row in rows
    ]
    return head, cells


def captions(settings: Settings) -> list[str]:
    """Sentences below the table."""
    return [
        f"{settings.model} at {settings.imgsz} px, {settings.epochs} epochs of the defaults, the same val for all. "
        "A difference is paired by seed.",
        f"Intervals by t, with the noise of the pairs and that of recorded ones, which count as {SEEDS_KNOWN:g} pairs.",
    ]
