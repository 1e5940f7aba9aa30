"""Reports of data checks that the database keeps; nothing here writes. A database of before them has none."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, inspect, or_, select

from automl.errors import BadReport, UnknownName
from automl.files.moved import Homes, check_places
from automl.records import CheckRow, DataReport
from automl.store import read
from automl.store.engine import homes_of, reading
from automl.store.tables import checks, studies

LATEST = 200  # checks in a list
MOST_BYTES = 200_000_000  # of a report in memory: more is damage, not data
_LISTS = ("findings", "recommendations", "suspects")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A report as far as this version can read it."""

    report: DataReport
    unread: int = 0  # findings, recommendations and suspects of kinds that only another version knows, or damaged


def data_reports(engine: Engine, *, fingerprint: str | None = None, limit: int = LATEST) -> list[CheckRow]:
    """The latest checks, newest first; of the data with this fingerprint, or of all data."""
    with reading(engine) as connection:
        if not _has_checks(connection):
            return []
        query = _rows() if fingerprint is None else _rows().where(checks.c.fingerprint == fingerprint)
        return [_check_row(row, homes_of(connection)) for row in connection.execute(query.limit(limit))]


def data_report(engine: Engine, number: int) -> CheckRow:
    """One check. Raises UnknownName."""
    with reading(engine) as connection:
        row = (
            connection.execute(_rows().where(checks.c.id == number)).one_or_none() if _has_checks(connection) else None
        )
        if row is None:
            raise UnknownName("data report", str(number))
        return _check_row(row, homes_of(connection))


def report_of_study(engine: Engine, name: str) -> CheckRow | None:
    """The latest check of a study's data, or of an earlier state of them; else the one at its start; else None.

    Raises UnknownName if there is no such study.
    """
    study = read.study(engine, name)
    with reading(engine) as connection:
        if not _has_checks(connection):
            return None
        own = studies.c.name == name
        same = (checks.c.fingerprint == study.spec.data_fingerprint) & (checks.c.fingerprint != "")
        by_content = _rows().where(or_(own, same & checks.c.study_id.is_(None))).limit(1)
        row = connection.execute(by_content).one_or_none()
        if row is not None:
            return _check_row(row, homes_of(connection))
    of_path = (row for row in data_reports(engine) if row.study is None and row.data == study.spec.data)
    return next(of_path, None)


def whole_report(engine: Engine, number: int) -> Kept:
    """The report of a check.

    Raises UnknownName if there is none, BadReport if it cannot be read.
    """
    with reading(engine) as connection:
        query = select(checks.c.report).where(checks.c.id == number)
        content = connection.scalar(query) if _has_checks(connection) else None
    if content is None:
        raise UnknownName("data report", str(number))
    return unpacked(bytes(content))


def unpacked(content: bytes) -> Kept:
    """The report in the compressed JSON of `checks.packed`. Raises BadReport."""
    try:
        stream = zlib.decompressobj()
        text = stream.decompress(content, MOST_BYTES)
        if not stream.eof:
            raise BadReport("this data report is cut off. Check the data again: automl check --data DATA.yaml")
        document = json.loads(text)
        return _read(document)
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadReport(
            f"this data report cannot be read ({type(error).__name__}): it is damaged, or of a newer automl. Check the "
            "data again: automl check --data DATA.yaml"
        ) from error


def _read(document: dict[str, Any]) -> Kept:
    try:
        return Kept(report=_report(document))
    except (ValueError, TypeError, KeyError, AttributeError):  # some entry is of another version
        lists = {key: document.get(key) or [] for key in _LISTS}
        bare = {**document, **{key: [] for key in _LISTS}}
        known = {key: [entry for entry in lists[key] if _is_known(bare, key, entry)] for key in _LISTS}
        unread = sum(len(lists[key]) - len(known[key]) for key in _LISTS)
        return Kept(report=_report({**bare, **known}), unread=unread)


def _is_known(bare: Mapping[str, Any], key: str, entry: Any) -> bool:
    try:
        _report({**bare, key: [entry]})
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    return True


def _report(document: Mapping[str, Any]) -> DataReport:
    """The report, with the types that its readers count on. Raises ValueError or the like for other ones."""
    suspects = [
        {**entry, "score": math.nan} if entry["score"] is None else entry for entry in document.get("suspects", ())
    ]
    usual = {"findings": [], "names": [], "splits": {}, "fingerprint": ""}
    report = DataReport.from_document({**usual, **document, "suspects": suspects})
    for value in (
        report.splits,
        report.plots,
        *report.splits.values(),
        *(finding.figures for finding in report.findings),
    ):
        value.items()
    for suspect in report.suspects:
        float(suspect.score)
    for text in _texts(report):
        if not isinstance(text, str):
            raise TypeError(type(text).__name__)
    return report


def _texts(report: DataReport) -> list[Any]:
    """All that has to be text."""
    texts: list[Any] = [report.data, report.fingerprint, report.judged, report.price, report.version]
    texts += [*report.names, *report.plots.values()]
    for finding in report.findings:
        texts += [finding.code, finding.title, finding.advice, finding.split, *finding.pictures]
        texts += [text for place in finding.places for text in (place.file, place.split, place.text, place.other)]
    texts += [text for advice in report.recommendations for text in (advice.key, advice.text, advice.why)]
    for suspect in report.suspects:
        texts += [suspect.split, suspect.image, suspect.file, suspect.why, suspect.picture]
    return texts


def _has_checks(connection: Connection) -> bool:
    """False for a database of an earlier version, which a reader leaves as it is."""
    return inspect(connection).has_table(checks.name)


def _rows() -> Select[*tuple[Any, ...]]:
    """Query for the rows of checks, newest first."""
    named = [checks.c[field.name] for field in fields(CheckRow) if field.name in checks.c]
    columns: list[ColumnElement[Any]] = [*named, checks.c.home, studies.c.name.label("study")]
    joined = checks.outerjoin(studies, checks.c.study_id == studies.c.id)
    return select(*columns).select_from(joined).order_by(checks.c.at.desc(), checks.c.id.desc())


def _check_row(row: Row[*tuple[Any, ...]], homes: Homes) -> CheckRow:
    """The row with the present paths of its files."""
    values = row._asdict()
    values["data"], values["folder"] = check_places(row.data, row.folder, values.pop("home"), homes)
    return CheckRow(**values)
