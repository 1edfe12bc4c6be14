"""A SessionService on a loopback port that does what a test's script says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import grpc
import grpc.aio
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from nacre.v1 import control_pb2, media_pb2, session_pb2, session_pb2_grpc, world_pb2

WIDTH_PX, HEIGHT_PX, SAMPLES_PER_CHUNK = 4, 2, 160
CHUNK_S = 0.08
TOKEN = "a-token"
GUEST_TOKEN = "g" * 22

CAPABILITIES = world_pb2.Capabilities(
    model="toy",
    weights_sha256="00",
    width_px=WIDTH_PX,
    height_px=HEIGHT_PX,
    frame_rate=12.5,
    frames_per_chunk=1,
    chunk_duration_s=CHUNK_S,
    audio=world_pb2.AudioCapability(sample_rate_hz=2_000, channels=1, samples_per_chunk=SAMPLES_PER_CHUNK),
    controls=[world_pb2.CONTROL_KIND_MOVE, world_pb2.CONTROL_KIND_DIRECTIVE],
    perspectives=[world_pb2.PERSPECTIVE_FIRST_PERSON],
    max_yaw_deg_per_s=90,
    licence="Apache-2.0",
)

Request = session_pb2.PlayRequest
Response = session_pb2.PlayResponse
Context = grpc.aio.ServicerContext


def session_message(**fields: object) -> session_pb2.Session:
    return session_pb2.Session(session_id="s-1", capabilities=CAPABILITIES, **fields)  # pyright: ignore[reportArgumentType]


class Attachment:
    """The service's end of one Play stream, as scripts use it. Credit is counted, never exceeded unless forced."""

    def __init__(self, requests: AsyncIterator[Request], context: Context) -> None:
        self._requests = requests
        self._context = context
        self._changed = asyncio.Condition()
        self.attach = session_pb2.Attach()
        self.credit = 0
        self.grants: list[int] = []
        self.controls: list[control_pb2.Control] = []
        self.num_taken = 0
        self.num_sent = 0
        self.num_wishes = 0  # for a keyframe

    async def open(self) -> None:
        self.attach = (await anext(self._requests)).attach
        self.credit = self.attach.initial_credit

    async def answer(self, next_chunk_index: int = 0) -> None:
        attached = session_pb2.Attached(
            session=session_message(),
            video_codec=self.attach.video_codecs[0],
            audio_codec=self.attach.audio_codecs[0],
            credit=self.credit,
            next_chunk_index=next_chunk_index,
            guest_token=GUEST_TOKEN,
        )
        await self.write(Response(attached=attached))

    async def listen(self) -> None:
        async for request in self._requests:
            async with self._changed:
                match request.WhichOneof("message"):
                    case "control":
                        self.controls.append(request.control)
                    case "credit":
                        self.grants.append(request.credit.chunks)
                        self.credit += request.credit.chunks
                    case "keyframe_wish":
                        self.num_wishes += 1
                self._changed.notify_all()

    async def control(self) -> control_pb2.Control:
        """The next control, in order."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.controls) > self.num_taken)
            self.num_taken += 1
            return self.controls[self.num_taken - 1]

    async def wait_for_credit(self, credit: int = 1) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.credit >= credit)

    async def send_chunk(self, index: int) -> None:
        """Once there is credit."""
        await self.wait_for_credit()
        self.credit -= 1
        await self.force_chunk(index)

    async def force_chunk(self, index: int) -> None:
        self.num_sent += 1
        await self.write(Response(media=self.chunk(index)))

    def chunk(self, index: int) -> media_pb2.MediaChunk:
        return media_pb2.MediaChunk(
            chunk_index=index,
            sequence=self.num_sent - 1,
            world_time=duration(index * CHUNK_S),
            frames=[
                media_pb2.VideoFrame(
                    frame_index=index,
                    presentation_time=duration(index * CHUNK_S),
                    data=bytes([index % 256]) * (WIDTH_PX * HEIGHT_PX * 3),
                    is_keyframe=index == 0,
                )
            ],
            audio=media_pb2.AudioBlock(
                presentation_time=duration(index * CHUNK_S),
                packets=[b"\xff\x7f" * SAMPLES_PER_CHUNK],
                num_samples=SAMPLES_PER_CHUNK,
            ),
            pose=media_pb2.Pose(x_m=index, yaw_deg=90),
            late=index == 1,
        )

    async def acknowledge(self, control_id: str, **outcome: object) -> None:
        ack = control_pb2.Ack(control_id=control_id, **outcome)  # pyright: ignore[reportArgumentType]
        await self.write(Response(ack=ack))

    async def end(self, reason: session_pb2.EndReason) -> None:
        ended = session_message(state=session_pb2.SESSION_STATE_ENDED, end_reason=reason)
        await self.write(Response(ended=session_pb2.Ended(session=ended)))

    async def write(self, response: Response) -> None:
        await self._context.write(response)

    async def break_connection(self) -> None:
        """As a transport breaks: a status without any reason of the service's."""
        await self._context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")

    async def abort(self, code: grpc.StatusCode, reason: str, *, retry_after_s: float | None = None) -> None:
        await abort(self._context, code, reason, retry_after_s=retry_after_s)


Script = Callable[[Attachment], Awaitable[None]]


def duration(seconds: float) -> duration_pb2.Duration:
    result = duration_pb2.Duration()
    result.FromMicroseconds(round(seconds * 1e6))
    return result


def status_details(
    code: grpc.StatusCode, reason: str, *, field_path: str = "", retry_after_s: float | None = None
) -> tuple[tuple[str, bytes], ...]:
    """The trailer that a service written with googleapis-common-protos sends."""
    info = error_details_pb2.ErrorInfo(reason=reason, domain="nacre", metadata={"request_id": "r-1", "allowed": "a,b"})
    details: list[object] = [info]
    if field_path:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field_path, description="wrong")
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if retry_after_s is not None:
        details.append(error_details_pb2.RetryInfo(retry_delay=duration(retry_after_s)))
    status = status_pb2.Status(code=code.value[0], message=f"refused: {reason}")
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)  # pyright: ignore[reportArgumentType]
        status.details.append(packed)
    return (("grpc-status-details-bin", status.SerializeToString()),)


async def abort(
    context: Context,
    code: grpc.StatusCode,
    reason: str,
    *,
    field_path: str = "",
    retry_after_s: float | None = None,
) -> None:
    trailers = status_details(code, reason, field_path=field_path, retry_after_s=retry_after_s)
    pushback = () if retry_after_s is None else (("grpc-retry-pushback-ms", "-1"),)
    await context.abort(code, f"refused: {reason}", (*trailers, *pushback))


if TYPE_CHECKING:  # calls that no script needs answer UNIMPLEMENTED, as the servicer's own do

    class Servicer: ...
else:
    Servicer = session_pb2_grpc.SessionServiceServicer


@dataclass
class ScriptedService(Servicer):
    """`scripts`: one for each attachment to come; the last serves all later ones too."""

    scripts: list[Script] = field(default_factory=list)
    create_requests: list[session_pb2.CreateSessionRequest] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    refuse_create: Callable[[grpc.aio.ServicerContext], Awaitable[None]] | None = None

    async def GetCapabilities(  # noqa: N802
        self, request: session_pb2.GetCapabilitiesRequest, context: Context
    ) -> session_pb2.GetCapabilitiesResponse:
        return session_pb2.GetCapabilitiesResponse(capabilities=CAPABILITIES)

    async def CreateSession(  # noqa: N802
        self, request: session_pb2.CreateSessionRequest, context: Context
    ) -> session_pb2.CreateSessionResponse:
        self.create_requests.append(request)
        if self.refuse_create is not None:
            await self.refuse_create(context)
        world = world_pb2.WorldSpec(prompt=request.world.prompt, model="toy", seed=request.world.seed or 7)
        session = session_message(state=session_pb2.SESSION_STATE_READY, world=world)
        return session_pb2.CreateSessionResponse(session=session, resume_token=TOKEN)

    async def GetSession(  # noqa: N802
        self, request: session_pb2.GetSessionRequest, context: Context
    ) -> session_pb2.GetSessionResponse:
        if request.session_id != "s-1":
            await abort(context, grpc.StatusCode.NOT_FOUND, "SESSION_NOT_FOUND", field_path="session_id")
        return session_pb2.GetSessionResponse(session=session_message(state=session_pb2.SESSION_STATE_RUNNING))

    async def EndSession(  # noqa: N802
        self, request: session_pb2.EndSessionRequest, context: Context
    ) -> session_pb2.EndSessionResponse:
        ended = session_message(
            state=session_pb2.SESSION_STATE_ENDED, end_reason=session_pb2.END_REASON_REQUESTED, chunks_generated=5
        )
        return session_pb2.EndSessionResponse(session=ended)

    async def Play(  # noqa: N802  # pyright: ignore[reportIncompatibleMethodOverride]  # writes to the context
        self, request_iterator: AsyncIterator[Request], context: Context
    ) -> None:
        attachment = Attachment(request_iterator, context)
        script = self.scripts[min(len(self.attachments), len(self.scripts) - 1)]
        self.attachments.append(attachment)
        await attachment.open()
        listener = asyncio.create_task(attachment.listen())
        try:
            await script(attachment)
        except AssertionError as failure:
            self.failures.append(failure)
            raise
        finally:
            listener.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await listener


async def forever(attachment: Attachment) -> None:
    """Attach, and send chunks as credit allows."""
    await attachment.answer()
    index = 0
    while True:
        await attachment.send_chunk(index)
        index += 1


@contextlib.asynccontextmanager
async def serve(service: ScriptedService, port: int = 0) -> AsyncIterator[tuple[grpc.aio.Server, int]]:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    session_pb2_grpc.add_SessionServiceServicer_to_server(cast("Any", service), server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield server, port
    finally:
        await server.stop(None)
        assert not service.failures, service.failures
