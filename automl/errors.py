"""Errors that a user can act on: each message names the problem and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

LISTED = 12  # known names in a message
SHOWN = 3  # names in a message that could hold a hundred


class AutoMLError(Exception):
    """Base of all errors that automl raises on purpose. The CLI prints the message and exits with 2.

    begun  True once a study had begun: it is interrupted, and the CLI exits with 1
    """

    begun = False

    def _render_traceback_(self) -> list[str]:
        """Lines that IPython shows in place of a traceback: the message alone, as on the command line."""
        return [f"{type(self).__name__}: {self}"]


class BadBudget(AutoMLError):
    """A budget that cannot be read, or cannot be spent on this machine."""


class BudgetTooSmall(BadBudget):
    """A budget that cannot pay for the baseline, or for what the user asked beside it."""


class BadData(AutoMLError):
    """A data set that cannot be trained on, with the file and the line of the problem, if it has one."""

    def __init__(self, file: Path | str, problem: str, *, line: int | None = None, way_out: str = "") -> None:
        where = f"{file}:{line}" if line is not None else f"{file}"
        super().__init__(f"{where}: {problem} {way_out}".rstrip())
        self.file = Path(file)
        self.line = line
        self.problem = problem  # without the way out
        self.way_out = way_out


class BadSpace(AutoMLError):
    """One or more errors in a search space file, one line each."""

    def __init__(self, file: Path | str, problems: list[tuple[int, str]]) -> None:
        super().__init__("\n".join(f"{file}:{line}: {text}" if line else f"{file}: {text}" for line, text in problems))
        self.problems = problems


class UntrustedNetwork(AutoMLError):
    """A network file that could run code, and that the user has not trusted. Nothing of it was run.

    digest  of its content, by which it can be trusted
    file    its path
    """

    def __init__(self, problem: str, digest: str, file: str) -> None:
        super().__init__(
            f"{problem}. That can run code on this machine, and nothing of the file was run. Read it. If you trust it, "
            "add --trust-model (trust_model=True in Python)."
        )
        self.problem = problem
        self.digest = digest
        self.file = file


class UnknownName(AutoMLError):
    """A model, sampler, trainer, study or trial that does not exist.

    known  names that exist, the most useful ones first
    """

    def __init__(self, kind: str, name: object, known: Sequence[str] = ()) -> None:
        name = str(name)  # Python's callers may give anything
        super().__init__(f"unknown {kind} '{name}'.{known_hint(name, known)}")


def known_hint(name: str, known: Sequence[str]) -> str:
    """Sentences with the names that are close to a wrong one, and with those that exist; empty where none does.

    Of many names only the close ones are listed, if there are any.
    """
    near = close_names(name, known)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    if len(near) == len(known) or (near and len(known) > LISTED):
        return hint
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return f"{hint} Known: {', '.join(known[:LISTED])}{more}."


def close_names(name: str, known: Sequence[str]) -> list[str]:
    """At most three names that someone who wrote `name` may have meant, the closest first."""
    by_lower = {other.lower(): other for other in reversed(known)}
    near = get_close_matches(name.lower(), by_lower, n=SHOWN)
    near += [other for other in by_lower if name and other.startswith(name.lower()) and other not in near]
    return [by_lower[other] for other in near[:SHOWN]]


class BadWeights(AutoMLError):
    """A weights file that is missing, unreadable or made for another network."""


class OutOfMemory(AutoMLError):
    """A training that does not fit into the memory of its device."""


class NoDevice(AutoMLError):
    """A device that a search asks for and that is not here.

    problem  without the way out, which differs by command
    """

    def __init__(self, problem: str, way_out: str) -> None:
        super().__init__(f"{problem}. {way_out}")
        self.problem = problem


class BadStore(AutoMLError):
    """A database that cannot be reached, or whose tables are of another version."""


class NoStore(BadStore):
    """A database that does not exist, or has no tables of automl."""


class StoreAway(BadStore):
    """A database that does not answer now, but may later."""


class RowsWait(StoreAway):
    """A database that did not take the last rows of a session. They wait in the study's journal."""


class BadReport(AutoMLError):
    """A stored report of a data check that cannot be read."""


class NothingToCompare(AutoMLError):
    """Too few finished trainings for a figure."""


class EngineMismatch(AutoMLError):
    """An engine of another version than automl works with: it lacks names that automl needs.

    missing  phrases, each a name with what it is needed for
    working  versions such as ">=8.4.190,<8.5"; empty where they are not known
    """

    def __init__(self, engine: str, version: str, missing: list[str], working: str) -> None:
        shown = ", ".join(missing[:SHOWN]) + (f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else "")
        way_out = f' automl works with {engine}{working}: pip install "{engine}{working}"' if working else ""
        super().__init__(f"{engine} {version} lacks what automl needs: {shown}.{way_out}")


class StudyConflict(AutoMLError):
    """A study name that is already in use, or a study in the wrong state for the request."""


class NoSpace(AutoMLError):
    """A disk with too little free space, or an output path that cannot be written."""


class DataChanged(AutoMLError):
    """Data that differ from those with which a study began, in mid-search: later scores would not compare."""


class TrialError(AutoMLError):
    """A training that failed. It becomes the trial's outcome and does not end the search by itself."""


class AppliedMismatch(TrialError):
    """A trainer that ran with other arguments than the proposed ones."""


class SearchFailed(AutoMLError):
    """A search without an answer: the baseline, or many trials in a row, failed."""
