"""One session as its gateway holds it: who may control it, what is pending, and when it ends."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import hmac
import logging
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from typing import NamedTuple, Protocol

from model.interface import ModelInfo
from nacre.v1 import session_pb2
from serving.errors import ControlDuplicateError, RateExceededError, SessionControlledError, SessionEndedError
from serving.gateway import codec
from serving.gateway.config import GatewayConfig
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.pacing import TokenBucket, chunks_to_grant
from serving.sessions.contract import (
    Accepted,
    Applied,
    Control,
    DecodedChunk,
    LinkEnded,
    Outcome,
    Rejected,
    SessionLink,
    WorldSpec,
)

logger = logging.getLogger(__name__)

# Ids are remembered for this many controls: a minute at the full rate, and a bound on memory for ever.
REMEMBERED_CONTROL_IDS = 4_096
OUTCOME_NAMES = {"Accepted": "accepted", "Applied": "applied", "Superseded": "superseded", "Rejected": "rejected"}


class State(enum.Enum):
    READY = "READY"  # no client has attached yet
    RUNNING = "RUNNING"
    DETACHED = "DETACHED"  # waits for a client for the grace time
    ENDED = "ENDED"


ALLOWED_TRANSITIONS: dict[State, frozenset[State]] = {
    State.READY: frozenset({State.RUNNING, State.ENDED}),
    State.RUNNING: frozenset({State.DETACHED, State.ENDED}),
    State.DETACHED: frozenset({State.RUNNING, State.ENDED}),
    State.ENDED: frozenset(),
}


class StateError(Exception):
    """A transition that the table does not have: a defect of ours."""

    def __init__(self, session_id: str, state: State, wanted: State) -> None:
        allowed = ", ".join(sorted(each.value for each in ALLOWED_TRANSITIONS[state])) or "none"
        super().__init__(f"session {session_id} is {state.value} and cannot become {wanted.value}; allowed: {allowed}")
        self.state = state
        self.wanted = wanted


class Client(Protocol):
    """The stream that controls a session. Its methods never wait."""

    def tell(self, outcome: Outcome) -> None: ...

    def go_away(self, reason: str, time_left_s: float) -> None: ...

    def wake(self) -> None:
        """A chunk came or the session ended."""
        ...


class Arrival(NamedTuple):
    chunk: DecodedChunk
    arrived_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SessionIdentity:
    session_id: str
    resume_token: str
    world: WorldSpec  # without the picture: the worker has it, and nobody asks for it again
    is_traced: bool
    create_s: float  # time.time()
    open_seconds: float  # from CreateSession until its answer


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
        self.controls_rate = TokenBucket(config.control_rate_per_s, config.control_burst)
        self._link = link
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._client: Client | None = None
        self._has_ended = asyncio.Event()
        self._is_closed = asyncio.Event()
        self._arrivals: deque[Arrival] = deque()
        self._num_arrived = 0
        self._num_delivered = 0
        self._num_granted = 0
        self._received_s_by_id: dict[str, float] = {}  # controls without a terminal outcome
        self._recent_ids: dict[str, None] = {}
        self._unseen_received_s: list[tuple[int, float]] = []  # (chunk, received): applied, not delivered yet
        self._untold: deque[Outcome] = deque(maxlen=config.max_pending_controls)  # came while nobody was attached
        self._expiry = asyncio.get_running_loop().call_later(config.ready_grace_s, self.end, "ABANDONED")

    # --- life ---

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
        if self.state is State.ENDED:
            return
        self._enter(State.ENDED)
        self.end_reason = reason
        self._expiry.cancel()
        self._arrivals.clear()
        for control_id in list(self._received_s_by_id):
            self._on_outcome(Rejected(control_id=control_id, reason="SESSION_ENDED", message="the session has ended"))
        self._has_ended.set()
        self._wake_client()
        self._metrics.session_ended(reason)

    def warn_of_end(self, reason: str, time_left_s: float) -> None:
        """Tell the client that the session will end; without one it ends now."""
        if self._client is None:
            self.end(reason)
        else:
            self._client.go_away(reason, time_left_s)

    def _enter(self, state: State) -> None:
        if state not in ALLOWED_TRANSITIONS[self.state]:
            raise StateError(self.identity.session_id, self.state, state)
        self.state = state

    async def _close_link(self) -> None:
        try:
            async with asyncio.timeout(self._config.close_timeout_s):
                await self._link.close()
        except Exception:  # the session is over either way; the workers free what nobody renews
            logger.exception("session %s: its workers did not close it", self.identity.session_id)
            self._metrics.error("UNAVAILABLE")

    # --- the client's side ---

    def is_token(self, resume_token: str) -> bool:
        return hmac.compare_digest(resume_token.encode(), self.identity.resume_token.encode())

    def attach(self, client: Client) -> None:
        """Give the session to a client. Raises SessionEndedError or SessionControlledError."""
        if self.state is State.ENDED:
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
        if self.state is State.RUNNING:
            self._enter(State.DETACHED)
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(self._config.detach_grace_s, self.end, "ABANDONED")

    def admit_control(self, control_id: str, received_s: float) -> None:
        """Note a valid control as pending. Raises ControlDuplicateError or RateExceededError."""
        if control_id in self._recent_ids:
            raise ControlDuplicateError("the control id was used before", field="control.control_id")
        if len(self._received_s_by_id) >= self._config.max_pending_controls:
            raise RateExceededError(f"{self._config.max_pending_controls} controls wait for their outcome")
        self._recent_ids[control_id] = None
        if len(self._recent_ids) > REMEMBERED_CONTROL_IDS:
            del self._recent_ids[next(iter(self._recent_ids))]
        self._received_s_by_id[control_id] = received_s

    def forget_control(self, control_id: str) -> None:
        """It was refused on the way to the worker and will have no outcome from there."""
        self._received_s_by_id.pop(control_id, None)

    async def send(self, control: Control) -> None:
        """Give an admitted control to the worker."""
        if self.state is State.ENDED:
            raise SessionEndedError("the session has ended")
        await self._link.send(control)

    async def refill(self, credit: int) -> None:
        """Let the worker as far ahead as the client's `credit` reaches."""
        chunks = chunks_to_grant(self._num_granted, self._num_delivered, credit, self._config.window_chunks)
        if chunks and self.state is not State.ENDED:
            self._num_granted += chunks
            await self._link.grant(chunks)

    @property
    def next_arrival(self) -> Arrival | None:
        return self._arrivals[0] if self._arrivals else None

    @property
    def next_chunk_idx(self) -> int:
        """Of the first chunk no client was given."""
        return self._num_delivered

    def take_arrival(self) -> None:
        """The next arrival is on its way to the client."""
        self._arrivals.popleft()
        self._num_delivered += 1

    def note_shown(self, chunk_idx: int) -> list[float]:
        """The chunk left: when the controls that it is the first to show were received."""
        shown = [received_s for idx, received_s in self._unseen_received_s if idx <= chunk_idx]
        if shown:
            self._unseen_received_s = [each for each in self._unseen_received_s if each[0] > chunk_idx]
        return shown

    def to_message(self) -> session_pb2.Session:
        return codec.to_session(
            session_id=self.identity.session_id,
            state=self.state.value,
            end_reason=self.end_reason,
            world=self.identity.world,
            info=self.info,
            create_s=self.identity.create_s,
            chunks_generated=self._num_arrived,
        )

    # --- the workers' side ---

    async def _pump_events(self) -> None:
        try:
            async with aclosing(self._link.events()) as events:  # type: ignore[type-var]
                async for event in events:
                    if isinstance(event, LinkEnded):
                        self.end(event.reason)
                        return
                    self._on_event(event)
            logger.error("session %s: the workers went silent", self.identity.session_id)
        except Exception:
            logger.exception("session %s: lost its workers", self.identity.session_id)
            self._metrics.error("UNAVAILABLE")
        self.end("WORKER_LOST")

    def _on_event(self, event: Outcome | DecodedChunk) -> None:
        if isinstance(event, DecodedChunk):
            self._on_chunk(event)
        else:
            self._on_outcome(event)

    def _on_chunk(self, chunk: DecodedChunk) -> None:
        if chunk.chunk_idx != self._num_arrived:
            raise ValueError(f"expected chunk {self._num_arrived}, the workers sent {chunk.chunk_idx}")
        if len(self._arrivals) > self._config.window_chunks:  # one may come before it was granted: the first
            raise ValueError(f"the workers sent chunk {chunk.chunk_idx} without credit")
        self._num_arrived += 1
        self._arrivals.append(Arrival(chunk, self._clock()))
        self._wake_client()

    def _on_outcome(self, outcome: Outcome) -> None:
        if outcome.control_id not in self._received_s_by_id:
            logger.error("session %s: outcome of unknown control %s", self.identity.session_id, outcome.control_id)
            return
        self._metrics.control_outcome(OUTCOME_NAMES[type(outcome).__name__])
        if not isinstance(outcome, Accepted):
            received_s = self._received_s_by_id.pop(outcome.control_id)
            if isinstance(outcome, Applied):
                self._unseen_received_s.append((outcome.chunk_idx, received_s))
        if self._client is None:
            self._untold.append(outcome)
        else:
            self._client.tell(outcome)

    def _wake_client(self) -> None:
        if self._client is not None:
            self._client.wake()
