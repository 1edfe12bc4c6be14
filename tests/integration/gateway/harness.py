"""What tests say to a gateway over a socket, and how they read its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2

from nacre.v1 import control_pb2, media_pb2, session_pb2, session_pb2_grpc, world_pb2
from serving.gateway.metrics import DeliveredChunk, NoMetrics
from serving.gateway.server import GatewayServer
from tests.fakes import FakeWorldPlane, fake_info

WORLD = world_pb2.WorldSpec(prompt="a quiet street at dusk", seed=7)
RAW = [media_pb2.VIDEO_CODEC_RAW_RGB]
PCM = [media_pb2.AUDIO_CODEC_PCM_S16LE]
# Ten times faster than the embedded model, for tests to take a tenth of the time.
QUICK = fake_info(frame_rate=125.0, samples_per_chunk=128)


class Recorder(NoMetrics):
    """Keeps what a test asks about."""

    def __init__(self) -> None:
        self.chunks: list[DeliveredChunk] = []
        self.errors: list[str] = []
        self.outcomes: list[str] = []
        self.ended: list[str] = []
        self.first_frame_s: list[float] = []
        self.control_to_frame_s: list[float] = []
        self.accepted_s: list[float] = []
        self.num_attached = 0

    def client_attached(self) -> None:
        self.num_attached += 1

    def client_detached(self) -> None:
        self.num_attached -= 1

    def session_ended(self, reason: str) -> None:
        self.ended.append(reason)

    def time_to_first_frame(self, seconds: float) -> None:
        self.first_frame_s.append(seconds)

    def control_to_frame(self, seconds: float) -> None:
        self.control_to_frame_s.append(seconds)

    def control_accepted(self, seconds: float) -> None:
        self.accepted_s.append(seconds)

    def control_outcome(self, outcome: str) -> None:
        self.outcomes.append(outcome)

    def chunk_delivered(self, chunk: DeliveredChunk) -> None:
        self.chunks.append(chunk)

    def error(self, reason: str) -> None:
        self.errors.append(reason)


class Call:
    """A Play stream. Credit is given back for each chunk read unless told otherwise."""

    def __init__(self, call: Any) -> None:
        self.raw = call
        self.gives_credit = True
        self._lock = asyncio.Lock()  # a stream takes one write at a time
        self.backlog: list[session_pb2.PlayResponse] = []

    async def send(self, **message: Any) -> None:
        async with self._lock:
            await self.raw.write(session_pb2.PlayRequest(**message))

    async def control(self, control_id: str, **kind: Any) -> None:
        await self.send(control=control_pb2.Control(control_id=control_id, **kind))

    async def read(self) -> session_pb2.PlayResponse | None:
        """The next message, None at the end of the stream. Raises AioRpcError."""
        message = await self.raw.read()
        if not isinstance(message, session_pb2.PlayResponse):  # EOF
            return None
        if message.HasField("media") and self.gives_credit:
            await self.send(credit=session_pb2.Credit(chunks=1))
        if message.HasField("ended"):
            await self.raw.done_writing()
        return message

    async def until(self, kind: str) -> Any:
        """The next message of a kind; those before it are kept in `backlog`."""
        while True:
            message = await self.read()
            assert message is not None, f"the stream ended before any {kind}"
            if message.WhichOneof("message") == kind:
                return getattr(message, kind)
            self.backlog.append(message)

    async def chunks(self, count: int) -> list[media_pb2.MediaChunk]:
        return [await self.until("media") for _ in range(count)]

    async def ack(self, control_id: str) -> control_pb2.Ack:
        while True:
            ack = await self.until("ack")
            if ack.control_id == control_id:
                return ack

    async def terminal(self, control_id: str) -> control_pb2.Ack:
        ack = await self.ack(control_id)
        return await self.ack(control_id) if ack.HasField("accepted") else ack

    async def rest(self) -> list[session_pb2.PlayResponse]:
        messages = []
        while (message := await self.read()) is not None:
            messages.append(message)
        return messages

    async def last_words(self) -> None:
        """Reads to the end, sending nothing: into a closed stream, that would hide the status."""
        self.gives_credit = False
        await self.rest()

    async def status(self) -> grpc.StatusCode:
        return await self.raw.code()


@dataclass(kw_only=True)
class Gateway:
    server: GatewayServer
    plane: FakeWorldPlane
    metrics: Recorder
    channel: grpc.aio.Channel
    stub: Any = field(init=False)

    def __post_init__(self) -> None:
        self.stub = session_pb2_grpc.SessionServiceStub(self.channel)

    async def create(self, world: world_pb2.WorldSpec = WORLD, key: str = "") -> session_pb2.CreateSessionResponse:
        return await self.stub.CreateSession(session_pb2.CreateSessionRequest(world=world, idempotency_key=key))

    async def play(self, created: session_pb2.CreateSessionResponse | None = None, **attach: Any) -> Call:
        """A Play stream whose first message is sent."""
        if created is None:
            created = await self.create()
        call = Call(self.stub.Play())
        values = {"session_id": created.session.session_id, "resume_token": created.resume_token, **attach}
        await call.send(attach=session_pb2.Attach(**values))
        return call

    async def state(self, created: session_pb2.CreateSessionResponse) -> session_pb2.Session:
        request = session_pb2.GetSessionRequest(session_id=created.session.session_id)
        return (await self.stub.GetSession(request)).session

    async def end(self, created: session_pb2.CreateSessionResponse) -> session_pb2.Session:
        request = session_pb2.EndSessionRequest(session_id=created.session.session_id)
        return (await self.stub.EndSession(request)).session

    async def assert_works(self) -> None:
        """The service goes on: a new session plays."""
        created = await self.create()
        call = await self.play(created)
        assert len(await call.chunks(3)) == 3
        await self.end(created)


class StartGateway(Protocol):
    def __call__(
        self, *, plane: FakeWorldPlane | None = None, channel_options: Any = None, **settings: Any
    ) -> Awaitable[Gateway]: ...


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A status as a client reads it."""

    code: grpc.StatusCode
    message: str
    reason: str
    request_id: str
    field: str
    allowed: list[str]
    retry_after_s: float | None


def read_refusal(error: grpc.aio.AioRpcError) -> Refusal:
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])  # type: ignore[arg-type]
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    has_retry = False
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad_request)
        has_retry = detail.Unpack(retry) or has_retry
    assert info.domain == "nacre"
    assert status.code == error.code().value[0]
    assert "Traceback" not in str(status)
    return Refusal(
        code=error.code(),
        message=status.message,
        reason=info.reason,
        request_id=info.metadata["request_id"],
        field=bad_request.field_violations[0].field if bad_request.field_violations else "",
        allowed=info.metadata["allowed"].split(",") if "allowed" in info.metadata else [],
        retry_after_s=retry.retry_delay.ToMilliseconds() / 1000 if has_retry else None,
    )


async def refusal(answer: Awaitable[Any]) -> Refusal:
    """The error a call is answered with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answer
    return read_refusal(caught.value)


async def eventually(is_so: Callable[[], bool], timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not is_so():
            await asyncio.sleep(0.005)
