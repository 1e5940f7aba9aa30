"""Messages of a search to web hooks, of which some hang, fail or are away. No address is printed or kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.cli import ONE_SLOT, Place
from tests.builders.ports import free_port
from tests.builders.train_tiny import draw_data
from tests.builders.web_hooks import web_hook

SEARCH = ("search", "--data", "data.yaml", "--trainer", "surrogate", "--epochs", "3", *ONE_SLOT, "--budget", "6trials")
SECRETS = (b"s3cr3t", b"t0k3n")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder with data."""
    draw_data(tmp_path)
    return Place(tmp_path)


def _notify(*urls: str) -> list[str]:
    return [word for url in urls for word in ("--notify", url)]


@pytest.mark.fault
@pytest.mark.ray
@pytest.mark.slow
def test_a_search_tells_its_end_whatever_web_hooks_do_and_keeps_no_address(place: Place) -> None:
    away = f"json://user:s3cr3t@127.0.0.1:{free_port()}/t0k3n"
    with web_hook() as good, web_hook(500) as failing, web_hook(hangs=True) as hanging:
        words = _notify(hanging.url, failing.url, away, good.url)
        done = place.run(*SEARCH, "--name", "birds", "--json-events", "events.jsonl", *words)
    assert done.returncode == 0, done.stderr
    assert "automl birds: finished" in [body["title"] for body in good.bodies]
    assert "could not be sent" in done.stderr
    kept = [file for file in place.folder.rglob("*") if file.is_file()]
    for content in (done.stdout.encode(), done.stderr.encode(), *(file.read_bytes() for file in kept)):
        assert not [secret for secret in SECRETS if secret in content]


@pytest.mark.parametrize("command", ["search", "dry-run", "resume", "confirm"])
def test_an_unknown_address_is_refused_before_anything_begins_and_without_its_secret(
    place: Place, command: str
) -> None:
    words = {"search": SEARCH, "dry-run": (*SEARCH, "--dry-run")}.get(command, (command, "birds"))
    done = place.run(*words, *_notify("foo://user:s3cr3t@host/t0k3n"))
    assert done.returncode == 2
    assert "--notify foo://…" in done.stderr
    assert not [secret for secret in SECRETS if secret in (done.stdout + done.stderr).encode()]
    assert not place.home.exists()
