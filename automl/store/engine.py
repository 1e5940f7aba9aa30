"""Connections to the database: SQLite by default, Postgres by URL. Every failure is a BadStore."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError, SQLAlchemyError

from automl.errors import BadStore, NoStore, StoreAway
from automl.files.home import home_folder
from automl.files.moved import Homes
from automl.host.mounts import network_type
from automl.store import migrate
from automl.store.tables import dumps

POSTGRES = "put AUTOML_HOME on a disk of this machine, or name a Postgres database with AUTOML_DB."
_BUSY_S = 30.0  # longest wait of an SQLite writer for another one
_LOCK_S = 10  # longest wait of a statement on Postgres for a lock that somebody else holds
_STATEMENT_S = 15  # longest statement on Postgres of a session that can try again
_WRITES = "automl_writes"
_HOMES = "automl_homes"
_REVISION = "automl_revision"
_shared: ContextVar[Connection | None] = ContextVar("automl_shared", default=None)
_POSTGRES = {  # with these a server that vanished is noticed within a minute
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def open_store(url: str, *, create: bool = True, read_only: bool = False, home: str | Path | None = None) -> Engine:
    """The engine of a database whose tables are of this version.

    create     create the database file and the tables if they are missing
    read_only  refuse every write; create and migrate nothing
    home       where the studies' folders are looked for, besides the folder of an SQLite file; None: as `home_folder`

    Raises BadStore if the database cannot be reached, is no database or is of another version.
    """
    parsed = parse(url)
    create = create and not read_only
    if parsed.get_backend_name() == "sqlite":
        engine = _sqlite(parsed, create=create, read_only=read_only)
        beside = Path(str(engine.url.database)).parent
    else:
        engine, beside = _postgres(parsed, read_only=read_only), None
    engine.update_execution_options(**{_HOMES: Homes(here=home_folder(home), beside=beside)})
    try:
        _prepare(engine, create=create, read_only=read_only)
    except SQLAlchemyError as error:
        engine.dispose()
        raise unusable(engine, error) from None
    except BadStore:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for queries; within `together` they share one.

    Raises BadStore if the database fails.
    """
    shared = _shared.get()
    try:
        if shared is not None and shared.engine is engine:
            yield shared
            return
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise explain(engine, error) from None


@contextmanager
def together(engine: Engine) -> Iterator[None]:
    """Send all queries within over one connection in one transaction, with a third of the round trips."""
    with reading(engine) as connection:
        before = _shared.set(connection)
        try:
            yield
        finally:
            _shared.reset(before)


@contextmanager
def writing(engine: Engine, *, bounded: bool = False) -> Iterator[Connection]:
    """A transaction that holds SQLite's write lock from its start.

    bounded  let no statement take longer than a few seconds: the caller can try again

    Raises SQLAlchemyError if the database fails.
    """
    with engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        if bounded and engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{_STATEMENT_S}s'")
        yield connection


def homes_of(connection: Connection) -> Homes:
    """Home folders in which the studies of an open database may lie."""
    homes: Homes = connection.get_execution_options()[_HOMES]
    return homes


def revision_of(connection: Connection) -> str:
    """Revision of the tables of an open database; below HEAD only for a reader."""
    revision: str = connection.get_execution_options()[_REVISION]
    return revision


def explain(engine: Engine, error: SQLAlchemyError) -> BadStore:
    """The failure in one line, without a password."""
    return StoreAway(f"the database {shown(engine)} failed: {_first_line(error)}.")


def parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.drivername.split("+")[0]
    except (ArgumentError, ValueError):
        raise BadStore(
            "the database URL of --db or AUTOML_DB cannot be read. Write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME."
        ) from None
    if backend == "sqlite":
        return parsed.set(drivername="sqlite")
    if backend not in ("postgresql", "postgres"):
        raise BadStore(f"'{backend}' databases are not supported. Use sqlite:///FILE or postgresql://….")
    if parsed.host is not None and "@" in parsed.host:
        raise BadStore("the password in the database URL holds an '@'. Write it as %40.")
    return parsed.set(drivername="postgresql+psycopg2")


def _sqlite(url: URL, *, create: bool, read_only: bool) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise BadStore("a database in memory ends with its process. Use sqlite:///FILE.")
    file = Path(str(url.database)).absolute()
    if not create and not file.exists():
        raise NoStore(f"there is no database at {file}. Start a search first, or name another database.")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadStore(f"cannot create the database's folder {file.parent}: {error.strerror}.") from None
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        creator=lambda: _connect_sqlite(file, read_only=read_only),
        json_serializer=dumps,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _connect_sqlite(file: Path, *, read_only: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{file.as_uri()}?mode={'ro' if read_only else 'rwc'}",
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,  # the listener `begin` opens transactions, not the first write
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA foreign_keys=ON")
        if not read_only:
            shared = bool(network_type(file.parent))  # there processes share no memory, which write-ahead logging needs
            _use_journal(connection, "DELETE" if shared else "WAL")
            connection.execute(f"PRAGMA synchronous={'FULL' if shared else 'NORMAL'}")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_journal(connection: sqlite3.Connection, mode: str) -> None:
    """Switch to write-ahead logging, so that readers read while one writes, or to the journal that works everywhere.

    The switch itself ignores the busy timeout, so this loop waits for a locked database.
    """
    deadline = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode={mode}")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def risk(engine: Engine) -> str:
    """Sentence on a database that is at risk where it lies; empty for one that is not."""
    kind = network_type(Path(str(engine.url.database)).parent) if engine.dialect.name == "sqlite" else ""
    if not kind:
        return ""
    return (
        f"The database {engine.url.database} lies on {kind}, where SQLite cannot rely on locks: two searches at once "
        f"can damage it. To be safe, {POSTGRES}"
    )


def _postgres(url: URL, *, read_only: bool) -> Engine:
    arguments: dict[str, Any] = {key: value for key, value in _POSTGRES.items() if key not in url.query}
    if read_only:
        options = url.query.get("options", ())
        options = (options,) if isinstance(options, str) else options
        arguments["options"] = " ".join((*options, "-c default_transaction_read_only=on"))
    engine = create_engine(
        url,
        connect_args=arguments,
        json_serializer=dumps,
        pool_pre_ping=True,
        executemany_mode="values_plus_batch",
    )
    if "lock_timeout" not in str(url.query.get("options", "")):
        event.listen(engine, "connect", _limit_locks)
    return engine


def _limit_locks(connection: Any, record: object) -> None:
    """Let no statement wait for ever for somebody else's lock. Not among `options`, which some poolers refuse."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{_LOCK_S}s'")
    connection.commit()


def _prepare(engine: Engine, *, create: bool, read_only: bool) -> None:
    """Check the revision of the tables, and migrate them to this program's unless it is read only."""
    with engine.connect() as connection:
        revision = migrate.revision(connection)
    migrate.check(revision, shown(engine), create=create, migrate=not read_only)
    if revision != migrate.HEAD and not read_only:
        with writing(engine) as connection:
            migrate.upgrade(connection)
        revision = migrate.HEAD
    engine.update_execution_options(**{_REVISION: revision})


def unusable(engine: Engine, error: SQLAlchemyError) -> BadStore:
    reason = _first_line(error)
    if engine.dialect.name == "sqlite":
        if isinstance(error, DatabaseError) and "not a database" in reason:
            return BadStore(f"{engine.url.database} is not an SQLite database. Name another file.")
        kind = network_type(Path(str(engine.url.database)).parent)
        way_out = f"It lies on {kind}: {POSTGRES}" if kind else "Check that the folder can be written."
        return StoreAway(f"cannot open the database {engine.url.database}: {reason}. {way_out}")
    if isinstance(error, OperationalError):
        return StoreAway(
            f"cannot reach the database {shown(engine)}: {reason}. "
            "Check the URL, and that the server runs and lets you in."
        )
    return explain(engine, error)


def shown(engine: Engine) -> str:
    """The database for a message, without its password and its options, which may hold one."""
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    url = engine.url.set(drivername="postgresql", query={})
    return url.render_as_string(hide_password=True)


def _first_line(error: SQLAlchemyError) -> str:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
