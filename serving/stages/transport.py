"""How latents get from a transformer worker to a decoder worker.

LatentTransport --connect--> LatentLink     one for each session and decoder worker
+-- InProcessTransport   the decoder stage is in this process
+-- GrpcTransport        any worker on any node, as bytes
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

import grpc.aio

from model.interface import Tensors
from serving.errors import WorkerUnavailableError
from serving.sessions.encoded import LatentChunk
from serving.stages import codec
from serving.stages.channels import Channels
from serving.stages.decoder import DecoderStage
from serving.stages.outbox import Outbox
from serving.wire import plane_pb2 as wire
from serving.wire.plane_pb2_grpc import DecoderServiceStub

# Opening decoder caches is quick; a worker that takes longer is not well.
OPEN_TIMEOUT_S = 10.0

DecodeCall = grpc.aio.StreamStreamCall[wire.DecodeRequest, wire.DecodeResponse]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderOpening:
    """A session as a decoder worker opens it."""

    session_id: str
    seed: int
    caches: Mapping[str, Tensors] = field(default_factory=dict)  # by stage name, to go on from a snapshot


class LatentLink(Protocol):
    """One session's way to one decoder worker. Used on the event loop."""

    def send(self, chunk: LatentChunk) -> None:
        """The next chunk. Returns at once; the session's credit bounds what is under way."""
        ...

    def request_snapshot(self) -> None:
        """Ask for the decoder caches as they are after the chunks sent so far."""
        ...

    async def read_snapshot(self) -> Mapping[str, Tensors]:
        """The answer to the earliest request that was not read yet. Raises `WorkerUnavailableError`."""
        ...


class LatentTransport(Protocol):
    def connect(
        self, opening: DecoderOpening, on_lost: Callable[[str], None]
    ) -> AbstractAsyncContextManager[LatentLink]:
        """Open the session at the worker, and close it with the block. Raises `WorkerUnavailableError`.
        `on_lost` is called, on the event loop, when the worker or its session there is gone before."""
        ...


class InProcessTransport:
    """Hands arrays over as they are."""

    def __init__(self, stage: DecoderStage) -> None:
        self._stage = stage

    @asynccontextmanager
    async def connect(self, opening: DecoderOpening, on_lost: Callable[[str], None]) -> AsyncIterator[LatentLink]:
        loop = asyncio.get_running_loop()

        def report_loss(message: str) -> None:
            loop.call_soon_threadsafe(on_lost, message)

        opened = self._stage.open(opening.session_id, opening.seed, opening.caches, report_loss)
        try:
            await asyncio.wrap_future(opened)
            yield _InProcessLink(self._stage, opening.session_id)
        finally:
            self._stage.close(opening.session_id)


class _InProcessLink:
    def __init__(self, stage: DecoderStage, session_id: str) -> None:
        self._stage = stage
        self._session_id = session_id
        self._snapshots: deque[Future[dict[str, Tensors]]] = deque()

    def send(self, chunk: LatentChunk) -> None:
        self._stage.decode(self._session_id, chunk)

    def request_snapshot(self) -> None:
        self._snapshots.append(self._stage.snapshot(self._session_id))

    async def read_snapshot(self) -> Mapping[str, Tensors]:
        return await asyncio.wrap_future(self._snapshots.popleft())


class GrpcTransport:
    """One bidirectional stream for each session."""

    def __init__(self, channels: Channels, address: str) -> None:
        self._stub = DecoderServiceStub(channels.to(address))
        self._address = address

    @asynccontextmanager
    async def connect(self, opening: DecoderOpening, on_lost: Callable[[str], None]) -> AsyncIterator[LatentLink]:
        requests = Outbox[wire.DecodeRequest]()
        requests.put(_open_request(opening))
        call = self._stub.Decode(_until_ended(requests))
        is_closing = False

        def report_loss(_: object) -> None:
            if not is_closing:
                on_lost(f"decoder worker {self._address} is gone")

        try:
            await self._opened(call)
            call.add_done_callback(report_loss)
            yield _GrpcLink(self._address, requests, call)
        finally:
            is_closing = True
            call.cancel()

    async def _opened(self, call: DecodeCall) -> None:
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                first = await call.read()
        except (grpc.aio.AioRpcError, TimeoutError) as error:
            raise WorkerUnavailableError(f"decoder worker {self._address} did not open the session") from error
        if not isinstance(first, wire.DecodeResponse):
            raise WorkerUnavailableError(f"decoder worker {self._address} refused the session")


class _GrpcLink:
    def __init__(self, address: str, requests: Outbox[wire.DecodeRequest], call: DecodeCall) -> None:
        self._address = address
        self._requests = requests
        self._call = call

    def send(self, chunk: LatentChunk) -> None:
        self._requests.put(codec.latents_to_wire(chunk))

    def request_snapshot(self) -> None:
        self._requests.put(wire.DecodeRequest(take_snapshot=wire.TakeSnapshot()))

    async def read_snapshot(self) -> Mapping[str, Tensors]:
        try:
            response = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise WorkerUnavailableError(f"decoder worker {self._address} gave no snapshot") from error
        if not isinstance(response, wire.DecodeResponse):
            raise WorkerUnavailableError(f"decoder worker {self._address} closed the session")
        return codec.caches_from_wire(response.snapshot.cache_tensors)


def _open_request(opening: DecoderOpening) -> wire.DecodeRequest:
    return wire.DecodeRequest(
        open=wire.OpenDecoder(
            session_id=opening.session_id, seed=opening.seed, cache_tensors=codec.caches_to_wire(opening.caches)
        )
    )


async def _until_ended(requests: Outbox[wire.DecodeRequest]) -> AsyncIterator[wire.DecodeRequest]:
    while (request := await requests.get()) is not None:
        yield request
