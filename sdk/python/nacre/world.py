"""A world one is in: verbs up, chunks down, over one attachment after another."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from nacre.credit import CreditLedger
from nacre.enums import name_of, value_of
from nacre.errors import (
    Detached,
    NacreError,
    ProtocolError,
    ServiceError,
    SessionEnded,
    Timeout,
    Unauthenticated,
    from_ended,
)
from nacre.hands import Hands, role_value, to_hands, to_role
from nacre.image import ImageSource, to_image
from nacre.media import AUDIO_CODECS, VIDEO_CODECS, Chunk, MediaFormat, to_chunk, to_media_format
from nacre.pending import PendingReceipts
from nacre.receipt import Receipt
from nacre.records import Capabilities, Quality, Rewind, seconds_of, to_capabilities, to_quality
from nacre.resume import NO_RESUME, ResumePolicy, can_resume
from nacre.stream import PlayStream
from nacre.v1 import control_pb2, session_pb2, session_pb2_grpc, world_pb2
from nacre.when import When


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterOptions:
    """How to attach to a session."""

    video: str = "h264"  # or "vp8" or "rgb"
    audio: str = "opus"  # or "pcm"
    buffer_chunks: int = 4  # 1 to 16: chunks held here that nobody has taken
    attach_timeout_s: float = 30.0
    resume: ResumePolicy = NO_RESUME
    role: str = ""  # "player", "director" or "viewer"; empty for as much as the token allows
    client_id: str = ""  # one's own name in the session; empty for one that is made up
    stand_by: bool = False  # where another has control: wait for it

    def __post_init__(self) -> None:
        if self.video not in VIDEO_CODECS:
            raise ValueError(f"video must be one of {', '.join(VIDEO_CODECS)}, got {self.video!r}")
        if self.audio not in AUDIO_CODECS:
            raise ValueError(f"audio must be one of {', '.join(AUDIO_CODECS)}, got {self.audio!r}")
        role_value(self.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoAway:
    """The service will end the stream soon."""

    reason: str  # "service_stopping", ...
    time_left_s: float


class World:
    """Enter with `async with session.enter()`; iterate for chunks.

    Verbs may be called without awaiting what they return. Call everything from one event loop.

    Whoever iterates gets every chunk, and the world waits for them: take chunks in one task while another awaits many
    outcomes. A script that only says things need not iterate: while it awaits an outcome, and nobody has begun to
    iterate, of the chunks that nobody takes the newest are kept and the others let go (`num_dropped`). While it awaits
    nothing the world waits here too, and after 20 s the service ends the stream.
    """

    def __init__(
        self,
        stub: session_pb2_grpc.SessionServiceAsyncStub,
        session_id: str,
        resume_token: str,
        options: EnterOptions,
    ) -> None:
        self._stub = stub
        self._session_id = session_id
        self._resume_token = resume_token
        self._options = options
        self._credit = CreditLedger(options.buffer_chunks)
        self._to_write = asyncio.Event()
        self._pending = PendingReceipts(self._to_write.set)
        self._outbox: deque[control_pb2.Control] = deque()  # bounded by what may be pending
        self._chunks: deque[Chunk] = deque()  # bounded by the credit given
        self._arrived = asyncio.Event()
        self._is_iterated = False
        self._wants_keyframe = False
        self.num_dropped = 0  # chunks that came before anybody iterated, and were let go
        self._end: NacreError | None = None
        self._num_attempts = 0
        # The same after a lost connection, so that what one held and waits for is one's own again.
        self.client_id = options.client_id or f"py-{secrets.token_hex(4)}"
        self.role = options.role  # as the service has it, once it is entered
        self.in_control = False
        self.hands: Hands | None = None  # the last that was told; those who look on are not told
        self._task: asyncio.Task[None] | None = None
        self._format: MediaFormat | None = None
        self._capabilities: Capabilities | None = None
        self.next_chunk_index = 0  # of the first chunk of the current attachment
        self._end_chunk_index = 0  # after the last that came
        self.num_attachments = 0
        self._guest_token = ""  # of one whom a share link let in: by it, it comes back as itself
        self.go_away: GoAway | None = None
        self.quality: Quality | None = None  # the last that was told; None while all is as it should be
        # What the session went back to while this world was entered; chunks count from there again.
        self.rewinds: list[Rewind] = []

    # --- coming and going ---

    async def __aenter__(self) -> Self:
        if self._task is not None:
            raise RuntimeError("a world is entered once; call session.enter() again")
        stream = await self._attach()
        # Owned by this object: cancelled and awaited in __aexit__.
        self._task = asyncio.create_task(self._run(stream), name=f"nacre-{self._session_id}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._finish(Detached("the world was left"))
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled() and (defect := self._task.exception()) is not None:
            raise defect

    @property
    def session_id(self) -> str:
        return self._session_id

    @property
    def format(self) -> MediaFormat:
        """How the current attachment's media is encoded."""
        if self._format is None:
            raise _not_entered()
        return self._format

    @property
    def capabilities(self) -> Capabilities:
        if self._capabilities is None:
            raise _not_entered()
        return self._capabilities

    @property
    def end(self) -> NacreError | None:
        """Why no more chunks will come; None while they will."""
        return self._end

    # --- verbs ---

    def move(self, *, forward: float = 0.0, strafe: float = 0.0, when: When | None = None) -> Receipt:
        """Walk, until the next `move`. `forward`: -1 (back) to 1; `strafe`: -1 (left) to 1 (right). `when`, as for the
        other verbs: `nacre.at(...)` or `nacre.after(...)`; as soon as it can when left out."""
        return self._send(control_pb2.Control(move=control_pb2.Move(forward=forward, strafe=strafe)), when)

    def look(self, *, yaw: float = 0.0, pitch: float = 0.0, when: When | None = None) -> Receipt:
        """Turn, until the next `look`. `yaw`: -1 (left) to 1 (right); `pitch`: -1 (down) to 1 (up)."""
        return self._send(control_pb2.Control(look=control_pb2.Look(yaw=yaw, pitch=pitch)), when)

    def say(self, text: str, *, when: When | None = None) -> Receipt:
        """A sentence that changes the world, 1 to 2,000 characters."""
        return self._send(control_pb2.Control(directive=control_pb2.Directive(text=text)), when)

    def show(self, image: ImageSource, *, when: When | None = None) -> Receipt:
        """A picture that changes the world: PNG, JPEG or WebP, as bytes or a path."""
        return self._send(control_pb2.Control(image=to_image(image)), when)

    def perspective(self, perspective: str, *, when: When | None = None) -> Receipt:
        """ "first_person" or "third_person"."""
        value = value_of(world_pb2.Perspective, perspective, "PERSPECTIVE_")
        return self._send(control_pb2.Control(perspective=control_pb2.SetPerspective(perspective=value)), when)

    def camera(self, move: str, *, when: When | None = None) -> Receipt:
        """A camera move, such as "pan_left" or "push_in"."""
        value = value_of(control_pb2.CameraMoveKind, move, "CAMERA_MOVE_KIND_")
        return self._send(control_pb2.Control(camera=control_pb2.CameraMove(kind=value)), when)

    def cancel(self, control: Receipt | str) -> Receipt:
        """Take back one's own control that waits: it is superseded, "cancelled". Rejected when it does not wait."""
        control_id = control if isinstance(control, str) else control.control_id
        return self._send(control_pb2.Control(cancel=control_pb2.Cancel(control_id=control_id)))

    def ask_control(self) -> Receipt:
        """Ask whoever has control to give it. `hands` and `in_control` tell how it goes on."""
        return self._send(control_pb2.Control(ask_control=control_pb2.AskControl()))

    def give_control(self, client_id: str = "") -> Receipt:
        """To another client, or to whoever asked first."""
        return self._send(control_pb2.Control(give_control=control_pb2.GiveControl(client_id=client_id)))

    def take_control(self) -> Receipt:
        """What was asked for, and not given in time. Rejected before that."""
        return self._send(control_pb2.Control(take_control=control_pb2.TakeControl()))

    def _send(self, control: control_pb2.Control, when: When | None = None) -> Receipt:
        if self._task is None:
            raise _not_entered()
        receipt = self._pending.open()
        if when is not None:
            receipt.is_scheduled = True
            control.schedule.CopyFrom(when.to_message())
        if self._end is not None:
            self._pending.settle_all(self._end)
        if not receipt.is_settled:
            control.control_id = receipt.control_id
            self._outbox.append(control)
            self._to_write.set()
        return receipt

    # --- chunks ---

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        """The next chunk. Stops when the session was ended on request or the world was left, else raises."""
        if self._task is None:
            raise _not_entered()
        if not self._is_iterated:
            self._is_iterated, self._wants_keyframe = True, self.num_dropped > 0
            self._to_write.set()
        while not self._chunks:
            if self._end is not None:
                if _is_clean(self._end):
                    raise StopAsyncIteration
                raise self._end
            self._arrived.clear()
            await self._arrived.wait()
        self._credit.take()
        self._to_write.set()
        return self._chunks.popleft()

    # --- the stream ---

    async def _run(self, stream: PlayStream) -> None:
        """One attachment after another, until there is none to be had."""
        try:
            while True:
                error = await self._play(stream)
                stream = await self._reattach(error)
        except NacreError as final:
            self._finish(final)
        finally:
            self._finish(Detached("the world was left"))

    async def _play(self, stream: PlayStream) -> NacreError:
        """Serve one attachment; tells what it ended with."""
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write(stream))
                error = await self._read(stream)
                writer.cancel()
        finally:
            stream.close()
        return error

    async def _read(self, stream: PlayStream) -> NacreError:
        try:
            while True:
                self._on_response(await stream.read())
        except NacreError as error:
            return error

    async def _write(self, stream: PlayStream) -> None:
        is_open = True
        self._to_write.set()
        while is_open:
            await self._to_write.wait()
            self._to_write.clear()
            if granted := self._credit.grant(self._pending.is_awaited):
                is_open = await stream.write(session_pb2.PlayRequest(credit=session_pb2.Credit(chunks=granted)))
            if self._wants_keyframe:  # what there was to decode from was let go
                self._wants_keyframe = False
                is_open = await stream.write(session_pb2.PlayRequest(keyframe_wish=session_pb2.KeyframeWish()))
            while is_open and self._outbox:
                is_open = await stream.write(session_pb2.PlayRequest(control=self._outbox.popleft()))

    def _on_response(self, response: session_pb2.PlayResponse) -> None:
        match response.WhichOneof("message"):
            case "media":
                self._on_media(response)
            case "ack":
                self._pending.on_ack(response.ack)
            case "go_away":
                reason = name_of(session_pb2.EndReason, response.go_away.reason, "END_REASON_").lower()
                self.go_away = GoAway(reason=reason, time_left_s=seconds_of(response.go_away.time_left))
            case "ended":
                raise from_ended(response.ended.session)
            case "rewound":
                self._on_rewound(response.rewound)
            case "quality":
                told = to_quality(response.quality)
                self.quality = None if told.is_whole else told
            case "hands":
                self.hands = to_hands(response.hands)
                mine = [each for each in self.hands.participants if each.client_id == self.client_id]
                self.in_control = any(each.in_control for each in mine)
            case "attached":
                raise ProtocolError("attached twice on one stream")
            case _:
                pass  # a newer service says more than this client knows

    def _on_media(self, response: session_pb2.PlayResponse) -> None:
        if not self._credit.receive():
            raise ProtocolError("the service sent a chunk that was not granted")
        self._num_attempts = 0
        self._pending.on_chunk()
        self._chunks.append(to_chunk(response.media, self.format, time.monotonic()))
        if self._credit.is_full and not self._is_iterated and self._pending.is_awaited:
            self._chunks.popleft()
            self._credit.take()
            self.num_dropped += 1
        self._end_chunk_index = max(self._end_chunk_index, response.media.chunk_index + 1)
        self._arrived.set()
        self._to_write.set()

    def _on_rewound(self, rewound: session_pb2.Rewound) -> None:
        """What waits untaken is of a future that is no more."""
        while self._chunks:
            self._chunks.popleft()
            self._credit.take()
        self.next_chunk_index = self._end_chunk_index = rewound.chunk_index
        self.rewinds.append(Rewind(chunk_index=rewound.chunk_index, branch_session_id=rewound.branch_session_id))
        self._to_write.set()

    async def _attach(self) -> PlayStream:
        unsent_ids = {control.control_id for control in self._outbox}
        attach = session_pb2.Attach(
            session_id=self._session_id,
            resume_token=self._resume_token,
            video_codecs=[VIDEO_CODECS[self._options.video]],
            audio_codecs=[AUDIO_CODECS[self._options.audio]],
            initial_credit=self._credit.attach(),
            role=role_value(self._options.role),
            client_id=self.client_id,
            # One who comes back may find that another was given control meanwhile.
            stand_by=self._options.stand_by or self.hands is not None,
            unanswered_control_ids=self._pending.unanswered_ids(unsent_ids),
            guest_token=self._guest_token,
            next_chunk_index=self._end_chunk_index,
        )
        stream = await PlayStream.open(self._stub, attach, self._options.attach_timeout_s)
        attached = stream.attached
        self._guest_token = attached.guest_token
        self._pending.on_attach({control.control_id for control in self._outbox})
        self._capabilities = to_capabilities(attached.session.capabilities)
        self._format = to_media_format(attached.video_codec, attached.audio_codec, self._capabilities)
        self.next_chunk_index = attached.next_chunk_index
        self.quality = to_quality(attached.session.quality) if attached.session.HasField("quality") else None
        self.role, self.in_control = to_role(attached.role), attached.in_control
        self.num_attachments += 1
        return stream

    async def _reattach(self, error: NacreError) -> PlayStream:
        """A new attachment after `error`, or the error that ends this world."""
        policy = self._options.resume
        while self._num_attempts < policy.max_attempts and (can_resume(error) or self._was_let_in(error)):
            retry_after_s = error.retry_after_s if isinstance(error, ServiceError) else None
            await asyncio.sleep(policy.delay_s(self._num_attempts, retry_after_s, random.random()))
            self._num_attempts += 1
            try:
                return await self._attach()
            except NacreError as next_error:
                error = next_error
        raise error

    def _was_let_in(self, error: NacreError) -> bool:
        """The token is over that opened a stream which brought chunks: there may be a new one, and one try tells."""
        return isinstance(error, Unauthenticated) and self._num_attempts == 0

    def _finish(self, end: NacreError) -> None:
        """Nothing comes any more; only the first reason counts."""
        if self._end is None:
            self._end = _stalled(end) if end.reason == "CLIENT_STALLED" else end
        self._outbox.clear()
        self._pending.settle_all(self._end)
        self._arrived.set()


def _not_entered() -> RuntimeError:
    return RuntimeError("the world is not entered: use it inside `async with session.enter() as world`")


def _stalled(end: NacreError) -> Timeout:
    """In words of this package: whoever uses it gives no credit."""
    message = f"nobody took the world's chunks: iterate the world, in a task beside if need be ({end.message})"
    request_id = end.request_id if isinstance(end, ServiceError) else ""
    return Timeout(message, reason=end.reason, request_id=request_id)


def _is_clean(end: NacreError) -> bool:
    return isinstance(end, Detached) or (isinstance(end, SessionEnded) and end.reason == "REQUESTED")
