"""Operating points, which are model variants at an image size: their prices, and which to compare. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from automl.costs.budget import Budget
from automl.errors import AutoMLError
from automl.figures import ago, format_cost, listed, moment
from automl.records import ENOUGH_TRAININGS, FEWEST_TRAININGS, PRODUCTION_EPOCHS, Prepared, Slots

SHORTEST, LONGEST = 10, PRODUCTION_EPOCHS  # of a horizon
NEVER = 10**6  # epochs: more than any training has
NEAR_END = 40  # epochs that a horizon keeps: yolov5n on BCCD ended at .41 after 12 epochs, at .55 after 42
POINTS = 3  # operating points compared at most, the baseline's among them
HOST_SHARE = 0.9  # of the machine's memory that all CPU slots together may take
SPARE = f"{POINTS} points are compared at most, and the others promise more"
_UNMEASURED = "it was not measured"
_COSTS = ("epoch", "val", "training", "paid", "longest", "batch", "memory", "image", "params", "GFLOPs")
HEADINGS = ("model@size", "role", *_COSTS)  # of a table of points
LEGEND = (
    "epoch, val, training: time of one GPU, or of one trial on the CPU; paid: trainings that the budget would pay; "
    f"longest: most epochs with {ENOUGH_TRAININGS} of them; image: latency; ~: estimated from the baseline"
)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Measurements of one model variant at one image size, or an estimate of them."""

    point: str  # "model@imgsz", as the search space names it
    prepared: Prepared | None  # None where the training does not fit, or nothing is known
    cost_s: float = 0.0  # slot-seconds; 0 when it came from the store
    measured_at: float = 0.0  # POSIX seconds
    age_s: float | None = None  # since then; None if this search measured it
    problem: str = ""  # reason, if `prepared` is None or the estimate rules the point out
    estimated: bool = False  # scaled from another point's measurement: never compared, but its price can be stated
    least: int = FEWEST_TRAININGS  # trainings that the budget must pay there; more where nobody named the point

    @property
    def reused(self) -> bool:
        """True if an earlier search measured it."""
        return self.age_s is not None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Demands of the user on the winner. None: no limit."""

    target: float | None = None  # mAP50-95 that is enough
    latency_s: float | None = None  # of one image on the probing device
    parameters: int | None = None


@dataclass(frozen=True, kw_only=True)
class Point:
    """One model variant at one image size: its cost and its role in the plan."""

    name: str  # "model@imgsz"
    role: str  # "baseline", "compared", "left out"
    why: str = ""  # reason, if it is left out
    reused: bool = False  # measured by an earlier search
    estimated: bool = False  # scaled from another point's measurement
    measured_at: float = 0.0  # POSIX seconds; 0 where nothing could be measured
    batch: int | None = None
    epoch_s: float = 0.0  # slot-seconds with validation
    val_s: float = 0.0  # of those, the validation's
    startup_s: float = 0.0  # before the first step of a trial
    training_s: float = 0.0  # slot-seconds of the whole horizon
    trainings: float = 0.0  # that the budget would pay
    longest: int = 0  # epochs of the longest horizon for which the budget would pay ENOUGH_TRAININGS
    memory_bytes: int = 0
    latency_s: float = 0.0
    parameters: int = 0
    gflops: float = 0.0

    def __repr__(self) -> str:
        return f"<Point {self.name}: {self.role}, {self.training_s:.0f} slot-seconds a training>"


def full_trainings(budgets: Sequence[Budget], training_s: float, slots: Slots) -> float:
    """Number of full trainings that the tightest budget pays; infinite without budgets.

    A budget of a number of trials pays that number.
    """
    paid = [b.slot_s / training_s for b in budgets if b.slot_s is not None]
    paid += [slots.count * b.wall_s / training_s for b in budgets if b.wall_s is not None]
    paid += [float(b.trials) for b in budgets if b.trials is not None]
    return min(paid, default=float("inf"))


def longest(
    budgets: Sequence[Budget],
    prepared: Prepared,
    slots: Slots,
    trainings: float = ENOUGH_TRAININGS,
    most: int = LONGEST,
) -> int:
    """Epochs of the longest horizon for which the budgets pay so many trainings: `most` at most, 0 for none.

    A budget of a number of trials says nothing of their length.
    """
    paid_s = full_trainings([b for b in budgets if b.trials is None], trainings, slots)
    return int(max(0.0, min(most, (paid_s - prepared.startup_s) / max(prepared.epoch_s, 1e-9))))


def check_limits(limits: Limits) -> None:
    """Raise AutoMLError for a limit that nothing can keep."""
    if limits.target is not None and not 0 < limits.target < 1:
        raise AutoMLError(
            f"--target {limits.target:g}: mAP50-95 is a fraction. Write one between 0 and 1, such as --target 0.5."
        )
    if limits.latency_s is not None and not limits.latency_s > 0:
        raise AutoMLError(f"--max-latency {1000 * limits.latency_s:g}: write milliseconds above 0.")
    if limits.parameters is not None and limits.parameters < 1:
        raise AutoMLError(f"--max-params {limits.parameters}: write a number of parameters, such as 3000000.")


def refused(probe: Probe, limits: Limits, slots: Slots) -> str:
    """Reason for which limits or memory rule a point out; empty if they admit it."""
    prepared = probe.prepared
    if prepared is None or probe.estimated:
        return probe.problem or _UNMEASURED
    if limits.parameters is not None and prepared.parameters > limits.parameters:
        return f"{prepared.parameters:,} parameters are more than --max-params {limits.parameters:,}"
    if limits.latency_s is not None and prepared.latency_s > limits.latency_s:
        return (
            f"{1000 * prepared.latency_s:.1f} ms an image on this {slots.device} are more than "
            f"--max-latency {1000 * limits.latency_s:g}"
        )
    host = prepared.memory_total_bytes if slots.device == "cpu" else 0
    if host and prepared.memory_bytes * slots.count > HOST_SHARE * host:
        return (
            f"{slots.count} trials of {prepared.memory_bytes / 1e9:.1f} GB each do not fit into the machine's "
            f"{host / 1e9:.1f} GB"
        )
    return ""


def first_admitted(probes: Sequence[Probe], limits: Limits, slots: Slots) -> Probe:
    """First point within the limits: the baseline's. Raises AutoMLError if there is none."""
    reasons = [refused(probe, limits, slots) for probe in probes]
    for probe, reason in zip(probes, reasons, strict=True):
        if not reason:
            return probe
    measured = [(p, reason) for p, reason in zip(probes, reasons, strict=True) if not p.estimated]
    refusals = "; ".join(f"{shown(p.point)}: {reason}" for p, reason in measured)
    raise AutoMLError(f"nothing is left to train: {refusals}. Loosen the limit, or name other --models or --imgsz.")


def compare(
    probes: Sequence[Probe], baseline: Probe, budgets: Sequence[Budget], slots: Slots, *, epochs: int, limits: Limits
) -> tuple[Point, ...]:
    """Points with their roles: the baseline's first, then those compared with it, then those left out.

    A point is compared if it was measured and the budget pays its `least` trainings of the defaults. Dearer points
    come first as long as ENOUGH_TRAININGS are paid. On BCCD 3.5 times the epochs bought +.14 mAP50-95, and as much
    more compute for pixels +.15, where hyperparameters moved .03. With a target the cheapest point is compared too.
    """
    priced = {probe.point: _priced(probe, budgets, slots, epochs) for probe in probes}
    first = replace(priced.pop(baseline.point), role="baseline")
    left_out: list[Point] = []
    admitted: list[Point] = []
    for probe in probes:
        if probe.point == baseline.point:
            continue
        why = _why_not(probe, priced[probe.point], budgets, slots, epochs=epochs, limits=limits)
        (left_out if why else admitted).append(replace(priced[probe.point], why=why))
    rich = sorted((p for p in admitted if p.trainings >= ENOUGH_TRAININGS), key=lambda p: -p.training_s)
    poor = sorted((p for p in admitted if p.trainings < ENOUGH_TRAININGS), key=lambda p: p.training_s)
    ranked = rich + poor
    if limits.target is not None and ranked:
        cheapest = min(ranked, key=lambda p: p.training_s)
        if cheapest.training_s < first.training_s and ranked.index(cheapest) >= POINTS - 1:
            ranked.remove(cheapest)
            ranked.insert(POINTS - 2, cheapest)
    compared = [replace(point, role="compared") for point in ranked[: POINTS - 1]]
    spare = [replace(point, why=SPARE) for point in ranked[POINTS - 1 :]]
    return (first, *compared, *spare, *left_out)


def _priced(probe: Probe, budgets: Sequence[Budget], slots: Slots, epochs: int) -> Point:
    prepared = probe.prepared
    if prepared is None:
        return Point(name=probe.point, role="left out", why=probe.problem)
    training_s = prepared.startup_s + prepared.epoch_s * epochs
    batch = prepared.defaults.get("batch")
    return Point(
        name=probe.point,
        role="left out",
        reused=probe.reused,
        estimated=probe.estimated,
        measured_at=probe.measured_at,
        batch=int(batch) if isinstance(batch, int | float) else None,
        epoch_s=prepared.epoch_s,
        val_s=prepared.val_s,
        startup_s=prepared.startup_s,
        training_s=training_s,
        trainings=full_trainings(budgets, max(training_s, 1e-9), slots),
        longest=longest(budgets, prepared, slots),
        memory_bytes=prepared.memory_bytes,
        latency_s=prepared.latency_s,
        parameters=prepared.parameters,
        gflops=prepared.gflops,
    )


def _why_not(
    probe: Probe, point: Point, budgets: Sequence[Budget], slots: Slots, *, epochs: int, limits: Limits
) -> str:
    """Reason for which a point is not compared; empty if it may be."""
    if not probe.estimated:
        return refused(probe, limits, slots) or _cannot_pay(probe, point, budgets, epochs, slots)
    if probe.problem or probe.prepared is None:
        return probe.problem or _UNMEASURED
    poor = point.trainings < probe.least
    return f"by estimate the budget pays fewer than {probe.least} trainings of {epochs} epochs" if poor else SPARE


def _cannot_pay(probe: Probe, point: Point, budgets: Sequence[Budget], epochs: int, slots: Slots) -> str:
    if point.trainings >= probe.least or probe.prepared is None:
        return ""
    cost = format_cost(point.training_s, slots.device)
    paid = f"{epochs} epochs cost {cost}, of which the budget pays {point.trainings:.1f}; {probe.least} are needed"
    shorter = longest(budgets, probe.prepared, slots, probe.least)
    return f"{paid}, as with --epochs {shorter}" if SHORTEST < shorter < epochs else paid


def left_out_in_words(points: Sequence[Point], device: str) -> tuple[str, ...]:
    """Sentences on the points that are left out: one for each measured point, one for each reason of the others."""
    out = [point for point in points if point.role == "left out"]
    sentences = [f"{shown(p.name)} is left out: {p.why}." for p in out if not p.estimated]
    for why in dict.fromkeys(point.why for point in out if point.estimated):
        group = [point for point in out if point.estimated and point.why == why]
        sentences.append(f"{_with_prices(group, device)} {'is' if len(group) == 1 else 'are'} left out: {why}.")
    return tuple(sentences)


def _with_prices(points: Sequence[Point], device: str) -> str:
    """Names of estimated points with the prices of a training: 'yolov5m@640 (~48 cpu-min a training)'."""
    unit = " a training"
    words = []
    for point in points:
        words.append(f"{short(point.name)} (~{format_cost(point.training_s, device)}{unit})")
        unit = ""  # said once
    return listed(words, most=len(words))


def reused_in_words(probes: Sequence[Probe]) -> tuple[str, ...]:
    """Sentence on the prices that come from earlier searches, with their age; empty if none does."""
    sources = [
        f"{shown(probe.point)} ({moment(probe.measured_at)}, {ago(probe.age_s)})"
        for probe in probes
        if probe.age_s is not None
    ]
    if not sources:
        return ()
    return (
        f"Reused from the store: epoch costs at {listed(sources)}, measured on the same kind of device with "
        "the same versions. Measure anew with --fresh-probe.",
    )


def short(point: str) -> str:
    """Name of a point without folders: 'yolov5n@320'."""
    return point.rpartition("/")[2]


def shown(point: str) -> str:
    """Name of a point in words: 'yolov5n at 320 px'."""
    model, _, imgsz = point.rpartition("@")
    return f"{short(model)} at {imgsz} px" if model else point


def cells(point: Point, device: str) -> list[str]:
    """Row of a table of points, by HEADINGS."""
    if not point.epoch_s:
        return [short(point.name), point.role, *["–"] * len(_COSTS)]
    about, unknown = "~" if point.estimated else "", point.estimated
    return [
        short(point.name),
        point.role,
        f"{about}{point.epoch_s:.2f} s",
        f"{about}{point.val_s:.2f} s",
        f"{about}{format_cost(point.training_s, device)}",
        f"{point.trainings:.0f} x" if math.isfinite(point.trainings) else "–",
        str(point.longest or "–"),
        "–" if point.batch is None or unknown else str(point.batch),
        "–" if unknown else f"{point.memory_bytes / 1e9:.1f} GB",
        f"{1000 * point.latency_s:.1f} ms" if point.latency_s and not unknown else "–",
        f"{point.parameters / 1e6:.1f} M",
        f"{point.gflops:.1f}" if point.gflops else "–",
    ]
