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

from model.interface import Tensors
from serving.errors import WorkerUnavailableError
from serving.sessions.encoded import LatentChunk
from serving.stages import codec
from serving.stages.decoder import DecoderStage
from serving.stages.stream import MessageStream, connect_stream
from serving.wire import plane_pb2 as wire

# Opening decoder caches is quick; a worker that takes longer is not well.
OPEN_TIMEOUT_S = 10.0


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


class StreamTransport:
    """One connection for each session."""

    def __init__(self, address: str) -> None:
        self._address = address

    @asynccontextmanager
    async def connect(self, opening: DecoderOpening, on_lost: Callable[[str], None]) -> AsyncIterator[LatentLink]:
        link = _StreamLink(self._address, on_lost)
        try:
            await link.open(opening)
            yield link
        finally:
            link.close()


class _StreamLink:
    """The transformer worker's end of a connection."""

    def __init__(self, address: str, on_lost: Callable[[str], None]) -> None:
        self._address = address
        self._on_lost = on_lost
        self._stream: MessageStream | None = None
        self._is_open = False
        self._reason = "the connection is closed"
        # In the order they were asked for.
        self._answers: deque[asyncio.Future[wire.StreamResponse]] = deque()
        self._snapshots: deque[asyncio.Future[wire.StreamResponse]] = deque()

    async def open(self, opening: DecoderOpening) -> None:
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                self._stream = await connect_stream(self._address, self)
                await self._ask(_open_request(opening))
        except (OSError, TimeoutError) as error:
            raise WorkerUnavailableError(f"decoder worker {self._address} does not answer") from error
        self._is_open = True

    def send(self, chunk: LatentChunk) -> None:
        if self._stream is not None:
            self._stream.send(codec.latents_to_wire(chunk))

    def request_snapshot(self) -> None:
        self._snapshots.append(self._ask(wire.StreamRequest(read_caches=wire.ReadCaches())))

    async def read_snapshot(self) -> Mapping[str, Tensors]:
        response = await self._snapshots.popleft()
        return codec.caches_from_wire(response.snapshot.cache_tensors)

    def close(self) -> None:
        self._is_open = False
        if self._stream is not None:
            self._stream.close()

    def received(self, stream: MessageStream, data: bytes) -> None:
        response = wire.StreamResponse.FromString(data)
        if response.WhichOneof("message") == "refused":
            self._reason = response.refused.message
            return
        answer = self._answers.popleft()
        if not answer.done():  # nobody may be waiting for it any more
            answer.set_result(response)

    def lost(self) -> None:
        message = f"decoder worker {self._address}: {self._reason}"
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(WorkerUnavailableError(message))
                answer.exception()  # nobody may be waiting for it any more
        if self._is_open:
            self._on_lost(message)

    def _ask(self, request: wire.StreamRequest) -> asyncio.Future[wire.StreamResponse]:
        assert self._stream is not None, "connected"
        answer: asyncio.Future[wire.StreamResponse] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        self._stream.send(request)
        return answer


def _open_request(opening: DecoderOpening) -> wire.StreamRequest:
    return wire.StreamRequest(
        open=wire.OpenDecoder(
            session_id=opening.session_id, seed=opening.seed, cache_tensors=codec.caches_to_wire(opening.caches)
        )
    )
