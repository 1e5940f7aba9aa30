"""The budget compiler: from priced points, budgets and slots to shares, expected trials and an end. Pure.

Figures of real trainings come from yolov5n on BCCD: 35 trainings of 12 epochs, 13 of 42.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from automl import markup
from automl.costs import split
from automl.costs.budget import Budget
from automl.costs.points import HEADINGS, LEGEND, LONGEST, Point, cells, left_out_in_words, shown
from automl.costs.shares import Reserved
from automl.figures import clock, format_cost, span, whole_percents
from automl.files.frame import data_frame
from automl.records import FEWEST_TRAININGS, Purpose, Slots
from automl.scores.halving import ETA
from automl.scores.words import course_text

if TYPE_CHECKING:
    import pandas as pd

_NO_LIMIT = 10**6  # trials
_ORDER = ("probe", "baseline", "points", "search", "confirmation", "production")
MEASURED_SHARE = 12 / 42  # of a production training: shortest horizon whose rank agreement was measured


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that a search is going to do with its budget."""

    device: str
    slots: int
    budgets: tuple[str, ...]
    points: tuple[Point, ...]  # the baseline's first
    epochs: int  # the horizon
    rungs: tuple[int, ...]
    reach: tuple[tuple[int, float], ...]  # rung or horizon, and the trials expected to reach it
    trials: int  # expected in all, the baseline and the compared points among them
    shares: Mapping[str, float]  # slot-seconds by purpose
    budget_s: float | None  # slot-seconds that all budgets pay; None with a number of trials alone
    wall_s: float  # expected wall seconds from the first trial to the end
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    disk_bytes: int = 0  # that the study may need
    production: int = 0  # epochs of the trainings of the defaults and the winner; 0: none beside the search's
    answer: str = ""  # sentence on the lengths of the trainings

    def __repr__(self) -> str:
        return "\n  ".join([f"<Plan: {' / '.join(self.budgets)}, {len(self.points)} operating points>", *self.brief()])

    def _repr_html_(self) -> str:
        rows = [cells(point, self.device) for point in self.points]
        sentences = "\n".join(self.sentences())
        return markup.block(
            "Plan: the defaults at each operating point",
            markup.table(HEADINGS, rows, left=HEADINGS[:2]),
            markup.paragraph(LEGEND),
            markup.paragraph(sentences, dim=False),
        )

    def to_dataframe(self) -> pd.DataFrame:
        """A row for each operating point, the baseline's first; columns as the fields of a point.

        Raises AutoMLError if pandas is missing.
        """
        names = [column.name for column in fields(Point)]
        columns = {name: [getattr(point, name) for point in self.points] for name in names}
        return data_frame(columns, counts=("batch",))

    @property
    def baseline(self) -> Point:
        """Point at which the defaults are trained first."""
        return self.points[0]

    @property
    def compared(self) -> tuple[Point, ...]:
        """Other points at which the defaults are trained."""
        return tuple(point for point in self.points if point.role == "compared")

    def brief(self, now: float | None = None) -> list[str]:
        """The few lines of the plan with which every search begins.

        now  POSIX seconds, for the time of day at which the search ends; None: without it
        """
        points = (self.baseline, *self.compared)
        lines = [
            f"{point.role} {shown(point.name)}: {format_cost(point.training_s, self.device)} a training, "
            f"batch {point.batch}"
            for point in points
        ]
        return [*(lines if len(points) > 1 else ()), *self.notes, *self.warnings, *self._ending(now)]

    def sentences(self, now: float | None = None) -> list[str]:
        """The whole plan but for its table of points; `now` as in `brief`."""
        total_s = self.budget_s or sum(self.shares.values())
        purposes = [purpose for purpose in _ORDER if self.shares.get(purpose)]
        percents = whole_percents([self.shares[purpose] for purpose in purposes], total_s)
        parts = [
            f"{format_cost(self.shares[purpose], self.device)} {purpose} ({percent}%)"
            for purpose, percent in zip(purposes, percents, strict=True)
        ]
        course = (
            f"{course_text(self.epochs, self.rungs)}; about {self.trials} trials, of those after the defaults "
            f"{_reached(self.reach)}"
        )
        return [
            f"Plan: {course if self.trials > 1 else f'the defaults for {self.epochs} epochs'}.",
            f"Budget {' / '.join(self.budgets)}: {', '.join(parts)}.",
            f"Disk: {self.disk_bytes / 1e9:.1f} GB.",
            *self.notes,
            *self.warnings,
            *self._ending(now),
        ]

    def _ending(self, now: float | None) -> list[str]:
        """The plan in at most three sentences that need no other."""
        alone = f"Every recipe trains for up to {self.epochs} epochs, and the best is compared with the defaults."
        weak = "; weak ones are stopped early" if any(rung < self.epochs for rung in self.rungs) else ""
        tried = f"About {self.trials} recipes are tried, the defaults first{weak}."
        ends = "" if now is None else f", ends {clock(now + self.wall_s)}"
        return [
            self.answer or alone,
            *([tried] if self.trials > 1 else []),
            f"It takes about {span(self.wall_s)} {self._places()}{ends}.",
        ]

    def _places(self) -> str:
        """Where trials run: 'on 4 GPUs', 'with 2 trials at a time on the CPU'."""
        if self.device == "gpu":
            return f"on {self.slots} {'GPU' if self.slots == 1 else 'GPUs'}"
        return f"with {'one trial' if self.slots == 1 else f'{self.slots} trials'} at a time on the CPU"

    def document(self) -> dict[str, Any]:
        """Plain containers for a study's row."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Plan:
        """Plan of a study's row; its lists may have become JSON's."""
        sequences = {name: tuple(document[name]) for name in ("budgets", "rungs", "warnings", "notes")}
        records = {
            "points": tuple(_point(point) for point in document["points"]),
            "reach": tuple((int(level), float(trials)) for level, trials in document["reach"]),
        }
        return cls(**{**document, **sequences, **records})


def _reached(reach: Sequence[tuple[int, float]]) -> str:
    """Numbers of trials that reach each rung; each of them counts at the lower rungs too."""
    (level, trials), *further = reach
    parts = [f"{trials:.0f} reach epoch {level}"]
    parts += [f"{trials:.0f} of these epoch {level}" for level, trials in further]
    return ", ".join(parts)


def _point(document: Mapping[str, Any]) -> Point:
    trainings = document["trainings"]
    return Point(**{**document, "trainings": math.inf if trainings is None else trainings})  # JSON has no infinity


@dataclass(frozen=True, kw_only=True)
class Course:
    """Course of every trial of a search, with its price."""

    epochs: int  # the horizon
    rungs: tuple[int, ...]
    epoch_s: float  # slot-seconds
    startup_s: float = 0.0  # before the first epoch

    def reach(self, trials: float) -> tuple[tuple[int, float], ...]:
        """Each rung and the horizon, with the expected number of trials that reach it. Ranks are taken as random."""
        reach = []
        for level in self.rungs:
            reach.append((level, trials))
            trials = _survivors(trials)
        return (*reach, (self.epochs, trials))

    def cost_s(self, trials: float) -> float:
        """Slot-seconds that so many trials are expected to cost."""
        cost, before = self.startup_s * trials, 0
        for level, reaching in self.reach(trials):
            cost += (level - before) * self.epoch_s * reaching
            before = level
        return cost

    def affordable(self, left_s: float, most: int) -> int:
        """Largest number of trials whose expected cost is at most `left_s` slot-seconds.

        most  upper limit of the answer
        """
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.cost_s(middle) <= left_s else (low, middle - 1)
        return low


def draw_up(
    points: Sequence[Point],
    budgets: Sequence[Budget],
    slots: Slots,
    *,
    epochs: int,
    rungs: Sequence[int],
    reserve: Reserved,
) -> Plan:
    """Plan for the points. Its shares never sum to more than the tightest budget pays."""
    first, compared = points[0], [point for point in points if point.role == "compared"]
    slot_s = min((b.slot_s for b in budgets if b.slot_s is not None), default=math.inf)
    wall_s = min((b.wall_s for b in budgets if b.wall_s is not None), default=math.inf)
    last = split.COMPARED if reserve.production_s > 0 else 0
    limit = min((b.trials - reserve.repeats - last for b in budgets if b.trials is not None), default=_NO_LIMIT)
    idle_s = (slots.count - 1) * reserve.last_s if math.isfinite(wall_s) else 0.0  # beside the winner's training
    total_s = min(slot_s, wall_s * slots.count + reserve.probe_s - idle_s)
    shares = _shares(first, compared, reserve, total_s)
    left_s = max(0.0, total_s - sum(shares.values()))
    tuned = max((first, *compared), key=lambda point: point.training_s)  # the search may tune at the dearest
    startup_s = tuned.training_s - tuned.epoch_s * epochs
    course = Course(epochs=epochs, rungs=tuple(rungs), epoch_s=tuned.epoch_s, startup_s=startup_s)
    most = max(0, limit - 1 - len(compared))
    trials = course.affordable(left_s, most)
    spends_all = math.isfinite(left_s) and trials < most
    shares[Purpose.SEARCH.value] = left_s if spends_all else min(left_s, course.cost_s(trials))
    last_s = min(reserve.last_s, shares.get(Purpose.PRODUCTION.value, 0.0))
    spent_s = sum(shares.values()) - reserve.probe_s - last_s
    return Plan(
        device=slots.device,
        slots=slots.count,
        budgets=tuple(budget.text for budget in budgets),
        points=tuple(points),
        epochs=epochs,
        rungs=tuple(rungs),
        reach=tuple((level, round(reaching, 1)) for level, reaching in course.reach(trials)),
        trials=1 + len(compared) + trials,
        shares=shares,
        budget_s=total_s if math.isfinite(total_s) else None,
        wall_s=min(wall_s, last_s + max(spent_s / slots.count, shares[Purpose.BASELINE.value])),
        warnings=tuple(_warnings(first, epochs, reserve.production_epochs)),
        notes=left_out_in_words(points, slots.device),
    )


def _shares(first: Point, compared: Sequence[Point], reserve: Reserved, total_s: float) -> dict[str, float]:
    """Slot-seconds by purpose, without the search. Earlier purposes take what they need first."""
    shares, left_s = {Purpose.PROBE.value: reserve.probe_s}, max(0.0, total_s - reserve.probe_s)
    for purpose, need_s in (
        (Purpose.BASELINE, first.training_s),
        (Purpose.POINTS, sum(point.training_s for point in compared)),
        *([(Purpose.PRODUCTION, reserve.production_s)] if reserve.production_s else []),
        (Purpose.CONFIRMATION, reserve.repeats_s + reserve.measuring_s),
    ):
        shares[purpose.value] = min(need_s, left_s)
        left_s -= shares[purpose.value]
    return shares


def planned_epoch_s(plan: Mapping[str, Any], point: str | None) -> float:
    """Slot-seconds of an epoch at a point by the plan's document, with its share of the start-up.

    point  name of the point; None for the dearest compared one, while the search has not chosen
    """
    trained = [entry for entry in plan["points"] if entry["role"] != "left out"]
    entries = [entry for entry in trained if entry["name"] == point] if point is not None else trained
    return max(float(entry["training_s"]) for entry in entries or trained[:1]) / int(plan["epochs"])


def rest(
    course: Course, *, left_s: float, wall_left_s: float, slots: int, most: int | None = None
) -> tuple[int, float]:
    """Expected number of further trials, and wall seconds until the rest of the budgets is spent.

    left_s, wall_left_s  slot-seconds and wall seconds; infinite without such a budget
    most                 trials that may still begin; None for any number
    """
    payable_s = max(0.0, min(left_s, wall_left_s * slots))
    trials = course.affordable(payable_s, _NO_LIMIT if most is None else most)
    spent_s = course.cost_s(trials) if trials == most or not math.isfinite(payable_s) else payable_s
    return trials, min(wall_left_s, spent_s / slots)


def _survivors(entrants: float) -> float:
    """Expected survivors of a rung.

    The j-th trial to arrive passes if it is among the best j - ceil((j-1)(1-1/eta)).
    """
    whole = int(min(entrants, 300.0))
    chances = [_chance(1 + j) for j in range(whole + 1)]
    passed = sum(chances[:whole]) + (entrants - whole) * (chances[whole] if whole < 300 else 1 / ETA)
    return min(entrants, passed)


def _chance(arrived: int) -> float:
    return (arrived - math.ceil((arrived - 1) * (1 - 1 / ETA) - 1e-9)) / arrived


def _warnings(first: Point, epochs: int, production: int = 0) -> list[str]:
    """Sentences on what makes the plan doubtful.

    production  epochs of the planned production training; 0 for none
    """
    warnings = []
    if first.trainings < 4:
        warnings.append(
            f"The budget pays {first.trainings:.1f} trainings of the defaults: too few for a search. Expect "
            f"little from 4 on; a search was worth its cost from {FEWEST_TRAININGS} on. "
            + ("Train the defaults, or lower --epochs." if epochs > 1 else "Train the defaults.")
        )
    elif first.trainings < FEWEST_TRAININGS:
        warnings.append(
            f"The budget pays {first.trainings:.1f} trainings of the defaults: expect little of the search. "
            f"It was worth its cost from {FEWEST_TRAININGS} on."
        )
    if not production and epochs < MEASURED_SHARE * LONGEST:
        warnings.append(
            f"A horizon of {epochs} {'epoch' if epochs == 1 else 'epochs'} is {max(0.01, epochs / LONGEST):.0%} of a "
            f"production training's {LONGEST}. "
            "No measurement tells how so short a training ranks recipes. On BCCD trainings of 12 epochs ranked recipes "
            "like those of 42 with .64 (1 would be the same order; n=13), the first third of the 42 with .4 to .8. "
            "A trial's weights are far from what its recipe can do. On BCCD at 128 px they reached .464 on test after "
            "40 epochs and .561 after 300, the defaults .380 and .530. "
            "Compare at production length with --train 300."
        )
    return warnings
