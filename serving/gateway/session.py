"""One session as its gateway holds it: who controls it, what is under way, and when it ends."""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from model.interface import ModelInfo
from nacre.v1 import session_pb2
from serving.errors import SessionControlledError, SessionEndedError
from serving.gateway import codec
from serving.gateway.arrivals import Arrival, ArrivalQueue
from serving.gateway.config import GatewayConfig
from serving.gateway.controls import ControlBook
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.pacing import TokenBucket
from serving.gateway.session_state import State, entered
from serving.sessions.contract import (
    Control,
    DecodedChunk,
    LinkEnded,
    LinkEvent,
    Outcome,
    Rejected,
    SessionLink,
    WorldSpec,
)

logger = logging.getLogger(__name__)


class Client(Protocol):
    """The stream that controls a session. Its methods never wait."""

    def tell(self, outcome: Outcome) -> None: ...

    def go_away(self, reason: str, time_left_s: float) -> None: ...

    def wake(self) -> None:
        """A chunk came or the session ended."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SessionIdentity:
    session_id: str
    resume_token: str
    world: WorldSpec  # without the picture: the worker has it, and nobody asks for it again
    is_traced: bool
    create_s: float  # time.time()
    open_seconds: float  # from CreateSession until its answer
    first_chunk_idx: int = 0  # not 0 for one that another gateway began


class Session:
    """Between a link to the workers and at most one client. Outlives clients, not its gateway."""

    def __init__(
        self,
        identity: SessionIdentity,
        info: ModelInfo,
        link: SessionLink,
        config: GatewayConfig,
        metrics: GatewayMetrics,
        clock: Callable[[], float],
    ) -> None:
        self.identity = identity
        self.info = info
        self.state = State.READY
        self.end_reason = ""
        self.attached_s = 0.0
        self.arrivals = ArrivalQueue(config.window_chunks, identity.first_chunk_idx)
        self.controls = ControlBook(config.max_pending_controls)
        self.control_rate = TokenBucket(config.control_rate_per_s, config.control_burst)
        self._link = link
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._client: Client | None = None
        self._has_ended = asyncio.Event()
        self._is_closed = asyncio.Event()
        # Outcomes that came while nobody was attached; no more than there can be pending controls.
        self._untold: deque[Outcome] = deque(maxlen=2 * config.max_pending_controls)
        self._expiry = asyncio.get_running_loop().call_later(config.ready_grace_s, self.end, "ABANDONED")

    @property
    def has_ended(self) -> bool:
        return self.state is State.ENDED

    async def run(self) -> None:
        """Host the session until it ends; then free its slots."""
        try:
            async with asyncio.TaskGroup() as tasks:
                pump = tasks.create_task(self._pump_events())
                await self._has_ended.wait()
                pump.cancel()
        finally:
            self.end("SERVICE_STOPPING")  # of no effect unless cancelled from outside
            await self._close_link()
            self._is_closed.set()

    async def wait_closed(self) -> None:
        """Returns when the session has ended and its slots are free, or were given up on."""
        await self._is_closed.wait()

    def end(self, reason: str) -> None:
        """End the session, for `reason` (an EndReason without its prefix). Safe to call twice."""
        if self.has_ended:
            return
        self._enter(State.ENDED)
        self.end_reason = reason
        self._expiry.cancel()
        self._has_ended.set()
        self._metrics.session_ended(reason)
        self.arrivals.clear()
        for control_id in self.controls.pending_ids:
            self._on_outcome(Rejected(control_id=control_id, reason="SESSION_ENDED", message="the session has ended"))
        self._wake_client()

    def warn_of_end(self, reason: str, time_left_s: float) -> None:
        """Tell the client that the session will end; without one it ends now."""
        if self._client is None:
            self.end(reason)
        else:
            self._client.go_away(reason, time_left_s)

    def is_token(self, resume_token: str) -> bool:
        return hmac.compare_digest(resume_token.encode(), self.identity.resume_token.encode())

    def attach(self, client: Client) -> None:
        """Give the session to a client. Raises SessionEndedError or SessionControlledError."""
        if self.has_ended:
            raise SessionEndedError("the session has ended", field="attach.session_id")
        if self._client is not None:
            raise SessionControlledError("another client controls the session", field="attach.session_id")
        self._enter(State.RUNNING)
        self._client = client
        self._expiry.cancel()
        self.attached_s = self._clock()
        self._metrics.client_attached()
        while self._untold:
            client.tell(self._untold.popleft())

    def detach(self, client: Client) -> None:
        """Take the session back from a client that is gone. Waits for another for the grace time."""
        assert self._client is client, "detached by a client that does not hold the session"
        self._client = None
        self._metrics.client_detached()
        if not self.has_ended:
            self._enter(State.DETACHED)
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(self._config.detach_grace_s, self.end, "ABANDONED")

    async def send(self, control: Control) -> None:
        """Give an admitted control to the worker."""
        if self.has_ended:
            raise SessionEndedError("the session has ended")
        await self._link.send(control)

    async def refill(self, credit: int) -> None:
        """Let the worker as far ahead as the client's `credit` reaches."""
        chunks = 0 if self.has_ended else self.arrivals.grant(credit)
        if chunks:
            await self._link.grant(chunks)

    def to_message(self) -> session_pb2.Session:
        return codec.to_session(
            session_id=self.identity.session_id,
            state=self.state.value,
            end_reason=self.end_reason,
            world=self.identity.world,
            info=self.info,
            create_s=self.identity.create_s,
            chunks_generated=self.arrivals.num_arrived,
        )

    def _enter(self, state: State) -> None:
        self.state = entered(self.identity.session_id, self.state, state)

    async def _pump_events(self) -> None:
        try:
            async for event in self._link.events():
                self._on_event(event)
            if self.has_ended:
                return
            logger.error("session %s: the workers went silent", self.identity.session_id)
        except Exception:
            logger.exception("session %s: lost its workers", self.identity.session_id)
        self._metrics.error("UNAVAILABLE")
        self.end("WORKER_LOST")

    def _on_event(self, event: LinkEvent) -> None:
        match event:
            case LinkEnded():
                self.end(event.reason)
            case DecodedChunk():
                self.arrivals.put(Arrival(event, self._clock()))
                self._wake_client()
            case _:
                self._on_outcome(event)

    def _on_outcome(self, outcome: Outcome) -> None:
        if not self.controls.settle(outcome):
            logger.error("session %s: outcome of unknown control %s", self.identity.session_id, outcome.control_id)
            return
        self._metrics.control_outcome(type(outcome).__name__.lower())
        if self._client is None:
            self._untold.append(outcome)
        else:
            self._client.tell(outcome)

    def _wake_client(self) -> None:
        if self._client is not None:
            self._client.wake()

    async def _close_link(self) -> None:
        try:
            async with asyncio.timeout(self._config.close_timeout_s):
                await self._link.close()
        except Exception:  # the session is over either way; the workers free what nobody renews
            logger.exception("session %s: its workers did not close it", self.identity.session_id)
            self._metrics.error("UNAVAILABLE")
