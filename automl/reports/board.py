"""The leaderboard of a study as cells of text, for the terminal and for notebooks. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from automl.figures import format_cost, score
from automl.records import TrialRow, TrialState
from automl.reports.overview import Overview
from automl.scores.leaderboard import changed, gain_shown, rank
from automl.scores.trust import Estimate
from automl.scores.words import SAMPLER_WORDS, origin_text, score_definition, state_text

SCORE, CONFIRMED = "mAP50-95", "mean (seeds)"
LEFT = ("recipe", "state", "changed")  # columns of words
_HEADINGS = ("trial", "recipe", SCORE, CONFIRMED, "gain", "best epoch", "mAP50", "epochs", "state", "cost")


def headings(overview: Overview) -> list[str]:
    """Columns of the leaderboard."""
    return [heading for heading in _HEADINGS if heading != CONFIRMED or overview.verdict is not None]


def leading(overview: Overview, trials: Sequence[TrialRow], limit: int) -> list[TrialRow]:
    """Rows of the leaderboard by score: the best, those with seed repeats, and the defaults."""
    estimates = overview.verdict.estimates if overview.verdict is not None else ()
    repeated = {estimate.trial for estimate in estimates if estimate.new_seeds}
    return [row for place, row in enumerate(rank(trials)) if place < limit or row.number == 0 or row.number in repeated]


def cells(row: TrialRow, overview: Overview) -> dict[str, str]:
    """Cells of a trial by heading; `changed` too, which a wide terminal shows."""
    above = gain_shown(row, overview.baseline)
    return {
        "trial": str(row.number),
        "recipe": origin_text(row.origin, row.repeats),
        SCORE: score(row.score),
        CONFIRMED: _confirmed(overview.estimate(row)),
        "gain": "" if above is None else f"{above:+.3f}",
        "best epoch": score(row.best_map50_95),
        "mAP50": score(row.best_map50),
        "epochs": f"{row.done_epochs}/{row.epochs}",
        "state": state_text(row.state),
        "cost": format_cost(row.slot_s, overview.study.spec.slots.device),
        "changed": "" if row.number == 0 else _differences(row, overview.baseline),
    }


def caption(columns: Collection[str], horizon: int) -> str:
    """Order of the leaderboard and meaning of its figures."""
    text = f"Sorted by {SCORE}, {score_definition(horizon)}, one seed; gain is against the defaults'."
    if CONFIRMED in columns:
        text += f" {CONFIRMED.capitalize()}: observed, the search's own run and those with new seeds."
    return f"{text} Best epoch: what best.pt reached." if "best epoch" in columns else text


def meanings(rows: Sequence[TrialRow]) -> list[str]:
    """Sentences on words of the leaderboard that a newcomer does not know."""
    samplers = dict.fromkeys(row.origin for row in rows if row.origin in SAMPLER_WORDS)
    lines = [f"Search ({name}): proposed by the search, with {SAMPLER_WORDS[name]}." for name in samplers]
    if any(row.state is TrialState.CUT for row in rows):
        lines.append("Cut short: the budget ended first.")
    return lines


def end_text(overview: Overview, trials: Sequence[TrialRow]) -> str:
    """Number of trials by state, and how the study ended."""
    study, states = overview.study, [row.state for row in trials]
    counts = ", ".join(f"{states.count(state)} {state_text(state)}" for state in TrialState if states.count(state))
    return f"Trials: {counts or 'none'}. Ended: {study.reason or study.state.value}."


def _confirmed(estimate: Estimate | None) -> str:
    """Observed mean over all seeds; empty without repeats."""
    return "" if estimate is None else f"{score(estimate.observed)} ({estimate.seeds})"


def _differences(row: TrialRow, baseline: TrialRow | None) -> str:
    return "  ".join(f"{key}={_short(value)}" for key, value in changed(row, baseline).items())


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
