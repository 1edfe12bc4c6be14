"""One client's Play stream: controls and credit in, media and acks out."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from typing import NamedTuple

from nacre.v1 import control_pb2, session_pb2
from serving.errors import AttachExpectedError, ClientStalledError, InvalidFieldError, NacreError, RateExceededError
from serving.gateway import codec
from serving.gateway.audience import Member
from serving.gateway.client_validation import check_cancel, check_hand_verb
from serving.gateway.config import GatewayConfig
from serving.gateway.images import decode_image
from serving.gateway.metrics import DeliveredChunk, GatewayMetrics
from serving.gateway.outbox import Outbox, Write
from serving.gateway.pacing import TokenBucket
from serving.gateway.request_id import current_request_id
from serving.gateway.seats import Delivery
from serving.gateway.seen import Seen
from serving.gateway.session import Session
from serving.gateway.timing import check_wish
from serving.gateway.validation import AttachSpec, RawImage, check_control_kind, check_credit, check_id
from serving.sessions.attribution import Sender
from serving.sessions.contract import Accepted, Cancel, Control, ImageControl, Outcome, QualityChanged, Rewound

ECHOED_ID_CHARS = 63
PLAY_MESSAGES = ("control", "credit", "keyframe_wish")
# After Ended, for the client to close first: a credit sent into a closed stream makes a Python client
# throw away what it has not read yet.
LINGER_S = 0.5


class Pools(NamedTuple):
    """Threads for what blocks."""

    media: Executor
    images: Executor


class PlayStream:
    """Implements `serving.gateway.session.Client` for one stream.

    Three tasks: one reads, one watches over credit and the end, one writes. Chunks come to its seat when they are
    due. A slow client stops the second by credit and the third by flow control; neither stops anybody else.
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
        self._control_rate = TokenBucket(config.control_rate_per_s, config.control_burst)
        self._member: Member | None = None
        self._early: list[session_pb2.PlayResponse] | None = []  # what came before `attached` was said
        self._sequence = 0
        self._woken = asyncio.Event()
        self._is_over = asyncio.Event()
        self._image_task: asyncio.Task[None] | None = None

    # --- Client ---

    def tell(self, outcome: Outcome) -> None:
        received_s = self._session.controls.received_s(outcome.control_id) if isinstance(outcome, Accepted) else None
        on_sent = None if received_s is None else functools.partial(self._on_accepted, received_s)
        self._say(codec.to_ack(outcome, self._request_id), on_sent)

    def go_away(self, reason: str, time_left_s: float) -> None:
        self._say(codec.to_go_away(reason, time_left_s))

    def hands_changed(self, seen: Sequence[Seen], num_viewers: int) -> None:
        self._say(codec.to_hands(seen, num_viewers))

    def quality_changed(self, event: QualityChanged) -> None:
        self._say(codec.to_quality_response(event))

    def rewound(self, event: Rewound) -> None:
        self._say(codec.to_rewound(event))

    def wake(self) -> None:
        self._deliver_waiting()
        if self._session.has_ended:
            self._woken.set()

    def _on_accepted(self, received_s: float) -> None:
        self._metrics.control_accepted(self._clock() - received_s)

    def _say(self, message: session_pb2.PlayResponse, on_sent: Callable[[], None] | None = None) -> None:
        """Not before `attached`, which comes first."""
        if self._early is None:
            self._outbox.put(message, on_sent)
        else:
            self._early.append(message)

    # --- the stream ---

    async def run(self, member: Member, requests: AsyncIterator[session_pb2.PlayRequest], write: Write) -> None:
        """Serve the client, which attached as `member`, until it leaves or the session ends."""
        self._member = member
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._read(requests, tasks)),
                    tasks.create_task(self._watch()),
                    tasks.create_task(self._write(write)),
                    *([tasks.create_task(self._answer_again())] if self._attach.unanswered else ()),
                ]
                await self._is_over.wait()
                for task in (*running, self._image_task):
                    if task is not None:
                        task.cancel()
        except BaseExceptionGroup as group:
            raise _leading_error(group) from None

    async def _answer_again(self) -> None:
        for outcome in await self._session.answers(self._me, self._attach.unanswered):
            self.tell(outcome)

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
                case "keyframe_wish":
                    self._session.show_whole(self._me.seat)
                case "attach":
                    raise AttachExpectedError("only the first message attaches", field="attach")
                case _:
                    raise InvalidFieldError("the message is empty", field="message", allowed=PLAY_MESSAGES)
            await self._outbox.wait_for_room()
        self._is_over.set()

    async def _on_credit(self, message: session_pb2.Credit) -> None:
        seat = self._me.seat
        if seat.credit == 0:
            self._woken.set()
        seat.credit = check_credit(message, seat.credit)
        self._may_take()

    # --- controls ---

    async def _on_control(self, message: control_pb2.Control, tasks: asyncio.TaskGroup) -> None:
        received_s = self._clock()
        try:
            control_id = check_id(message.control_id, "control.control_id")
            if not self._control_rate.take(received_s):
                rate = self._config.control_rate_per_s
                raise RateExceededError(f"at most {rate:g} controls a second", retry_after_s=1 / rate)
            self._session.grant.controls.take(received_s)
            if (verb := check_hand_verb(message)) is not None:
                self._session.flow.hand_over(self._me, control_id, verb, received_s)
                return
            kind = check_cancel(message) or check_control_kind(message, self._session.info)
            schedule = self._session.flow.plan(check_wish(message))
            self._session.flow.check(self._me, kind, schedule)
            is_timed = schedule is None and not isinstance(kind, Cancel)
            self._session.controls.admit(control_id, received_s, is_timed=is_timed)
        except NacreError as error:
            self._reject(message.control_id[:ECHOED_ID_CHARS], error)
            return
        sender = Sender(subject_id=self._me.subject_id, client_id=self._me.client_id)
        make = functools.partial(
            Control, control_id=control_id, received_s=received_s, sender=sender, schedule=schedule
        )
        if not isinstance(kind, RawImage):
            await self._send(make(kind=kind))
            return
        if self._image_task is not None:  # one at a time: the client waits, not our memory
            await self._image_task
        self._image_task = tasks.create_task(self._send_image(control_id, kind.data, make))

    async def _send_image(self, control_id: str, data: bytes, make: Callable[..., Control]) -> None:
        loop = asyncio.get_running_loop()
        decode = functools.partial(decode_image, data, self._config.images, "control.image.data")
        try:
            image_HWC = await loop.run_in_executor(self._pools.images, decode)
        except asyncio.CancelledError:  # the client is gone, and the picture with it
            self._session.flow.forget(control_id)
            raise
        except NacreError as error:
            self._session.flow.forget(control_id)
            self._reject(control_id, error)
            return
        await self._send(make(kind=ImageControl(image_HWC=image_HWC)))

    async def _send(self, control: Control) -> None:
        try:
            await self._session.send(control, self._me)
        except NacreError as error:
            self._session.flow.forget(control.control_id)
            self._reject(control.control_id, error)

    def _reject(self, control_id: str, error: NacreError) -> None:
        self._metrics.control_outcome("rejected")
        self._metrics.error(error.reason)
        self._outbox.put(codec.to_rejection(control_id, error))

    # --- media ---

    async def _watch(self) -> None:
        """Say what was chosen, and stay until the session ends. Raises ClientStalledError."""
        self._greet()
        while not self._session.has_ended:
            self._woken.clear()
            if self._me.seat.credit == 0:
                await self._wait_for_credit()
            else:
                await self._woken.wait()
        self._outbox.put(codec.to_ended(self._session.to_message()))
        self._outbox.close()

    def _greet(self) -> None:
        seat = self._me.seat
        attached = codec.to_attached(
            self._session.to_message(),
            self._attach.video_codec,
            self._attach.audio_codec,
            self._attach.credit,
            seat.first_chunk_idx,
            self._session.floor.see(self._me),
            self._me.guest_token,
        )
        self._outbox.put(attached)
        early, self._early = self._early or [], None
        for message in early:
            self._outbox.put(message)
        self._deliver_waiting()

    @property
    def _me(self) -> Member:
        assert self._member is not None, "set by run"
        return self._member

    async def _wait_for_credit(self) -> None:
        try:
            async with asyncio.timeout(self._config.stall_timeout_s):
                await self._woken.wait()
        except TimeoutError:
            raise ClientStalledError(f"the client gave no credit for {self._config.stall_timeout_s:g} s") from None

    def _may_take(self) -> None:
        """There is credit, or the transport took a chunk."""
        self._deliver_waiting()
        if not self._me.role.looks_on:
            self._session.may_take()

    def _deliver_waiting(self) -> None:
        if self._early is not None:  # `attached` comes first
            return
        seat = self._me.seat
        while (delivery := seat.take()) is not None:
            message = codec.to_delivery(delivery.encoded.message, self._sequence, is_late=delivery.is_late)
            self._sequence += 1
            self._outbox.put(message, functools.partial(self._on_sent, delivery))
            if seat.credit == 0:
                self._woken.set()

    def _on_sent(self, delivery: Delivery) -> None:
        (chunk, arrived_s), session, sent_s = delivery.arrival, self._session, self._clock()
        self._me.seat.num_unsent -= 1
        self._may_take()
        if session.account is not None:
            session.account.delivered(chunk.chunk_idx, len(chunk.frames_FHWC), looks_on=self._me.role.looks_on)
        if self._me.role.looks_on or not session.note_delivered(chunk.chunk_idx):
            return  # objectives are about whoever drives
        if session.recording is not None:
            session.recording.delivered(self._me.seat.channel.codecs, chunk, delivery.encoded)
        for received_s in session.controls.take_shown(chunk.chunk_idx):
            self._metrics.control_to_frame(sent_s - received_s)
        if chunk.chunk_idx == 0:
            self._metrics.time_to_first_frame(session.identity.open_seconds + sent_s - session.attached_s)
        self._metrics.chunk_delivered(
            DeliveredChunk(
                session_id=session.identity.session_id,
                chunk_idx=chunk.chunk_idx,
                num_frames=len(chunk.frames_FHWC),
                num_bytes=delivery.encoded.num_bytes,
                is_late=delivery.is_late,
                is_traced=session.identity.is_traced,
                arrived_s=arrived_s,
                due_s=chunk.due_s,
                sent_s=sent_s,
                encode_seconds=delivery.encoded.encode_seconds,
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
