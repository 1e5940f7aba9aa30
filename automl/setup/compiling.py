"""Compiler of a study's spec, from a checked request and its probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from automl.costs import plan, points, shares
from automl.costs.budget import Budget
from automl.costs.points import Point, Probe
from automl.costs.shares import ProductionShare
from automl.figures import format_cost, listed
from automl.files.disk import disk_bytes
from automl.records import EarlierTraining, LongDefaults, Params, PointCost, Prepared, Start, StudySpec
from automl.scores.halving import rung_levels
from automl.setup.request import Checked, known_keys
from automl.space.earlier import NewStudy, beginnings, comparable, words

WORKER_S = 8.0  # slot-seconds until a new process has loaded torch and Ultralytics (bench overhead: 8 to 11 CPU s)


def compile_spec(
    checked: Checked, name: str, directory: Path, prepared: Prepared, probe_s: float, probes: Sequence[Probe] = ()
) -> StudySpec:
    """The spec of the study. Raises BudgetTooSmall if the baseline cannot be paid.

    prepared  of the baseline, at the model and image size that `checked` fixes
    probe_s   slot-seconds that all probes took
    probes    of every operating point of the space; the baseline's alone if left out
    """
    slots, budgets = checked.slots, checked.budgets
    baseline = next((p for p in probes if p.prepared is prepared), Probe(point="baseline", prepared=prepared))
    epochs, shortened = _horizon(checked, baseline, prepared, probes)
    shares.check_baseline(
        budgets, epoch_s=prepared.epoch_s, startup_s=prepared.startup_s, spent_s=probe_s, epochs=epochs, slots=slots
    )
    compared, last, left = _compare(checked, probes or (baseline,), baseline, probe_s, epochs)
    aside = _aside(checked, prepared, compared[0].training_s, probe_s, last, left)
    defaults = dict(prepared.defaults_at(epochs))
    rungs = _rungs(defaults, epochs)
    draft = plan.draw_up(compared, budgets, slots, epochs=epochs, rungs=rungs, reserve=aside)
    first = _first_trials(checked, draft, {p.point: p.prepared for p in (*probes, baseline) if p.prepared is not None})
    notes = (
        *checked.chosen,
        *filter(None, [shortened]),
        *points.reused_in_words(probes),
        *first.notes,
        *last.notes,
        *_on_unseen(checked, prepared, aside.measuring_s),
    )
    final = replace(draft, disk_bytes=disk_bytes(prepared.parameters, slots), notes=(*notes, *draft.notes))
    operating = (final.baseline, *final.compared)
    space = checked.space.at_horizon(epochs)
    resolved = {key: defaults.get(key, value) for key, value in checked.fixed.items()}  # batch -1 is a number now
    return StudySpec(
        name=name,
        **_settled(checked),
        space=(space.at_points([p.name for p in operating]) if probes else space).document(),
        epochs=epochs,
        rungs=rungs,
        fixed={**defaults, **checked.space.fixed, **resolved},
        given=first.starts,
        warm=first.warm,
        probe_s=probe_s,
        epoch_s=prepared.epoch_s,
        parameters=prepared.parameters,
        unseen_s=_unseen_s(checked, prepared),
        versions=prepared.versions,
        directory=str(directory),
        points=tuple(PointCost(p.name, p.epoch_s) for p in operating) if final.compared else (),
        plan=final.document(),
        reserve_trials=aside.repeats,
        reserve_s=aside.repeats_s,
        measuring_s=aside.measuring_s,
        train=checked.request.train or 0,
        beyond=_beyond(final, probes or (baseline,)),
    )


def _settled(checked: Checked) -> dict[str, Any]:
    """Fields of the spec that were settled before anything was measured."""
    request = checked.request
    return {
        "data": str(checked.dataset.file),
        "data_fingerprint": checked.data_fingerprint,
        "trainer": request.trainer,
        "models": checked.models,
        "imgsz": checked.imgsz,
        "weights": str(checked.weights) if checked.weights is not None else None,
        "weights_sha256": checked.weights_sha256,
        "sampler": request.sampler,
        "seed": request.seed,
        "budgets": tuple(budget.text for budget in checked.budgets),
        "slots": checked.slots,
        "holdout": request.holdout or 0.0,
        "unseen": checked.unseen,
        "target": checked.limits.target,
        "confirm": request.confirm,
        "early_end": request.early_end,
    }


def _horizon(checked: Checked, baseline: Probe, prepared: Prepared, probes: Sequence[Probe]) -> tuple[int, str]:
    """Epochs of every training; a sentence if they were shortened for an operating point, else empty."""
    most, budgets, slots = checked.request.train or 0, checked.budgets, checked.slots
    if checked.request.epochs:
        return checked.request.epochs, ""
    admitted = [p for p in probes if p is not baseline and not points.refused(p, checked.limits, slots)]
    if most:  # priced at the dearest operating point that may win
        half = shares.without_production(budgets, shares.affordable(budgets, prepared.epoch_s, most)[1])
        measured = [p.prepared for p in admitted if p.prepared is not None]
        prices = [other.epoch_s for other in measured if points.longest(half, other, slots) >= points.NEAR_END]
        dearest_s = max([prepared.epoch_s, *prices])
        budgets = shares.without_production(budgets, shares.affordable(budgets, dearest_s, most)[1])
    epochs, shortened = points.horizon(prepared, admitted, budgets, slots)
    return (most, "") if most and most < epochs else (epochs, shortened)


def _compare(
    checked: Checked, probes: Sequence[Probe], baseline: Probe, probe_s: float, epochs: int
) -> tuple[tuple[Point, ...], ProductionShare, Sequence[Budget]]:
    """Operating points, the production training at the dearest that may win, and the budgets without it."""
    assert baseline.prepared is not None, "the baseline was probed"
    budgets, slots, most = checked.budgets, checked.slots, checked.request.train or 0
    measuring_s = shares.measuring(budgets, _unseen_s(checked, baseline.prepared), 3)
    price_s = 0.0
    dearest_s = baseline.prepared.epoch_s
    while True:
        price_s = max(price_s, dearest_s)  # never falls, so the loop ends
        last = shares.production(
            budgets,
            slots,
            baseline.prepared,
            most=most,
            horizon=epochs,
            epoch_s=price_s,
            besides_s=probe_s + measuring_s,
        )
        left = shares.without_production(budgets, last.cost_s) if most else budgets
        compared = points.compare(probes, baseline, left, slots, epochs=epochs, limits=checked.limits)
        dearest_s = max(point.epoch_s for point in compared if point.role != "left out")
        if not most or dearest_s <= price_s:
            return compared, last, left


def _aside(
    checked: Checked,
    prepared: Prepared,
    training_s: float,
    probe_s: float,
    last: ProductionShare,
    left: Sequence[Budget],
) -> shares.Reserved:
    """Everything that the search does not get of the budgets.

    training_s  of the baseline
    left        budgets without the production training
    """
    repeats, repeats_s = shares.repeats(left, training_s, checked.slots, checked.request.confirm)
    measuring_s = shares.measuring(left, _unseen_s(checked, prepared), 3 if last.epochs else 2)
    return shares.Reserved(
        probe_s=probe_s,
        repeats=repeats,
        repeats_s=repeats_s,
        measuring_s=measuring_s,
        production_s=last.cost_s,
        production_epochs=last.epochs,
    )


def _rungs(defaults: Params, epochs: int) -> tuple[int, ...]:
    warmup = defaults.get("warmup_epochs")
    return rung_levels(float(warmup) if isinstance(warmup, int | float) else 3.0, epochs)


@dataclass(frozen=True, kw_only=True)
class _First:
    """Trials that run before the sampler proposes any, and earlier trainings that it learns from."""

    starts: tuple[Start, ...]
    warm: tuple[EarlierTraining, ...]
    notes: tuple[str, ...]  # sentences on both


def _first_trials(checked: Checked, draft: plan.Plan, measured: Mapping[str, Prepared]) -> _First:
    """The defaults at every operating point of the plan, then known-good recipes.

    measured  by operating point, the baseline's among them
    """
    request, epochs = checked.request, draft.epochs
    space = checked.space.at_horizon(epochs)
    starts: list[Start] = [Start("defaults", dict(measured[draft.baseline.name].defaults_at(epochs)))]
    starts += [
        Start(f"defaults@{points.short(p.name)}", dict(measured[p.name].defaults_at(epochs))) for p in draft.compared
    ]
    bases = [{**params, **space.fixed} for _, params in starts]
    trainings = draft.baseline.trainings
    study = NewStudy(base=bases[0], space=space, before=tuple(starts), trainings=trainings, epochs=epochs)
    known_good = request.trainer == "ultralytics" and request.portfolio
    more, notes = beginnings(checked.earlier, study, known_good=known_good)
    whole = [{**known_keys(request.trainer), **checked.fixed, **base} for base in bases]
    warm = comparable(checked.earlier, whole, space, epochs)
    return _First(starts=(*starts, *more), warm=warm, notes=(*notes, *words(warm)))


def _beyond(final: plan.Plan, probes: Sequence[Probe]) -> tuple[LongDefaults, ...]:
    """For each trial of the defaults: the longest horizon at which they hold, and the defaults beyond it."""
    measured = {probe.point: probe.prepared for probe in probes}
    defaults = []
    for point in (final.baseline, *final.compared):
        prepared = measured[point.name]
        assert prepared is not None, "an operating point that is trained was probed"
        switch = prepared.switch_epochs
        last = switch if switch is not None and final.epochs <= switch else points.NEVER
        defaults.append(LongDefaults(last, prepared.defaults_at(points.NEVER)))
    return tuple(defaults)


def _unseen_s(checked: Checked, prepared: Prepared) -> float:
    """Seconds of measuring one network on the unseen images: a worker's start, then at the speed of validation."""
    test = checked.dataset.test if checked.unseen else None
    if test is None:
        return 0.0
    return WORKER_S + prepared.startup_s + prepared.val_s * len(test.images) / prepared.val_images


def _on_unseen(checked: Checked, prepared: Prepared, reserved_s: float) -> tuple[str, ...]:
    """Sentence of the plan on the final evaluation; nothing without unseen images."""
    test, device = checked.dataset.test if checked.unseen else None, checked.slots.device
    if test is None:
        return ()
    measured = ["the defaults", "the winner"]
    if checked.request.train:
        measured.append("its production training")
    cost_s = len(measured) * _unseen_s(checked, prepared)
    partly = f", {format_cost(reserved_s, device)} of it kept from the search" if reserved_s < cost_s else ""
    return (
        f"At the end {listed(measured)} are measured on {len(test.images)} images ({checked.unseen}): about "
        f"{format_cost(cost_s, device)}{partly}, within the confirmation's share.",
    )
