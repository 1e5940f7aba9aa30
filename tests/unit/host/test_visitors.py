"""Requests to the page: those under a foreign name are refused, whatever they ask for."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from automl.errors import AutoMLError
from automl.host.visitors import KnownNames, Message, checked_name, host_name, name_of_url, origin_name

Headers = list[tuple[bytes, bytes]]


def _asked(headers: Headers, kind: str = "http", names: tuple[str, ...] = ()) -> tuple[list[Message], list[Message]]:
    """Answers to a request, and the requests that reached the page."""
    sent: list[Message] = []
    reached: list[Message] = []

    async def page(scope: Message, receive: Any, send: Any) -> None:
        reached.append(scope)

    async def receive() -> Message:
        return {"type": f"{kind}.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(KnownNames(page, names)({"type": kind, "headers": headers}, receive, send))
    return sent, reached


def _headers(host: str, origin: str | None = None) -> Headers:
    return [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin is not None else [])


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8501", None),
        ("LOCALHOST", "http://localhost:8501"),
        ("localhost.", None),
        ("127.0.0.1:8501", "http://127.0.0.1:8501"),
        ("[::1]:8501", "http://[::1]:8501"),
        ("[0:0:0:0:0:0:0:1]", None),
        ("search.example.org", "https://search.example.org"),
        ("[fd00::7]:8501", None),
    ],
)
def test_the_page_answers_under_its_own_names(kind: str, host: str, origin: str | None) -> None:
    sent, reached = _asked(_headers(host, origin), kind, ("search.example.org", "fd00::7"))
    assert not sent
    assert len(reached) == 1


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        _headers("evil.example"),
        _headers("evil.example:8501", "http://evil.example:8501"),
        _headers("evil.example", "http://localhost:8501"),
        _headers("localhost:8501", "http://evil.example"),
        _headers("localhost:8501", "null"),
        _headers("localhost:8501", "file://"),
        _headers("localhost.evil.example"),
        _headers("evil.example#localhost"),
        _headers("localhost@evil.example"),
        _headers("evil.example:80:localhost"),
        _headers("127.0.0.1.evil.example"),
        _headers("127.0.0.2"),
        _headers("0.0.0.0:8501"),
        _headers("2130706433"),
        _headers("[::1]evil.example"),
        _headers("[::ffff:127.0.0.1].evil"),
        _headers(""),
        _headers("localhöst"),
        [],
        [(b"host", b"localhost"), (b"host", b"evil.example")],
        [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"origin", b"http://evil.example")],
        [(b"host", b"evil.example"), (b"x-forwarded-host", b"localhost")],
    ],
)
def test_under_a_foreign_name_it_is_refused(kind: str, headers: Headers) -> None:
    sent, reached = _asked(headers, kind)
    assert not reached
    if kind == "http":
        assert sent[0]["status"] == 403
        assert b"refused" in sent[1]["body"]
    else:
        assert [message["type"] for message in sent] == ["websocket.close"]


def test_the_log_has_each_refusal_once_and_in_printable_letters(caplog: pytest.LogCaptureFixture) -> None:
    async def page(scope: Message, receive: Any, send: Any) -> None:
        raise AssertionError("nothing may reach the page")

    async def nothing(message: Message | None = None) -> Message:
        return {}

    known = KnownNames(page)
    with caplog.at_level(logging.WARNING):
        for host in ("evil.example", "evil.example", "evil\x1b[31m\n"):
            asyncio.run(known({"type": "http", "headers": _headers(host)}, nothing, nothing))
        for number in range(1000):
            asyncio.run(known({"type": "http", "headers": _headers(f"evil-{number}.example")}, nothing, nothing))
    assert [line for line in caplog.messages if "'evil.example'" in line] == [caplog.messages[0]]
    assert "automl dashboard --host evil.example" in caplog.messages[0]
    assert len(caplog.messages) <= 100
    assert all(line.isprintable() for line in caplog.messages)


def test_behind_a_server_that_names_itself_the_page_gets_the_name_of_the_browser() -> None:
    _, reached = _asked(_headers("localhost:8501", "https://search.example.org"), names=("search.example.org",))
    assert dict(reached[0]["headers"])[b"host"] == b"search.example.org"


def test_the_start_and_the_end_of_the_server_pass() -> None:
    _, reached = _asked([], "lifespan")
    assert len(reached) == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Search.Example.org", "search.example.org"),
        ("192.168.1.7", "192.168.1.7"),
        ("::1", "::1"),
        ("[FD00::7]", "fd00::7"),
    ],
)
def test_a_name_of_the_user_is_taken_in_one_spelling(text: str, name: str) -> None:
    assert checked_name(text) == name


@pytest.mark.parametrize(
    "text", ["", "*", "http://a.example", "a.example:8501", "a.example/page", "a b", "[::1", "-a", "[::1]:80", "user@a"]
)
def test_what_is_no_name_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(AutoMLError, match=r"--host search\.example\.org"):
        checked_name(text)


def test_names_are_read_from_headers_and_addresses() -> None:
    assert host_name("a.example:80") == "a.example"
    assert origin_name("ftp://a.example") is None
    assert name_of_url("https://Search.example.org:444/oauth2callback") == "search.example.org"
    assert name_of_url("http://[::1") is None
    assert name_of_url("x") is None
