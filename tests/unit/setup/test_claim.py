"""Commands that a message names, and folders that no two searches share."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from automl.errors import StudyConflict
from automl.setup.claim import Claim, claim_folder
from automl.store.address import command

SERVER = "postgresql://me@host/db"
DATA = Path("data/birds.yaml")
SECRET = "postgresql://me:hunter2@host/db"


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTOML_DB", raising=False)


def test_without_a_database_a_command_names_none() -> None:
    assert command("resume", "birds", None) == "automl resume birds"


@pytest.mark.parametrize("url", [SERVER, "sqlite:///my runs/a.db"])
def test_a_database_that_was_named_is_named_again_as_the_shell_takes_it(url: str) -> None:
    line = command("export", "birds", url)
    assert shlex.split(line) == ["automl", "export", "birds", "--db", url]


def test_a_database_that_the_environment_names_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOML_DB", SERVER)
    assert command("resume", "birds", SERVER) == "automl resume birds"
    assert command("resume", "birds", "sqlite:///a.db") == "automl resume birds --db sqlite:///a.db"


@pytest.mark.parametrize("url", [SECRET, "postgresql://host/db?user=me&password=hunter2", "postgresql://hunter2:x:y@"])
def test_a_password_is_never_told(url: str) -> None:
    assert command("resume", "birds", url) == 'automl resume birds --db "$AUTOML_DB"'


def test_a_taken_name_is_resumed_in_the_same_database(tmp_path: Path) -> None:
    with pytest.raises(StudyConflict, match=f"automl resume birds --db {SERVER}\\."):
        claim_folder({"birds"}, "birds", DATA, tmp_path, SERVER)


def test_a_folder_is_named_after_the_data_set(tmp_path: Path) -> None:
    assert claim_folder((), None, DATA, tmp_path).folder == tmp_path / "studies" / "birds-1"
    assert claim_folder({"birds-2"}, None, DATA, tmp_path).folder.name == "birds-3"
    assert claim_folder((), None, Path("owls/data.yaml"), tmp_path).folder.name == "owls-1"


def at_once(ask: Callable[[], Claim]) -> list[Claim | StudyConflict]:
    """Outcomes of several searches that ask in the same moment."""
    together = Barrier(8)

    def one(number: int) -> Claim | StudyConflict:
        together.wait()
        try:
            return ask()
        except StudyConflict as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(8)))


def test_searches_that_begin_together_have_a_folder_each(tmp_path: Path) -> None:
    claims = [claim for claim in at_once(lambda: claim_folder((), None, DATA, tmp_path)) if isinstance(claim, Claim)]
    assert len({claim.folder for claim in claims}) == len(claims) == 8


def test_of_searches_that_ask_for_one_name_one_has_it_and_keeps_its_files(tmp_path: Path) -> None:
    outcomes = at_once(lambda: claim_folder((), "owls", DATA, tmp_path))
    [claim] = [outcome for outcome in outcomes if isinstance(outcome, Claim)]
    (claim.folder / "data.yaml").touch()
    with pytest.raises(StudyConflict, match="another search prepares a study named 'owls'"):
        claim_folder((), "owls", DATA, tmp_path)
    assert (claim.folder / "data.yaml").exists()


def test_what_was_given_up_is_gone_and_free(tmp_path: Path) -> None:
    claim = claim_folder((), "owls", DATA, tmp_path)
    (claim.folder / "probe").mkdir()
    claim.give_up()
    assert list((tmp_path / "studies").iterdir()) == []
    assert list(claim_folder((), "owls", DATA, tmp_path).folder.glob("probe")) == []


def test_the_folder_of_a_study_that_began_is_nobody_elses(tmp_path: Path) -> None:
    claim = claim_folder((), "owls", DATA, tmp_path)
    (claim.folder / "data.yaml").touch()
    claim.keep()
    assert [file.name for file in claim.folder.iterdir()] == ["data.yaml"]
    with pytest.raises(StudyConflict, match="holds files of a study that this database does not know"):
        claim_folder((), "owls", DATA, tmp_path)
    assert (claim.folder / "data.yaml").exists()


def test_what_a_search_left_that_was_killed_before_its_study_began_blocks_no_name(tmp_path: Path) -> None:
    program = (
        "import os, signal; from pathlib import Path; from automl.setup.claim import claim_folder\n"
        f"claim = claim_folder((), 'owls', Path('data.yaml'), Path({str(tmp_path)!r}))\n"
        "(claim.folder / 'probe').mkdir(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    assert (tmp_path / "studies" / "owls" / "probe").is_dir()
    claim = claim_folder((), "owls", DATA, tmp_path)
    assert not (claim.folder / "probe").exists()
    assert [folder.name for folder in (tmp_path / "studies").iterdir()] == ["owls"]


def test_an_empty_folder_of_that_name_is_taken(tmp_path: Path) -> None:
    (tmp_path / "studies" / "owls").mkdir(parents=True)
    assert claim_folder((), "owls", DATA, tmp_path).folder == tmp_path / "studies" / "owls"


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_a_new_folder_is_claimed_and_another_one_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def none(file: int, kind: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", none)
    claim = claim_folder((), "owls", DATA, tmp_path)
    with pytest.raises(StudyConflict, match="another search prepares"):
        claim_folder((), "owls", DATA, tmp_path)
    assert claim.folder.is_dir()
    claim.give_up()
    assert claim_folder((), "owls", DATA, tmp_path).folder.is_dir()


def test_locks_that_lock_nothing_are_taken_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems take every lock."""
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", lambda file, kind: None)
    claim = claim_folder((), "owls", DATA, tmp_path)
    with pytest.raises(StudyConflict, match="another search prepares"):
        claim_folder((), "owls", DATA, tmp_path)
    assert claim.folder.is_dir()
