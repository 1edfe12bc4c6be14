"""SQLite's log and its lock, as writers meet them."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from serving.catalogue.checkpoints import AT_LATEST_PAGES, EVERY_WRITES, Checkpoints
from serving.catalogue.database import BUSY_TIMEOUT_S, Database, sqlite_url
from serving.catalogue.schema import worlds
from serving.errors import StorageUnavailableError

NAME = "a world that is looked for in the file"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "catalogue.db"
    with Database(sqlite_url(file)) as database:
        database.migrate()
    return file


def write(database: Database, idx: int) -> None:
    with database.write() as connection:
        values = {"world_id": f"w-{idx}", "version": idx, "name": NAME, "spec": "{}", "created_s": 1.0}
        connection.execute(worlds.insert().values(**values))


def is_in_the_file(file: Path) -> bool:
    return NAME.encode() in file.read_bytes()


def test_what_was_written_comes_into_the_file_now_and_then(file: Path) -> None:
    """As long as it is in the log alone, nobody has waited for the disk."""
    with Database(sqlite_url(file)) as database, closing(sqlite3.connect(file)) as other:
        other.execute("SELECT 1 FROM worlds")  # the last to leave empties the log, too
        for idx in range(EVERY_WRITES - 1):
            write(database, idx)
        assert not is_in_the_file(file)
        write(database, EVERY_WRITES)
        database.close()
        assert is_in_the_file(file)


def test_no_commit_does_it_by_itself(file: Path) -> None:
    with Database(sqlite_url(file)) as database, database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar_one() == AT_LATEST_PAGES


def test_a_file_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path / "missing" / "catalogue.db"))
    for _ in range(EVERY_WRITES):
        checkpoints.note_write()
    checkpoints.close()
    checkpoints.close()
    for _ in range(EVERY_WRITES):
        checkpoints.note_write()


def test_a_lock_that_is_let_go_of_is_taken(file: Path) -> None:
    begun = threading.Event()
    with Database(sqlite_url(file)) as database, Database(sqlite_url(file)) as other:
        with other.write() as held:
            held.execute(worlds.select())
            writer = threading.Thread(target=lambda: (begun.set(), write(database, 1)))
            writer.start()
            begun.wait()
            writer.join(0.05)
            assert writer.is_alive(), "it waits"
        writer.join()
        with database.read() as connection:
            assert len(connection.execute(worlds.select()).all()) == 1


def test_a_lock_that_is_held_for_long_is_an_error_and_reading_goes_on(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.catalogue.database.BUSY_TIMEOUT_S", 0.05)
    with Database(sqlite_url(file)) as database, Database(sqlite_url(file)) as other, other.write():
        with pytest.raises(StorageUnavailableError, match="locked"):
            write(database, 1)
        with database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 50
            assert connection.execute(worlds.select()).all() == []
    assert BUSY_TIMEOUT_S > 0.05
