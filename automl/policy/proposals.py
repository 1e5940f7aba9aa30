"""Proposals: first the trials of the spec, then the sampler's at the operating point that is tuned at. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from automl.policy.history import RESUMABLE
from automl.policy.operating import AtPoint, Operating
from automl.policy.runs import Run
from automl.records import Params, StudySpec, Trial
from automl.sampler.protocol import Sampler
from automl.space import SearchSpace


class Proposals:
    """A study's sampler and the space that it works in."""

    def __init__(self, spec: StudySpec, sampler: Sampler, operating: Operating) -> None:
        self._spec = spec
        self._operating = operating
        self._space = SearchSpace.from_document(spec.space)
        self._sampler = sampler
        self._tell_earlier()

    @property
    def endless(self) -> bool:
        """True if there is anything to propose beyond the trials of the spec."""
        return bool(self._space.parameters)

    def next(self, number: int, begun: int) -> Trial:
        """The trial of that number, which begins now.

        begun  trials of the search that have begun: fewer than the number where a production training came between
        """
        spec, operating = self._spec, self._operating
        if begun < len(spec.given):
            origin, params = spec.given[begun]
            if number >= len(spec.points):
                params = operating.arguments(params)
            self.begun(number, params)
        else:
            origin = spec.sampler
            params = operating.arguments(self._space.arguments(self._sampler.ask(number)))
        return Trial(
            number=number,
            params=params,
            epochs=spec.epochs,
            seed=spec.seed,
            purpose=operating.purpose(number),
            origin=origin,
        )

    def begun(self, number: int, params: Params) -> None:
        """A trial has begun that the sampler did not just propose: one of the spec, or of an earlier session."""
        self._sampler.ask(number, self._space.values(params))

    def report(self, number: int, epoch: int, score: float) -> None:
        """Pass on the mAP50-95 of a finished epoch."""
        self._sampler.report(number, epoch, score)

    def tell(self, number: int, score: float | None) -> None:
        """Pass on the score with which a trial has ended; None if it failed."""
        self._sampler.tell(number, score)

    def narrow(self, runs: Mapping[int, Run]) -> None:
        """Continue in the space of the chosen operating point, with what was learnt there."""
        operating = self._operating
        self._space = self._space.at_points([str(operating.chosen)])
        self._sampler = sampler = AtPoint(self._spec, self._space)
        self._tell_earlier()
        for number, run in sorted(runs.items()):
            if run.trial.purpose.searched and operating.of(run.trial.params) == operating.chosen:
                ended = run.outcome is not None and run.outcome.state not in RESUMABLE
                sampler.take_over(number, self._space.values(run.trial.params), run.scores, ended, run.told)

    def _tell_earlier(self) -> None:
        """Tell the sampler of earlier trainings, at the chosen point once there is one; numbered from -1 down."""
        point = self._operating.chosen
        for number, training in enumerate(self._spec.warm, start=1):
            if point is None or self._operating.of(training.params) == point:
                self.begun(-number, training.params)
                self.report(-number, training.epochs, training.score)
                self.tell(-number, training.score)
