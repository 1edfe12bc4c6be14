"""Catalogues for tests: every test that asks for `database` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from serving.access.principal import DEFAULT_TENANT
from serving.catalogue.database import Database, sqlite_url
from serving.catalogue.schema import metadata, tenants
from serving.catalogue.sessions import NewSession, Sessions
from tests.postgres import PostgresMissingError, postgres_url, running_postgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[str]:
    try:
        with running_postgres() as folder:
            yield folder
    except PostgresMissingError as error:
        pytest.skip(f"not run on PostgreSQL: {error}")


@pytest.fixture(scope="session")
def shared_postgres(postgres_folder: str) -> str:
    """The URL of a migrated database to be emptied and used again: quicker than making one for each test."""
    url = _new_postgres(postgres_folder)
    with Database(url) as database:
        database.migrate()
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def catalogue_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "catalogue.db")
    return _new_postgres(request.getfixturevalue("postgres_folder"))


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a catalogue with nothing in it."""
    if request.param == "postgres":
        url = request.getfixturevalue("shared_postgres")
        _empty(url)
        return url
    url = sqlite_url(tmp_path / "catalogue.db")
    with Database(url) as database:
        database.migrate()
    return url


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    with Database(migrated_url) as database:
        yield database


def _empty(url: str) -> None:
    with Database(url) as database, database.write() as connection:
        names = ", ".join(table.name for table in metadata.sorted_tables)
        connection.exec_driver_sql(f"TRUNCATE {names}")
        connection.execute(tenants.insert().values(tenant_id=DEFAULT_TENANT, name="", created_s=0.0))


def _new_postgres(folder: str) -> str:
    name = f"catalogue_{next(_numbers)}"
    server = postgres_url(folder).replace("postgresql:", "postgresql+psycopg:")
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return postgres_url(folder, name)


def new_session(session_id: str = "s-1", seed: int = 7) -> NewSession:
    spec = {"seed": seed, "prompt": "a quiet street at dusk", "character": "", "scene": ""}
    return NewSession(session_id=session_id, model="fake", weights_sha256="0" * 64, spec=spec)


def held_session(database: Database, session_id: str = "s-1", owner: str = "worker") -> int:
    """A new session that `owner` holds; gives the epoch."""
    sessions = Sessions(database)
    sessions.create(new_session(session_id))
    return sessions.acquire(session_id, owner).epoch
