"""The product's own search as a policy of the bench: the real `Search`, with a real spec and ledger."""

from __future__ import annotations

from automl.bench.tasks import Task, defaults
from automl.budget import Budget, Ledger
from automl.halving import rung_levels
from automl.policy import Search
from automl.records import Slots, StudySpec
from automl.request import SearchRequest
from automl.sampler import open_sampler


def spec_of(task: Task, *, sampler: str, slots: int, budget_s: float, seed: int) -> StudySpec:
    """The spec that a search on this task would have: the defaults first, costs as a probe measures them."""
    start = defaults(task.space)
    return StudySpec(
        name=task.name,
        data="",
        data_fingerprint="",
        trainer="surrogate",
        models=(str(start.get("model", "surrogate")),),
        imgsz=(int(start.get("imgsz") or 640),),
        weights=None,
        weights_sha256=None,
        space=task.space.document(),
        sampler=sampler,
        seed=seed,
        epochs=task.horizon,
        rungs=rung_levels(0, task.horizon),
        budgets=(f"{budget_s:.6f}cpu-s",),
        slots=Slots(count=slots, device="cpu"),
        fixed={},
        given=(("defaults", start),),
        probe_s=0.0,
        epoch_s=float(task.curve(start).seconds.mean()),
        versions={},
        directory="",
    )


def open_search(task: Task, *, sampler: str | None, slots: int, budget_s: float, seed: int) -> Search:
    """A search with that sampler; None means the product's default. Raises UnknownName."""
    spec = spec_of(task, sampler=sampler or SearchRequest.sampler, slots=slots, budget_s=budget_s, seed=seed)
    ledger = Ledger([Budget(text=spec.budgets[0], slot_s=budget_s, device="cpu")])
    return Search(spec, open_sampler(spec.sampler, task.space, seed), ledger)
