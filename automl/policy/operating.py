"""Operating points of a search: the one to tune at is chosen once the defaults have been trained at each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from automl.costs.points import shown
from automl.records import Outcome, Params, ParamValue, Purpose, StudySpec, Trial, TrialState
from automl.sampler.protocol import Sampler, open_sampler
from automl.scores.trust import SEED_GAP
from automl.space import SearchSpace

_OWN = ("model", "imgsz", "batch")  # what a point is made of


class Operating:
    """The operating points of a study and, once it is chosen, the one to tune at."""

    def __init__(self, spec: StudySpec) -> None:
        self._spec = spec
        self._epoch_s = {point.name: point.epoch_s for point in spec.points}
        self._searched = set(spec.space["parameters"])
        self._scores: dict[int, float | None] = {}  # of the defaults by trial; None where they failed
        self.chosen: str | None = None
        self.reason = ""  # sentence on the choice

    @property
    def open(self) -> bool:
        """True while operating points are still compared."""
        return bool(self._spec.points) and self.chosen is None

    @property
    def defaults(self) -> int:
        """The trial of the defaults at the chosen operating point; trial 0 while none is chosen."""
        return next((n for n, point in enumerate(self._spec.points) if point.name == self.chosen), 0)

    def purpose(self, number: int) -> Purpose:
        """Purpose of the trial of that number."""
        if number == 0:
            return Purpose.BASELINE
        return Purpose.POINTS if number < len(self._spec.points) else Purpose.SEARCH

    def exempt(self, number: int) -> bool:
        """True for a trial that is never stopped early: the defaults at each compared point."""
        return number < max(1, len(self._spec.points))

    def of(self, params: Params) -> str:
        """Operating point, as "model@imgsz", of a trial with those parameters."""
        fixed = self._spec.fixed
        return f"{params.get('model', fixed.get('model'))}@{params.get('imgsz', fixed.get('imgsz'))}"

    def epoch_s(self, params: Params) -> float:
        """Probed slot-seconds of an epoch of the defaults at the trial's point."""
        return self._epoch_s.get(self.of(params), self._spec.epoch_s) if self._epoch_s else self._spec.epoch_s

    def arguments(self, params: Params) -> dict[str, ParamValue]:
        """The trial's parameters, completed with model, imgsz and batch of the chosen point, or of their own before."""
        if not self._spec.points:
            return dict(params)
        point = self.chosen or self.of(params)
        defaults = next((start.params for start in self._spec.given if self.of(start.params) == point), {})
        own = {key: defaults[key] for key in _OWN if key in defaults and key not in self._searched}
        return {**{key: value for key, value in params.items() if key not in _OWN or key in self._searched}, **own}

    def trial_ended(self, trial: Trial, outcome: Outcome, score: float | None) -> bool:
        """A trial has ended; True if it was the last that the choice of a point waited for."""
        if not self.open or trial.number >= len(self._spec.points):
            return False
        self._scores[trial.number] = None if outcome.state is TrialState.FAILED else score
        if len(self._scores) < len(self._spec.points) or all(score is None for score in self._scores.values()):
            return False
        self._decide([self._scores[number] for number in range(len(self._spec.points))])
        return True

    def _decide(self, defaults: Sequence[float | None]) -> None:
        names = [point.name for point in self._spec.points]
        scores = {name: score for name, score in zip(names, defaults, strict=True) if score is not None}
        self.chosen, reason = choose(scores, self._epoch_s, self._spec.target)
        listing = ", ".join(f"{shown(name)} {score:.3f}" for name, score in scores.items())
        self.reason = f"the defaults reached {listing}: the search tunes at {shown(self.chosen)}, {reason}"


def choose(scores: Mapping[str, float], epoch_s: Mapping[str, float], target: float | None) -> tuple[str, str]:
    """The point to tune at, with the reason: the best, or a cheaper one within its noise.

    With a target, the cheapest that reaches it.

    scores   mAP50-95 of the defaults by point; not empty
    epoch_s  slot-seconds of an epoch by point
    """
    best = max(scores, key=lambda name: (scores[name], -epoch_s[name]))
    reaching = [name for name, score in scores.items() if target is not None and score >= target]
    if reaching:
        return min(reaching, key=lambda name: epoch_s[name]), f"the cheapest that reaches the target {target:g}"
    close = min((n for n in scores if scores[n] > scores[best] - SEED_GAP), key=lambda name: epoch_s[name])
    if close != best:
        return close, f"the cheapest within the noise of {SEED_GAP:g} of the best"
    return best, "the best"


class AtPoint:
    """A sampler in the space of one operating point. It learns nothing from trials at other points."""

    def __init__(self, spec: StudySpec, space: SearchSpace) -> None:
        self._sampler: Sampler = open_sampler(spec.sampler, space, spec.seed)
        self._asked: set[int] = set()

    def take_over(self, number: int, values: Params, scores: Sequence[float], ended: bool, score: float | None) -> None:
        """Learn from a trial at this point that began before the point was chosen."""
        self.ask(number, values)
        for epoch, map50_95 in enumerate(scores, start=1):
            self.report(number, epoch, map50_95)
        if ended:
            self.tell(number, score)

    def ask(self, number: int, given: Params | None = None) -> Params:
        """The sampler's answer."""
        self._asked.add(number)
        return self._sampler.ask(number, given)

    def report(self, number: int, epoch: int, score: float) -> None:
        """Pass on for trials at this point."""
        if number in self._asked:
            self._sampler.report(number, epoch, score)

    def tell(self, number: int, score: float | None) -> None:
        """Pass on for trials at this point."""
        if number in self._asked:
            self._sampler.tell(number, score)
