"""How latents get from a transformer worker to a decoder worker.

LatentTransport --connect--> LatentLink     one for each session and decoder worker
+-- InProcessTransport   the decoder stage is in this process
+-- StreamTransport      a connection (pipe.py): socket or gRPC, to any worker on any node; latents as bytes,
                         or in a lane beside it (lanes.py): shared memory, gloo, NCCL

Which one a worker takes is configuration: see routes.py.
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
from serving.stages.host_arrays import on_host
from serving.stages.lanes import MakeLane, SendingLane
from serving.stages.pipe import Pipe, connect_pipe
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
    """One session's way to one decoder worker. `send` and `request_snapshot` may be called from any one thread, return
    at once and take effect in order."""

    def send(self, chunk: LatentChunk) -> None:
        """The next chunk; the session's credit bounds what is under way."""
        ...

    def request_snapshot(self) -> None:
        """Ask for the decoder caches as they are after the chunks sent so far."""
        ...

    async def read_snapshot(self) -> Mapping[str, Tensors]:
        """The answer to the earliest request that was not read yet. On the event loop. Raises
        `WorkerUnavailableError`."""
        ...


class LatentTransport(Protocol):
    def connect(
        self, opening: DecoderOpening, on_lost: Callable[[str], None]
    ) -> AbstractAsyncContextManager[LatentLink]:
        """Open the session at the worker, and close it with the block. Raises `WorkerUnavailableError`.
        `on_lost` is called, on the event loop, when the worker or its session there is gone before."""
        ...


class InProcessTransport:
    """Hands latents over as they are, and where they are: on a GPU they stay there."""

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
    """One connection for each session, and a lane where `make_lane` is given and the worker takes what it offers."""

    def __init__(self, address: str, make_lane: MakeLane | None = None, secret: str = "") -> None:
        self._address = address
        self._make_lane = make_lane
        self._secret = secret

    @asynccontextmanager
    async def connect(self, opening: DecoderOpening, on_lost: Callable[[str], None]) -> AsyncIterator[LatentLink]:
        link = _StreamLink(self._address, on_lost, self._make_lane and self._make_lane(), self._secret)
        try:
            await link.open(opening)
            yield link
        finally:
            link.close()


class _StreamLink:
    """The transformer worker's end of a connection, which is the event loop's."""

    def __init__(
        self, address: str, on_lost: Callable[[str], None], lane: SendingLane | None, secret: str = ""
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._secret = secret
        self._on_lost = on_lost
        self._lane = lane
        self._is_lane_offered = False
        self._stream: Pipe | None = None
        self._is_open = False
        self._reason = "the connection is closed"
        # In the order they were asked for.
        self._answers: deque[asyncio.Future[wire.StreamResponse]] = deque()
        self._snapshots: asyncio.Queue[asyncio.Future[wire.StreamResponse]] = asyncio.Queue()

    async def open(self, opening: DecoderOpening) -> None:
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                self._stream = await connect_pipe(self._address, self, self._secret)
                await self._ask(_open_request(opening))
        except (OSError, TimeoutError) as error:
            raise WorkerUnavailableError(f"decoder worker {self._address} does not answer") from error
        self._is_open = True

    def send(self, chunk: LatentChunk) -> None:
        self._loop.call_soon_threadsafe(self._send, chunk)

    def _send(self, chunk: LatentChunk) -> None:
        if self._stream is None:
            return
        lane = self._lane
        if lane is None or not lane.takes_tensors:
            chunk = on_host(chunk)
        if lane is not None:
            self._offer_lane(lane, chunk)
            if lane.carry(chunk, self._stream.send):
                return
        self._stream.send(codec.latents_to_wire(on_host(chunk)))

    @property
    def is_lane_settled(self) -> bool:
        """Whether latents take the lane by now, or never will."""
        return self._lane is None or self._lane.is_ready

    def request_snapshot(self) -> None:
        self._loop.call_soon_threadsafe(self._ask_caches)

    def _ask_caches(self) -> None:
        self._snapshots.put_nowait(self._ask(wire.StreamRequest(read_caches=wire.ReadCaches())))

    async def read_snapshot(self) -> Mapping[str, Tensors]:
        response = await (await self._snapshots.get())
        return codec.caches_from_wire(response.snapshot.cache_tensors)

    def close(self) -> None:
        self._is_open = False
        if self._stream is not None:
            self._stream.close()
        self._close_lane()

    def received(self, stream: Pipe, data: bytes) -> None:
        response = wire.StreamResponse.FromString(data)
        match response.WhichOneof("message"):
            case "refused":
                self._reason = response.refused.message
                return
            case "lane_answer":
                if self._lane is not None:
                    self._lane.answered(is_taken=response.lane_answer.is_taken)
                if not response.lane_answer.is_taken:
                    self._close_lane()
                return
        answer = self._answers.popleft()
        if not answer.done():  # nobody may be waiting for it any more
            answer.set_result(response)

    def lost(self) -> None:
        self._close_lane()
        message = f"decoder worker {self._address}: {self._reason}"
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(WorkerUnavailableError(message))
                answer.exception()  # nobody may be waiting for it any more
        if self._is_open:
            self._on_lost(message)

    def _offer_lane(self, lane: SendingLane, chunk: LatentChunk) -> None:
        if self._is_lane_offered:
            return
        self._is_lane_offered = True
        offer = lane.offer(chunk)
        if offer is None:
            self._close_lane()
        elif self._stream is not None:
            self._stream.send(wire.StreamRequest(offer_lane=offer))

    def _close_lane(self) -> None:
        if self._lane is not None:
            self._lane.close()
            self._lane = None

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
