"""The catalogue's database: SQLite in the data folder, or PostgreSQL by its URL."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from serving.catalogue.checkpoints import AT_LATEST_PAGES, Checkpoints
from serving.errors import StorageUnavailableError

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
POSTGRES_DRIVER = "postgresql+psycopg"
# Writers wait for each other for about a millisecond, and for seconds where one of them waits for a disk that others
# keep busy. One that waits this long says so; what plays has gone on without the catalogue long since.
BUSY_TIMEOUT_S = 3.0
# SQLite's own waiting looks again after 1, 2, 5, 10, 15 ms and so on: a lock held for 4 ms would cost 8.
BUSY_RETRY_MS = 1
# Of each connection, of which a process has some. SQLite's own 2,000 fill up slowly as the file grows, and look like a
# leak for hours; the system keeps what is read often in memory anyway.
CACHE_KIB = 512
# Those who change the tables, or make them, wait for each other for longer.
MIGRATION_TIMEOUT_S = 10.0
WAL_RETRY_S = 0.01
# The shortest that the driver knows. A server that is stopped refuses at once; this is for a machine that is gone.
CONNECT_TIMEOUT_S = 2
# A connection whose other end vanished is given up after about this long.
GONE_AFTER_S = 5
# Any number that no other program on the server takes for its own lock.
MIGRATION_LOCK = 0x4E61637265
IS_WRITE = "nacre_is_write"
PRIMARY_CODE = 0xFF  # of SQLite's error codes; the bits above say more


class Database:
    """Transactions on the catalogue. Thread-safe. Use `with`, or `close` it."""

    def __init__(self, url: str) -> None:
        """Opens without asking the server anything. Raises ValueError for a URL that is no catalogue's."""
        self.url = checked_url(url)
        self._engine = _engine(self.url, BUSY_TIMEOUT_S)
        self._checkpoints = Checkpoints(str(self.url.database)) if self.is_sqlite else None

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def engine(self) -> Engine:
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view. Raises `StorageUnavailableError`."""
        with _as_our_errors(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: durable when the block ends, undone when it raises. Raises `StorageUnavailableError`."""
        with _writing(self._engine) as connection:
            yield connection
        if self._checkpoints is not None:
            self._checkpoints.note_write()

    def migrate(self) -> None:
        """Make the tables, or bring old ones up to date; several may at once. Raises `StorageUnavailableError`."""
        import alembic.command  # only the process that starts a service needs it
        import alembic.config

        config = alembic.config.Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with _patient_engine(self.url) as engine, _writing(engine) as connection:
            if not self.is_sqlite:
                connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            config.attributes["connection"] = connection
            try:
                alembic.command.upgrade(config, "head")
            except alembic.command.util.CommandError as error:
                raise StorageUnavailableError(f"the catalogue is from another version: {error}") from error

    def close(self) -> None:
        if self._checkpoints is not None:
            self._checkpoints.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def sqlite_url(file: Path) -> str:
    return URL.create("sqlite", database=str(file)).render_as_string(hide_password=False)


def checked_url(url: str) -> URL:
    """Raises ValueError, without the password that the URL may hold."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError("the catalogue's URL is malformed: sqlite:///FILE or postgresql://USER@HOST/NAME") from error
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername=POSTGRES_DRIVER)
    raise ValueError(f"the catalogue is kept in a sqlite file or in postgresql, not in {parsed.drivername}")


def _engine(url: URL, busy_timeout_s: float) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    return _sqlite_engine(url, busy_timeout_s) if is_sqlite else _postgres_engine(url, busy_timeout_s)


@contextmanager
def _patient_engine(url: URL) -> Iterator[Engine]:
    engine = _engine(url, MIGRATION_TIMEOUT_S)
    try:
        yield engine
    finally:
        engine.dispose()


def _postgres_engine(url: URL, busy_timeout_s: float) -> Engine:
    arguments: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "options": f"-c lock_timeout={int(busy_timeout_s * 1000)}",
        "keepalives_idle": GONE_AFTER_S,
        "keepalives_interval": 1,
        "keepalives_count": 2,
        "tcp_user_timeout": GONE_AFTER_S * 1000,
    }
    arguments = {name: value for name, value in arguments.items() if name not in url.query}
    return sqlalchemy.create_engine(url, pool_pre_ping=True, connect_args=arguments)


def _sqlite_engine(url: URL, busy_timeout_s: float) -> Engine:
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": busy_timeout_s})
    event.listen(engine, "connect", lambda connection, record: _set_up_sqlite(connection, busy_timeout_s))
    event.listen(engine, "begin", lambda connection: _begin_sqlite(connection, busy_timeout_s))
    return engine


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with (
        _as_our_errors(),
        engine.connect().execution_options(**{IS_WRITE: True}) as connection,
        connection.begin(),
    ):
        yield connection


def _set_up_sqlite(connection: Any, busy_timeout_s: float) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, below
    cursor = connection.cursor()
    _switch_to_wal(cursor, busy_timeout_s)
    # What is committed survives the end of the process, however it ends. After a power cut the last transactions
    # may be missing, while the file stays sound; FULL would wait for the disk at every chunk.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA wal_autocheckpoint={AT_LATEST_PAGES}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    cursor.close()


def _switch_to_wal(cursor: Any, busy_timeout_s: float) -> None:
    """SQLite does not wait its busy timeout for this switch when another connection makes it too."""
    give_up_s = time.monotonic() + busy_timeout_s
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(WAL_RETRY_S)


def _begin_sqlite(connection: Connection, busy_timeout_s: float) -> None:
    """A writer takes the lock at once: one that reads first and writes later could not wait for others."""
    if connection.get_execution_options().get(IS_WRITE, False):
        _take_lock(connection, busy_timeout_s)
    else:
        connection.exec_driver_sql("BEGIN")


def _take_lock(connection: Connection, busy_timeout_s: float) -> None:
    give_up_s = time.monotonic() + busy_timeout_s
    plain: Any = connection.connection.dbapi_connection
    plain.execute(f"PRAGMA busy_timeout={BUSY_RETRY_MS}")
    try:
        while True:
            try:
                plain.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & PRIMARY_CODE == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() >= give_up_s:
                    break
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # or it says what is wrong
    finally:
        plain.execute(f"PRAGMA busy_timeout={round(busy_timeout_s * 1000)}")


@contextmanager
def _as_our_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        # The statement and its parameters stay out: they hold what clients wrote.
        raise StorageUnavailableError(f"the catalogue failed: {error.orig}") from error
    except SQLAlchemyError as error:
        raise StorageUnavailableError(f"the catalogue failed: {type(error).__name__}") from error
