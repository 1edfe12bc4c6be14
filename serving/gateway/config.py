"""The gateway's settings, as one frozen value."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from serving.access.config import AccessConfig
from serving.admission.limits import AdmissionConfig
from serving.books.config import BooksConfig
from serving.export.config import RecordingConfig
from serving.gateway.images import ImageLimits
from serving.gateway.media import MediaConfig

MIN_PORT, MAX_PORT = 0, 65_535
MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """Limits on what a stranger can send, and for how long things are waited for."""

    host: str = "127.0.0.1"
    port: int = 50051  # 0 takes any free one
    # An image of the largest allowed size and the words beside it fit; more is refused by the transport.
    max_receive_bytes: int = 9 * MIB
    max_streams_per_connection: int = 100
    max_concurrent_calls: int = 1_024
    # A client whose machine vanished is noticed after the two together.
    keepalive_time_s: float = 10.0
    keepalive_timeout_s: float = 5.0

    attach_timeout_s: float = 5.0  # for the first message of Play
    # How often it is asked whether a client still may be attached. Beside one's own sessions that is a look-up each.
    access_check_s: float = 10.0
    # How long a session without a client is kept, before the first attach and after a lost one.
    ready_grace_s: float = 60.0
    detach_grace_s: float = 30.0
    # The operator's policy, announced when a session begins and by GoAway; 0 for no limit, as the engine has none.
    max_session_s: float = 0.0
    warn_before_limit_s: float = 60.0
    # How long a client may leave the stream unread or give no credit before it is let go.
    stall_timeout_s: float = 20.0
    open_timeout_s: float = 30.0  # for the workers to open a session
    close_timeout_s: float = 5.0  # for the workers to free its slots
    drain_s: float = 5.0  # between GoAway and Ended when the service stops

    control_rate_per_s: float = 60.0  # per client
    control_burst: int = 60
    take_control_after_s: float = 10.0  # of asking for it, with one controller at a time
    vote_window_s: float = 0.5  # how often votes are counted: as long as people need to answer each other
    max_pending_controls: int = 256  # per session, without a terminal outcome
    max_clients: int = 500  # on one session, of whom most look on
    max_unsent_messages: int = 512  # per client: acks and the few chunks that credit allows
    # How many chunks a worker may be ahead of delivery: enough to denoise one while the one
    # before is decoded and the one before that waits to be due.
    window_chunks: int = 4
    # A quarter of the embedded model's chunk: later than that, a player with a chunk in hand can tell.
    late_tolerance_s: float = 0.02

    access: AccessConfig = field(default_factory=AccessConfig)
    admission: AdmissionConfig = field(default_factory=AdmissionConfig)
    books: BooksConfig = field(default_factory=BooksConfig)
    images: ImageLimits = field(default_factory=ImageLimits)
    media: MediaConfig = field(default_factory=MediaConfig)
    recording: RecordingConfig = field(default_factory=RecordingConfig)
    num_media_threads: int = 2
    num_image_threads: int = 1  # bounds the memory that decoding pictures can take

    def __post_init__(self) -> None:
        if not MIN_PORT <= self.port <= MAX_PORT:
            raise ValueError(f"port must be {MIN_PORT} to {MAX_PORT}, got {self.port}")
        if not self.host:
            raise ValueError("host must not be empty")
        if not (math.isfinite(self.max_session_s) and self.max_session_s >= 0):
            raise ValueError(f"max_session_s must be a number of seconds, 0 for no limit, got {self.max_session_s}")
        for name in _DURATIONS:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number of seconds, got {value}")
        for name in _COUNTS:
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if not (math.isfinite(self.control_rate_per_s) and self.control_rate_per_s > 0):
            raise ValueError(f"control_rate_per_s must be positive, got {self.control_rate_per_s}")
        if not (math.isfinite(self.drain_s) and self.drain_s >= 0):
            raise ValueError(f"drain_s must not be negative, got {self.drain_s}")


_DURATIONS = (
    "keepalive_time_s",
    "keepalive_timeout_s",
    "attach_timeout_s",
    "access_check_s",
    "ready_grace_s",
    "detach_grace_s",
    "stall_timeout_s",
    "open_timeout_s",
    "close_timeout_s",
    "late_tolerance_s",
    "take_control_after_s",
    "vote_window_s",
)
_COUNTS = (
    "max_receive_bytes",
    "max_streams_per_connection",
    "max_concurrent_calls",
    "control_burst",
    "max_pending_controls",
    "max_clients",
    "max_unsent_messages",
    "window_chunks",
    "num_media_threads",
    "num_image_threads",
)
