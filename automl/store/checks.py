"""Keeping the report of a data check. `checked` reads it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select

from automl.files.moved import Homes, inside
from automl.records import DataReport, Severity
from automl.records.check import MOST_PLACES
from automl.store.engine import homes_of
from automl.store.read import unknown_study
from automl.store.tables import checks, dumps, studies
from automl.store.write import changing

MOST_BYTES = 4_000_000  # of a compressed report
SUSPECTS = 10_000  # of a report that are kept; its count is of all
_CUTS = (1, 10, 100, SUSPECTS + 1)  # divisors of both limits, until a report is small enough


def keep(engine: Engine, report: DataReport, folder: str | Path | None = None, study: str | None = None) -> int:
    """Keep the report of a data check; its id. An older one of that folder, or of that study, goes.

    folder  with the report's files: pictures and HTML; None if there are none
    study   of which this is the check at its start; it goes with the study. None: of `automl check`

    Of a report that would take more than MOST_BYTES only the first places and suspects are kept; counts are of all.

    Raises UnknownName if there is no such study, BadStore if the database fails.
    """
    with changing(engine) as connection:
        row = _columns(report, folder, homes_of(connection))
        row["study_id"] = None if study is None else _study_id(connection, study)
        _drop_earlier(connection, row)
        key: int = connection.execute(
            insert(checks).values(**row, report=packed(report)).returning(checks.c.id)
        ).scalar_one()
        return key


def packed(report: DataReport) -> bytes:
    """The report as compressed JSON, cut as far as it has to be."""
    content = b""
    for divisor in _CUTS:
        content = zlib.compress(_text(_cut(report, MOST_PLACES // divisor, SUSPECTS // divisor).as_document()))
        if len(content) <= MOST_BYTES:
            break
    return content


def _cut(report: DataReport, places: int, suspects: int) -> DataReport:
    findings = tuple(replace(finding, places=finding.places[:places]) for finding in report.findings)
    return replace(report, findings=findings, suspects=report.suspects[:suspects])


def _text(document: Mapping[str, Any]) -> bytes:
    """JSON without lone surrogates, which names of files may hold and no display takes."""
    return json.dumps(json.loads(dumps(document)), ensure_ascii=False).encode("utf-8", "replace")


def _columns(report: DataReport, folder: str | Path | None, homes: Homes) -> dict[str, Any]:
    place = None if folder is None else Path(folder).absolute()
    home = homes.here
    if place is not None and homes.beside is not None and not place.is_relative_to(home):
        home = homes.beside if place.is_relative_to(homes.beside) else home
    return {
        "data": inside(report.data, home),
        "home": str(home),
        "folder": None if place is None else inside(str(place), home),
        "fingerprint": report.fingerprint,
        "at": report.at,
        "version": report.version,
        "errors": len(report.of(Severity.ERROR)),
        "warnings": len(report.of(Severity.WARNING)),
        "notes": len(report.of(Severity.NOTE)),
        "suspects": len(report.suspects),
        "images": _sum(report, "images"),
        "boxes": _sum(report, "boxes"),
    }


def _sum(report: DataReport, figure: str) -> int:
    return sum(int(figures.get(figure) or 0) for figures in report.splits.values())


def _study_id(connection: Connection, name: str) -> int:
    key: int | None = connection.scalar(select(studies.c.id).where(studies.c.name == name))
    if key is None:
        raise unknown_study(connection, name)
    return key


def _drop_earlier(connection: Connection, row: Mapping[str, Any]) -> None:
    """Drop the check whose files the new one has replaced, and that of the same study."""
    if row["folder"] is not None:
        same = (checks.c.folder == row["folder"]) & (checks.c.home == row["home"])
        connection.execute(delete(checks).where(same))
    if row["study_id"] is not None:
        connection.execute(delete(checks).where(checks.c.study_id == row["study_id"]))
