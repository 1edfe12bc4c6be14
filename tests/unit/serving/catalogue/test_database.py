from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from serving.catalogue.database import Database, checked_url, sqlite_url
from serving.catalogue.schema import metadata, worlds
from serving.errors import StorageUnavailableError

WORLD = {"world_id": "w", "name": "dusk", "spec": "{}", "created_s": 1.0}


def num_worlds(database: Database) -> int:
    with database.read() as connection:
        return len(connection.execute(worlds.select()).all())


def test_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    with database.write() as connection:
        connection.execute(worlds.insert().values(**WORLD))
    database.migrate()
    assert num_worlds(database) == 1


def test_several_may_migrate_at_once(catalogue_url: str) -> None:
    with Database(catalogue_url) as one, Database(catalogue_url) as other:
        threads = [threading.Thread(target=each.migrate) for each in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert num_worlds(one) == 0


def test_a_catalogue_of_a_version_to_come_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageUnavailableError, match="another version"):
        database.migrate()


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(KeyError), database.write() as connection:
        connection.execute(worlds.insert().values(**WORLD))
        raise KeyError
    assert num_worlds(database) == 0


def test_what_the_database_refuses_is_told_without_what_was_written(database: Database) -> None:
    with pytest.raises(StorageUnavailableError) as refused:
        for _ in range(2):
            with database.write() as connection:
                connection.execute(worlds.insert().values(**{**WORLD, "spec": "what a client wrote"}))
    assert "what a client wrote" not in refused.value.message


def test_foreign_keys_are_kept(database: Database) -> None:
    with pytest.raises(StorageUnavailableError), database.write() as connection:
        connection.execute(text("INSERT INTO receipts VALUES ('nobody', 0, 1, 'x')"))


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with Database(sqlite_url(tmp_path / "no" / "catalogue.db")) as database, pytest.raises(StorageUnavailableError):
        database.migrate()


@pytest.mark.parametrize("url", ["", "catalogue.db", "mysql://a/b", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_is_no_catalogues_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="catalogue"):
        checked_url(url)
