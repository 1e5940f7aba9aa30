"""Names under which the page may be reached. A request under another name is refused before the page sees it.

A web site can point a name of its own at this machine (DNS rebinding): the browser then takes our page for a part of
that site. Only the name in the request tells.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from automl.errors import AutoMLError

LOCAL = ("127.0.0.1", "localhost", "::1")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_PORT = re.compile(r"(?P<name>\[[^\]]*\]|[^:\[\]]*)(:(?P<port>\d{1,5})?)?")
_LOGGED = 100  # refused names that are logged: a scanner tries thousands

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def host_name(text: str) -> str | None:
    """The name in a Host header, without its port, in one spelling; None for what is no host."""
    match = _PORT.fullmatch(text.strip().lower())
    if match is None:
        return None
    name = match["name"]
    if name.startswith("["):
        return _address(name[1:-1])
    name = name.removesuffix(".")
    return name if _NAME.fullmatch(name) and len(name) <= 253 else None


def _address(text: str) -> str | None:
    """An IPv6 address in its short spelling."""
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        return None


def origin_name(text: str) -> str | None:
    """The name in an Origin header; None for `null` and for what is no web page."""
    scheme, _, host = text.strip().partition("://")
    return host_name(host) if scheme.lower() in ("http", "https") else None


def checked_name(text: str) -> str:
    """A name that the user gives for the page, in one spelling. Raises AutoMLError for what is none."""
    bare = f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text
    match = _PORT.fullmatch(bare.strip().lower())
    name = host_name(bare)
    if name is None or match is None or match["port"] is not None:
        raise AutoMLError(
            f"--host {text!r} is no name of a machine. Write the name or the address alone, without http://, port and "
            "path: --host search.example.org"
        )
    return name


def name_of_url(url: str) -> str | None:
    """The name in a web address; None without one."""
    try:
        name = urlsplit(url).hostname
    except ValueError:
        return None
    return host_name(f"[{name}]" if name and ":" in name else name or "")


class KnownNames:
    """An ASGI application that passes on requests under known names only, HTTP and WebSocket alike.

    application  the page
    names        that browsers may use, beside those of this machine
    """

    def __init__(self, application: Application, names: Iterable[str] = ()) -> None:
        self._application = application
        self._named = frozenset(names)
        self._known = self._named | frozenset(LOCAL)
        self._logged: set[str] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 403 and a sentence; a WebSocket is not accepted."""
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._application(self._as_named(scope), receive, send)
            return
        self._log(refusal)
        if scope["type"] == "websocket":
            await receive()  # the wish to connect; closing before it is accepted is answered with 403
            await send({"type": "websocket.close", "code": 1008, "reason": "unknown name of the page"})
            return
        await _forbid(send, refusal)

    def _refusal(self, scope: Mapping[str, Any]) -> str | None:
        """Sentence on a request that is refused; None for one that may pass."""
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        if len(hosts) != 1 or len(origins) > 1:
            return "A request was refused: it has to name one host and at most one origin."
        if host_name(hosts[0]) not in self._known:
            return _sentence(f"the page is not known as {_shown(hosts[0])}", host_name(hosts[0]))
        if origins and origin_name(origins[0]) not in self._known:
            return _sentence(f"another site asked for it, {_shown(origins[0])}", origin_name(origins[0]))
        return None

    def _as_named(self, scope: Message) -> Message:
        """The request with the name in its browser's address bar.

        A server in between may have put its own in the place of it. Streamlit would ask a service on the internet for
        the address of this machine, to tell whether the two belong together.
        """
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        name = origin_name(origins[0]) if origins else None
        if name not in self._named or name == host_name(hosts[0]):
            return scope
        host = origins[0].partition("://")[2].encode("latin-1")
        others = [(key, value) for key, value in scope["headers"] if key.lower() != b"host"]
        return {**scope, "headers": [(b"host", host), *others]}

    def _log(self, sentence: str) -> None:
        """Log each sentence once, and not too many."""
        if sentence not in self._logged and len(self._logged) < _LOGGED:
            self._logged.add(sentence)
            logger.warning("%s", sentence)


def _values(scope: Mapping[str, Any], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _shown(text: str) -> str:
    """A foreign text in a line of the log: printable, and short."""
    return ascii(text[:100])


def _sentence(reason: str, name: str | None) -> str:
    way_out = f" If that is the page's own name, start it with: automl dashboard --host {name}" if name else ""
    return f"A request was refused: {reason}.{way_out}"


async def _forbid(send: Send, sentence: str) -> None:
    body = f"{sentence}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
