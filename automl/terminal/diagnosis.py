"""The diagnosis on a terminal: the verdict of each trial first, then its symptoms with their remedies."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from automl.records.diagnosis import Diagnosis, DiagnosisReport
from automl.scores.words import chance_text, trial_name
from automl.terminal.check import say

TOLD = 3  # symptoms of a trial that have a line of their own
MOST = 8  # parameters that a line names


def print_diagnosis(console: Console, report: DiagnosisReport, *, started: bool = False) -> None:
    """Print five lines a trial at most, then what could not be looked at and the search that follows.

    started  True: the search begins now, so that nobody needs its command
    """
    for trial in report.trials:
        for line in lines_of(trial, report.of(trial)):
            say(console, line)
    for note in report.notes:
        say(console, f"Note: {note}")
    follow = report.follow_up
    if follow is None:
        if any(diagnosis.space or diagnosis.change for diagnosis in report.diagnoses):
            say(console, "The search that follows from it: add --follow-up.")
        return
    if follow.space:
        names = list(follow.space["parameters"])
        more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
        say(console, f"Space: {', '.join(names[:MOST])}{more}, in {follow.options['space']}.")
    for note in follow.notes:
        say(console, note)
    if not started:
        say(console, "Start the search that follows, or see its cost first with --dry-run:")
        say(console, f"  {report.command}")


def lines_of(trial: int, diagnoses: Sequence[Diagnosis]) -> list[str]:
    """The verdict on a trial, a line for each of the first symptoms, and the names of the others."""
    name = trial_name(trial)
    name = f"{name[:1].upper()}{name[1:]}"
    if not diagnoses:
        return [f"{name}: nothing is wrong, as far as curves and predictions show."]
    lines = [f"{name}: {', '.join(dict.fromkeys(map(verdict, diagnoses)))}."]
    lines += [f"  {diagnosis.sentence} Next: {_lower(diagnosis.remedy)}" for diagnosis in diagnoses[:TOLD]]
    rest = diagnoses[TOLD:]
    if rest:
        lines.append(f"  {len(rest)} more, with remedies: add --json.")
    return lines


def verdict(diagnosis: Diagnosis) -> str:
    """A symptom in a few words: 'over-fits since epoch 30 (98% sure)'."""
    since = f" since epoch {diagnosis.epoch}" if diagnosis.epoch is not None else ""
    return f"{diagnosis.symptom.value}{since} ({chance_text(diagnosis.confidence)} sure)"


def _lower(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"
