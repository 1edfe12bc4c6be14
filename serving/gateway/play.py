"""One client's Play stream: controls and credit in, media and acks out."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from typing import NamedTuple

from nacre.v1 import control_pb2, session_pb2
from serving.errors import AttachExpectedError, ClientStalledError, InvalidFieldError, NacreError, RateExceededError
from serving.gateway import codec
from serving.gateway.arrivals import Arrival, ArrivalQueue
from serving.gateway.config import GatewayConfig
from serving.gateway.images import decode_image
from serving.gateway.media import EncodedAudio, EncodedFrame, make_audio_encoder, make_video_encoder
from serving.gateway.metrics import DeliveredChunk, GatewayMetrics
from serving.gateway.outbox import Outbox, Write
from serving.gateway.pacing import hold_s, is_late
from serving.gateway.request_id import current_request_id
from serving.gateway.seats import Seat
from serving.gateway.session import Session
from serving.gateway.validation import AttachSpec, RawImage, check_control_kind, check_credit, check_id
from serving.sessions.contract import Control, ControlKind, DecodedChunk, ImageControl, Outcome, Rewound

# How many chunks may wait for the transport: one being written and one behind it. More would only age there.
MAX_UNSENT_CHUNKS = 2
ECHOED_ID_CHARS = 63
# After Ended, for the client to close first: a credit sent into a closed stream makes a Python client
# throw away what it has not read yet.
LINGER_S = 0.5


class Pools(NamedTuple):
    """Threads for what blocks."""

    media: Executor
    images: Executor


class MediaEncoder:
    """The two encoders of an attachment, made on the first use: in the thread that encodes."""

    def __init__(self, session: Session, attach: AttachSpec, config: GatewayConfig) -> None:
        info = session.info
        self._make_video = functools.partial(make_video_encoder, attach.video_codec, info, config.media)
        self._make_audio = functools.partial(make_audio_encoder, attach.audio_codec, info, config.media)
        self._has_audio = attach.audio_codec is not None
        self._video = self._audio = None

    def encode(self, chunk: DecodedChunk) -> tuple[list[EncodedFrame], EncodedAudio | None]:
        if self._video is None:
            self._video, self._audio = self._make_video(), self._make_audio()
        audio = self._audio.encode(chunk.samples_SC) if self._audio is not None else None
        return self._video.encode(chunk.frames_FHWC), audio


class PlayStream:
    """Implements `serving.gateway.session.Client` for one stream.

    Three tasks: one reads, one delivers chunks when they are due, one writes. A slow client stops the
    second by credit and the third by flow control; neither stops anybody else.
    """

    def __init__(
        self,
        session: Session,
        attach: AttachSpec,
        config: GatewayConfig,
        pools: Pools,
        metrics: GatewayMetrics,
        clock: Callable[[], float],
    ) -> None:
        self._session = session
        self._attach = attach
        self._config = config
        self._pools = pools
        self._metrics = metrics
        self._clock = clock
        self._request_id = current_request_id()
        self._outbox = Outbox(config.max_unsent_messages, config.stall_timeout_s)
        # Where chunks come from: one who looks on has a queue of its own.
        self._seat = session.sit_down(self) if attach.role.looks_on else None
        self._begin_media(session.arrivals.num_taken)
        self._credit = attach.credit
        self._early: list[session_pb2.PlayResponse] | None = []  # what came before `attached` was said
        self._sequence = 0
        self._num_unsent_chunks = 0
        self._woken = asyncio.Event()
        self._is_over = asyncio.Event()
        self._image_task: asyncio.Task[None] | None = None

    # --- Client ---

    def tell(self, outcome: Outcome) -> None:
        self._say(codec.to_ack(outcome, self._request_id))

    def go_away(self, reason: str, time_left_s: float) -> None:
        self._say(codec.to_go_away(reason, time_left_s))

    def rewound(self, event: Rewound) -> None:
        self._say(codec.to_rewound(event))
        self._begin_media(event.chunk_idx)
        self.wake()

    def wake(self) -> None:
        self._woken.set()

    def _begin_media(self, chunk_idx: int) -> None:
        """With encoders of its own: what those before hold back is of another future, or from before a gap."""
        self._first_chunk_idx = self._next_chunk_idx = chunk_idx
        self._encoder = MediaEncoder(self._session, self._attach, self._config)

    def _say(self, message: session_pb2.PlayResponse) -> None:
        """Not before `attached`, which comes first."""
        if self._early is None:
            self._outbox.put(message)
        else:
            self._early.append(message)

    # --- the stream ---

    async def run(self, requests: AsyncIterator[session_pb2.PlayRequest], write: Write) -> None:
        """Serve the attached session until the client leaves or the session ends."""
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._read(requests, tasks)),
                    tasks.create_task(self._deliver()),
                    tasks.create_task(self._write(write)),
                ]
                await self._is_over.wait()
                for task in (*running, self._image_task):
                    if task is not None:
                        task.cancel()
        except BaseExceptionGroup as group:
            raise _leading_error(group) from None

    async def _write(self, write: Write) -> None:
        await self._outbox.drain(write)
        await asyncio.sleep(LINGER_S)  # cut short by `_read` when the client closes its side
        self._is_over.set()

    async def _read(self, requests: AsyncIterator[session_pb2.PlayRequest], tasks: asyncio.TaskGroup) -> None:
        async for request in requests:
            match request.WhichOneof("message"):
                case "control":
                    await self._on_control(request.control, tasks)
                case "credit":
                    await self._on_credit(request.credit)
                case "attach":
                    raise AttachExpectedError("only the first message attaches", field="attach")
                case _:
                    raise InvalidFieldError("the message is empty", field="message", allowed=("control", "credit"))
            await self._outbox.wait_for_room()
        self._is_over.set()

    async def _on_credit(self, message: session_pb2.Credit) -> None:
        self._credit = check_credit(message, self._credit)
        self._woken.set()

    # --- controls ---

    async def _on_control(self, message: control_pb2.Control, tasks: asyncio.TaskGroup) -> None:
        received_s = self._clock()
        try:
            control_id = check_id(message.control_id, "control.control_id")
            if not self._session.control_rate.take(received_s):
                rate = self._config.control_rate_per_s
                raise RateExceededError(f"at most {rate:g} controls a second", retry_after_s=1 / rate)
            kind = check_control_kind(message, self._session.info)
            self._attach.role.check(kind)
            self._session.controls.admit(control_id, received_s)
        except NacreError as error:
            self._reject(message.control_id[:ECHOED_ID_CHARS], error)
            return
        if not isinstance(kind, RawImage):
            await self._send(control_id, kind, received_s)
            return
        if self._image_task is not None:  # one at a time: the client waits, not our memory
            await self._image_task
        self._image_task = tasks.create_task(self._send_image(control_id, kind.data, received_s))

    async def _send_image(self, control_id: str, data: bytes, received_s: float) -> None:
        loop = asyncio.get_running_loop()
        decode = functools.partial(decode_image, data, self._config.images, "control.image.data")
        try:
            image_HWC = await loop.run_in_executor(self._pools.images, decode)
        except NacreError as error:
            self._session.controls.forget(control_id)
            self._reject(control_id, error)
            return
        await self._send(control_id, ImageControl(image_HWC=image_HWC), received_s)

    async def _send(self, control_id: str, kind: ControlKind, received_s: float) -> None:
        try:
            await self._session.send(Control(control_id=control_id, kind=kind, received_s=received_s), self)
        except NacreError as error:
            self._session.controls.forget(control_id)
            self._reject(control_id, error)

    def _reject(self, control_id: str, error: NacreError) -> None:
        self._metrics.control_outcome("rejected")
        self._metrics.error(error.reason)
        self._outbox.put(codec.to_rejection(control_id, error))

    # --- media ---

    async def _deliver(self) -> None:
        session = self._session
        attached = codec.to_attached(
            session.to_message(),
            self._attach.video_codec,
            self._attach.audio_codec,
            self._credit,
            self._first_chunk_idx,
        )
        self._outbox.put(attached)
        early, self._early = self._early or [], None
        for message in early:
            self._outbox.put(message)
        while not session.has_ended:
            if self._seat is None:
                await session.refill(self._credit)
            arrival = self._chunks.first
            if self._credit == 0:
                await self._wait_for_credit()
            elif arrival is not None and self._num_unsent_chunks < MAX_UNSENT_CHUNKS:
                await self._deliver_chunk(arrival)
            else:
                await self._wait()
        self._outbox.put(codec.to_ended(session.to_message()))
        self._outbox.close()

    @property
    def _chunks(self) -> ArrivalQueue | Seat:
        return self._seat or self._session.arrivals

    async def _wait(self) -> None:
        self._woken.clear()
        await self._woken.wait()

    async def _wait_for_credit(self) -> None:
        try:
            async with asyncio.timeout(self._config.stall_timeout_s):
                while self._credit == 0 and not self._session.has_ended:
                    await self._wait()
        except TimeoutError:
            raise ClientStalledError(f"the client gave no credit for {self._config.stall_timeout_s:g} s") from None

    async def _deliver_chunk(self, arrival: Arrival) -> None:
        """Encode as soon as it is there, send when it is due."""
        chunk = arrival.chunk
        if chunk.chunk_idx != self._next_chunk_idx:
            self._begin_media(chunk.chunk_idx)
        started_s = time.perf_counter()
        loop = asyncio.get_running_loop()
        frames, audio = await loop.run_in_executor(self._pools.media, self._encoder.encode, chunk)
        encode_seconds = time.perf_counter() - started_s
        await asyncio.sleep(hold_s(chunk.due_s, self._clock()))
        session = self._session
        if session.has_ended or self._chunks.first is not arrival:  # it went back meanwhile
            return
        late = is_late(chunk.due_s, session.attached_s, self._clock(), self._config.late_tolerance_s)
        message = codec.to_media(
            chunk_idx=chunk.chunk_idx,
            sequence=self._sequence,
            info=session.info,
            frames=frames,
            audio=audio,
            first_chunk_idx=self._first_chunk_idx,
            pose=chunk.pose,
            is_late=late,
        )
        if self._seat is None:
            session.take_first()
        else:
            self._seat.take()
        self._sequence += 1
        self._credit -= 1
        self._num_unsent_chunks += 1
        self._next_chunk_idx = chunk.chunk_idx + 1
        self._outbox.put(message, functools.partial(self._on_sent, arrival, message.ByteSize(), late, encode_seconds))

    def _on_sent(self, arrival: Arrival, num_bytes: int, late: bool, encode_seconds: float) -> None:
        chunk, session, sent_s = arrival.chunk, self._session, self._clock()
        self._num_unsent_chunks -= 1
        self._woken.set()
        if self._seat is not None:
            return  # objectives are about whoever drives
        for received_s in session.controls.take_shown(chunk.chunk_idx):
            self._metrics.control_to_frame(sent_s - received_s)
        if chunk.chunk_idx == 0:
            self._metrics.time_to_first_frame(session.identity.open_seconds + sent_s - session.attached_s)
        self._metrics.chunk_delivered(
            DeliveredChunk(
                session_id=session.identity.session_id,
                chunk_idx=chunk.chunk_idx,
                num_frames=len(chunk.frames_FHWC),
                num_bytes=num_bytes,
                is_late=late,
                is_traced=session.identity.is_traced,
                arrived_s=arrival.arrived_s,
                due_s=chunk.due_s,
                sent_s=sent_s,
                encode_seconds=encode_seconds,
                stage_seconds=chunk.stage_seconds,
                request_id=self._request_id,
            )
        )


def _leading_error(group: BaseExceptionGroup) -> BaseException:
    """The error to answer with: one of our tree before any other."""
    ours, others = group.split(NacreError)
    leading = ours or others
    assert leading is not None
    while isinstance(leading, BaseExceptionGroup):
        leading = leading.exceptions[0]
    return leading
