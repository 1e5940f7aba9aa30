"""Sentences and figures of the page: pure."""

from __future__ import annotations

import re
import shlex
import time

from automl.budget import format_cost
from automl.leaderboard import LAST, gain, in_words, odds
from automl.overview import Overview, incumbent
from automl.records import StudyRow, StudyState, TrialRow, TrialState
from automl.terminal import duration, score
from automl.trust import TIE

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^&=])")
SCORED = f"mAP50-95 (mean of the last {LAST} epochs)"
ICONS = {"running": "●", "finished": "✓", "interrupted": "‖", "failed": "✕"}

_ENDS = {StudyState.FINISHED: "finished", StudyState.INTERRUPTED: "been interrupted", StudyState.FAILED: "failed"}


def plain(text: object) -> str:
    """Text of a data set or a user with every sign escaped that Markdown would read as its own."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def state_of(study: StudyRow, alive: bool) -> str:
    """'● running', or that its driver died."""
    if study.state is StudyState.RUNNING and not alive:
        return "✕ driver died"
    return f"{ICONS[study.state.value]} {study.state.value}"


def moment(at: float | None) -> str:
    """A POSIX time as date and time of this machine."""
    return "–" if at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def clock(at: float) -> str:
    """A POSIX time as the time of day of this machine."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def cost(slot_s: float, study: StudyRow) -> str:
    """Slot-seconds in the unit of the study's slots."""
    return format_cost(slot_s, study.spec.slots.device)


def headline(seen: Overview) -> str:
    """How good the best is against the defaults, and with which certainty, in one sentence."""
    base, winner = seen.baseline, seen.winner
    if base is None or winner is None:
        return "No epoch has been reported yet. The defaults train first, and nothing else starts before they scored."
    if seen.verdict is not None:
        return in_words(seen.verdict)
    told = f"{SCORED} {score(base.score)} on val, one seed"
    if winner.number == 0:
        beside = "The defaults lead" if len(seen.points) > 1 else "Only the defaults have been trained"
        return f"{beside}: {told}. Repeats with other seeds have not run: nothing is confirmed."
    above = gain(winner, base) or 0.0
    tie = f", within the {TIE:g} by which two seeds of one recipe differ" if abs(above) < TIE else ""
    return (
        f"Trial {winner.number} leads with {SCORED} {score(winner.score)} on val, {above:+.3f} against the "
        f"defaults' {score(base.score)}{tie}. One seed each: nothing is confirmed."
    )


def certainty(seen: Overview) -> str:
    """The winner's interval or what there is instead of it: a few words below the figure."""
    if seen.winner is None:
        return ""
    found = seen.verdict.of(seen.winner.number) if seen.verdict is not None else None
    if found is None:
        return "one seed, not confirmed"
    chance = "" if found.chance is None else f", {odds(found.chance)} sure to beat the defaults"
    return f"± {found.score.half:.3f} over {found.seeds} seeds{chance}"


def worth(seen: Overview, db: str = "") -> str:
    """Whether it pays to wait: when the best came, what has followed, and when the budget ends."""
    rises = incumbent(seen.points, seen.study.spec.probe_s)
    if not rises:
        return "Nothing has ended yet."
    best = rises[-1][2]
    at = next(spent for spent, _, trial in rises if trial == best)
    since = sum(spent > at for spent, _, _ in rises)
    share = at / rises[-1][0] if rises[-1][0] else 0.0
    told = f"The best single run, trial {best}, ended after {share:.0%} of what is spent; {since} trials have followed."
    if seen.study.state is not StudyState.RUNNING:
        return f"{told} The study has {_ENDS[seen.study.state]}: {seen.study.reason}."
    if not seen.alive:
        return f"{told} Its driver died. Go on with: automl resume {shlex.quote(seen.study.name)}{db}"
    left = seen.left_s
    return told if left is None else f"{told} At this pace the budget ends in {duration(left)}."


def ended(row: TrialRow) -> str:
    """How a trial ended, in a sentence: a stopped one at which rung and against which threshold."""
    if row.state is TrialState.RUNNING:
        return f"Runs: {row.done_epochs} of {row.epochs} epochs, on {row.node or 'this machine'}."
    return f"{row.state.value.capitalize()}: {row.reason or 'no reason was written down'}."


def next_command(seen: Overview, trial: TrialRow | None = None, db: str = "") -> str:
    """The command line to run next. `db`: the words that name the database."""
    name = shlex.quote(seen.study.name)
    if trial is None and seen.study.state is StudyState.INTERRUPTED:
        return f"automl resume {name}{db}"
    chosen = "" if trial is None or trial is seen.winner else f" --trial {trial.number}"
    return f"automl export {name}{chosen}{db} -o hyp.yaml && yolo detect train cfg=hyp.yaml"
