"""Client for Nacre: create a world, walk through it and direct it while it streams.

    async with nacre.connect("localhost:50051") as client:
        session = await client.create(prompt="a quiet street at dusk")
        async with session.enter() as world:
            world.move(forward=1.0)
            applied = await world.say("it starts to rain")
            async for chunk in world:
                ...

`import nacre.blocking` has the same verbs for scripts, `import nacre.decode` turns H.264 and Opus into arrays.
"""

from __future__ import annotations

from nacre.access import ApiKey, Caller, ClientToken, RevokedToken, Tenant
from nacre.admin import Admin, Worker
from nacre.books import AuditEntry, Bill, BillLine, Books, Quote, Usage
from nacre.client import Client, connect
from nacre.credentials import Tls
from nacre.errors import (
    Conflict,
    ConnectionLost,
    ControlRejected,
    Detached,
    InternalError,
    InvalidArgument,
    LimitReached,
    NacreError,
    NotFound,
    PermissionDenied,
    ProtocolError,
    QuotaExceeded,
    ServiceError,
    SessionEnded,
    Timeout,
    Unauthenticated,
    Unavailable,
)
from nacre.hands import Hands, Participant
from nacre.media import Chunk, Frame, MediaFormat, Pose, Sound
from nacre.queueing import Limits, QueueStanding, Quota, Reservation, Use, Waiting
from nacre.receipt import Applied, Outcome, Receipt, Superseded
from nacre.recording import Recording, RecordingInfo
from nacre.records import (
    Branch,
    Capabilities,
    Difference,
    PastControl,
    Quality,
    Rewind,
    SavedWorld,
    SessionRecord,
    SessionSummary,
    ShareLink,
    WorldRecord,
)
from nacre.resume import ResumePolicy
from nacre.session import Session
from nacre.sharing import Grant, Provenance
from nacre.when import When, after, at
from nacre.world import GoAway, World

__all__ = [
    "connect",
    "Client",
    "Session",
    "World",
    "Receipt",
    "Outcome",
    "Applied",
    "Superseded",
    "Chunk",
    "Frame",
    "Sound",
    "Pose",
    "MediaFormat",
    "GoAway",
    "Capabilities",
    "SessionRecord",
    "SessionSummary",
    "Recording",
    "RecordingInfo",
    "SavedWorld",
    "Branch",
    "Difference",
    "PastControl",
    "Rewind",
    "ShareLink",
    "Grant",
    "Provenance",
    "Quality",
    "WorldRecord",
    "Tls",
    "Caller",
    "ClientToken",
    "ApiKey",
    "Tenant",
    "Admin",
    "Worker",
    "Hands",
    "Participant",
    "When",
    "after",
    "at",
    "ResumePolicy",
    "RevokedToken",
    "Quota",
    "Limits",
    "Use",
    "QueueStanding",
    "Reservation",
    "Waiting",
    "NacreError",
    "ServiceError",
    "InvalidArgument",
    "NotFound",
    "Conflict",
    "PermissionDenied",
    "Unauthenticated",
    "LimitReached",
    "QuotaExceeded",
    "Unavailable",
    "ConnectionLost",
    "Timeout",
    "InternalError",
    "ControlRejected",
    "SessionEnded",
    "Detached",
    "ProtocolError",
    "AuditEntry",
    "Bill",
    "BillLine",
    "Books",
    "Quote",
    "Usage",
]
