"""The whole service over real sockets in this process, its sessions on record, with as many workers as a test needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import nacre
from serving.catalogue.database import Database
from serving.catalogue.histories import Comparison, compare
from serving.catalogue.plane import CataloguedPlane, catalogued
from serving.catalogue.storage import StorageConfig, prepare_storage, storage_config
from serving.engine.engine import EngineConfig
from serving.gateway.config import GatewayConfig
from serving.gateway.server import GatewayServer
from serving.stages.host import StageHost, WorkerConfig
from serving.stages.remote import Placement, RemotePlane
from serving.stages.stage import DECODERS, Stage
from serving.stages.transformer import DecoderPlace
from tests.fakes_model import FakeModel

TIMEOUT_S = 20.0
SNAPSHOT_EVERY_CHUNKS = 8


@dataclass(slots=True)
class TurnsPlacer:
    """One worker after the other, but for those that are gone or will go."""

    workers: list[StageHost]
    gone: set[str] = field(default_factory=set)
    num_placed: int = 0

    async def place(self, session_id: str) -> Placement:
        there = [worker for worker in self.workers if worker.address not in self.gone]
        worker = there[self.num_placed % len(there)]
        self.num_placed += 1
        return Placement(
            encoder=worker.address,
            transformer=worker.address,
            decoders=(DecoderPlace(address=worker.stream_address, stages=DECODERS),),
        )


@dataclass(slots=True, kw_only=True)
class Service:
    client: nacre.Client
    server: GatewayServer
    plane: CataloguedPlane
    workers: list[StageHost]
    placer: TurnsPlacer
    storage: StorageConfig

    @property
    def database(self) -> Database:
        return Database(self.storage.catalogue_url)

    def replayed(self, session_id: str) -> Comparison:
        with self.database as database:
            return compare(database, session_id, FakeModel())


@asynccontextmanager
async def service(
    folder: Path, *, num_workers: int = 1, num_slots: int = 3, config: GatewayConfig | None = None, url: str = ""
) -> AsyncIterator[Service]:
    storage = storage_config(str(folder), catalogue_url=url, snapshot_every_chunks=SNAPSHOT_EVERY_CHUNKS)
    prepare_storage(storage)
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(worker(storage, num_slots)) for _ in range(num_workers)]
        placer = TurnsPlacer(workers)
        plane = await stack.enter_async_context(RemotePlane(FakeModel().info, placer))
        kept = await stack.enter_async_context(catalogued(plane, storage))
        server = GatewayServer(kept, config or GatewayConfig(port=0, drain_s=0.2), catalogue=kept)
        await stack.enter_async_context(server)
        client = await stack.enter_async_context(nacre.connect(server.address, timeout_s=TIMEOUT_S))
        yield Service(client=client, server=server, plane=kept, workers=workers, placer=placer, storage=storage)


@asynccontextmanager
async def worker(storage: StorageConfig, num_slots: int) -> AsyncIterator[StageHost]:
    engine = EngineConfig(num_slots=num_slots, snapshot_every_chunks=storage.snapshot_every_chunks)
    host = StageHost(FakeModel(), WorkerConfig(stages=frozenset(Stage), engine=engine, storage=storage))
    try:
        await host.load()
        await host.listen()
        yield host
    finally:
        await host.close()


async def take(world: nacre.World, num_chunks: int) -> list[nacre.Chunk]:
    async with asyncio.timeout(TIMEOUT_S):
        return [await anext(world) for _ in range(num_chunks)]


def indices(chunks: list[nacre.Chunk]) -> list[int]:
    return [chunk.index for chunk in chunks]


def assert_same(left: list[nacre.Chunk], right: list[nacre.Chunk]) -> None:
    assert indices(left) == indices(right)
    for one, other in zip(left, right, strict=True):
        np.testing.assert_array_equal(one.frames[0].rgb, other.frames[0].rgb)
        assert one.sound is not None
        assert other.sound is not None
        assert one.sound.packets == other.sound.packets
