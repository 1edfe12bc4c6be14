"""The usage book against a client that counts what it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest

import nacre
from nacre.v1 import session_pb2, session_pb2_grpc
from serving.books.chain import Book, BookId
from serving.books.config import BooksConfig
from serving.books.ledger import Ledger
from serving.books.usage import Usage, UsageRow, read_usage, total_usage
from serving.gateway.config import GatewayConfig
from tests.integration.durable.harness import Service, service, take
from tests.integration.gateway.harness import Call

OWN = BookId(Book.USAGE, "default")
PRICES = """
currency = "EUR"
[[prices]]
from = 2020-01-01
per_1000_frames = 1000
"""


def config(**books: object) -> GatewayConfig:
    return GatewayConfig(port=0, drain_s=0.2, books=BooksConfig(**{"row_every_s": 0.1, **books}))  # type: ignore[arg-type]


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path / "data", config=config()) as running:
        yield running


async def rows_of(kept: Service, session_id: str = "") -> list[UsageRow]:
    """All there is, once it is written."""

    def read() -> list[UsageRow]:
        with kept.database as database:
            ledger = Ledger(database)
            assert ledger.verify(OWN) is None
            return [row for row in read_usage(ledger.read(OWN)) if session_id in ("", row.session_id)]

    await asyncio.sleep(0.3)  # for the writer to gather
    return await asyncio.to_thread(read)


async def ended_usage(kept: Service, session: nacre.Session) -> Usage:
    await session.end()
    return total_usage(await rows_of(kept, session.id))


async def drink(world: nacre.World, num_chunks: int) -> int:
    return sum(len(chunk.frames) for chunk in await take(world, num_chunks))


class Counter:
    """Reads all that comes on one stream, and counts it, what it will not show included."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.num_frames = 0
        self.seen: list[int] = []

    async def read(self) -> None:
        while (message := await self.call.read()) is not None:
            if message.HasField("media"):
                self.num_frames += len(message.media.frames)
                self.seen.append(message.media.chunk_index)

    async def until(self, chunk_idx: int, after: int = 0) -> None:
        async with asyncio.timeout(20):
            while chunk_idx not in self.seen[after:]:
                await asyncio.sleep(0.01)

    async def until_still(self) -> None:
        num_seen = -1
        while num_seen != len(self.seen):
            num_seen = len(self.seen)
            await asyncio.sleep(0.3)


async def test_b02_the_ledger_equals_what_a_client_counts_over_pauses_rewinds_and_reconnects(kept: Service) -> None:
    session = await kept.client.create(prompt="a quiet street at dusk", seed=7)
    attach = session_pb2.Attach(session_id=session.id, resume_token=session.resume_token, initial_credit=4)
    num_frames = 0
    async with grpc.aio.insecure_channel(kept.server.address) as channel:
        stub = session_pb2_grpc.SessionServiceStub(channel)
        for first_idx in (0, 9):  # comes, leaves, and comes back
            counter = Counter(Call(stub.Play()))
            await counter.call.send(attach=attach)
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(counter.read())
                await counter.until(first_idx + 6)
                await session.pause()
                await asyncio.sleep(0.1)
                await session.resume()
                num_seen = len(counter.seen)
                await session.rewind(chunk_index=2)
                await counter.until(8, after=num_seen)
                if first_idx:
                    await session.end()
                else:
                    await session.pause()
                    await counter.until_still()  # what is cut off halfway may have come, and is not billed
                    await counter.call.raw.done_writing()
                    await session.resume()
                await reading
            num_frames += counter.num_frames
    usage = total_usage(await rows_of(kept, session.id))
    assert usage.num_frames == num_frames > 25
    assert usage.num_blank_frames == usage.num_frozen_frames == usage.num_viewer_frames == 0
    assert usage.seconds > 0


async def rest_of(session: nacre.Session, world: nacre.World) -> int:
    """What is on the way still when the world is held."""
    await session.pause()
    num_frames = await rest(world)
    await session.resume()
    return num_frames


async def rest(world: nacre.World) -> int:
    num_frames = 0
    with pytest.raises(TimeoutError):
        while True:
            async with asyncio.timeout(0.7):
                num_frames += len((await anext(world)).frames)
    return num_frames


async def test_p03_viewers_are_counted_by_themselves(kept: Service) -> None:
    session = await kept.client.create(prompt="a quiet street at dusk", seed=7)
    link = await session.share("view", seconds=60)
    watched = await kept.client.open_share(link.token)
    async with session.enter(video="rgb") as world, watched.enter(video="rgb") as seen:
        async with asyncio.timeout(20):
            counted, looked = 0, 0
            while looked < 10:
                counted += len((await anext(world)).frames)
                looked += len((await anext(seen)).frames)
        await session.pause()
        counted, looked = counted + await rest(world), looked + await rest(seen)
    usage = await ended_usage(kept, session)
    assert (usage.num_frames, usage.num_viewer_frames) == (counted, looked)


async def test_b02_a_quote_a_bill_and_the_rows_say_the_same(tmp_path: Path) -> None:
    async with service(tmp_path / "data", config=config(price_sheet=sheet(tmp_path))) as kept:
        session = await kept.client.create(prompt="a quiet street at dusk", seed=7)
        async with session.enter(video="rgb") as world:
            counted = await drink(world, 5)
            counted += await rest_of(session, world)
        usage = await ended_usage(kept, session)
        books = kept.client.books
        answer = await books.usage(session_id=session.id)
        other = await books.usage(session_id="s-unknown")
        quoted = await books.quote(counted / 12.5)
        done = [entry.method.rpartition("/")[2] for entry in await books.audit(session_id=session.id)]
    assert answer.num_frames == usage.num_frames == counted
    assert answer.bill.total == counted
    assert (quoted.num_frames, quoted.bill.total) == (counted, answer.bill.total)
    assert quoted.session_budget is None
    assert other.bill.total == 0
    assert {"CreateSession", "attached", "EndSession"} <= set(done)


async def test_b02_a_budget_warns_and_then_ends_the_session_saved(tmp_path: Path) -> None:
    books = config(price_sheet=sheet(tmp_path), session_budget=12.0, warn_before_budget_s=0.5)
    async with service(tmp_path / "data", config=books) as kept:
        session = await kept.client.create(prompt="a quiet street at dusk", seed=7)
        counted = 0
        async with asyncio.timeout(30), session.enter(video="rgb") as world:
            with pytest.raises(nacre.SessionEnded, match="budget"):
                while True:
                    counted += len((await anext(world)).frames)
            assert world.go_away is not None
            assert world.go_away.reason == "budget"
        assert counted >= 12
        assert (await session.state()).end_reason == "budget"
        [world_record] = [each async for each in kept.client.worlds()]
        assert world_record.session_id == session.id
        again = await kept.client.load(name=world_record.name)
        async with again.enter(video="rgb") as world:
            assert world.next_chunk_index == world_record.chunk_index
            counted = await drink(world, 3) + await rest_of(again, world)
        assert (await ended_usage(kept, again)).num_frames == counted
        of_world = await kept.client.books.usage(world_id=world_record.world_id)
        assert of_world.num_frames == counted, "and of no other session"


async def test_b02_a_tenant_whose_budget_is_spent_begins_nothing(tmp_path: Path) -> None:
    books = config(price_sheet=sheet(tmp_path), tenant_budget=5.0)
    async with service(tmp_path / "data", config=books) as kept:
        session = await kept.client.create(prompt="a quiet street at dusk", seed=7)
        async with session.enter(video="rgb") as world:
            with pytest.raises(nacre.SessionEnded, match="budget"):
                await drink(world, 100)
        with pytest.raises(nacre.LimitReached) as refused:
            await kept.client.create(prompt="a quiet street at dusk")
        assert refused.value.reason == "BUDGET_EXHAUSTED"


def sheet(folder: Path) -> str:
    file = folder / "prices.toml"
    file.write_text(PRICES)
    return str(file)
