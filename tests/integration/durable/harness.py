"""The whole service over real sockets in this process, its sessions on record, with as many workers as a test needs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc.aio
import numpy as np

import nacre
from model.interface import ChunkControls, ChunkLatents, FramesFHWC, ModelInfo, Tensors
from nacre.errors import from_rpc_error
from nacre.v1 import admin_pb2, admin_pb2_grpc
from serving.catalogue.database import Database
from serving.catalogue.histories import Comparison, compare
from serving.catalogue.plane import CataloguedPlane, catalogued
from serving.catalogue.storage import StorageConfig, prepare_storage, storage_config
from serving.engine.config import EngineConfig
from serving.errors import CapacityExhaustedError
from serving.gateway.config import GatewayConfig
from serving.gateway.server import GatewayServer
from serving.sessions.snapshot_store import SnapshotStore
from serving.stages.host import StageHost, WorkerConfig
from serving.stages.placement import Placement
from serving.stages.remote import RemotePlane
from serving.stages.stage import DECODERS, Stage
from serving.stages.transformer import DecoderPlace
from tests.fakes_model import INFO, FakeModel, FakeTransformer, FakeVideoDecoder

TIMEOUT_S = 20.0
SNAPSHOT_EVERY_CHUNKS = 8


@dataclass(slots=True)
class TurnsPlacer:
    """One worker after the other, but for those that are gone or will go."""

    workers: list[StageHost]
    gone: set[str] = field(default_factory=set)
    num_placed: int = 0

    async def place(self, session_id: str) -> Placement:
        worker = self._reserved(session_id)
        self.num_placed += 1
        return Placement(
            encoder=worker.address,
            transformer=worker.stream_address,
            decoders=(DecoderPlace(address=worker.stream_address, stages=DECODERS),),
        )

    def _reserved(self, session_id: str) -> StageHost:
        """As a placer does: ask one after the other for a slot."""
        there = [worker for worker in self.workers if worker.address not in self.gone]
        first_idx = self.num_placed % len(there)
        for worker in [*there[first_idx:], *there[:first_idx]]:
            assert worker.transformer is not None
            with contextlib.suppress(CapacityExhaustedError):
                worker.transformer.reserve(session_id)
                return worker
        raise CapacityExhaustedError("every slot is taken")


class FaultyTransformer(FakeTransformer):
    """Fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.is_broken = False

    def step(self, states: Sequence[Any], controls: Sequence[ChunkControls]) -> list[ChunkLatents]:
        if self.is_broken:
            raise RuntimeError("the fake was told to fail")
        return super().step(states, controls)


class FaultyVideoDecoder(FakeVideoDecoder):
    def __init__(self) -> None:
        super().__init__()
        self.is_broken = False

    def decode(self, cache: Any, video: Tensors) -> FramesFHWC:
        if self.is_broken:
            raise RuntimeError("the fake was told to fail")
        return super().decode(cache, video)


class FaultyModel(FakeModel):
    def __init__(self, info: ModelInfo) -> None:
        super().__init__(info=info)
        self.transformer = FaultyTransformer()
        self.video_decoder = FaultyVideoDecoder()

    def load_transformer(self, num_threads: int = 1) -> FaultyTransformer:
        return self.transformer

    def load_video_decoder(self) -> FaultyVideoDecoder:
        return self.video_decoder


@dataclass(slots=True, kw_only=True)
class Service:
    client: nacre.Client
    server: GatewayServer
    plane: CataloguedPlane
    workers: list[StageHost]
    models: list[FaultyModel]
    placer: TurnsPlacer
    storage: StorageConfig

    async def move(self, session: nacre.Session) -> None:
        """To whichever worker has its turn."""
        request = admin_pb2.MoveSessionRequest(session_id=session.id)
        async with grpc.aio.insecure_channel(self.server.address) as channel:
            try:
                await admin_pb2_grpc.AdminServiceStub(channel).MoveSession(request, timeout=TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from error

    @property
    def database(self) -> Database:
        return Database(self.storage.catalogue_url)

    def used_slots(self) -> list[int]:
        return [worker.transformer.engine.num_used_slots for worker in self.workers if worker.transformer is not None]

    def break_worker(self, worker_idx: int, *, decoder: bool = False) -> None:
        """Its model fails from now on, and it is given no session any more."""
        model = self.models[worker_idx]
        self.placer.gone.add(self.workers[worker_idx].address)
        if decoder:
            model.video_decoder.is_broken = True
        else:
            model.transformer.is_broken = True

    async def leave(self, worker_idx: int) -> int:
        """Ask the sessions of a worker to go elsewhere; gives their number."""
        worker = self.workers[worker_idx]
        self.placer.gone.add(worker.address)
        assert worker.transformer is not None
        return worker.transformer.ask_to_leave()

    def replayed(self, session_id: str) -> Comparison:
        with self.database as database:
            store = SnapshotStore.open(self.storage.snapshots)
            return compare(database, session_id, FakeModel(info=self.plane.info), store=store)


@asynccontextmanager
async def service(
    folder: Path,
    *,
    num_workers: int = 1,
    num_slots: int = 3,
    config: GatewayConfig | None = None,
    url: str = "",
    info: ModelInfo = INFO,
) -> AsyncIterator[Service]:
    storage = storage_config(str(folder), catalogue_url=url, snapshot_every_chunks=SNAPSHOT_EVERY_CHUNKS)
    prepare_storage(storage)
    async with AsyncExitStack() as stack:
        models = [FaultyModel(info) for _ in range(num_workers)]
        workers = [await stack.enter_async_context(worker(model, storage, num_slots)) for model in models]
        placer = TurnsPlacer(workers)
        plane = await stack.enter_async_context(RemotePlane(info, placer))
        kept = await stack.enter_async_context(catalogued(plane, storage))
        server = GatewayServer(kept, config or GatewayConfig(port=0, drain_s=0.2), catalogue=kept)
        await stack.enter_async_context(server)
        client = await stack.enter_async_context(nacre.connect(server.address, timeout_s=TIMEOUT_S))
        yield Service(
            client=client,
            server=server,
            plane=kept,
            workers=workers,
            models=models,
            placer=placer,
            storage=storage,
        )


@asynccontextmanager
async def worker(model: FaultyModel, storage: StorageConfig, num_slots: int) -> AsyncIterator[StageHost]:
    engine = EngineConfig(num_slots=num_slots, snapshot_every_chunks=storage.snapshot_every_chunks)
    host = StageHost(model, WorkerConfig(stages=frozenset(Stage), engine=engine, storage=storage))
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
