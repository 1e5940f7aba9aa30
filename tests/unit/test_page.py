from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from automl import page
from automl.errors import AutoMLError, BadStore
from automl.store import migrate
from automl.store.engine import open_store

AUTH = dict.fromkeys(page.OIDC, "x")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and an empty home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("AUTOML_DB", raising=False)
    return tmp_path


def test_the_page_binds_to_this_machine_alone_and_tells_nobody() -> None:
    words = page.command(Path("app.py"), page.HERE, 8501)
    assert "--server.address=127.0.0.1" in words
    assert "--browser.gatherUsageStats=false" in words
    assert "--client.showErrorDetails=none" in words
    assert not any("postgres" in word or "sqlite" in word for word in words)


def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(AutoMLError, match=f"--port {port} cannot be used"):
            page.serve(db=None, port=port, public=False)


def test_a_port_has_to_be_one() -> None:
    with pytest.raises(AutoMLError, match="between 1 and 65535"):
        page.serve(db=None, port=70000, public=False)


def test_a_database_that_was_named_has_to_be_there() -> None:
    with pytest.raises(AutoMLError, match="there is no database"):
        page.serve(db="sqlite:///nowhere.db", port=8501, public=False)


def test_it_is_not_exposed_without_sign_in() -> None:
    with pytest.raises(AutoMLError, match=r"--public .* needs sign-in"):
        page.serve(db=None, port=8501, public=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[auth]\nclient_id = 'x'\n", "lacks redirect_uri, cookie_secret, client_secret, server_metadata_url"),
        ("[other]\n", "lacks redirect_uri"),
        ("[auth\n", "cannot be read"),
    ],
)
def test_half_a_sign_in_is_none(folder: Path, text: str, message: str) -> None:
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "secrets.toml").write_text(text)
    with pytest.raises(AutoMLError, match=message):
        page.serve(db=None, port=8501, public=True)


def test_every_key_of_the_sign_in_has_to_be_there() -> None:
    assert page.missing_keys(AUTH) == []
    assert page.missing_keys({**AUTH, "client_id": ""}) == ["client_id"]
    named = {"redirect_uri": "x", "cookie_secret": "x", "google": AUTH}  # `st.login()` names no provider
    assert page.missing_keys(named) == ["client_id", "client_secret", "server_metadata_url"]


def test_a_cookie_secret_that_can_be_guessed_is_refused(folder: Path) -> None:
    (folder / ".streamlit").mkdir()
    lines = "".join(f'{key} = "short"\n' for key in page.OIDC)
    (folder / ".streamlit" / "secrets.toml").write_text(f"[auth]\n{lines}")
    with pytest.raises(AutoMLError, match="cookie_secret has fewer than 32 characters"):
        page.serve(db=None, port=8501, public=True)


def test_an_older_database_is_named_before_the_page_is_served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "automl.db"
    open_store(f"sqlite:///{file}").dispose()
    monkeypatch.setattr(migrate, "HEAD", "9998")
    monkeypatch.setattr(migrate, "REVISIONS", (*migrate.REVISIONS, "9998"))
    monkeypatch.setenv("AUTOML_DB", f"sqlite:///{file}")
    with pytest.raises(BadStore, match="written by an older automl"):
        page.serve(db=None, port=8501, public=False)


def test_on_windows_the_page_runs_beside_this_process_and_its_exit_code_is_ours() -> None:
    words = [sys.executable, "-c", "import os, sys; sys.exit(int(os.environ['CODE']))"]
    with pytest.raises(SystemExit) as ended:
        page._become(words, {**os.environ, "CODE": "7"}, system="nt")
    assert ended.value.code == 7
