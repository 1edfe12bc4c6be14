"""Worker hosts over real gRPC in this process, and planes over them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from model.interface import Model
from serving.catalogue.storage import StorageConfig
from serving.engine.config import EngineConfig
from serving.local import LocalPlane
from serving.sessions.journal import MemoryJournalStore
from serving.stages.decoder import DecoderStage
from serving.stages.host import StageHost, WorkerConfig
from serving.stages.link import PlaneLink
from serving.stages.placement import Placement, StaticPlacer
from serving.stages.remote import RemotePlane
from serving.stages.stage import DECODERS, Stage
from serving.stages.transformer import DecoderPlace


@dataclass(slots=True, kw_only=True)
class Rig:
    """A plane and the workers behind it."""

    plane: LocalPlane | RemotePlane
    transformer: StageHost
    decoders: list[StageHost]
    journals: MemoryJournalStore
    links: list[PlaneLink] = field(default_factory=list)

    @property
    def num_used_slots(self) -> int:
        assert self.transformer.transformer is not None
        return self.transformer.transformer.engine.num_used_slots

    @property
    def num_decoder_sessions(self) -> int:
        return sum(_decoder(host).num_sessions for host in self.decoders)


def _decoder(host: StageHost) -> DecoderStage:
    assert host.decoder is not None
    return host.decoder


def worker_config(stages: frozenset[Stage], num_slots: int, storage: StorageConfig | None) -> WorkerConfig:
    snapshot_every_chunks = 0 if storage is None else storage.snapshot_every_chunks
    engine = EngineConfig(num_slots=num_slots, snapshot_every_chunks=snapshot_every_chunks)
    return WorkerConfig(stages=stages, engine=engine, storage=storage if Stage.TRANSFORMER in stages else None)


@asynccontextmanager
async def local_rig(model: Model, num_slots: int = 2, storage: StorageConfig | None = None) -> AsyncIterator[Rig]:
    journals = MemoryJournalStore()
    config = worker_config(frozenset(Stage), num_slots, storage)
    async with LocalPlane(model, config, journals=journals if storage is None else None) as plane:
        yield Rig(plane=plane, transformer=plane.host, decoders=[plane.host], journals=journals)


@asynccontextmanager
async def remote_rig(
    model: Model,
    num_slots: int = 2,
    decoder_groups: tuple[frozenset[Stage], ...] = (DECODERS,),
    storage: StorageConfig | None = None,
) -> AsyncIterator[Rig]:
    journals = MemoryJournalStore()
    groups = [frozenset({Stage.ENCODER}), frozenset({Stage.TRANSFORMER}), *decoder_groups]
    async with contextlib.AsyncExitStack() as stack:
        hosts = []
        for stages in groups:
            config = worker_config(stages, num_slots, storage)
            host = StageHost(model, config, journals=journals if storage is None else None)
            stack.push_async_callback(host.close)
            await host.load()
            await host.listen()
            hosts.append(host)
        encoder, transformer, *decoders = hosts
        places = tuple(DecoderPlace(address=host.stream_address, stages=host.config.stages) for host in decoders)
        placement = Placement(encoder=encoder.address, transformer=transformer.stream_address, decoders=places)
        plane = await stack.enter_async_context(RemotePlane(model.info, StaticPlacer(placement)))
        yield Rig(plane=plane, transformer=transformer, decoders=decoders, journals=journals)


def split_rig(
    model: Model, num_slots: int = 2, storage: StorageConfig | None = None
) -> AbstractAsyncContextManager[Rig]:
    groups = (frozenset({Stage.VIDEO_DECODER}), frozenset({Stage.AUDIO_DECODER}))
    return remote_rig(model, num_slots, groups, storage)


MakeRig = Callable[..., AbstractAsyncContextManager[Rig]]


@pytest.fixture(params=[local_rig, remote_rig, split_rig], ids=["local", "remote", "split decoders"])
def make_rig(request: pytest.FixtureRequest) -> MakeRig:
    """Rigs of every topology: what holds for one holds for all."""
    return request.param
