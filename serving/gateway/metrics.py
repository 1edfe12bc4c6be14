"""What the gateway measures, told through one small interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredChunk:
    """One chunk on its way from the worker to the client. Times are time.time() seconds."""

    session_id: str
    chunk_idx: int
    num_frames: int
    num_bytes: int  # of encoded picture and sound
    is_late: bool
    is_traced: bool  # the session is sampled for spans
    arrived_s: float  # decoded chunk reached the gateway
    due_s: float
    sent_s: float  # handed to the transport
    encode_seconds: float  # wall time of picture and sound encoding
    stage_seconds: Mapping[str, float]  # of the workers, by stage
    request_id: str = ""  # of the Play call


class GatewayMetrics(Protocol):
    """Every call is cheap, never blocks and never raises. All come from the event loop's thread."""

    def of(self, tenant_id: str) -> GatewayMetrics:
        """What is told of a tenant's sessions and calls; of nobody's where the id is empty."""
        ...

    def session_opened(self) -> None: ...

    def session_ended(self, reason: str) -> None:
        """`reason`: a name of nacre.v1.EndReason without its prefix."""
        ...

    def client_attached(self) -> None: ...

    def client_detached(self) -> None: ...

    def time_to_first_frame(self, seconds: float) -> None:
        """CreateSession until the first frame left, without the time the client took to attach."""
        ...

    def control_to_frame(self, seconds: float) -> None:
        """Control received until the first frame that shows it left."""
        ...

    def control_accepted(self, seconds: float) -> None:
        """Control received until its acceptance left."""
        ...

    def control_outcome(self, outcome: str) -> None:
        """`outcome`: accepted, applied, superseded or rejected."""
        ...

    def chunk_delivered(self, chunk: DeliveredChunk) -> None: ...

    def error(self, reason: str) -> None:
        """A call or a control was refused. `reason`: a name of nacre.v1.ErrorReason without its prefix."""
        ...

    def place_asked(self, outcome: str) -> None:
        """A place was asked for, and nobody waited. `outcome`: at_once or refused."""
        ...

    def queue_joined(self) -> None: ...

    def queue_left(self, outcome: str, waited_s: float) -> None:
        """`outcome`: admitted, given_up or left."""
        ...

    def books(self, away_s: float, num_unwritten: int, num_lost: int) -> None:
        """How the books of usage and audit are written. `num_lost`: since it was told last."""
        ...


class NoMetrics:
    """Measures nothing."""

    def of(self, tenant_id: str) -> NoMetrics:
        return self

    def session_opened(self) -> None: ...

    def session_ended(self, reason: str) -> None: ...

    def client_attached(self) -> None: ...

    def client_detached(self) -> None: ...

    def time_to_first_frame(self, seconds: float) -> None: ...

    def control_to_frame(self, seconds: float) -> None: ...

    def control_accepted(self, seconds: float) -> None: ...

    def control_outcome(self, outcome: str) -> None: ...

    def chunk_delivered(self, chunk: DeliveredChunk) -> None: ...

    def error(self, reason: str) -> None: ...

    def place_asked(self, outcome: str) -> None: ...

    def queue_joined(self) -> None: ...

    def queue_left(self, outcome: str, waited_s: float) -> None: ...

    def books(self, away_s: float, num_unwritten: int, num_lost: int) -> None: ...
