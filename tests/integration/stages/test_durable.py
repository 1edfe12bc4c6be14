"""Sessions on record, through every topology: what was acknowledged and delivered is in the catalogue."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from serving.catalogue.database import Database
from serving.catalogue.journal import JournalTable
from serving.catalogue.keeper import SessionKeeper
from serving.catalogue.plane import catalogued
from serving.catalogue.receipts import Receipts
from serving.catalogue.sessions import ENDED, Sessions
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.storage import StorageConfig, prepare_storage, storage_config
from serving.errors import StorageUnavailableError, WorkerUnavailableError
from serving.sessions.contract import Accepted, Applied, Directive, Look, Move
from serving.sessions.receipts import ReceiptChain
from serving.sessions.record_codec import read_history
from serving.sessions.replay import replay
from serving.sessions.snapshot_store import SnapshotStore
from tests.fakes_model import INFO, FakeModel
from tests.integration.stages.conftest import MakeRig, local_rig
from tests.integration.stages.play import assert_same_media, chunks_of, control, eventually, spec, take_chunks

NUM_CHUNKS = 14
SNAPSHOT_EVERY_CHUNKS = 5


@pytest.fixture
def storage(tmp_path: Path) -> StorageConfig:
    config = storage_config(str(tmp_path / "data"), snapshot_every_chunks=SNAPSHOT_EVERY_CHUNKS)
    prepare_storage(config)
    return config


async def test_a_session_is_on_record_from_its_opening_to_its_end(make_rig: MakeRig, storage: StorageConfig) -> None:
    model = FakeModel()
    async with make_rig(model, storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        link = await plane.open(spec("recorded", seed=5))
        await link.grant(NUM_CHUNKS)
        events = await take_chunks(link, 2)
        for kind in (Move(forward=1, strafe=0), Directive(text="it rains"), Look(yaw=1, pitch=0)):
            await link.send(control(kind))
            events += await take_chunks(link, 3)
        events += await take_chunks(link, NUM_CHUNKS - len(chunks_of(events)))
        await link.close()
    recorded = chunks_of(events)
    with Database(storage.catalogue_url) as database:
        assert JournalTable(database).verify("recorded") is None
        history = read_history(JournalTable(database).read("recorded"))
        receipts = Receipts(database).of("recorded")
        row = Sessions(database).find("recorded")
        snapshots = Snapshots(database).of("recorded")
    told = [event for event in events if isinstance(event, Applied)]
    assert [(entry.control.control_id, entry.applied_chunk_idx) for entry in history.entries] == [
        (event.control_id, event.chunk_idx) for event in told
    ]
    assert len(told) == 3
    stages = {
        "transformer": model.load_transformer(),
        "video_decoder": model.load_video_decoder(),
        "audio_decoder": model.load_audio_decoder(),
    }
    replayed = list(replay(history.opening, history.entries, NUM_CHUNKS, **stages))
    assert_same_media(recorded, replayed)
    chain = ReceiptChain()
    assert receipts == [chain.next(each.chunk_idx, each.frames_FHWC, each.samples_SC) for each in replayed]
    assert (row.state, row.num_chunks, row.seed, row.lease.owner) == (ENDED, NUM_CHUNKS, 5, "")
    assert [snapshot.key.chunk_idx for snapshot in snapshots] == [10, 5]


async def test_a_stored_snapshot_goes_on_bit_for_bit(make_rig: MakeRig, storage: StorageConfig) -> None:
    from serving.sessions.snapshot import pack

    async with make_rig(FakeModel(), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        link = await plane.open(spec("original"))
        await link.send(control(Move(forward=1.0, strafe=0.0)))
        await link.grant(SNAPSHOT_EVERY_CHUNKS + 4)
        recorded = chunks_of(await take_chunks(link, SNAPSHOT_EVERY_CHUNKS + 4))
        with Database(storage.catalogue_url) as database:
            await eventually(lambda: len(Snapshots(database).of("original")) == 1)
            [row] = Snapshots(database).of("original")
        snapshot = SnapshotStore.open(storage.snapshots).load(row.key, INFO)
        restored = await rig.plane.open(spec("restored"), snapshot=pack(snapshot))
        await restored.grant(4)
        assert_same_media(recorded[SNAPSHOT_EVERY_CHUNKS:], chunks_of(await take_chunks(restored, 4)))


async def test_a_control_is_accepted_only_once_it_is_on_record(make_rig: MakeRig, storage: StorageConfig) -> None:
    async with make_rig(FakeModel(), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        link = await plane.open(spec("recorded"))
        with Database(storage.catalogue_url) as database:
            await link.send(control(Move(forward=1.0, strafe=0.0), "go"))  # nothing plays: no boundary is near
            async with asyncio.timeout(10):
                async for event in link.events():
                    if isinstance(event, Accepted):
                        break
            [entry] = read_history(JournalTable(database).read("recorded")).entries
        assert (entry.control.control_id, entry.is_pending) == ("go", True)


async def test_a_session_that_another_worker_takes_ends_here(make_rig: MakeRig, storage: StorageConfig) -> None:
    async with make_rig(FakeModel(), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        link = await plane.open(spec("taken"))
        await link.grant(100)
        await take_chunks(link, 2)
        with Database(storage.catalogue_url) as database:
            Sessions(database, clock=lambda: 1e12).acquire("taken", "another worker")
            num_before = len(JournalTable(database).read("taken"))
            await link.send(control(Move(forward=1.0, strafe=0.0)))
            await eventually(lambda: rig.num_used_slots == 0)
            assert len(JournalTable(database).read("taken")) == num_before
            await link.close()
            assert Sessions(database).find("taken").state != ENDED


async def test_a_session_that_does_not_open_is_noted_as_such(make_rig: MakeRig, storage: StorageConfig) -> None:
    async with make_rig(FakeModel(fail_at_chunk=0), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        with pytest.raises(WorkerUnavailableError):
            await plane.open(spec("never"))
    with Database(storage.catalogue_url) as database:
        assert Sessions(database).find("never").end_reason == "NOT_OPENED"


async def test_no_session_starts_while_the_catalogue_is_away(make_rig: MakeRig, storage: StorageConfig) -> None:
    async with make_rig(FakeModel(), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        with Database(storage.catalogue_url) as database, database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE sessions RENAME TO elsewhere")
        with pytest.raises(StorageUnavailableError):
            await plane.open(spec())
        assert rig.num_used_slots == 0


async def test_a_store_that_fails_fails_the_save_and_not_the_session(
    make_rig: MakeRig, storage: StorageConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("obstore.put", full)
    async with make_rig(FakeModel(), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        link = await plane.open(spec("unsaved"))
        await link.grant(NUM_CHUNKS)
        events = await take_chunks(link, NUM_CHUNKS)
        assert [chunk.chunk_idx for chunk in chunks_of(events)] == list(range(NUM_CHUNKS))
    with Database(storage.catalogue_url) as database:
        assert Snapshots(database).of("unsaved") == []
        assert JournalTable(database).verify("unsaved") is None


def test_a_worker_that_keeps_sessions_can_be_closed_twice(storage: StorageConfig) -> None:
    keeper = SessionKeeper(storage, INFO)
    assert keeper.is_alive
    keeper.close()
    keeper.close()
    assert not keeper.is_alive


async def test_a_worker_whose_journal_died_is_not_healthy(storage: StorageConfig) -> None:
    async with local_rig(FakeModel(), storage=storage) as rig:
        rig.transformer.check_health()
        assert rig.transformer.keeper is not None
        rig.transformer.keeper.journals.close()
        with pytest.raises(WorkerUnavailableError, match="journal"):
            rig.transformer.check_health()
