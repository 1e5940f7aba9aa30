"""Files with secrets: others lose their rights, and the user hears of it."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from automl.host.private import keep_ray_token, only_owner, ray_token

pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, and no variables of Ray."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def _mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.mark.fault
@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604, 0o666, 0o777])
def test_a_token_that_others_can_read_is_mended_and_named(mode: int, caplog: pytest.LogCaptureFixture) -> None:
    file = ray_token()
    file.parent.mkdir()
    file.write_text("t0k3n")
    file.chmod(mode)
    with caplog.at_level(logging.WARNING):
        keep_ray_token()
    assert _mode(file) & 0o077 == 0
    assert file.read_text() == "t0k3n"
    assert str(file) in caplog.text
    assert "t0k3n" not in caplog.text


def test_a_token_of_the_user_alone_is_left_as_it_is_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    file = ray_token()
    file.parent.mkdir()
    file.write_text("t0k3n")
    file.chmod(0o400)
    keep_ray_token()
    assert _mode(file) == 0o400
    assert not caplog.text


def test_a_new_token_can_be_read_by_nobody_else_whatever_the_mask() -> None:
    before = os.umask(0)
    try:
        keep_ray_token()
    finally:
        os.umask(before)
    assert _mode(ray_token()) == 0o600
    assert len(ray_token().read_text()) == 64
    assert [file.name for file in ray_token().parent.iterdir()] == ["auth_token"]


@pytest.mark.parametrize(
    ("name", "value"), [("RAY_AUTH_MODE", "disabled"), ("RAY_AUTH_TOKEN", "x"), ("RAY_AUTH_TOKEN_PATH", "elsewhere")]
)
def test_where_ray_needs_no_token_there_none_is_made(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    keep_ray_token()
    assert not (home / ".ray").exists()


def test_a_home_that_cannot_be_written_is_left_to_ray(home: Path) -> None:
    (home / ".ray").write_text("a file in the place of the folder")
    keep_ray_token()


@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_named_and_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "token"
    file.write_text("t0k3n")
    file.chmod(0o644)
    os.chown(file, 12345, 12345)
    only_owner(file, "can run code")
    assert _mode(file) == 0o644
    assert "chmod 600" in caplog.text
