"""Prices of operating points without a measurement, scaled from a measured one, and those worth a probe. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from automl.costs.budget import Budget
from automl.costs.points import HOST_SHARE, NEAR_END, POINTS, SHORTEST, Limits, Probe, full_trainings, longest
from automl.records import ENOUGH_TRAININGS, Prepared, Slots

MOST_PROBES = 2 * (POINTS - 1)  # of points that nobody named: each probe costs a start and a few steps
LATENCY_DOUBT, PARAMETERS_DOUBT = 2.0, 1.1  # so many times a limit may an estimate be and the probe still decide
GPU_DOUBT = 2.0  # so many times too dear may a larger point's estimate be on a GPU, which a small network leaves idle
PROBE_SHARE = 0.02  # of a budget of slot time, for the probe of a point that nobody named
_WORKER_S, _STEPS_S, _STEPS = 8.0, 3.0, 4  # of a probe: seconds of a new process, of timed steps; fewest steps


@dataclass(frozen=True)
class Facts:
    """Facts of a network for 80 classes, known without training."""

    parameters: int
    gflops: float  # of one image of 640 x 640, fused


# Counted with Ultralytics 8.4's `get_flops` on the fused networks; a test counts the small ones again.
FACTS: Mapping[str, Facts] = MappingProxyType(
    {
        "yolov5n": Facts(2_649_200, 7.72),
        "yolov5s": Facts(9_142_496, 24.0),
        "yolov5m": Facts(25_091_536, 64.21),
        "yolov5l": Facts(53_193_088, 134.99),
        "yolov5x": Facts(97_229_648, 246.39),
        "yolov5n6": Facts(4_326_688, 7.84),
        "yolov5s6": Facts(15_293_680, 24.4),
        "yolov5m6": Facts(41_192_992, 65.32),
        "yolov5l6": Facts(86_053_520, 137.36),
        "yolov5x6": Facts(155_476_672, 250.71),
    }
)


def relative(point: str, source: str) -> float | None:
    """Floating-point operations of one image at a point, as a multiple of those at another; None if unknown.

    point, source  "model@imgsz"
    """
    (model, size), (base, base_size) = _parts(point), _parts(source)
    if model == base:
        return (size / base_size) ** 2
    if model not in FACTS or base not in FACTS:
        return None
    return FACTS[model].gflops / FACTS[base].gflops * (size / base_size) ** 2


def estimated(point: str, source: Probe) -> Probe:
    """A point priced from a measured one; without a price if that one or the variants' operations are unknown.

    The time of an epoch grows with the operations. That is about right where the device is the limit, and too much
    where loading images is. Memory for activations grows with the pixels and the network's width, whose square the
    operations follow.

    point  "model@imgsz"
    """
    flops, prepared = relative(point, source.point), source.prepared
    if prepared is None or flops is None:
        return Probe(point=point, prepared=None, estimated=True)
    pixels = (_parts(point)[1] / _parts(source.point)[1]) ** 2
    scaled = replace(
        prepared,
        train_s=prepared.train_s * flops,
        val_s=prepared.val_s * flops,
        memory_bytes=int(prepared.memory_bytes * (flops / pixels) ** 0.5 * pixels),
        latency_s=prepared.latency_s * flops,
        parameters=int(prepared.parameters * _weight(point, source.point)),
        gflops=prepared.gflops * flops,
    )
    return Probe(point=point, prepared=scaled, estimated=True, least=ENOUGH_TRAININGS)


def at_best(probe: Probe, baseline: Prepared, slots: Slots) -> Prepared | None:
    """Measurements of a point, or on a GPU the lowest likely price of one that is estimated from a smaller network."""
    prepared = probe.prepared
    if prepared is None or not probe.estimated or slots.device == "cpu" or prepared.epoch_s <= baseline.epoch_s:
        return prepared
    doubt = min(GPU_DOUBT, prepared.epoch_s / baseline.epoch_s)
    return replace(prepared, train_s=prepared.train_s / doubt, val_s=prepared.val_s / doubt)


def pays(
    prepared: Prepared,
    baseline: Prepared,
    budgets: Sequence[Budget],
    slots: Slots,
    epochs: int | None = None,
    trainings: int = ENOUGH_TRAININGS,
) -> bool:
    """True if the budgets pay so many trainings at a point, of a horizon that the plan may choose.

    epochs  the horizon, if the user names it; else NEAR_END, or less where the baseline has less
    """
    alone = max(SHORTEST, longest(budgets, baseline, slots))
    shortest = epochs or (alone if prepared.epoch_s <= baseline.epoch_s else min(NEAR_END, alone))
    return full_trainings(budgets, prepared.startup_s + prepared.epoch_s * shortest, slots) >= trainings


def worth_a_probe(prepared: Prepared, budgets: Sequence[Budget]) -> bool:
    """True if a probe of the point takes at most PROBE_SHARE of every budget of slot time."""
    batch = prepared.defaults.get("batch")
    images = _STEPS * batch if isinstance(batch, int | float) and batch > 0 else prepared.train_images
    steps_s = prepared.train_s * min(1.0, images / max(1, prepared.train_images))
    cost_s = _WORKER_S + prepared.startup_s + max(_STEPS_S, steps_s)
    return all(budget.slot_s is None or cost_s <= PROBE_SHARE * budget.slot_s for budget in budgets)


def hopeless(probe: Probe, limits: Limits, slots: Slots) -> str:
    """Reason for which an estimate rules a point out for certain; empty if only a probe can tell."""
    prepared = probe.prepared
    if prepared is None:
        return probe.problem
    if limits.parameters is not None and prepared.parameters > PARAMETERS_DOUBT * limits.parameters:
        return f"more parameters than --max-params {limits.parameters:,}"
    slow = limits.latency_s is not None and prepared.latency_s > LATENCY_DOUBT * limits.latency_s
    if slow and slots.device == "cpu":  # a GPU takes about as long for a small network as for a larger one
        return f"by estimate far slower than --max-latency {1000 * (limits.latency_s or 0.0):g}"
    host = prepared.memory_total_bytes if slots.device == "cpu" else 0
    if host and prepared.memory_bytes * slots.count > HOST_SHARE * host:
        return f"by estimate {slots.count} trials do not fit into the machine's {host / 1e9:.1f} GB"
    return ""


def next_to_probe(
    waiting: Sequence[Probe], chosen: Sequence[Probe], baseline: Prepared, limits: Limits
) -> Probe | None:
    """The most promising of the estimated points; None if none is left.

    The dearest first, as in a comparison; then the dearest at another image size, which teaches more than the next
    larger variant. With a target the last place is the cheapest point's.

    waiting  estimated points that can be paid
    chosen   other points that will be compared
    """
    prices = [(probe.prepared.epoch_s, probe) for probe in waiting if probe.prepared is not None]
    if not prices:
        return None
    ranked = [probe for _, probe in sorted(prices, key=lambda entry: -entry[0])]
    cheap = [p for p in chosen if p.prepared is not None and p.prepared.epoch_s < baseline.epoch_s]
    last_s, last = min(prices, key=lambda entry: entry[0])
    if limits.target is not None and len(chosen) == POINTS - 2 and not cheap and last_s < baseline.epoch_s:
        return last
    sizes = {_parts(probe.point)[1] for probe in chosen}
    elsewhere = [p for p in ranked if sizes and _parts(p.point)[1] not in sizes and _dearer(p, baseline)]
    return (elsewhere or ranked)[0]


def no_smaller(point: str, other: str) -> bool:
    """True if one point has at least the operations and the parameters of another."""
    flops = relative(point, other)
    return flops is not None and flops >= 1 and _weight(point, other) >= 1


def _weight(point: str, source: str) -> float:
    """Parameters of a point's variant, as a multiple of another's."""
    model, base = _parts(point)[0], _parts(source)[0]
    return 1.0 if model == base else FACTS[model].parameters / FACTS[base].parameters


def _dearer(probe: Probe, baseline: Prepared) -> bool:
    return probe.prepared is not None and probe.prepared.epoch_s > baseline.epoch_s


def _parts(point: str) -> tuple[str, int]:
    """Model and image size of 'model@imgsz'."""
    model, _, size = point.rpartition("@")
    return model, int(size)
