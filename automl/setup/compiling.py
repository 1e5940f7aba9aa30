"""Compiler of a study's spec, from a checked request and its probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from automl.costs import plan, points, shares, split
from automl.costs.points import Point, Probe
from automl.costs.split import Division
from automl.data.dataset import Split
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
    division, shortened = _divide(checked, baseline, prepared, probes, probe_s)
    epochs = division.epochs
    shares.check_baseline(
        budgets, epoch_s=prepared.epoch_s, startup_s=prepared.startup_s, spent_s=probe_s, epochs=epochs, slots=slots
    )
    compared = operating_points(checked, probes or (baseline,), baseline, division)
    aside = _aside(checked, prepared, compared, probe_s, division)
    defaults = dict(prepared.defaults_at(epochs))
    rungs = _rungs(defaults, epochs)
    draft = plan.draw_up(compared, budgets, slots, epochs=epochs, rungs=rungs, reserve=aside)
    draft = replace(draft, production=division.production, answer=division.sentence)
    if not division.searches:
        draft = replace(draft, trials=1, warnings=())
    first = _first_trials(checked, draft, {p.point: p.prepared for p in (*probes, baseline) if p.prepared is not None})
    notes = (
        *checked.chosen,
        *filter(None, [shortened]),
        *points.reused_in_words(probes),
        *(first.notes if division.searches else _unused(checked)),
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
        given=first.starts if division.searches else first.starts[:1],
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
        train=division.production,
        compare=division.production > 0,
        defaults_alone="" if division.searches else division.sentence,
        beyond=_beyond(final, probes or (baseline,)),
    )


def _settled(checked: Checked) -> dict[str, Any]:
    """Fields of the spec that were settled before anything was measured."""
    request, baseline = checked.request, checked.weights_for(checked.models[0])
    return {
        "data": str(checked.dataset.file),
        "data_fingerprint": checked.data_fingerprint,
        "trainer": request.trainer,
        "models": checked.models,
        "imgsz": checked.imgsz,
        "weights": baseline.path if baseline is not None else None,
        "weights_sha256": baseline.sha256 if baseline is not None else None,
        "weights_of": checked.weights,
        "sampler": request.sampler,
        "seed": request.seed,
        "budgets": tuple(budget.text for budget in checked.budgets),
        "slots": checked.slots,
        "holdout": request.holdout or 0.0,
        "unseen": checked.unseen,
        "reported": checked.reported is not None,
        "target": checked.limits.target,
        "confirm": request.confirm,
        "early_end": request.early_end,
    }


def _divide(
    checked: Checked, baseline: Probe, prepared: Prepared, probes: Sequence[Probe], probe_s: float
) -> tuple[Division, str]:
    """Lengths of the trainings; a sentence if the search's were shortened for an operating point, else empty."""
    request, budgets, slots = checked.request, checked.budgets, checked.slots
    besides_s = probe_s + shares.measuring(budgets, _unseen_s(checked, prepared))
    division = split.divide(budgets, slots, prepared, checked.asked, besides_s=besides_s)
    if request.epochs:
        return division, ""
    admitted = [p for p in probes if p is not baseline and not points.refused(p, checked.limits, slots)]
    return split.shortened(division, budgets, slots, admitted)


def operating_points(
    checked: Checked, probes: Sequence[Probe], baseline: Probe, division: Division
) -> tuple[Point, ...]:
    """Operating points with their roles.

    The dearest point that is left decides what production leaves to the search. Where that does not pay for the point
    itself, it is left out, and the next one decides.
    """
    budgets, slots, epochs, limits = checked.budgets, checked.slots, division.epochs, checked.limits
    if not division.searches:
        return points.compare([baseline], baseline, budgets, slots, epochs=epochs, limits=limits)
    remaining, dropped = list(probes), list[Point]()
    while True:
        dearest = max((p for p in remaining if p.prepared is not None and not p.estimated), key=_epoch_s)
        left = division.searching(budgets, slots, _epoch_s(dearest))
        compared = points.compare(remaining, baseline, left, slots, epochs=epochs, limits=limits)
        point = next(point for point in compared if point.name == dearest.point)
        if not division.production or point.role != "left out":
            return (*compared, *dropped)
        remaining.remove(dearest)
        dropped.append(point)


def _epoch_s(probe: Probe) -> float:
    return 0.0 if probe.prepared is None else probe.prepared.epoch_s


def _aside(
    checked: Checked, prepared: Prepared, compared: Sequence[Point], probe_s: float, division: Division
) -> shares.Reserved:
    """Everything that the search does not get of the budgets."""
    dearest_s = max(point.epoch_s for point in compared if point.role != "left out")
    left = division.searching(checked.budgets, checked.slots, dearest_s)
    best = checked.request.confirm if division.searches else 0
    repeats, repeats_s = shares.repeats(left, compared[0].training_s, checked.slots, best)
    last_s = shares.MARGIN * division.production * dearest_s
    return shares.Reserved(
        probe_s=probe_s,
        repeats=repeats,
        repeats_s=repeats_s,
        measuring_s=shares.measuring(left, _unseen_s(checked, prepared)),
        production_s=split.COMPARED * last_s,
        last_s=last_s,
        production_epochs=division.production,
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
    whole = [{**known_keys(request.trainer), **checked.fixed, **base} for base in bases]
    study = NewStudy(
        base=bases[0], whole=whole[0], space=space, before=tuple(starts), trainings=trainings, epochs=epochs
    )
    known_good = request.trainer == "ultralytics" and request.portfolio
    more, notes = beginnings(checked.earlier, study, known_good=known_good)
    warm = comparable(checked.earlier, whole, space, epochs)
    return _First(starts=(*starts, *more), warm=warm, notes=(*checked.read, *notes, *words(warm)))


def _unused(checked: Checked) -> tuple[str, ...]:
    """Sentence on earlier trainings where nothing is searched; nothing without any that the user named."""
    sources = checked.request.warm_start
    return (f"{listed(sources)} of --warm-start: not used, since the defaults alone are trained.",) if sources else ()


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
    splits = _unseen_splits(checked)
    images = sum(len(split.images) for split in splits)
    return len(splits) * (WORKER_S + prepared.startup_s) + prepared.val_s * images / prepared.val_images


def _unseen_splits(checked: Checked) -> list[Split]:
    """Images of the final evaluation: those that may decide, then those that only report."""
    deciding = checked.dataset.test if checked.unseen else None
    reported = checked.reported.test if checked.reported is not None else None
    return [split for split in (deciding, reported) if split is not None]


def _on_unseen(checked: Checked, prepared: Prepared, reserved_s: float) -> tuple[str, ...]:
    """Sentence of the plan on the final evaluation; nothing without unseen images."""
    splits, device = _unseen_splits(checked), checked.slots.device
    if not splits:
        return ()
    names = listed([checked.unseen, "test"][: len(splits)])
    measured = ["the defaults", "the winner"]
    cost_s = len(measured) * _unseen_s(checked, prepared)
    partly = f", {format_cost(reserved_s, device)} of it kept from the search" if reserved_s < cost_s else ""
    return (
        f"At the end {listed(measured)} are measured on {sum(len(s.images) for s in splits)} images ({names}): about "
        f"{format_cost(cost_s, device)}{partly}, within the confirmation's share.",
    )
