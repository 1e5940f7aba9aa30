"""A checked request and what was measured, made into a study's spec."""

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
    """The spec of the study. Raises BudgetTooSmall when the baseline cannot be paid.

    prepared  of the baseline, at the model and image size that `checked` fixes
    probe_s   slot-seconds that all probes took
    probes    of every point of the space; the baseline's alone if left out
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
    drawn = plan.draw_up(compared, budgets, slots, epochs=epochs, rungs=rungs, reserve=aside)
    first = _first_trials(checked, drawn, {p.point: p.prepared for p in (*probes, baseline) if p.prepared is not None})
    told = (
        *filter(None, [shortened]),
        *points.reused_in_words(probes),
        *first.notes,
        *last.notes,
        *_on_unseen(checked, prepared, aside.measuring_s),
    )
    drawn = replace(drawn, disk_bytes=disk_bytes(prepared.parameters, slots), notes=(*told, *drawn.notes))
    tried = (drawn.baseline, *drawn.compared)
    space = checked.space.at_horizon(epochs)
    resolved = {key: defaults.get(key, value) for key, value in checked.fixed.items()}  # batch -1 is a number now
    return StudySpec(
        name=name,
        **_asked(checked),
        space=(space.at_points([p.name for p in tried]) if probes else space).document(),
        epochs=epochs,
        rungs=rungs,
        fixed={**defaults, **checked.space.fixed, **resolved},
        given=first.given,
        warm=first.warm,
        probe_s=probe_s,
        epoch_s=prepared.epoch_s,
        parameters=prepared.parameters,
        unseen_s=_unseen_s(checked, prepared),
        versions=prepared.versions,
        directory=str(directory),
        points=tuple(PointCost(p.name, p.epoch_s) for p in tried) if drawn.compared else (),
        plan=drawn.document(),
        reserve_trials=aside.repeats,
        reserve_s=aside.repeats_s,
        measuring_s=aside.measuring_s,
        train=checked.request.train or 0,
        beyond=_beyond(drawn, probes or (baseline,)),
    )


def _asked(checked: Checked) -> dict[str, Any]:
    """The fields of a spec that were settled before anything was measured."""
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
    """Epochs of every training, and in a sentence for which point they were shortened, if any."""
    wanted, budgets, slots = checked.request.train or 0, checked.budgets, checked.slots
    if checked.request.epochs:
        return checked.request.epochs, ""
    admitted = [p for p in probes if p is not baseline and not points.refused(p, checked.limits, slots)]
    if wanted:  # as long as it is not known where it will be trained it is priced at the dearest point that may be
        half = shares.without_production(budgets, shares.affordable(budgets, prepared.epoch_s, wanted)[1])
        found = [p.prepared for p in admitted if p.prepared is not None]
        prices = [each.epoch_s for each in found if points.longest(half, each, slots) >= points.NEAR_END]
        dearest_s = max([prepared.epoch_s, *prices])
        budgets = shares.without_production(budgets, shares.affordable(budgets, dearest_s, wanted)[1])
    epochs, shortened = points.horizon(prepared, admitted, budgets, slots)
    return (wanted, "") if wanted and wanted < epochs else (epochs, shortened)


def _compare(
    checked: Checked, probes: Sequence[Probe], baseline: Probe, probe_s: float, epochs: int
) -> tuple[tuple[Point, ...], ProductionShare, Sequence[Budget]]:
    """The points, the production training at the dearest that may be chosen, and what the budgets leave beside it."""
    assert baseline.prepared is not None, "it was probed"
    budgets, slots, wanted = checked.budgets, checked.slots, checked.request.train or 0
    measuring_s = shares.measuring(budgets, _unseen_s(checked, baseline.prepared), 3)
    price_s = 0.0
    dearest_s = baseline.prepared.epoch_s
    while True:
        price_s = max(price_s, dearest_s)  # never less than before: so this ends
        last = shares.production(
            budgets,
            slots,
            baseline.prepared,
            most=wanted,
            horizon=epochs,
            epoch_s=price_s,
            besides_s=probe_s + measuring_s,
        )
        left = shares.without_production(budgets, last.cost_s) if wanted else budgets
        compared = points.compare(probes, baseline, left, slots, epochs=epochs, limits=checked.limits)
        dearest_s = max(point.epoch_s for point in compared if point.role != "left out")
        if not wanted or dearest_s <= price_s:
            return compared, last, left


def _aside(
    checked: Checked,
    prepared: Prepared,
    training_s: float,
    probe_s: float,
    last: ProductionShare,
    left: Sequence[Budget],
) -> shares.Reserved:
    """What the search must leave of the budgets.

    training_s  of the baseline
    left        of the budgets, beside the production training
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
    """The trials that run before the sampler proposes any, and what it is told of earlier trainings."""

    given: tuple[Start, ...]
    warm: tuple[EarlierTraining, ...]
    notes: tuple[str, ...]  # on both, in sentences


def _first_trials(checked: Checked, drawn: plan.Plan, measured: Mapping[str, Prepared]) -> _First:
    """The defaults at every point of the plan, then what is known to be good.

    measured  by point, the baseline's among them
    """
    request, epochs = checked.request, drawn.epochs
    space = checked.space.at_horizon(epochs)
    given: list[Start] = [Start("defaults", dict(measured[drawn.baseline.name].defaults_at(epochs)))]
    given += [
        Start(f"defaults@{points.short(p.name)}", dict(measured[p.name].defaults_at(epochs))) for p in drawn.compared
    ]
    bases = [{**params, **space.fixed} for _, params in given]
    trainings = drawn.baseline.trainings
    study = NewStudy(base=bases[0], space=space, before=tuple(given), trainings=trainings, epochs=epochs)
    known_good = request.trainer == "ultralytics" and request.portfolio
    more, notes = beginnings(checked.earlier, study, known_good=known_good)
    whole = [{**known_keys(request.trainer), **checked.fixed, **base} for base in bases]
    warm = comparable(checked.earlier, whole, space, epochs)
    return _First(given=(*given, *more), warm=warm, notes=(*notes, *words(warm)))


def _beyond(drawn: plan.Plan, probes: Sequence[Probe]) -> tuple[LongDefaults, ...]:
    """Of the trials that train the defaults: beyond how many epochs these are others, and which."""
    measured = {probe.point: probe.prepared for probe in probes}
    found = []
    for point in (drawn.baseline, *drawn.compared):
        known = measured[point.name]
        assert known is not None, "what is trained was probed"
        switch = known.switch_epochs
        others = switch is not None and drawn.epochs <= switch
        found.append(
            LongDefaults(switch if switch is not None and others else points.NEVER, known.defaults_at(points.NEVER))
        )
    return tuple(found)


def _unseen_s(checked: Checked, prepared: Prepared) -> float:
    """Seconds of measuring one network on the unseen images: a worker's start, then the rate of the validation."""
    test = checked.dataset.test if checked.unseen else None
    if test is None:
        return 0.0
    return WORKER_S + prepared.startup_s + prepared.val_s * len(test.images) / prepared.val_images


def _on_unseen(checked: Checked, prepared: Prepared, kept_s: float) -> tuple[str, ...]:
    """What the plan says of measuring on unseen images, if there are any."""
    test, device = checked.dataset.test if checked.unseen else None, checked.slots.device
    if test is None:
        return ()
    measured = ["the defaults", "the winner", *["its production training"] * bool(checked.request.train)]
    cost_s = len(measured) * _unseen_s(checked, prepared)
    rest = f", {format_cost(kept_s, device)} of it kept from the search" * (kept_s < cost_s)
    return (
        f"At the end {listed(measured)} are measured on {len(test.images)} images ({checked.unseen}): about "
        f"{format_cost(cost_s, device)}{rest}, within the confirmation's share.",
    )
