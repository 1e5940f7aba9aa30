"""A release page of weights on this machine, in place of Ultralytics'."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any


class _Page(SimpleHTTPRequestHandler):
    """Files of a folder; every request is noted."""

    seen: list[str]

    def __init__(self, *args: Any, seen: list[str], **kwargs: Any) -> None:
        self.seen = seen
        super().__init__(*args, **kwargs)

    def log_message(self, format: str, *args: Any) -> None:
        self.seen.append(str(args[0]).rpartition(" ")[0] if args else format)


@contextmanager
def release_page(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Address of a server of the folder's files, and the requests that it had, such as 'GET /yolov5su.pt'."""
    seen: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Page, seen=seen, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_archive(file: Path, size: int = 150_000) -> Path:
    """A file that looks like a checkpoint from outside: an archive of so many bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", file.name.encode().ljust(size, b"."))
    return file
