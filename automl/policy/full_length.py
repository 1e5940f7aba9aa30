"""The next production training of a search, when it may begin and is paid. Pure."""

from __future__ import annotations

from automl.policy.operating import Operating
from automl.policy.production import Production, production_of
from automl.policy.runs import Runs
from automl.records import StudySpec, Trial


class FullLength:
    """Production trainings in their order: the defaults', the winner's, further seeds of both."""

    def __init__(self, spec: StudySpec, production: Production, runs: Runs, operating: Operating) -> None:
        self._spec = spec
        self._production = production
        self._runs = runs
        self._operating = operating

    def defaults(self, at: float, *, over: bool) -> Trial | None:
        """The defaults' training, beside the search: once its first trials have begun and a point is chosen.

        The trials of the spec go first.

        over  True where the search may begin no trial now: then those of trial 0 where no point was chosen
        """
        production, spec = self._production, self._spec
        first = self._runs.searched < len(spec.given) and not over
        if not production.defaults_wait or self._runs.baseline is None or first:
            return None
        if self._operating.open and not over:
            return None
        if self._payable(at, production.defaults) < spec.train:
            return None
        return self._begin(production.defaults, spec.train)

    @property
    def lacks_winner(self) -> bool:
        """True while the defaults train for production and no recipe beats them.

        The search is not over then: what is kept for such a recipe would serve nothing, and the defaults' training may
        cost less than was thought.
        """
        challenged = self._runs.challenger(self._production.defaults) is not None
        return self._spec.compare and self._production.running and not challenged

    def winner(self, at: float) -> Trial | None:
        """The winner's training; None where there is no winner or what is left does not pay it."""
        production, spec = self._production, self._spec
        if not production.waiting:
            return None
        if production.defaults_wait:
            production.given_up("what is left pays no production training of the defaults to compare with")
            return None
        winner = self._runs.challenger(production.defaults) if spec.compare else self._runs.winner
        if winner is None:
            if spec.compare:
                production.given_up("no recipe scored above the defaults, so none was trained for production")
            return None
        epochs = self._payable(at, winner)
        if spec.compare and epochs < production.expected:
            reason = f"fewer than the {production.expected} of the defaults'"
        elif not spec.compare and epochs < spec.epochs:
            reason = "fewer than a trial's"
        else:
            return self._begin(winner, spec.train if spec.compare else epochs)
        production.given_up(f"what is left pays {epochs} epochs of a production training, {reason}")
        return None

    def repeat(self, at: float) -> Trial | None:
        """A training with another seed, where it is still open which of the two recipes is the better one."""
        repeat = self._production.repeat_due()
        if repeat is None or self._payable(at, repeat.trial) < self._production.expected:
            return None
        return self._begin(repeat.trial, self._spec.train, repeat.seed)

    def _payable(self, at: float, searched: int) -> int:
        return self._production.payable(at, len(self._runs), self._runs[searched].trial.params)

    def _begin(self, searched: int, epochs: int, seed: int | None = None) -> Trial:
        trial = production_of(self._spec, self._runs[searched].trial, len(self._runs), epochs, seed)
        self._production.begun(trial)
        return trial
