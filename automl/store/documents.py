"""Kept results about a study's trained networks: written and read as records. They go with their study.

A database of before them has none, and a reader leaves it as it is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, Engine, delete, insert, inspect, select

from automl import __version__
from automl.records.document import DocumentKind, DocumentRow
from automl.store.engine import reading
from automl.store.read import unknown_study
from automl.store.tables import documents, dumps, studies
from automl.store.write import changing

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Kept(Generic[R]):
    """Records of one kind, newest first."""

    records: tuple[R, ...]
    unread: int = 0  # documents that only another version can read, or that are damaged


def keep(engine: Engine, study: str, kind: DocumentKind, key: str, record: Any) -> None:
    """Keep a record, a frozen dataclass, in place of an earlier one of its kind and key.

    Raises UnknownName if there is no such study, BadStore if the database fails.
    """
    row = {"kind": kind.value, "key": key, "at": time.time(), "version": __version__}
    with changing(engine) as connection:
        number = _study_id(connection, study)
        connection.execute(
            delete(documents).where(
                documents.c.study_id == number, documents.c.kind == kind.value, documents.c.key == key
            )
        )
        content = json.loads(dumps(asdict(record)))
        connection.execute(insert(documents).values(study_id=number, content=content, **row))


def forget(engine: Engine, study: str, kind: DocumentKind, key: str) -> None:
    """Drop a kept record, if there is one. Raises as `keep` does."""
    with changing(engine) as connection:
        number = _study_id(connection, study)
        connection.execute(
            delete(documents).where(
                documents.c.study_id == number, documents.c.kind == kind.value, documents.c.key == key
            )
        )


def rows(engine: Engine, study: str, kind: DocumentKind | None = None) -> list[DocumentRow]:
    """Kept results of a study, newest first; of one kind, or of all. Raises UnknownName if there is no such study."""
    with reading(engine) as connection:
        return list(_rows(connection, study, kind))


def records(engine: Engine, study: str, kind: DocumentKind, record: type[R]) -> Kept[R]:
    """Kept records of one kind, newest first. Keys of a newer version are ignored.

    Raises UnknownName if there is no such study.
    """
    adapter, known, unread = TypeAdapter(record), list[R](), 0
    for row in rows(engine, study, kind):
        try:
            known.append(adapter.validate_python(row.content))
        except ValidationError:
            unread += 1
    return Kept(records=tuple(known), unread=unread)


def _rows(connection: Connection, study: str, kind: DocumentKind | None) -> Iterator[DocumentRow]:
    number = _study_id(connection, study)
    if not inspect(connection).has_table(documents.name):
        return
    query = select(documents).where(documents.c.study_id == number)
    if kind is not None:
        query = query.where(documents.c.kind == kind.value)
    known = {member.value for member in DocumentKind}
    for row in connection.execute(query.order_by(documents.c.at.desc(), documents.c.id.desc())):
        if row.kind in known:
            yield DocumentRow(
                study=study,
                kind=DocumentKind(row.kind),
                key=row.key,
                at=row.at,
                version=row.version,
                content=row.content,
            )


def _study_id(connection: Connection, name: str) -> int:
    number: int | None = connection.scalar(select(studies.c.id).where(studies.c.name == name))
    if number is None:
        raise unknown_study(connection, name)
    return number
