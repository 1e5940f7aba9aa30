"""The product's own search as a policy of the bench: the real `Search`, with a real spec and ledger."""

from __future__ import annotations

from automl.costs.budget import Budget, Ledger
from automl.costs.points import Limits, Point, Probe, compare
from automl.costs.shares import repeats as repeats_share
from automl.policy import Search
from automl.records import Params, PointCost, Prepared, Slots, Start, StudySpec
from automl.sampler import open_sampler
from automl.scores.halving import rung_levels
from automl.space import POINT, SearchSpace
from benchmarks.policies.tasks import Task, defaults


def spec_of(task: Task, *, sampler: str, confirm: int, slots: int, budget_s: float, seed: int) -> StudySpec:
    """The spec that a search on this task would have: the defaults first, costs as a probe measures them.

    Where the task has operating points, those that the plan compares are tried first, as in a real search.

    confirm  best trials that run again with other seeds, beside the defaults
    """
    start = defaults(task.space)
    budget = _budget(budget_s)
    places = Slots(count=slots, device="cpu")
    points = _points(task, budget, places)
    given = [Start("defaults", start)]
    given += [Start(f"defaults@{point.name}", _at(task, point.name)) for point in points[1:]]
    space = task.space.at_points([point.name for point in points]) if points else task.space
    training_s = _epoch_s(task, start) * task.horizon
    repeats, reserve_s = repeats_share([budget], training_s, places, confirm)
    return StudySpec(
        name=task.name,
        data="",
        data_fingerprint="",
        trainer="surrogate",
        models=tuple(dict.fromkeys(name.split("@")[0] for name in _names(task.space))) or ("surrogate",),
        imgsz=tuple(dict.fromkeys(int(name.split("@")[1]) for name in _names(task.space))) or (640,),
        weights=None,
        weights_sha256=None,
        space=space.document(),
        sampler=sampler,
        seed=seed,
        epochs=task.horizon,
        rungs=rung_levels(task.warmup, task.horizon),
        budgets=(budget.text,),
        slots=places,
        fixed=start,
        given=tuple(given),
        probe_s=0.0,
        epoch_s=_epoch_s(task, start),
        versions={},
        directory="",
        points=tuple(PointCost(point.name, point.epoch_s) for point in points) if len(points) > 1 else (),
        confirm=confirm,
        reserve_s=reserve_s,
        reserve_trials=repeats,
        early_end=True,
    )


def open_search(task: Task, *, sampler: str, confirm: int, slots: int, budget_s: float, seed: int) -> Search:
    """A search as `spec_of` describes it. Raises UnknownName."""
    spec = spec_of(task, sampler=sampler, confirm=confirm, slots=slots, budget_s=budget_s, seed=seed)
    space = SearchSpace.from_document(spec.space)
    return Search(spec, open_sampler(spec.sampler, space, seed), Ledger([_budget(budget_s)]))


def _budget(budget_s: float) -> Budget:
    return Budget(text=f"{budget_s:.6f}cpu-s", slot_s=budget_s, device="cpu")


def _names(space: SearchSpace) -> tuple[str, ...]:
    """The operating points of the space; none where it has no such dimension."""
    return next((tuple(map(str, p.choices)) for p in space.parameters if p.name == POINT), ())


def _at(task: Task, point: str) -> Params:
    model, imgsz = point.split("@")
    return {**defaults(task.space), "model": model, "imgsz": int(imgsz)}


def _epoch_s(task: Task, params: Params) -> float:
    return float(task.curve(params).seconds.mean())


def _points(task: Task, budget: Budget, slots: Slots) -> list[Point]:
    """The baseline's point and those that the plan compares with it."""
    probes = [Probe(point=name, prepared=_prepared(task, name)) for name in _names(task.space)]
    if not probes:
        return []
    start = next(str(p.default) for p in task.space.parameters if p.name == POINT)
    baseline = next(probe for probe in probes if probe.point == start)
    found = compare(probes, baseline, [budget], slots, epochs=task.horizon, limits=Limits())
    return [point for point in found if point.role in ("baseline", "compared")]


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
