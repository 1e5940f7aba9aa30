"""SQLite on disks and on file systems of a network."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from sqlalchemy import Engine

from automl.errors import StoreAway
from automl.store.engine import open_store, reading, risk


class Mounted(NamedTuple):
    """A line of the table of mounts."""

    mountpoint: str
    fstype: str


def mounted(monkeypatch: pytest.MonkeyPatch, folder: Path, kind: str) -> None:
    """A machine on which the folder lies on a file system of that kind."""
    table = [Mounted("/", "ext4"), Mounted(str(folder.resolve()), kind)]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: table)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'automl.db'}"


def pragmas(engine: Engine) -> tuple[str, int]:
    with reading(engine) as connection:
        names = ("journal_mode", "synchronous")
        return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)  # type: ignore[return-value]


def test_a_disk_has_a_write_ahead_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str) -> None:
    mounted(monkeypatch, tmp_path, "xfs")
    engine = open_store(database)
    assert (pragmas(engine), risk(engine)) == (("wal", 1), "")


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "lustre", "fuse.sshfs", "9p"])
def test_a_network_has_none_and_the_risk_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str, kind: str
) -> None:
    mounted(monkeypatch, tmp_path, kind)
    engine = open_store(database)
    assert pragmas(engine) == ("delete", 2)
    assert f"lies on {kind}, where SQLite cannot rely on locks" in risk(engine)
    assert "AUTOML_DB" in risk(engine)


def test_a_database_that_moved_to_a_network_loses_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    open_store(database).dispose()
    mounted(monkeypatch, tmp_path, "nfs")
    assert pragmas(open_store(database)) == ("delete", 2)


def test_a_database_that_fails_on_a_network_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted(monkeypatch, tmp_path, "nfs")
    (tmp_path / "automl.db").mkdir()
    with pytest.raises(
        StoreAway, match="It lies on nfs: put AUTOML_HOME on a disk of this machine, or name a Postgres"
    ):
        open_store(f"sqlite:///{tmp_path / 'automl.db'}")
