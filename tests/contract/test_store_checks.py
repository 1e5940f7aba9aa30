"""Reports of data checks in the database, on SQLite and on Postgres."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, text

from automl.errors import BadReport, UnknownName
from automl.records import DataReport, Place, StudySpec, StudyState
from automl.store import managing, migrate
from automl.store.checked import Kept, data_report, data_reports, report_of_study, unpacked, whole_report
from automl.store.checks import MOST_BYTES, SUSPECTS, keep, packed
from automl.store.engine import open_store, writing
from automl.store.write import Recorder, begin_study
from tests.builders.checks import AT, make_finding, make_report, make_suspect

MakeSpec = Callable[..., StudySpec]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of this process."""
    folder = tmp_path / "home"
    monkeypatch.setenv("AUTOML_HOME", str(folder))
    return folder


@pytest.fixture
def store(home: Path, store_url: str, engine: Engine) -> Iterator[Engine]:
    """The database as opened from that home."""
    opened = open_store(store_url, home=home)
    yield opened
    opened.dispose()


def ended(engine: Engine, spec: StudySpec) -> None:
    """A study that has ended."""
    begin_study(engine, spec, at=1.0, host="h", pid=1)
    recorder = Recorder(engine, spec.name)
    recorder.study_closed(StudyState.FINISHED, "done", at=2.0, slot_s=1.0, wall_s=1.0)
    recorder.close()


def test_a_report_comes_back_as_it_was(store: Engine) -> None:
    report = make_report()
    key = keep(store, report)
    assert whole_report(store, key) == Kept(report=DataReport.from_document(report.as_document()))


def test_a_list_has_the_figures_and_the_newest_first(store: Engine, home: Path) -> None:
    keep(store, make_report(at=AT - 1, fingerprint="sha256:1", suspects=()))
    key = keep(store, make_report(), home / "checks" / "7")
    rows = data_reports(store)
    assert [row.at for row in rows] == [AT, AT - 1]
    newest = rows[0]
    assert (newest.id, newest.study, newest.data) == (key, None, "/data/birds/data.yaml")
    assert (newest.errors, newest.warnings, newest.notes, newest.suspects) == (1, 1, 1, 5)
    assert (newest.images, newest.boxes, newest.version) == (150, 490, "0.1.0")
    assert newest.folder == str(home / "checks" / "7")
    assert data_report(store, key) == newest
    assert [row.fingerprint for row in data_reports(store, fingerprint="sha256:1")] == ["sha256:1"]


def test_a_report_into_the_same_folder_replaces_the_one_before(store: Engine, home: Path) -> None:
    keep(store, make_report(at=AT - 1), home / "checks" / "7")
    keep(store, make_report(at=AT - 2))
    keep(store, make_report(), home / "checks" / "7")
    assert [row.at for row in data_reports(store)] == [AT, AT - 2]


def test_pictures_and_data_below_the_home_follow_it(store: Engine, store_url: str, home: Path, tmp_path: Path) -> None:
    (home / "checks" / "7").mkdir(parents=True)
    (home / "digits").mkdir()
    key = keep(store, make_report(data=str(home / "digits" / "data.yaml")), home / "checks" / "7")
    elsewhere = home.rename(tmp_path / "elsewhere")
    opened = open_store(store_url, home=elsewhere)
    row = data_report(opened, key)
    opened.dispose()
    assert row.folder == str(elsewhere / "checks" / "7")
    assert row.data == str(elsewhere / "digits" / "data.yaml")


def test_a_study_has_the_latest_check_of_its_data(store: Engine, make_spec: MakeSpec) -> None:
    ended(store, make_spec("birds"))
    assert report_of_study(store, "birds") is None
    keep(store, make_report(at=AT - 2, fingerprint="sha256:old"))
    row = report_of_study(store, "birds")
    assert row is not None
    assert row.fingerprint == "sha256:old"  # of an earlier state of the same file
    keep(store, make_report(at=AT - 1, data="/other.yaml", fingerprint="sha256:other"), study="birds")
    row = report_of_study(store, "birds")
    assert row is not None
    assert row.study == "birds"
    keep(store, make_report(data="/copy.yaml"))
    row = report_of_study(store, "birds")
    assert row is not None
    assert (row.study, row.data) == (None, "/copy.yaml")


def test_two_studies_of_data_without_a_fingerprint_share_no_report(store: Engine, make_spec: MakeSpec) -> None:
    ended(store, make_spec("birds", data_fingerprint=""))
    keep(store, make_report(fingerprint="", data="/other.yaml"))
    assert report_of_study(store, "birds") is None


def test_a_report_goes_with_its_study_and_others_stay(store: Engine, make_spec: MakeSpec) -> None:
    ended(store, make_spec("birds"))
    keep(store, make_report(at=AT - 2), study="birds")
    keep(store, make_report(at=AT - 1), study="birds")
    stays = keep(store, make_report(at=AT - 3))
    assert [row.study for row in data_reports(store)] == ["birds", None]
    with managing.removal(store, "birds", at=3.0):
        pass
    assert [row.id for row in data_reports(store)] == [stays]


def test_a_report_and_its_pictures_follow_a_new_name(store: Engine, home: Path, make_spec: MakeSpec) -> None:
    ended(store, make_spec("birds", directory=str(home / "studies" / "birds")))
    key = keep(store, make_report(), home / "studies" / "birds" / "check", study="birds")
    with managing.renaming(store, "birds", "50%_wrens", at=3.0):
        pass
    row = data_report(store, key)
    assert (row.study, row.folder) == ("50%_wrens", str(home / "studies" / "50%_wrens" / "check"))


@pytest.mark.parametrize("study", ["wrens", ""])
def test_a_report_for_a_study_that_is_not_there_is_an_error(study: str, store: Engine) -> None:
    with pytest.raises(UnknownName, match="unknown study"):
        keep(store, make_report(), study=study)
    assert data_reports(store) == []


@pytest.mark.parametrize("number", [0, 77, -1])
def test_an_unknown_report_is_an_error(number: int, store: Engine) -> None:
    with pytest.raises(UnknownName, match="unknown data report"):
        data_report(store, number)
    with pytest.raises(UnknownName, match="unknown data report"):
        whole_report(store, number)


@pytest.mark.parametrize("revision", migrate.READABLE)
def test_an_older_database_has_no_reports_and_gets_them_from_a_writer(
    revision: str, store_url: str, engine: Engine, make_spec: MakeSpec
) -> None:
    ended(engine, make_spec("birds"))
    with engine.begin() as connection:
        command.downgrade(migrate.config(connection), revision)
    reader = open_store(store_url, read_only=True)
    assert data_reports(reader) == []
    assert report_of_study(reader, "birds") is None
    with pytest.raises(UnknownName):
        whole_report(reader, 1)
    writer = open_store(store_url)
    key = keep(writer, make_report(), study="birds")
    assert whole_report(reader, key).report.names == ("tit", "wren")
    reader.dispose()
    writer.dispose()


def test_a_large_report_is_cut_to_some_megabytes_and_counted_whole(store: Engine) -> None:
    chance = random.Random(0)
    places = tuple(Place(file=f"/data/{chance.randbytes(100).hex()}.txt", line=n) for n in range(1000))
    report = make_report(
        findings=tuple(make_finding(code=f"x/{number}", count=5000, places=places) for number in range(60)),
        suspects=tuple(map(make_suspect, range(SUSPECTS + 1))),
    )
    key = keep(store, report)
    assert len(packed(report)) <= MOST_BYTES
    kept = whole_report(store, key).report
    assert {finding.count for finding in kept.findings} == {5000}
    assert 0 < len(kept.findings[0].places) < 1000
    assert 0 < len(kept.suspects) < data_report(store, key).suspects == SUSPECTS + 1


def test_text_that_no_database_takes_is_kept_as_far_as_it_goes(store: Engine) -> None:
    odd = make_finding(title="NUL \0 and \udcff", figures={"share": float("nan"), "most": float("inf")})
    key = keep(
        store, make_report(data="/data/\udcff/a\0b.yaml", findings=(odd,), suspects=(make_suspect(score=float("nan")),))
    )
    kept = whole_report(store, key)
    assert kept.unread == 0
    assert kept.report.findings[0].title == "NUL \0 and ?"
    assert kept.report.findings[0].figures == {"share": None, "most": None}
    assert data_report(store, key).data == "/data/?/ab.yaml"


def stored(document: object) -> bytes:
    return zlib.compress(json.dumps(document).encode())


def test_entries_of_another_version_are_counted_and_the_others_read() -> None:
    document = make_report().as_document()
    document["findings"][1]["severity"] = "fatal"
    document["findings"][2]["title"] = ["a", "b"]
    document["suspects"][0]["kind"] = "blurred"
    document["suspects"][1]["score"] = "high"
    document["recommendations"][0]["source"] = "hearsay"
    document["of a later version"] = 1
    kept = unpacked(stored(document))
    assert kept.unread == 5
    assert [finding.code for finding in kept.report.findings] == ["labels/class-out-of-range"]
    assert len(kept.report.suspects) == 3


def test_a_report_without_the_fields_of_later_versions_is_read() -> None:
    kept = unpacked(stored({"data": "/d.yaml", "fingerprint": "", "names": [], "splits": {}, "findings": []}))
    assert kept.report == replace(kept.report, data="/d.yaml", suspects=(), plots={}, version="")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not compressed",
        packed(make_report())[:-9],
        zlib.compress(b"{"),
        zlib.compress(b"[" * 100_000),
        zlib.compress(b"\xff"),
        stored([]),
        stored(None),
        stored({}),
        stored({"data": 7}),
        stored({"data": "/d.yaml", "splits": []}),
        stored({"data": "/d.yaml", "splits": {"train": 5}}),
        stored({"data": "/d.yaml", "plots": ["a.png"]}),
        stored({"data": "/d.yaml", "findings": 5}),
    ],
)
def test_a_damaged_report_is_one_sentence_with_the_way_out(content: bytes) -> None:
    with pytest.raises(BadReport, match="automl check --data"):
        unpacked(content)


def test_a_damaged_report_of_the_database_stays_in_the_list(store: Engine) -> None:
    key = keep(store, make_report())
    with writing(store) as connection:
        connection.execute(text("UPDATE automl_checks SET report = :content"), {"content": b"damaged"})
    assert [row.id for row in data_reports(store)] == [key]
    with pytest.raises(BadReport):
        whole_report(store, key)
