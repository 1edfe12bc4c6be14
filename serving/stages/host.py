"""A worker process: any of a model's stages behind one data server."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import grpc.aio

from model.interface import (
    Model,
    ModelInfo,
    PreparedTransformer,
    SizedTransformer,
    Transformer,
    WarmingTransformer,
    WatchedTransformer,
)
from serving.catalogue.beat import BEAT_S, BeatThread, WorkerIdentity
from serving.catalogue.keeper import SessionKeeper
from serving.catalogue.storage import StorageConfig, worker_name
from serving.engine.config import EngineConfig
from serving.engine.engine import Engine
from serving.engine.metrics import NoStageMetrics, StageMetrics
from serving.engine.schedule import ScheduleConfig
from serving.engine.thread import EngineThread
from serving.errors import WorkerUnavailableError
from serving.sessions.journal import JournalStore, MemoryJournalStore
from serving.stages.channels import SERVER_OPTIONS
from serving.stages.decoder import Decoders, DecoderStage
from serving.stages.decoder_connection import DecoderConnection
from serving.stages.encoder import EncoderStage
from serving.stages.encoder_service import EncoderService
from serving.stages.pipe import GRPC_SCHEME, Pipe
from serving.stages.routes import Route, transport_by
from serving.stages.run_connection import Runs
from serving.stages.secret import SecretInterceptor
from serving.stages.stage import DECODERS, Stage
from serving.stages.stage_server import StageConnection, StageServer
from serving.stages.transformer import TransformerStage
from serving.stages.transport import InProcessTransport, LatentTransport
from serving.wire import plane_pb2_grpc as wire_grpc

logger = logging.getLogger(__name__)

# Of a chunk that is longer than the lead: at the model's rate a step may take as long as a chunk, and decoding follows.
LEAD_CHUNKS = 1.5
# A worker that is so many chunks behind lets the world slip, where that is longer than the usual half second.
MAX_LAG_CHUNKS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """How a worker runs its stages."""

    stages: frozenset[Stage]
    host: str = "127.0.0.1"
    num_threads: int = 1  # of the transformer; the other stages take one
    engine: EngineConfig = field(default_factory=EngineConfig)
    delivery_lead_s: float = 0.12
    latents: Route = Route.AUTO  # how they get to decoders in other processes
    # A model call that runs this long has hung; a step takes well under a second.
    max_busy_s: float = 30.0
    storage: StorageConfig | None = None  # None keeps sessions in memory alone
    secret: str = field(default="", repr=False)  # what whoever speaks to it shows; empty to ask for none

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("a worker needs at least one stage")
        if self.num_threads < 1:
            raise ValueError(f"num_threads {self.num_threads}: at least 1")


class StageHost:
    """Loads its stages and serves them until closed. Made on the loop that runs it."""

    def __init__(
        self,
        model: Model,
        config: WorkerConfig,
        *,
        journals: JournalStore | None = None,
        metrics: StageMetrics | None = None,
    ) -> None:
        self.config = config
        self.info: ModelInfo = model.info
        self.encoder: EncoderStage | None = None
        self.transformer: TransformerStage | None = None
        self.decoder: DecoderStage | None = None
        self._watched: WatchedTransformer | None = None
        self._model = model
        self._journals = journals
        self.worker_id = worker_name()
        self.keeper: SessionKeeper | None = None
        self._beat: BeatThread | None = None
        self._metrics = metrics or NoStageMetrics()
        self._engine_thread: EngineThread | None = None
        self._server: grpc.aio.Server | None = None
        self._stage_server: StageServer | None = None
        self._runs: Runs | None = None
        self.address = ""  # host:port of the gRPC server, once it listens
        self.stream_address = ""  # where transformer and decoders take connections, once they listen: see pipe.py

    async def load(self) -> None:
        """Build the stages, off the event loop."""
        await asyncio.to_thread(self._load)

    async def listen(self) -> None:
        """Serve the stages on free ports."""
        secret = self.config.secret
        is_inside_grpc = self.config.latents is Route.GRPC
        server = grpc.aio.server(interceptors=[SecretInterceptor(secret)] if secret else None, options=SERVER_OPTIONS)
        if self.encoder is not None:
            wire_grpc.add_EncoderServiceServicer_to_server(EncoderService(self.encoder), server)
        if accept := self._accept():
            self._stage_server = StageServer(accept, secret)
            server.add_generic_rpc_handlers((self._stage_server.grpc_handlers,))
        if self.encoder is not None or is_inside_grpc:
            port = server.add_insecure_port(f"{self.config.host}:0")
            await server.start()
            self._server = server
            self.address = f"{self.config.host}:{port}"
        if is_inside_grpc and self._stage_server is not None:
            self.stream_address = f"{GRPC_SCHEME}{self.address}"
        elif self._stage_server is not None:
            self.stream_address = f"{self.config.host}:{await self._stage_server.start(self.config.host)}"

    def _accept(self) -> dict[str, Callable[[Pipe], StageConnection]]:
        """What its stages do with connections, by what those begin with."""
        accept: dict[str, Callable[[Pipe], StageConnection]] = {}
        if self.transformer is not None:
            self._runs = Runs(self.transformer, self.worker_id)
            accept["run"] = self._runs.accept
        if self.decoder is not None:
            accept["open"] = accept["watch"] = partial(DecoderConnection, self.decoder)
        return accept

    async def close(self) -> None:
        """End every session, stop serving and join the threads. Safe to call twice."""
        if self._beat is not None:
            await asyncio.to_thread(self._beat.stop)
        if self._engine_thread is not None:
            await asyncio.to_thread(self._engine_thread.stop)
        if self.keeper is not None:
            await asyncio.to_thread(self.keeper.close)
        if self._runs is not None:
            await self._runs.until_told()
        if self._stage_server is not None:
            await self._stage_server.close()
        if self._server is not None:
            await self._server.stop(grace=1.0)
        if self.decoder is not None and self.decoder.is_alive:
            await asyncio.to_thread(self.decoder.stop)
        if self._watched is not None:
            await asyncio.to_thread(self._watched.close)
        if self.encoder is not None:
            self.encoder.close()

    def check_health(self) -> None:
        """Raises `WorkerUnavailableError` when a thread died, a model call hangs or the model has come to an end."""
        if self._watched is not None:
            try:
                self._watched.check()
            except RuntimeError as error:
                raise WorkerUnavailableError(str(error)) from error
        if self._engine_thread is not None and not self._engine_thread.is_alive:
            raise WorkerUnavailableError("the engine's thread has died")
        if self.keeper is not None and not self.keeper.is_alive:
            raise WorkerUnavailableError("the journal's thread has died")
        if self.decoder is not None and not self.decoder.is_alive:
            raise WorkerUnavailableError("the decoder's thread has died")
        for stage in (self.transformer and self.transformer.engine, self.decoder):
            if stage is not None and stage.busy_for_s > self.config.max_busy_s:
                raise WorkerUnavailableError(f"a model call has been running for {stage.busy_for_s:.0f} s")

    def transport_to(self, address: str) -> LatentTransport:
        """The way to a decoder worker: the shortest there is."""
        if self.decoder is not None and address in ("", self.stream_address):
            return InProcessTransport(self.decoder)
        return transport_by(self.config.latents, address, self.config.host, self.config.secret)

    def _load(self) -> None:
        stages = self.config.stages
        if Stage.ENCODER in stages:
            encoder = self._model.load_encoder()
            self.encoder = EncoderStage(encoder, self._metrics)
        if stages & DECODERS:
            decoders = self._load_decoders(stages)
            self.decoder = DecoderStage(decoders, self._metrics)
        if Stage.TRANSFORMER in stages:
            self._start_engine()

    def _load_decoders(self, stages: frozenset[Stage]) -> Decoders:
        return Decoders(
            video=self._model.load_video_decoder() if Stage.VIDEO_DECODER in stages else None,
            audio=self._model.load_audio_decoder() if Stage.AUDIO_DECODER in stages else None,
        )

    def _start_engine(self) -> None:
        transformer = self._model.load_transformer(self.config.num_threads)
        if isinstance(transformer, WatchedTransformer):
            self._watched = transformer
        if isinstance(transformer, PreparedTransformer):
            transformer.prepare(self.config.engine.num_rooms)
        if isinstance(transformer, WarmingTransformer):
            started_s = time.monotonic()
            transformer.warm_up(self.config.engine.num_rooms)
            logger.info("%s is warm, which took %.1f s", self.info.name, time.monotonic() - started_s)
        self._metrics.profile(str(self.info.profile))
        journals = self._journals or MemoryJournalStore()
        if self.config.storage is not None:
            keeper = self.keeper = SessionKeeper(
                self.config.storage, self.info, worker_id=self.worker_id, metrics=self._metrics
            )
            journals = self._journals or keeper.journals
        engine = Engine(
            transformer,
            self.info,
            config=self.config.engine,
            schedule_config=self._schedule_config(transformer),
            journals=journals,
            metrics=self._metrics,
        )
        self._engine_thread = EngineThread(engine)
        self._engine_thread.start()
        self.transformer = TransformerStage(engine, self.transport_to, self.keeper)
        if self.config.storage is not None:
            self._beat = self._start_beat(engine, self.config.storage)

    def _schedule_config(self, transformer: Transformer) -> ScheduleConfig:
        chunk_s = self.info.chunk_duration_s
        lead_s = self.config.delivery_lead_s
        lead_s = lead_s if chunk_s <= lead_s or not lead_s else LEAD_CHUNKS * chunk_s
        config = ScheduleConfig(chunk_duration_s=chunk_s, delivery_lead_s=lead_s)
        # Of long chunks, sessions that step one after the other are late by as much as steps take.
        config = replace(config, max_lag_s=max(config.max_lag_s, MAX_LAG_CHUNKS * chunk_s))
        return (
            replace(config, batch_sizes=transformer.batch_sizes)
            if isinstance(transformer, SizedTransformer)
            else config
        )

    def _start_beat(self, engine: Engine, storage: StorageConfig) -> BeatThread:
        identity = WorkerIdentity(
            worker_id=self.worker_id,
            model=self.info.name,
            weights_sha256=self.info.weights_sha256,
            num_slots=self.config.engine.num_slots,
        )
        beat = BeatThread(storage.catalogue_url, identity, engine, BEAT_S)
        beat.start()
        return beat
