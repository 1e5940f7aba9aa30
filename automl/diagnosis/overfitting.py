"""Over-fitting: the loss of train falls while that of val rises, or while mAP is flat and the two losses part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.diagnosis.curves import COMPONENTS, Curves, Floats
from automl.diagnosis.remedies import MORE_AUGMENTATION, STRONGER_DECAY, Ranges, lower_gain
from automl.diagnosis.trend import trend
from automl.diagnosis.valley import Valley, valley
from automl.records.diagnosis import Diagnosis, Symptom

SURE = 0.95  # confidence from which a symptom is told
LEAST_RISE = 0.02  # of the val loss, as a share of its lowest value
LEAST_FALL = 0.05  # of the train loss meanwhile
FLAT = 0.01  # mAP50-95 by which a flat curve may still rise
FLAT_SHARE = 3  # a flat part is a third of the schedule at least
MARGIN = 1.2  # epochs of the next training, as a multiple of those until the over-fitting
FEWEST_EPOCHS = 5  # of train before the end of mosaic
_STEPS = 12  # beginnings of a flat part that are tried
_PARTED = 2  # the train loss falls so many times faster than the val loss
_WORDS = {"box": "box", "cls": "class", "dfl": "distribution (dfl)"}


@dataclass(frozen=True, kw_only=True)
class Rise:
    """A component of the val loss that rises while the same one of train falls."""

    component: str
    epoch: int
    turn: Valley
    fall: float  # of the train loss since then, as a share


def overfitted(curves: Curves) -> Diagnosis | None:
    """Symptom of over-fitting with the epoch since which it shows; None where it does not, or losses are unknown."""
    rises = [rise for component in COMPONENTS if (rise := _rise(curves, component)) is not None]
    if rises:
        return _of_rise(curves, max(rises, key=lambda rise: (rise.turn.confidence, rise.turn.rise)), rises)
    return _of_flat(curves)


def _rise(curves: Curves, component: str) -> Rise | None:
    """The rise of a component, with the confidence that the choice among the components leaves."""
    if component not in curves.val or component not in curves.train:
        return None
    begin = curves.settled
    turn = valley(curves.val[component][begin:], least=LEAST_RISE)
    if turn is None or 1 - len(curves.val) * (1 - turn.confidence) < SURE:
        return None
    at = begin + turn.turn
    fall = _fall(curves, curves.train[component], at)
    return None if fall < LEAST_FALL else Rise(component=component, epoch=int(curves.epochs[at]), turn=turn, fall=fall)


def _fall(curves: Curves, values: Floats, at: int) -> float:
    """Fall of a loss of train since a position, as a share; the step at the end of mosaic is left out."""
    rest, closing = values[at:], int(np.searchsorted(curves.epochs, curves.horizon - curves.closed, side="right"))
    before = values[at:closing] if closing - at >= FEWEST_EPOCHS else rest
    line = trend(before)
    return 0.0 if line is None or before[0] <= 0 else -line.rise / float(before.mean() - line.rise / 2)


def _of_rise(curves: Curves, rise: Rise, rises: list[Rise]) -> Diagnosis:
    begin = int(np.searchsorted(curves.epochs, rise.epoch))
    line = trend(curves.map50_95[begin:])
    gains = line is not None and line.above(FLAT) >= SURE
    fewer = 0 if gains else max(10, round(MARGIN * rise.epoch))
    worded = _WORDS[rise.component]
    low, high = (int(curves.epochs[curves.settled + at]) for at in (rise.turn.low, rise.turn.high))
    sentence = (
        f"Over-fits since epoch {rise.epoch} (90 % interval {low} to {high}): the {worded} loss of val has risen by "
        f"{rise.turn.rise:.0%} since, while that of train fell by {rise.fall:.0%}; "
        f"mAP50-95 {'still rose' if gains else 'no longer rose'}."
    )
    names = [other.component for other in sorted(rises, key=lambda other: -other.turn.rise)]
    evidence = {"val_loss_rise": rise.turn.rise, "train_loss_fall": rise.fall, "low": float(low), "high": float(high)}
    confidence = 1 - len(curves.val) * (1 - rise.turn.confidence)
    return _diagnosis(curves, sentence, rise.epoch, confidence, names, fewer, evidence)


def _of_flat(curves: Curves) -> Diagnosis | None:
    """Over-fitting by a flat mAP: train goes on to fall twice as fast as val."""
    for begin in _beginnings(curves):
        line = trend(curves.map50_95[begin:])
        if line is None or 1 - line.above(FLAT) < SURE:
            continue
        parts = {component: _parting(curves, component, begin) for component in curves.val if component in curves.train}
        names = sorted((component for component in parts if parts[component] > 0), key=lambda name: -parts[name])
        if not names:
            continue
        epoch, fall = int(curves.epochs[begin]), parts[names[0]]
        sentence = (
            f"Over-fits since epoch {epoch}: mAP50-95 is flat since ({line.rise:+.3f}), while the {_WORDS[names[0]]} "
            f"loss of train fell by {fall:.0%} and that of val did not follow."
        )
        evidence = {"map50_95_rise": line.rise, "train_loss_fall": fall}
        fewer = max(10, round(MARGIN * epoch))
        return _diagnosis(curves, sentence, epoch, 1 - line.above(FLAT), names[:1], fewer, evidence)
    return None


def _beginnings(curves: Curves) -> list[int]:
    """Positions at which a flat part may begin, the first one first."""
    last = len(curves) - max(8, curves.horizon // FLAT_SHARE)
    if last < curves.settled:
        return []
    return sorted({round(at) for at in np.linspace(curves.settled, last, _STEPS)})


def _parting(curves: Curves, component: str, begin: int) -> float:
    """Fall of the train loss, as a share; 0 where the val loss follows."""
    fall = _fall(curves, curves.train[component], begin)
    line = trend(curves.val[component][begin:])
    if line is None or fall < LEAST_FALL:
        return 0.0
    follows = -line.rise / float(curves.val[component][begin:].mean())
    return fall if fall > _PARTED * follows else 0.0


def _diagnosis(
    curves: Curves,
    sentence: str,
    epoch: int,
    confidence: float,
    components: list[str],
    fewer: int,
    evidence: dict[str, float],
) -> Diagnosis:
    shorter = 0 < fewer < curves.horizon
    gains = " and ".join(components)
    steps = ["search more augmentation", f"lower the gain {gains}"]
    steps += [f"train {fewer} epochs instead of {curves.horizon}"] if shorter else []
    space: Ranges = {**MORE_AUGMENTATION}
    for component in components:
        space |= lower_gain(curves, component)
    return Diagnosis(
        trial=curves.trial,
        symptom=Symptom.OVERFITS,
        sentence=sentence,
        remedy=f"{', '.join(steps[:-1])} and {steps[-1]}.".capitalize(),
        confidence=confidence,
        epoch=epoch,
        evidence=evidence,
        change={"epochs": fewer} if shorter else {},
        space={**space, **STRONGER_DECAY},
    )
