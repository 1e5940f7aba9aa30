"""Web hooks on this machine: one that takes messages, one that fails, one that hangs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class WebHook:
    """A web hook that is served."""

    port: int
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address for Apprise, with a secret."""
        return f"json://user:s3cr3t@127.0.0.1:{self.port}/t0k3n?rto=1&cto=1"


@contextmanager
def web_hook(status: int = 200, *, hangs: bool = False) -> Iterator[WebHook]:
    """Serve a web hook that answers with this status, or never."""
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        """Takes JSON."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.bodies.append(json.loads(body))
            if hangs:
                over.wait()
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook = WebHook(server.server_address[1])
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hook
    finally:
        over.set()
        server.shutdown()
        server.server_close()
