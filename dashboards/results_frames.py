"""Results about trained networks to DataFrames: pure. Scores are fractions in [0, 1]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from automl.figures import format_cost
from automl.records.ensemble import Combination, EnsembleResult
from automl.records.latency import Latency
from automl.records.verification import Verification
from dashboards.results_words import (
    MIB,
    combination_name,
    gain_words,
    group_of,
    holds_words,
    interval,
    judging,
    member_name,
)
from dashboards.words import moment

FRONT = ("way", "kind", "latency_ms", "p95_ms", "map50_95", "front")
LATENCIES = ("network", "trial", "engine", "latency_ms", "p95_ms", "map50_95", "memory", "front")


def members_frame(result: EnsembleResult) -> pd.DataFrame:
    """A line a member: network, image size, TTA, weight, its score alone."""
    members = result.chosen.members
    total = sum(member.weight for member in members) or 1.0
    return pd.DataFrame(
        {
            "member": [member_name(member, result.study) for member in members],
            "model": [member.model.rsplit("/", 1)[-1] for member in members],
            "image size": [member.imgsz for member in members],
            "TTA": [member.tta for member in members],
            "weight": [member.weight / total for member in members],
            "alone": pd.Series([member.map50_95 for member in members], dtype="float64"),
        }
    )


def figures_frame(result: EnsembleResult) -> pd.DataFrame:
    """A line for each set of images: the result beside its best member."""
    base = {row.on: row.map50_95 for row in result.best_member.figures}
    rows = result.chosen.figures
    return pd.DataFrame(
        {
            "on": [row.on for row in rows],
            "images": [row.images for row in rows],
            "mAP50-95": [row.map50_95 for row in rows],
            "90 % interval": [interval(row.low, row.high) for row in rows],
            "best member": pd.Series([base.get(row.on) for row in rows], dtype="float64"),
            "gain": [gain_words(row) for row in rows],
            "mAP50": [row.map50 for row in rows],
        }
    )


def cost_frame(result: EnsembleResult) -> pd.DataFrame:
    """A line for the result and one for its best member: milliseconds an image, memory, device."""
    ways = [result.chosen, result.best_member]
    known = [(way, way.latency) for way in ways if way.latency is not None]
    names = [combination_name(way, result.study) for way, _ in known]
    timed = [latency for _, latency in known]
    return pd.DataFrame(
        {
            "way": names,
            "median ms": [row.median_ms for row in timed],
            "95 % within ms": [row.p95_ms for row in timed],
            "pre ms": [row.pre_ms for row in timed],
            "network ms": [row.network_ms for row in timed],
            "post ms": [row.post_ms for row in timed],
            "memory MiB": [row.memory_bytes / MIB for row in timed],
            "device": [_device(row) for row in timed],
        }
    )


def _device(row: Latency) -> str:
    threads = f", {row.threads} thread{'s' if row.threads > 1 else ''}" if row.threads else ""
    return f"{row.device}{threads}, {row.engine} {row.precision}"


def front_frame(result: EnsembleResult) -> pd.DataFrame:
    """Measured ways on the device of the result: latency (ms), mAP50-95 on images that chose nothing, on the front."""
    ways = [result.chosen, result.best_member, *result.front, *result.others]
    timed = [way.latency for way in ways if way.latency is not None]
    if not timed:
        return pd.DataFrame(columns=list(FRONT))
    device = timed[0].device
    lines: dict[object, tuple[object, ...]] = {}
    for way in ways:
        figures = judging(way)
        if way.latency is None or figures is None or way.latency.device != device:
            continue
        lines.setdefault(_identity(way), _line(way, way.latency, figures.map50_95, result.study))
    frame = pd.DataFrame(list(lines.values()), columns=list(FRONT[:-1]))
    return _with_front(frame)


def _identity(way: Combination) -> object:
    members = tuple((member.study, member.trial, member.tta, round(member.weight, 9)) for member in way.members)
    return way.kind, members


def _line(way: Combination, latency: Latency, score: float, study: str) -> tuple[object, ...]:
    return combination_name(way, study), group_of(way), latency.median_ms, latency.p95_ms, score


def _with_front(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame by latency, with the points that nothing faster beats."""
    if not len(frame):
        return frame.assign(front=pd.Series(dtype=bool))
    ordered = frame.sort_values(["latency_ms", "map50_95"], ascending=[True, False]).reset_index(drop=True)
    before = ordered["map50_95"].cummax().shift(fill_value=-1.0)
    return ordered.assign(front=ordered["map50_95"] > before)


def classes_frame(result: EnsembleResult, on: str) -> pd.DataFrame:
    """A line a class on one set of images, largest loss first: objects, mAP50-95, gain against the best member."""
    row = next((row for row in result.chosen.figures if row.on == on), None)
    classes = sorted(row.classes, key=lambda one: one.gain if one.gain is not None else 0.0) if row is not None else []
    return pd.DataFrame(
        {
            "class": [one.name for one in classes],
            "objects": [one.objects for one in classes],
            "mAP50-95": [one.map50_95 for one in classes],
            "gain": pd.Series([one.gain for one in classes], dtype="float64"),
            "mAP50": [one.map50 for one in classes],
        }
    )


def splits_with_classes(result: EnsembleResult) -> list[str]:
    """Sets of images with figures by class, those that chose nothing first."""
    rows = [row.on for row in result.chosen.figures if row.classes]
    fair = judging(result.chosen)
    return sorted(rows, key=lambda on: fair is None or on != fair.on)


def latency_frame(records: Sequence[Latency], scores: Mapping[int, float], device: str) -> pd.DataFrame:
    """Measured networks of one device: milliseconds an image and mAP50-95 of that very engine, else of the training.

    scores  mAP50-95 at the best epoch, by trial
    """
    rows = []
    for row in records:
        score = row.map50_95 if row.map50_95 is not None else scores.get(-1 if row.trial is None else row.trial)
        if row.device == device and score is not None:
            engine = f"{row.engine} {row.precision}"
            rows.append((row.name, row.trial, engine, row.median_ms, row.p95_ms, score, row.memory_bytes / MIB))
    return _with_front(pd.DataFrame(rows, columns=list(LATENCIES[:-1])))


def verifications_frame(records: Sequence[Verification]) -> pd.DataFrame:
    """A line a verification, newest first: what was promised, what was trained, the result."""
    return pd.DataFrame(
        {
            "result": [holds_words(row) for row in records],
            "recipe": [row.recipe.rsplit("/", 1)[-1] for row in records],
            "promised": [row.promised for row in records],
            "interval": [interval(row.low, row.high) for row in records],
            "further trainings": [", ".join(f"{score:.3f}" for score in row.scores) for row in records],
            "seeds": [", ".join(map(str, row.seeds)) for row in records],
            "epochs": [row.epochs for row in records],
            "cost": [format_cost(row.slot_s, row.device) for row in records],
            "when": [moment(row.at) for row in records],
        }
    )
