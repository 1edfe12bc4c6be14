"""A session whose service died goes on elsewhere: the same frames as if nothing had happened."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from serving.catalogue.database import Database
from serving.catalogue.journal import JournalTable
from serving.catalogue.plane import MAX_ROWS_SHOWN, catalogued
from serving.catalogue.receipts import Receipts
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.storage import StorageConfig, prepare_storage, storage_config
from serving.errors import (
    NacreError,
    ResumeTokenInvalidError,
    SessionEndedError,
    SessionHeldError,
    SessionNotFoundError,
)
from serving.sessions.contract import Accepted, Applied, DecodedChunk, Directive, LinkEvent, Look, Move
from serving.sessions.names import token_sha256
from serving.sessions.receipts import ReceiptChain, receipts_per_row
from tests.fakes_model import INFO, FakeModel
from tests.integration.stages.conftest import MakeRig, local_rig
from tests.integration.stages.play import (
    assert_same_media,
    chunks_of,
    control,
    eventually,
    spec,
    take_chunks,
    take_until,
)

TOKEN = "a secret"
NUM_AFTER = 6
RECEIPTS_PER_ROW = receipts_per_row(INFO.chunk_duration_s)
MAX_SHOWN_CHUNKS = MAX_ROWS_SHOWN * RECEIPTS_PER_ROW


@pytest.fixture
def storage(tmp_path: Path) -> StorageConfig:
    config = storage_config(str(tmp_path / "data"), snapshot_every_chunks=10)
    prepare_storage(config)
    return config


def left_behind(storage: StorageConfig, tmp_path: Path, *, lease: bool = False) -> StorageConfig:
    """What a service that was killed now would leave on the disk, a while later."""
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    copy = storage_config(str(tmp_path / "copy"), snapshot_every_chunks=storage.snapshot_every_chunks)
    if not lease:
        with Database(copy.catalogue_url) as database, database.write() as connection:
            connection.execute(text("UPDATE sessions SET lease_until_s = 0"))
    return copy


@pytest.mark.parametrize("num_chunks", [4, 12, RECEIPTS_PER_ROW + 3])
async def test_the_frames_after_a_death_are_those_of_the_uninterrupted_session(
    make_rig: MakeRig, storage: StorageConfig, tmp_path: Path, num_chunks: int
) -> None:
    recorded: list[LinkEvent] = []
    async with make_rig(FakeModel(), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        link = await plane.open(replace(spec("s-1"), resume_token_sha256=token_sha256(TOKEN)))
        await link.grant(num_chunks)
        for kind in (Move(forward=1, strafe=0), Directive(text="it rains"), Look(yaw=0.5, pitch=0)):
            await link.send(control(kind))
            recorded += await take_chunks(link, 1)
        recorded += await take_chunks(link, num_chunks - 3)
        resume_from = num_chunks // RECEIPTS_PER_ROW * RECEIPTS_PER_ROW
        with Database(storage.catalogue_url) as database:
            await eventually(lambda: len(Snapshots(database).of("s-1")) == (num_chunks - 1) // 10)
            await eventually(lambda: len(Receipts(database).of("s-1")) == resume_from)
        copy = left_behind(storage, tmp_path)
        await link.grant(NUM_AFTER)
        recorded += await take_chunks(link, NUM_AFTER)
    chunks = chunks_of(recorded)
    async with make_rig(FakeModel(), storage=copy) as rig, catalogued(rig.plane, copy) as plane:
        session = await plane.resume("s-1", TOKEN)
        assert (session.world.prompt, session.next_chunk_idx) == ("a quiet street at dusk", resume_from)
        link = session.link
        num_left = num_chunks + NUM_AFTER - resume_from
        await link.grant(num_left)
        resumed = await take_chunks(link, num_left)
        assert_same_media(chunks[resume_from:], chunks_of(resumed))
        assert [event for event in resumed if not isinstance(event, DecodedChunk)] == []
        await link.send(control(Move(forward=0, strafe=1), "after"))
        await link.grant(2)
        applied = [event for event in await take_chunks(link, 2) if isinstance(event, Applied)]
        assert [event.control_id for event in applied] == ["after"]
        await link.close()
    with Database(copy.catalogue_url) as database:
        assert JournalTable(database).verify("s-1") is None
        receipts = Receipts(database).of("s-1")
    chain = ReceiptChain()
    expected = [chain.next(each.chunk_idx, each.frames_FHWC, each.samples_SC) for each in chunks]
    assert receipts[: len(expected)] == expected


async def test_a_control_that_was_accepted_and_waited_takes_effect_once(storage: StorageConfig, tmp_path: Path) -> None:
    async with local_rig(FakeModel(), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        link = await plane.open(replace(spec("s-1"), resume_token_sha256=token_sha256(TOKEN)))
        await link.grant(3)
        await take_chunks(link, 3)
        await link.send(control(Move(forward=1, strafe=0), "waits"))
        await take_until(link, lambda event: isinstance(event, Accepted))
        copy = left_behind(storage, tmp_path)
    async with local_rig(FakeModel(), storage=copy) as rig, catalogued(rig.plane, copy) as plane:
        link = (await plane.resume("s-1", TOKEN)).link
        await link.grant(4)
        events = await take_chunks(link, 4)
        [applied] = [event for event in events if isinstance(event, Applied)]
        assert applied.control_id == "waits"
        assert [chunk.pose.x_m for chunk in chunks_of(events)][applied.chunk_idx :][:1] == [1.0]


@pytest.mark.parametrize("num_shown", [9, 2 * MAX_SHOWN_CHUNKS])
async def test_nothing_new_takes_effect_in_what_was_shown_and_none_of_it_comes_twice(
    make_rig: MakeRig, storage: StorageConfig, tmp_path: Path, num_shown: int
) -> None:
    """Its client says how much it has seen, of which little is on record; more than could be is not believed."""
    async with make_rig(FakeModel(), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        link = await plane.open(replace(spec("s-1"), resume_token_sha256=token_sha256(TOKEN)))
        await link.grant(9)
        await link.send(control(Move(forward=1, strafe=0)))
        recorded = await take_chunks(link, 9)
        copy = left_behind(storage, tmp_path)
        await link.grant(MAX_SHOWN_CHUNKS)
        recorded += await take_chunks(link, MAX_SHOWN_CHUNKS)
    shown_until = min(num_shown, MAX_SHOWN_CHUNKS)
    async with make_rig(FakeModel(), storage=copy) as rig, catalogued(rig.plane, copy) as plane:
        session = await plane.resume("s-1", TOKEN, num_shown)
        assert session.next_chunk_idx == shown_until
        link = session.link
        await link.send(control(Directive(text="it rains"), "at once"))
        await link.grant(2)
        resumed = await take_chunks(link, 2)
        assert [chunk.chunk_idx for chunk in chunks_of(resumed)] == [shown_until, shown_until + 1]
        [applied] = [event for event in resumed if isinstance(event, Applied)]
        assert (applied.control_id, applied.chunk_idx) == ("at once", shown_until)
        await link.close()
    with Database(copy.catalogue_url) as database:
        receipts = Receipts(database).of("s-1")
    chain = ReceiptChain()
    shown = chunks_of(recorded)[:shown_until]
    expected = [chain.next(each.chunk_idx, each.frames_FHWC, each.samples_SC) for each in shown]
    assert receipts[:shown_until] == expected, "what was shown is on record as it was"
    assert len(receipts) == shown_until + 2


async def test_one_that_was_parked_goes_on_where_it_was_whatever_its_client_says(storage: StorageConfig) -> None:
    async with local_rig(FakeModel(), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        link = await plane.open(replace(spec("s-1"), resume_token_sha256=token_sha256(TOKEN)))
        await link.grant(3)
        await take_chunks(link, 3)
        await link.park()
        await link.close()
        session = await plane.resume("s-1", TOKEN, 20)
        assert session.next_chunk_idx == 3
        await session.link.grant(1)
        assert [chunk.chunk_idx for chunk in chunks_of(await take_chunks(session.link, 1))] == [3]


async def test_who_may_not_go_on_is_told_why(storage: StorageConfig, tmp_path: Path) -> None:
    async with local_rig(FakeModel(), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        link = await plane.open(replace(spec("s-1"), resume_token_sha256=token_sha256(TOKEN)))
        await link.grant(3)
        await take_chunks(link, 3)
        copy = left_behind(storage, tmp_path, lease=True)
        await link.close()
        with pytest.raises(SessionEndedError):
            await plane.resume("s-1", TOKEN)
    async with local_rig(FakeModel(), storage=copy) as rig, catalogued(rig.plane, copy) as plane:
        refused: list[tuple[str, str, type[NacreError]]] = [
            ("s-2", TOKEN, SessionNotFoundError),
            ("s-1", "a guess", ResumeTokenInvalidError),
            ("s-1", "", ResumeTokenInvalidError),
            ("s-1", TOKEN, SessionHeldError),
        ]
        for session_id, token, error in refused:
            with pytest.raises(error):
                await plane.resume(session_id, token)
        assert rig.num_used_slots == 0


async def test_a_damaged_snapshot_is_left_out_and_an_older_one_serves(storage: StorageConfig, tmp_path: Path) -> None:
    async with local_rig(FakeModel(), storage=storage) as rig, catalogued(rig.plane, storage) as plane:
        link = await plane.open(replace(spec("s-1"), resume_token_sha256=token_sha256(TOKEN)))
        await link.grant(RECEIPTS_PER_ROW)
        await link.send(control(Move(forward=1, strafe=0)))
        await take_chunks(link, RECEIPTS_PER_ROW)
        with Database(storage.catalogue_url) as database:
            await eventually(lambda: len(Snapshots(database).of("s-1")) == 2)
            await eventually(lambda: len(Receipts(database).of("s-1")) == RECEIPTS_PER_ROW)
        copy = left_behind(storage, tmp_path)
        await link.grant(3)
        expected = chunks_of(await take_chunks(link, 3))
    newest = max((tmp_path / "copy").glob("snapshots/sessions/s-1/1/*.json"))
    newest.write_bytes(newest.read_bytes()[:-5])
    async with local_rig(FakeModel(), storage=copy) as rig, catalogued(rig.plane, copy) as plane:
        link = (await plane.resume("s-1", TOKEN)).link
        await link.grant(3)
        async with asyncio.timeout(20):
            assert_same_media(expected, chunks_of(await take_chunks(link, 3)))
