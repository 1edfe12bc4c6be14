"""What is counted and tidied by the clock, and the settings that say so."""

from __future__ import annotations

import asyncio
import pickle
import time
from pathlib import Path

import pytest

from serving.books.bookkeeper import Bookkeeper
from serving.books.chain import Book, BookId, Entry
from serving.books.config import BooksConfig
from serving.books.housekeeping import Housekeeping
from serving.books.ledger import Ledger
from serving.books.storage_meter import storage_entries, stored_bytes
from serving.books.usage import read_usage
from serving.catalogue.database import Database
from serving.catalogue.sessions import Sessions
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.storage import storage_config
from serving.config import ConfigError, load_config
from serving.errors import SessionNotFoundError
from serving.sessions.snapshot_store import SnapshotKey
from tests.catalogues import held_session

OWN = BookId(Book.USAGE, "default")
DAY_S = 86_400.0


def test_b02_what_is_stored_is_counted_once_for_each_interval_however_many_count(database: Database) -> None:
    for session_id, num_bytes in (("s-1", 1_000), ("s-2", 500)):
        epoch = held_session(database, session_id)
        Snapshots(database).add(SnapshotKey(session_id=session_id, epoch=epoch, chunk_idx=2), 0, num_bytes)
    ledger = Ledger(database)
    assert stored_bytes(database) == {"default": 1_500}
    for _gateway in range(2):
        for interval in (7, 8):
            for tenant_id, entry in storage_entries(stored_bytes(database), interval, 3_600.0):
                ledger.append({BookId(Book.USAGE, tenant_id): [entry]})
    rows = read_usage(ledger.read(OWN))
    assert [row.usage.byte_seconds for row in rows] == [1_500 * 3_600] * 2
    assert [row.time_s for row in rows] == [7 * 3_600.0, 8 * 3_600.0]


async def test_b02_a_gateway_counts_at_the_end_of_each_interval(database: Database, tmp_path: Path) -> None:
    epoch = held_session(database)
    Snapshots(database).add(SnapshotKey(session_id="s-1", epoch=epoch, chunk_idx=2), 0, 1_000)
    keeper = Bookkeeper(database, storage_config(str(tmp_path / "data")), BooksConfig(storage_every_s=0.1))
    keeper.start()
    async with asyncio.timeout(20):
        while keeper.ledger.head(OWN).length < 2:
            await asyncio.sleep(0.02)
    await keeper.stop()
    assert keeper.ledger.verify(OWN) is None
    assert {row.usage.byte_seconds for row in read_usage(keeper.ledger.read(OWN))} == {100}


def test_x06_sessions_that_ended_long_ago_and_old_names_go(database: Database, tmp_path: Path) -> None:
    now_s = time.time()
    for session_id in ("s-1", "s-2"):
        epoch = held_session(database, session_id)
        Sessions(database, lambda: now_s - 40 * DAY_S).end(session_id, epoch, "REQUESTED")
        Sessions(database).release(session_id, epoch)
    Sessions(database).end("s-2", 1, "REQUESTED")
    ledger = Ledger(database)
    rows = [(now_s - 400 * DAY_S, "key:old"), (now_s, "key:new")]
    entries = [
        Entry(key=who, kind="session", time_s=at_s, personal={"subject_id": who}, salt="1") for at_s, who in rows
    ]
    ledger.append({OWN: entries})
    config = BooksConfig(keep_ended_days=30, keep_personal_days=365)
    storage = storage_config(str(tmp_path / "data"), catalogue_url=database.url.render_as_string(hide_password=False))
    Housekeeping(database, storage, config).tidy()
    with pytest.raises(SessionNotFoundError):
        Sessions(database).find("s-1")
    assert Sessions(database).find("s-2")
    assert [row.subject_id for row in ledger.read(OWN)][:2] == [None, "key:new"]
    assert ledger.verify(OWN) is None
    assert not Housekeeping(database, storage, BooksConfig()).has_work


def test_the_settings_reach_the_gateway_and_can_be_sent_to_it(tmp_path: Path) -> None:
    sheet, file = tmp_path / "prices.toml", tmp_path / "nacre.toml"
    sheet.write_text('currency = "EUR"\n[[prices]]\nfrom = 2026-01-01\nper_1000_frames = 0.5\n')
    file.write_text(
        f'[books]\nprice_sheet = "{sheet}"\nsession_budget = 2.5\n[regions.eu]\nsnapshots = "a"\nspool = "b"\n'
    )
    settings = load_config({}, {}, file)
    gateway = pickle.loads(pickle.dumps(settings.gateway_config))
    assert gateway.books.prices.currency == "EUR"
    assert gateway.books.session_limit == gateway.books.prices.periods[0].prices.per_1000_frames * 5
    assert settings.storage.regions[0].name == "eu"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[books]\nbudget = 1", "books"),
        ("[books]\nsession_budget = -1", "must not be negative"),
        ('[books]\nexport_to = "ftp://x"', "export_to"),
        ("[books]\nrow_every_s = 0", "row_every_s"),
        ("[regions]\neu = 1", "regions"),
        ('[regions.EU]\nsnapshots = "a"\nspool = "b"', "a region's name"),
    ],
)
def test_a_malformed_setting_stops_the_service_before_it_starts(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "nacre.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=why):
        load_config({}, {}, file)
