"""A running session as its gateway holds it, whichever way the workers are reached."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Protocol

from serving.errors import NacreError, SessionEndedError, StorageUnavailableError
from serving.sessions.contract import (
    Accepted,
    Applied,
    Cancel,
    Control,
    DecodedChunk,
    Directive,
    ImageControl,
    LatestWins,
    LeaveAsked,
    LinkEnded,
    LinkEvent,
    Notice,
    QualityChanged,
    Rejected,
    SnapshotRequest,
    TakenSnapshot,
)
from serving.sessions.encoded import DecodedPart, EncodedControl, EncodedDirective, EncodedImage, EncodedKind
from serving.sessions.joiner import Joiner
from serving.stages.encoder import EncoderClient
from serving.stages.outbox import Outbox

# A grant may wait for the next while the worker has this many chunks to go on with: a message less for every other
# chunk, and with two in hand the next one cannot come too late.
MIN_UNSPENT_CHUNKS = 2
MIN_GRANT_CHUNKS = 2

logger = logging.getLogger(__name__)

REQUEST_ID_BYTES = 8
# Directives and images that may wait for the encoder; it takes tens of milliseconds for each.
MAX_WAITING_INSTRUCTIONS = 64


class WorkerPort(Protocol):
    """The way to the transformer worker. Its methods never wait."""

    def post(self, control: EncodedControl) -> None: ...

    def grant(self, chunks: int) -> None: ...

    def take_snapshot(self, request: SnapshotRequest) -> None: ...


class PlaneLink:
    """A `SessionLink`. Its plane feeds it what comes from the workers, and releases them when it is over."""

    def __init__(
        self,
        encoder: EncoderClient,
        port: WorkerPort,
        next_chunk_idx: int,
        *,
        worker_id: str,
        shown_until: int = 0,
    ) -> None:
        """Chunks before `shown_until` take nothing of a grant."""
        self.worker_id = worker_id
        self._shown_until = shown_until
        self._encoder = encoder
        self._port = port
        self._joiner = Joiner(next_chunk_idx)
        self._events: Outbox[LinkEvent] = Outbox()
        self._instructions: asyncio.Queue[Control] = asyncio.Queue(MAX_WAITING_INSTRUCTIONS)
        self._understood: dict[str, tuple[str, ...] | None] = {}  # by control id, until it has its outcome
        self._snapshots: dict[str, asyncio.Future[TakenSnapshot]] = {}
        self.has_played = False  # chunks came of it
        self._num_unspent = 0  # chunks the worker was let make and that have not come
        self._held_grant = 0
        self._is_over = asyncio.Event()
        self._is_released = asyncio.Event()

    # --- for the gateway ---

    async def send(self, control: Control) -> None:
        """What needs no encoding goes at once; directives and images by way of the encoder, in order, and behind them
        what takes one of them back."""
        if self._is_over.is_set():
            return  # `LinkEnded` said so; nothing follows it
        kind = control.kind
        # A gateway takes back nothing but axes, which wait for no encoder; a client may mean what still does.
        if isinstance(kind, LatestWins) or (isinstance(kind, Cancel) and control.loss is not None):
            self._post(control, kind)
            return
        try:
            self._instructions.put_nowait(control)
        except asyncio.QueueFull:
            self._reject(control, "RATE_EXCEEDED", f"{MAX_WAITING_INSTRUCTIONS} instructions wait already")

    async def grant(self, chunks: int) -> None:
        self._held_grant += chunks
        self._send_grant_if_due()

    async def events(self) -> AsyncIterator[LinkEvent]:
        while (event := await self._events.get()) is not None:
            yield event

    async def snapshot(
        self, *, is_kept: bool = False, is_portable: bool = False, when_paused: bool = False
    ) -> TakenSnapshot:
        if self._is_over.is_set():
            raise SessionEndedError("the session has ended")
        request = SnapshotRequest(
            request_id=secrets.token_hex(REQUEST_ID_BYTES),
            is_kept=is_kept,
            is_portable=is_portable,
            when_paused=when_paused,
        )
        self._send_grant(self._held_grant)  # or the session might pause before it made what it may
        answer = self._snapshots[request.request_id] = asyncio.get_running_loop().create_future()
        self._port.take_snapshot(request)
        try:
            taken = await answer
        finally:
            del self._snapshots[request.request_id]
        if taken.error:
            raise StorageUnavailableError(f"the session could not be saved: {taken.error}")
        return taken

    async def close(self) -> None:
        self.end("REQUESTED", "")
        await self._is_released.wait()

    # --- for the plane ---

    def add_outcomes(self, outcomes: Iterable[Notice]) -> None:
        self._put(self._joiner.add_outcomes([self._with_understood(outcome) for outcome in outcomes]))

    def add_part(self, part: DecodedPart) -> None:
        self._put(self._joiner.add_part(part))

    def add_snapshot(self, taken: TakenSnapshot) -> None:
        answer = self._snapshots.get(taken.request_id)  # nobody may be waiting for it any more
        if answer is not None and not answer.done():
            answer.set_result(taken)

    def add_leave(self) -> None:
        self._put([LeaveAsked()])

    def end(self, reason: str, message: str) -> None:
        """Nothing follows. The first reason counts."""
        if self._is_over.is_set():
            return
        self._is_over.set()
        self._put([LinkEnded(reason=reason, message=message)])
        self._events.end()
        for answer in self._snapshots.values():
            if not answer.done():
                answer.set_exception(SessionEndedError("the session has ended"))

    async def over(self) -> None:
        """Returns once the session is over for either side."""
        await self._is_over.wait()

    def released(self) -> None:
        """The workers hold nothing of it any more."""
        self._is_released.set()

    async def encode_instructions(self) -> None:
        """Bring directives and images to the worker, one after the other, for ever."""
        while True:
            control = await self._instructions.get()
            try:
                self._post(control, await self._encoded(control))
            except NacreError as error:
                self._reject(control, error.reason, error.message)
            except Exception:
                logger.exception("control %s could not be encoded", control.control_id)
                self._reject(control, "INTERNAL", "the encoder failed")

    def _send_grant_if_due(self) -> None:
        can_wait = self._held_grant < MIN_GRANT_CHUNKS and self._num_unspent >= MIN_UNSPENT_CHUNKS
        if self._held_grant == 0 or can_wait or self._is_over.is_set():
            return
        self._send_grant(self._held_grant)

    def _send_grant(self, chunks: int) -> None:
        self._held_grant = 0
        self._num_unspent += chunks
        if chunks:
            with contextlib.suppress(NacreError):  # ended a moment ago; that is among the events
                self._port.grant(chunks)

    async def _encoded(self, control: Control) -> EncodedKind:
        match control.kind:
            case Directive(text=text):
                encoded = await self._encoder.encode_text(text)
                self._understood[control.control_id] = encoded.understood
                return EncodedDirective(text=text, tensors=encoded.tensors)
            case ImageControl(image_HWC=image_HWC):
                return EncodedImage(tensors=await self._encoder.encode_image(image_HWC))
            case kind:
                return kind

    def _with_understood(self, outcome: Notice) -> Notice:
        """With what the worker does not know."""
        if isinstance(outcome, Accepted | QualityChanged):
            return outcome
        understood = self._understood.pop(outcome.control_id, None)
        return replace(outcome, understood=understood) if isinstance(outcome, Applied) else outcome

    def _post(self, control: Control, kind: EncodedKind) -> None:
        encoded = EncodedControl(
            control_id=control.control_id,
            kind=kind,
            received_s=control.received_s,
            sender=control.sender,
            schedule=control.schedule,
            loss=control.loss,
        )
        with contextlib.suppress(SessionEndedError):
            self._port.post(encoded)

    def _reject(self, control: Control, reason: str, message: str) -> None:
        self._put([Rejected(control_id=control.control_id, reason=reason, message=message)])

    def _put(self, events: Iterable[LinkEvent]) -> None:
        for event in events:
            self._events.put(event)
            if isinstance(event, DecodedChunk):
                self._num_unspent -= event.chunk_idx >= self._shown_until
                self.has_played = True
        self._send_grant_if_due()
