"""Messages to services such as a chat, a mailbox or a web hook, by Apprise. None of them can disturb a search."""

from __future__ import annotations

import importlib.util
import logging
import queue
import re
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from automl.errors import AutoMLError
from automl.host.guest import log_levels
from automl.terminal.news import Message, News

LONGEST = 20  # messages that wait for one service
LAST_S = 15.0  # seconds that the end of a search waits for messages that are on their way
_SILENT = logging.CRITICAL + 1
_LOGGERS = ("apprise", "urllib3", "requests")  # they may log whole addresses
# Services whose host is no secret: of others it may be a token.
_HOSTED = frozenset(
    f"{name}{tls}" for name in ("json", "xml", "form", "http", "gotify", "mailto", "apprise") for tls in ("", "s")
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """A service that gets messages."""

    name: str  # scheme, and host where that is no secret
    service: Any = field(repr=False)  # of Apprise; holds the secrets


def shown_url(url: str) -> str:
    """An address without its secrets: scheme, and host where that is none; empty where nothing can be shown."""
    match = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]{0,20})://(.*)", url.strip(), flags=re.DOTALL)
    if match is None:
        return ""
    scheme, rest = match[1].lower(), match[2]
    try:
        parts = urlsplit(f"http://{rest}")
        host = parts.hostname or ""
    except ValueError:
        return f"{scheme}://…"
    odd = "@" in rest[len(parts.netloc) :] or not re.fullmatch(r"[\w.-]+", host)  # a password with a slash
    return f"{scheme}://…" if odd or scheme not in _HOSTED else f"{scheme}://{host}"


def targets_of(urls: Iterable[str]) -> tuple[Target, ...]:
    """Services with these addresses.

    Raises AutoMLError, which holds no secret, if Apprise is missing or knows no service of an address.
    """
    addresses = tuple(urls)
    if not addresses:
        return ()
    if importlib.util.find_spec("apprise") is None:
        raise AutoMLError(
            '--notify needs Apprise, which is not installed. Install it with: pip install "yolo-automl[notify]"'
        )
    with log_levels(_LOGGERS, _SILENT):
        return tuple(_target(number, url) for number, url in enumerate(addresses, 1))


def _target(number: int, url: str) -> Target:
    from apprise import Apprise

    name = shown_url(url)
    try:
        service = Apprise.instantiate(url, suppress_exceptions=True)
    except Exception:  # an address that a plugin cannot read: its error may hold the secret
        service = None
    if service is None:
        which = f"--notify {name}" if name else f"the address of --notify number {number}"
        raise AutoMLError(
            f"{which}: Apprise knows no such service, or the address lacks a part. Write it as Apprise's list of "
            "services shows, or a web hook of your own as json://HOST/PATH (jsons:// with TLS)."
        )
    return Target(name or f"number {number}", service)


class _Line:
    """Messages to one service, in a thread of its own."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._waiting: queue.Queue[Message | None] = queue.Queue(LONGEST)
        self._failed = 0
        self._told = self._over = False
        self._thread = threading.Thread(target=self._work, name="automl-notify", daemon=True)
        self._thread.start()

    def put(self, message: Message) -> None:
        """Send a message when its turn comes. If too many wait, it is lost."""
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            self._failed += 1

    def close(self, until: float) -> None:
        """Wait for the messages on their way, and log how many were lost; `until` is a time of `time.monotonic`."""
        try:
            self._waiting.put(None, timeout=max(0.0, until - time.monotonic()))
            self._thread.join(max(0.0, until - time.monotonic()))
        except queue.Full:
            pass
        self._over = True  # of those that still wait none is sent any more
        if self._thread.is_alive():
            logger.warning("%s has not taken the last messages; they are lost", self._target.name)
        elif self._failed:
            logger.warning("%d messages to %s were lost", self._failed, self._target.name)

    def _work(self) -> None:
        while (message := self._waiting.get()) is not None and not self._over:
            if not self._send(message):
                self._failed += 1
                if not self._told:
                    self._told = True
                    logger.warning("a message to %s could not be sent; the search goes on", self._target.name)

    def _send(self, message: Message) -> bool:
        kind = "warning" if message.bad else "info"
        try:
            return bool(self._target.service.notify(body=message.body, title=message.title, notify_type=kind))
        except Exception:  # whatever a service does, the search goes on; the error may hold the secret
            return False


@contextmanager
def messages(targets: Sequence[Target]) -> Iterator[News | None]:
    """News that go to these services; None without any. An error within is told too."""
    if not targets:
        yield None
        return
    with log_levels(_LOGGERS, _SILENT):
        lines = [_Line(target) for target in targets]
        over = threading.Event()

        def send(message: Message) -> None:
            for line in lines:
                line.put(message)

        news = News(send)
        clock = threading.Thread(target=_watch, args=(news, over), name="automl-notify-clock", daemon=True)
        clock.start()
        try:
            yield news
        except BaseException as error:
            news.failed(error)
            raise
        finally:
            over.set()
            until = time.monotonic() + LAST_S
            for line in lines:
                line.close(until)


def _watch(news: News, over: threading.Event, every_s: float = 5.0) -> None:
    while not over.wait(every_s):
        news.tick()
