"""The product's own search as a policy: the real `Search`, with a real spec and ledger."""

from __future__ import annotations

from dataclasses import replace

from automl.costs.budget import Budget, Ledger
from automl.costs.points import Limits, Point, Probe, compare
from automl.costs.shares import repeats as repeats_share
from automl.policy import Search
from automl.records import Params, PointCost, Prepared, Slots, Start, StudySpec
from automl.sampler import open_sampler
from automl.space import POINT, SearchSpace
from benchmarks.policies.tasks import Task, defaults
from benchmarks.specs import virtual_spec


def spec_of(task: Task, *, sampler: str, confirm: int, slots: int, budget_s: float, seed: int) -> StudySpec:
    """Spec of a search on the task, with the defaults first and costs as a probe measures them.

    If the task has operating points, the plan chooses those that the search compares, as in a real search.

    confirm  number of best trials with seed repeats, besides the defaults
    """
    start = defaults(task.space)
    budget = _budget(budget_s)
    places = Slots(count=slots, device="cpu")
    points = _points(task, budget, places)
    training_s = _epoch_s(task, start) * task.horizon
    repeats, reserve_s = repeats_share([budget], training_s, places, confirm)
    spec = virtual_spec(
        task.name,
        task.space.at_points([point.name for point in points]) if points else task.space,
        start,
        sampler=sampler,
        seed=seed,
        epochs=task.horizon,
        warmup=task.warmup,
        epoch_s=_epoch_s(task, start),
        budget=budget,
        slots=slots,
    )
    names = [name.split("@") for name in _names(task.space)]
    return replace(
        spec,
        models=tuple(dict.fromkeys(model for model, _ in names)) or spec.models,
        imgsz=tuple(dict.fromkeys(int(imgsz) for _, imgsz in names)) or spec.imgsz,
        given=(*spec.given, *(Start(f"defaults@{point.name}", _at(task, point.name)) for point in points[1:])),
        points=tuple(PointCost(point.name, point.epoch_s) for point in points) if len(points) > 1 else (),
        confirm=confirm,
        reserve_s=reserve_s,
        reserve_trials=repeats,
        early_end=True,
    )


def open_search(task: Task, *, sampler: str, confirm: int, slots: int, budget_s: float, seed: int) -> Search:
    """A search with the spec of `spec_of`. Raises UnknownName."""
    spec = spec_of(task, sampler=sampler, confirm=confirm, slots=slots, budget_s=budget_s, seed=seed)
    space = SearchSpace.from_document(spec.space)
    return Search(spec, open_sampler(spec.sampler, space, seed), Ledger([_budget(budget_s)]))


def _budget(budget_s: float) -> Budget:
    return Budget(text=f"{budget_s:.6f}cpu-s", slot_s=budget_s, device="cpu")


def _names(space: SearchSpace) -> tuple[str, ...]:
    """Operating points of the space; empty without that dimension."""
    return next((tuple(map(str, p.choices)) for p in space.parameters if p.name == POINT), ())


def _at(task: Task, point: str) -> Params:
    model, imgsz = point.split("@")
    return {**defaults(task.space), "model": model, "imgsz": int(imgsz)}


def _epoch_s(task: Task, params: Params) -> float:
    return float(task.curve(params).seconds.mean())


def _points(task: Task, budget: Budget, slots: Slots) -> list[Point]:
    """The baseline's operating point and those that the plan compares with it."""
    probes = [Probe(point=name, prepared=_prepared(task, name)) for name in _names(task.space)]
    if not probes:
        return []
    start = next(str(p.default) for p in task.space.parameters if p.name == POINT)
    baseline = next(probe for probe in probes if probe.point == start)
    points = compare(probes, baseline, [budget], slots, epochs=task.horizon, limits=Limits())
    return [point for point in points if point.role in ("baseline", "compared")]


def _prepared(task: Task, point: str) -> Prepared:
    params = _at(task, point)
    return Prepared(
        defaults=params,
        fitted=None,
        tensors=0,
        parameters=0,
        train_images=0,
        val_images=0,
        train_s=_epoch_s(task, params),
        val_s=0.0,
        startup_s=0.0,
        memory_bytes=0,
        versions={},
    )
