"""What recordings take counts for their tenants: toward the quota, in the books, and until they are gone."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from serving.access.principal import DEFAULT_TENANT
from serving.admission.limits import AdmissionConfig, Limits
from serving.admission.quotas import Quotas
from serving.books.archive import export_all
from serving.books.erasure import Eraser
from serving.books.owner import Owner
from serving.books.storage_meter import stored_bytes
from serving.catalogue.database import Database, sqlite_url
from serving.catalogue.library import Library
from serving.catalogue.recorded import Recorded
from serving.catalogue.regions import open_store
from serving.catalogue.storage import storage_config
from serving.errors import RecordingNotFoundError
from serving.export.accounts import ASK_AGAIN_AFTER_S, Accounts
from serving.export.config import RecordingConfig
from serving.export.exports import describe
from serving.export.mp4 import survey, write_mp4
from serving.export.recorder import Recorder
from serving.export.segment import CHUNK, MAGIC, RUN, as_run, read_records
from serving.export.store import RecordingStore
from serving.gateway.media import MediaConfig
from tests.catalogues import held_session
from tests.unit.serving.export.test_recorder import num_frames, opened, show
from tests.unit.serving.export.test_track import Sender


class Ledger:
    """A catalogue with one session, and what a recorder needs of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.quotas = Quotas(database, AdmissionConfig())
        self.recorded = Recorded(database)
        self.accounts = Accounts(database, self.recorded, self.quotas)
        self.errors: list[str] = []
        held_session(database)

    def limit(self, storage_bytes: int | None) -> None:
        self.quotas.set(DEFAULT_TENANT, Limits(storage_bytes=storage_bytes), None)

    @property
    def used(self) -> int:
        return self.quotas.state(DEFAULT_TENANT).use.storage_bytes

    def recorder(self, store: RecordingStore) -> Recorder:
        config = RecordingConfig(segment_s=1.0)
        return Recorder(store, config, MediaConfig(), time.time, self.errors.append, self.accounts)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


@pytest.fixture
def store() -> RecordingStore:
    return RecordingStore(MemoryStore(), {})


async def test_what_is_recorded_counts_toward_the_quota_and_in_the_books(ledger: Ledger, store: RecordingStore) -> None:
    recorder = ledger.recorder(store)
    show(opened(recorder), Sender(), 0, 20)
    await recorder.flush("s-1")
    num_bytes = sum(part.num_bytes for part in store.parts("s-1"))
    assert ledger.used == num_bytes > 0
    assert stored_bytes(ledger.database) == {DEFAULT_TENANT: num_bytes}
    await recorder.forget("s-1")
    assert (ledger.used, stored_bytes(ledger.database)) == (0, {})
    await recorder.stop()


async def test_a_full_quota_halts_the_recording_and_room_lets_it_go_on(
    ledger: Ledger, store: RecordingStore, tmp_path: Path
) -> None:
    recorder, sender = ledger.recorder(store), Sender()
    session = opened(recorder)
    show(session, sender, 0, 20)
    await recorder.flush("s-1")
    num_parts = len(store.parts("s-1"))
    ledger.limit(ledger.used)
    for first in (20, 40):
        show(session, sender, first, 20)
        await recorder.flush("s-1")
    assert (num_frames(store), ledger.errors) == (20, ["QUOTA_EXCEEDED"]), "told once"
    assert ledger.recorded.halt_reason("s-1") == "QUOTA_EXCEEDED"
    ledger.limit(None)
    show(session, sender, 60, 20)
    await recorder.flush("s-1")
    assert ledger.recorded.halt_reason("s-1") == ""
    parts = [store.get("s-1", part.name) for part in store.parts("s-1")]
    kinds = [[each.kind for each in read_records(part) if each.kind in (RUN, CHUNK)] for part in parts]
    assert kinds[num_parts][0] == RUN, "sound begins anew behind the gap"
    write_mp4(parts, survey(parts), tmp_path / "film.mp4")
    await recorder.stop()


async def test_where_nothing_was_recorded_it_is_told_why(ledger: Ledger, store: RecordingStore) -> None:
    ledger.limit(0)
    recorder = ledger.recorder(store)
    show(opened(recorder), Sender(), 0, 5)
    await recorder.flush("s-1")
    assert store.parts("s-1") == []
    with pytest.raises(RecordingNotFoundError, match="storage is full"):
        describe("s-1", [], recorder.config, ledger.recorded.halt_reason("s-1"))
    await recorder.stop()


async def test_what_the_store_has_is_what_counts_in_the_end(ledger: Ledger, store: RecordingStore) -> None:
    held_session(ledger.database, "s-2")
    recorder = ledger.recorder(store)
    for session_id in ("s-1", "s-2"):
        show(opened(recorder, session_id), Sender(), 0, 5)
        await recorder.flush(session_id)
    store.delete("s-1", [part.name for part in store.parts("s-1")])  # by somebody who tells nobody
    ledger.recorded.note("s-2", 7)
    ledger.accounts.settle(store.sweep(0.0))
    assert ledger.used == sum(part.num_bytes for part in store.parts("s-2")) > 7
    ledger.accounts.settle({"s-gone": 5})
    assert ledger.used == 0
    await recorder.stop()


def test_a_session_takes_what_is_noted_of_it_along(ledger: Ledger, tmp_path: Path) -> None:
    library = Library(ledger.database, storage_config(str(tmp_path / "data")))
    ledger.recorded.note("s-1", 9)
    library.sessions.release("s-1", 1)
    library.delete_session("s-1")
    ledger.recorded.note("s-1", 9)  # whoever wrote the last part comes late
    assert ledger.used == 0


async def test_an_owner_takes_recordings_along_and_they_go_with_the_owner(ledger: Ledger, tmp_path: Path) -> None:
    storage = storage_config(str(tmp_path / "data"))
    library, store = Library(ledger.database, storage), RecordingStore.open(storage)
    recorder = ledger.recorder(store)
    show(opened(recorder), Sender(), 0, 5)
    await recorder.stop()
    library.sessions.release("s-1", 1)
    [part] = store.parts("s-1")
    export_all(ledger.database, open_store(storage.snapshots, storage.regions), DEFAULT_TENANT, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.read(f"store/sessions/s-1/recording/{part.name}") == store.get("s-1", part.name)
    assert Eraser(ledger.database, library).erase(Owner(tenant_id=DEFAULT_TENANT)).is_complete
    assert (store.parts("s-1"), ledger.used) == ([], 0)


def test_while_the_catalogue_is_away_recording_goes_on_and_seldom_asks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now_s = [0.0]
    with Database(sqlite_url(tmp_path / "none" / "catalogue.db")) as database:
        accounts = Accounts(database, Recorded(database), Quotas(database, AdmissionConfig()), lambda: now_s[0])
        for _ in range(3):
            assert accounts.refusal("s-1", 10) == ""
            accounts.note("s-1", 10, "")
        assert len(caplog.records) == 1
        now_s[0] = ASK_AGAIN_AFTER_S
        accounts.note("s-1", 10, "")
        assert len(caplog.records) == 2


def test_a_part_behind_a_gap_begins_a_run() -> None:
    records = ((b"H", b"{}"), (b"T", b"C"), (b"C", b"x"), (b"C", b"y"))
    data = MAGIC + b"".join(kind + len(text).to_bytes(4, "big") + text for kind, text in records)
    assert [each.kind for each in read_records(as_run(data))] == [b"H", b"T", b"R", b"C"]
    assert as_run(data[:12]) == data[:12]
