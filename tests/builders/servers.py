"""Servers of other tools that tests start, and their HTTP interfaces."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.builders.cli import environment, wait_for


@contextmanager
def serving(words: list[str], address: str, folder: Path) -> Iterator[None]:
    """Run `python …` in a folder until the block ends, which begins once an address answers."""
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=folder, env=environment(), stdout=output, stderr=output, text=True
        )
        try:
            wait_for(f"an answer of {words}", lambda: answers(address) or _ended(process, log))
            yield
        finally:
            for member in [*psutil.Process(process.pid).children(recursive=True), process]:
                member.kill()
            process.wait()


def answers(address: str) -> bool:
    """True once a server answers."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def asked(address: str, document: Any = None) -> Any:
    """The JSON that a server answers with; a document is posted."""
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def _ended(process: subprocess.Popen[str], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    return False
