"""The page under a foreign name: a web site that points its own name at this machine gets nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.browser import answers
from tests.builders.cli import Place, wait_for
from tests.builders.ports import free_port

WEBSOCKET = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Port of a page that is known as search.example.org too."""
    port, place = free_port(), Place(tmp_path_factory.mktemp("page"))
    with place.start("dashboard", "--port", str(port), "--host", "search.example.org") as process:
        wait_for("the page is served", lambda: answers(f"http://127.0.0.1:{port}"), process)
        yield port


def _status(port: int, path: str, host: str, origin: str | None, more: str = "") -> int:
    """Status of the answer to a request as these bytes."""
    lines = f"GET {path} HTTP/1.1\r\nHost: {host.format(port=port)}\r\n{more}"
    lines += f"Origin: {origin.format(port=port)}\r\n" if origin is not None else ""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(f"{lines}\r\n".encode())
        return int(line.recv(4096).split()[1])


@pytest.mark.fault
@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example", "http://evil.example"),
        ("evil.example:{port}", "http://evil.example:{port}"),
        ("evil.example", None),
        ("localhost:{port}", "http://evil.example"),
        ("localhost:{port}", "null"),
        ("localhost.evil.example:{port}", "http://localhost.evil.example:{port}"),
    ],
)
def test_a_foreign_name_gets_neither_page_nor_socket(port: int, host: str, origin: str | None) -> None:
    for path in ("/", "/_stcore/health", "/_stcore/host-config", "/static/index.js", "/media/x", "/component/x"):
        assert _status(port, path, host, origin) == 403
    assert _status(port, "/_stcore/stream", host, origin, WEBSOCKET) == 403


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:{port}", "http://localhost:{port}"),
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}"),
        ("[::1]:{port}", "http://[::1]:{port}"),
        ("search.example.org", "https://search.example.org"),
        ("localhost:{port}", "https://search.example.org"),
        ("localhost:{port}", None),
    ],
)
def test_its_own_names_get_both(port: int, host: str, origin: str | None) -> None:
    assert _status(port, "/", host, origin) == 200
    assert _status(port, "/_stcore/stream", host, origin, WEBSOCKET) == 101


def test_a_name_that_is_none_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    refused = Place(tmp_path).run("dashboard", "--host", "https://search.example.org/")
    assert refused.returncode == 2
    assert "without http://" in refused.stderr
