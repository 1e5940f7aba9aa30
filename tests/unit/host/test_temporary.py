"""The folder of Ray's session."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from automl.errors import NoSpace
from automl.host.temporary import check_temporary, usable_home


@pytest.fixture(autouse=True)
def _no_folder_of_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)


def test_the_usual_folder_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    check_temporary()


@pytest.mark.parametrize("name", ["TMPDIR", "RAY_TMPDIR"])
def test_a_long_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, str(tmp_path / ("x" * 60)))
    with pytest.raises(NoSpace, match=f"{name}=.*xxx is too long for the sockets of Ray.*Set {name} to"):
        check_temporary()


def test_a_folder_that_cannot_be_made_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/proc/nowhere")
    with pytest.raises(
        NoSpace, match=r"TMPDIR=/proc/nowhere cannot be written \(.*Set TMPDIR to a folder such as /tmp"
    ):
        check_temporary()


def test_a_full_disk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/tmp")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("usage", "total used free")(10, 9, 10**6))
    with pytest.raises(NoSpace, match="TMPDIR=/tmp has 1 MB free, and Ray needs 200 MB there"):
        check_temporary()


def test_a_home_folder_that_can_be_written_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert usable_home() == {}


@pytest.mark.parametrize("home", ["/proc/nowhere", "/etc/passwd"])
def test_another_one_takes_the_place_of_a_home_folder_that_is_none(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setenv("HOME", home)
    other = usable_home()["HOME"]
    assert Path(other).is_dir()
    assert usable_home()["HOME"] == other
