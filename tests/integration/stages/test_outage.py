"""The catalogue's server is stopped and started again under a session that plays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from serving.catalogue.database import Database
from serving.catalogue.journal import JournalTable
from serving.catalogue.plane import catalogued
from serving.catalogue.storage import StorageConfig, prepare_storage, storage_config
from serving.errors import StorageUnavailableError
from serving.sessions.contract import Accepted, LinkEvent, Move, SessionLink
from serving.sessions.record_codec import read_history
from tests.fakes_model import FakeModel
from tests.integration.stages.conftest import local_rig
from tests.integration.stages.play import chunks_of, control, eventually, spec, take_chunks, terminal_ids
from tests.postgres import PostgresMissingError, postgres_url, running_postgres, start, stop

CHUNKS_PER_STEP = 4


@pytest.fixture
def server() -> Iterator[str]:
    try:
        with running_postgres() as folder:
            yield folder
    except PostgresMissingError as error:
        pytest.skip(f"not run on PostgreSQL: {error}")


@pytest.fixture
def storage(server: str, tmp_path: Path) -> StorageConfig:
    config = storage_config(str(tmp_path), postgres_url(server), snapshot_every_chunks=5)
    prepare_storage(config)
    return config


def files_in(folder: str) -> list[Path]:
    return list(Path(folder).iterdir())


async def steered(link: SessionLink, control_id: str) -> list[LinkEvent]:
    """What becomes of a control while a few chunks are made."""
    await link.send(control(Move(forward=1.0, strafe=0.0), control_id))
    await link.grant(CHUNKS_PER_STEP)
    return await take_chunks(link, CHUNKS_PER_STEP)


async def test_d02_a_session_plays_on_while_postgresql_is_stopped_and_is_whole_afterwards(
    server: str, storage: StorageConfig
) -> None:
    async with local_rig(FakeModel(), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        link = await plane.open(spec("kept", seed=5))
        events = await steered(link, "before")
        stop(server, "fast")
        for number in range(3):
            events += await steered(link, f"away-{number}")
        with pytest.raises(StorageUnavailableError) as refused:
            await plane.open(spec("not now"))
        start(server)
        early = await plane.open(spec("now"))  # as soon as it is back, whatever still waits in the spool
        begun = await steered(early, "first")
        await early.close()
        keeper = rig.transformer.keeper
        assert keeper is not None
        await eventually(lambda: keeper.journals.num_spooled == 0)
        events += await steered(link, "after")
        # Snapshots are listed by their own thread, which tries once a second.
        await eventually(lambda: files_in(storage.spool) == [])
        await link.close()
    assert refused.value.retry_after_s
    assert len(chunks_of(begun)) == CHUNKS_PER_STEP
    assert [event.durable for event in begun if isinstance(event, Accepted)] == [True]
    assert [chunk.chunk_idx for chunk in chunks_of(events)] == list(range(5 * CHUNKS_PER_STEP))
    accepted = {event.control_id: event.durable for event in events if isinstance(event, Accepted)}
    assert accepted == {"before": True, "away-0": False, "away-1": False, "away-2": False, "after": True}
    assert terminal_ids(events) == list(accepted)
    with Database(storage.catalogue_url) as database:
        assert [JournalTable(database).verify(session_id) for session_id in ("kept", "now")] == [None, None]
        entries = read_history(JournalTable(database).read("kept")).entries
    assert [entry.control.control_id for entry in entries] == list(accepted)
    assert all(entry.applied_chunk_idx is not None for entry in entries)
    assert files_in(storage.spool) == []


async def test_a_worker_whose_store_is_away_plays_on(storage: StorageConfig, tmp_path: Path) -> None:
    store = tmp_path / "snapshots"
    config = replace(storage, snapshots=str(store))
    async with local_rig(FakeModel(), storage=config) as rig, catalogued(rig.plane, config) as plane:
        link = await plane.open(spec("unsaved"))
        events = await steered(link, "before")
        store.rename(tmp_path / "elsewhere")
        store.write_text("no folder any more")
        for number in range(3):
            events += await steered(link, f"away-{number}")
        assert all(event.durable for event in events if isinstance(event, Accepted))
        store.unlink()
        (tmp_path / "elsewhere").rename(store)
        await steered(link, "after")
        await steered(link, "and on")
        await eventually(lambda: any(store.glob("sessions/unsaved/*/*.json")))
        await link.close()
