"""Kept results about trained networks in the database, on SQLite and on Postgres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from alembic import command
from sqlalchemy import Engine

from automl.errors import UnknownName
from automl.records import StudySpec
from automl.records.document import DocumentKind
from automl.records.ensemble import Combination, CombinationKind, EnsembleResult, Member, SplitFigures
from automl.store import documents, migrate
from automl.store.engine import writing
from automl.store.write import begin_study

MakeSpec = Callable[..., StudySpec]
MEMBER = Member(study="s", trial=3, model="yolov5n", imgsz=640, weights="trials/00003/best.pt", sha256="ab")
SINGLE = Combination(kind=CombinationKind.SINGLE, members=(MEMBER,))
RESULT = EnsembleResult(
    study="s",
    chosen=Combination(
        kind=CombinationKind.ENSEMBLE,
        members=(MEMBER, MEMBER),
        figures=(SplitFigures(on="test", images=72, map50_95=0.5, map50=0.8, low=0.45, high=0.55),),
    ),
    best_member=SINGLE,
    front=(SINGLE,),
)


@pytest.fixture
def study(engine: Engine, make_spec: MakeSpec) -> str:
    """A study that has begun."""
    spec = make_spec()
    begin_study(engine, spec, at=1.0, host="h", pid=1)
    return spec.name


def ensembles(engine: Engine, study: str) -> documents.Kept[EnsembleResult]:
    """Kept ensembles of the study."""
    return documents.records(engine, study, DocumentKind.ENSEMBLE, EnsembleResult)


def test_a_record_comes_back_as_it_was(engine: Engine, study: str) -> None:
    documents.keep(engine, study, DocumentKind.ENSEMBLE, "a", RESULT)
    assert ensembles(engine, study) == documents.Kept(records=(RESULT,))


def test_a_later_record_replaces_the_one_with_its_key(engine: Engine, study: str) -> None:
    documents.keep(engine, study, DocumentKind.ENSEMBLE, "a", RESULT)
    documents.keep(engine, study, DocumentKind.ENSEMBLE, "b", RESULT)
    documents.keep(engine, study, DocumentKind.ENSEMBLE, "a", SINGLE)
    kept = ensembles(engine, study)
    assert (kept.records, kept.unread) == ((RESULT,), 1)
    documents.forget(engine, study, DocumentKind.ENSEMBLE, "a")
    assert [row.key for row in documents.rows(engine, study)] == ["b"]


def test_keys_of_a_newer_version_are_ignored(engine: Engine, study: str) -> None:
    @dataclass(frozen=True)
    class Newer:
        recipe: str
        later: int = 7

    @dataclass(frozen=True)
    class Older:
        recipe: str

    documents.keep(engine, study, DocumentKind.VERIFICATION, "a", Newer("hyp.yaml"))
    kept = documents.records(engine, study, DocumentKind.VERIFICATION, Older)
    assert [record.recipe for record in kept.records] == ["hyp.yaml"]


def test_a_study_that_there_is_not_has_none(engine: Engine, study: str) -> None:
    with pytest.raises(UnknownName, match="nobody"):
        documents.keep(engine, "nobody", DocumentKind.ENSEMBLE, "a", RESULT)
    with pytest.raises(UnknownName, match="nobody"):
        documents.rows(engine, "nobody")


def test_a_database_of_before_them_has_none(engine: Engine, study: str) -> None:
    with writing(engine) as connection:
        command.downgrade(migrate.config(connection), "0007")
    assert documents.rows(engine, study) == []
