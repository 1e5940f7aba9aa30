"""Study that a command means where none is named: the newest one that the command can act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from automl.errors import AutoMLError
from automl.records import StudyRow, StudyState
from automl.reports.report import is_alive
from automl.store import read
from automl.store.address import BEGIN, db_words

if TYPE_CHECKING:
    from sqlalchemy import Engine


def _any(row: StudyRow) -> bool:
    return True


def _is_left(row: StudyRow) -> bool:
    """True for an interrupted study, and for one whose process ended unexpectedly."""
    return row.state is StudyState.INTERRUPTED or (row.state is StudyState.RUNNING and not is_alive(row))


def _is_finished(row: StudyRow) -> bool:
    return row.state is StudyState.FINISHED


_FITS: Mapping[str, Callable[[StudyRow], bool]] = {
    "resume": _is_left,
    "stop": is_alive,
    "attach": is_alive,
    "confirm": _is_finished,
    "verify": _is_finished,
}
_NONE = {
    "resume": "no study is interrupted: nothing is left to resume",
    "stop": "no study is running: nothing is left to stop",
    "attach": "no study is running: nothing is left to look at",
    "confirm": "no study is finished: nothing can be confirmed yet",
    "verify": "no study is finished: nothing can be verified yet",
}


def study_for(engine: Engine, verb: str, name: str | None, db: str | None = None) -> StudyRow:
    """The study of that name, else the newest one that the verb can act on.

    db    the database as the user named it, for a message
    verb  of the command line, such as "resume"; one that acts on any study need not be known here

    Raises UnknownName for a name that does not exist, AutoMLError where no study fits.
    """
    if name is not None:
        return read.study(engine, name)
    rows = read.studies(engine)
    if not rows:
        raise AutoMLError(f"there is no study yet. Begin one with: {BEGIN}{db_words(db)}")
    fits = _FITS.get(verb, _any)
    row = next((row for row in rows if fits(row)), None)
    if row is None:
        raise AutoMLError(f"{_NONE[verb]}. See all with: automl studies{db_words(db)}")
    return row
