"""Probes of points that nobody named: the few that promise most are measured, the rest are estimated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from automl.costs import estimates, points, split
from automl.costs.points import Probe
from automl.records import ENOUGH_TRAININGS, Prepared
from automl.setup.request import Checked

Measure = Callable[[Sequence[str]], Sequence[Probe]]


@dataclass(frozen=True)
class Trying:
    """Choice of the points to probe, for one request."""

    checked: Checked
    measure: Measure

    def complete(self, named: Sequence[Probe], automatic: Sequence[str]) -> list[Probe]:
        """Probes of the named points and of the most promising others, then estimates of the rest.

        A point that does not fit or cannot be paid once it is measured is replaced by the next one.
        """
        probes = list(named)
        waiting = list(automatic)
        while waiting and not self._admitted(probes):
            smaller = self._smaller(waiting, probes)
            if smaller is None:
                break
            waiting.remove(smaller)
            probes += self._tried(smaller)
        admitted = self._admitted(probes)
        guesses = [self._estimated(point, probes, admitted or probes) for point in waiting]
        return self._promising(probes, admitted[0], guesses) if admitted else [*probes, *guesses]

    def _promising(self, probes: list[Probe], baseline: Probe, guesses: list[Probe]) -> list[Probe]:
        """The probes, with those of the most promising estimated points, and the estimates that are left."""
        chosen = [p for p in self._admitted(probes) if p is not baseline and self._pays(p, baseline)]
        guesses = [self._if_worth(guess, baseline) for guess in guesses]
        for _ in range(estimates.MOST_PROBES):
            payable = [guess for guess in guesses if not guess.problem and self._pays(guess, baseline)]
            guess = estimates.next_to_probe(payable, chosen, _measured(baseline), self.checked.limits)
            if guess is None or len(chosen) >= points.POINTS - 1:
                break
            guesses.remove(guess)
            (probe,) = self._tried(guess.point)
            probes.append(probe)
            if self._admitted([probe]):
                chosen += [probe] if self._pays(probe, baseline) else []
            else:
                guesses = [_beyond(other, guess) for other in guesses]
        if len(chosen) < points.POINTS - 1:
            vain = f"the {estimates.MOST_PROBES} that promise more were probed, and nobody named it"
            guesses = [_or(guess, vain) if self._pays(guess, baseline) else guess for guess in guesses]
        return [*probes, *guesses]

    def _tried(self, point: str) -> list[Probe]:
        return [replace(probe, least=ENOUGH_TRAININGS) for probe in self.measure([point])]

    def _admitted(self, probes: Sequence[Probe]) -> list[Probe]:
        checked = self.checked
        return [probe for probe in probes if not points.refused(probe, checked.limits, checked.slots)]

    def _smaller(self, waiting: Sequence[str], probes: Sequence[Probe]) -> str | None:
        """The next cheaper point than all that were refused, as the baseline in their place; None if there is none."""
        costs = {point: [estimates.relative(point, probe.point) for probe in probes] for point in waiting}
        cheaper = {point: known for point, cost in costs.items() if (known := [c for c in cost if c is not None])}
        ranked = sorted((p for p in cheaper if max(cheaper[p]) < 1), key=lambda p: -max(cheaper[p]))
        return next((p for p in ranked if not self._estimated(p, probes, probes).problem), None)

    def _estimated(self, point: str, probes: Sequence[Probe], sources: Sequence[Probe]) -> Probe:
        """Estimate from a measured point of the same variant, else from the first one that has facts.

        probes  all measured points: one that was refused rules out everything larger
        """
        checked = self.checked
        model = point.rpartition("@")[0]
        ordered = sorted(sources, key=lambda probe: probe.point.rpartition("@")[0] != model)
        known = (p for p in ordered if p.prepared is not None and estimates.relative(point, p.point) is not None)
        guess = estimates.estimated(point, next(known, ordered[0]))
        guess = replace(guess, problem=estimates.hopeless(guess, checked.limits, checked.slots))
        for probe in probes:
            guess = guess if self._admitted([probe]) else _beyond(guess, probe)
        return guess

    def _pays(self, probe: Probe, baseline: Probe) -> bool:
        """True if its least number of trainings is paid at the point, beside the production trainings."""
        checked = self.checked
        prepared = estimates.at_best(probe, _measured(baseline), checked.slots)
        if prepared is None:
            return False
        measured, slots = _measured(baseline), checked.slots
        division = split.divide(checked.budgets, slots, measured, checked.asked, besides_s=0.0)
        if not division.searches:
            return False
        left = division.searching(checked.budgets, slots, prepared.epoch_s)
        epochs = division.epochs if division.at_length else checked.request.epochs
        return estimates.pays(prepared, measured, left, slots, epochs, trainings=probe.least)

    def _if_worth(self, guess: Probe, baseline: Probe) -> Probe:
        """The estimate, ruled out if its probe alone would cost too much of a budget that pays for trainings."""
        budgets = self.checked.budgets
        if (
            guess.prepared is None
            or not self._pays(guess, baseline)
            or estimates.worth_a_probe(guess.prepared, budgets)
        ):
            return guess
        return _or(guess, f"its probe would cost more than {estimates.PROBE_SHARE:.0%} of the budget")


def _or(guess: Probe, problem: str) -> Probe:
    """The estimate, with that problem if it has none."""
    return guess if guess.problem else replace(guess, problem=problem)


def _beyond(guess: Probe, refused: Probe) -> Probe:
    """The estimate, ruled out if it has at least the operations and the parameters of a refused point."""
    larger = estimates.no_smaller(guess.point, refused.point)
    return _or(guess, f"{points.shown(refused.point)} is too large already") if larger else guess


def _measured(probe: Probe) -> Prepared:
    assert probe.prepared is not None, "an admitted point was measured"
    return probe.prepared
