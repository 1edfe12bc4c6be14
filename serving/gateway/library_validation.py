"""Requests about what is on record, checked and turned into plain values. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from nacre.v1 import library_pb2, session_pb2
from serving.errors import ChunkUnknownError, InvalidFieldError
from serving.gateway.validation import check_text

MAX_NAME_CHARS, MAX_LABEL_CHARS, MAX_NOTE_CHARS = 200, 200, 2_000
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 50, 1_000
MAX_SEQUENCE = 2**63 - 1  # what a catalogue can count to
MIN_LIFETIME_S, DEFAULT_LIFETIME_S, MAX_LIFETIME_S = 60.0, 86_400.0, 365 * 86_400.0
SCOPES = {
    library_pb2.SHARE_SCOPE_VIEW: "view",
    library_pb2.SHARE_SCOPE_JOIN: "join",
    library_pb2.SHARE_SCOPE_FORK: "fork",
    library_pb2.SHARE_SCOPE_DIRECT: "direct",
}
# As the catalogue names them; to it every session that is neither parked nor ended is open.
STATES = {
    session_pb2.SESSION_STATE_RUNNING: "open",
    session_pb2.SESSION_STATE_PARKED: "parked",
    session_pb2.SESSION_STATE_ENDED: "ended",
}


def check_name(value: str, field: str) -> str:
    return check_text(value, MAX_NAME_CHARS, field)


def check_label(value: str, field: str) -> str:
    return check_text(value, MAX_LABEL_CHARS, field) if value else ""


def check_note(value: str, field: str) -> str:
    return check_text(value, MAX_NOTE_CHARS, field) if value else ""


def check_page_size(value: int, field: str) -> int:
    if value > MAX_PAGE_SIZE:
        raise InvalidFieldError(f"at most {MAX_PAGE_SIZE} to a page", field=field)
    return value or DEFAULT_PAGE_SIZE


def check_states(values: Iterable[session_pb2.SessionState], field: str) -> tuple[str, ...]:
    for value in values:
        if value not in STATES:
            names = tuple(session_pb2.SessionState.Name(each) for each in STATES)
            raise InvalidFieldError("sessions on record are in one of three states", field=field, allowed=names)
    return tuple(STATES[value] for value in values)


def check_scope(value: library_pb2.ShareScope, field: str) -> str:
    if value not in SCOPES:
        names = tuple(library_pb2.ShareScope.Name(each) for each in SCOPES)
        raise InvalidFieldError("a link needs a scope", field=field, allowed=names)
    return SCOPES[value]


def check_sequence(value: int, field: str) -> int:
    if value > MAX_SEQUENCE:
        raise InvalidFieldError(f"no book has so many rows; {MAX_SEQUENCE} at most", field=field)
    return value


def check_kind(value: library_pb2.SnapshotKind, field: str) -> bool:
    """Whether it is portable."""
    if value not in library_pb2.SnapshotKind.values():
        names = ("SNAPSHOT_KIND_PORTABLE", "SNAPSHOT_KIND_EXACT")
        raise InvalidFieldError("there is no such kind of snapshot", field=field, allowed=names)
    return value != library_pb2.SNAPSHOT_KIND_EXACT


def check_lifetime(request: library_pb2.CreateShareLinkRequest, field: str) -> float:
    """Seconds."""
    if not request.HasField("lifetime"):
        return DEFAULT_LIFETIME_S
    seconds = request.lifetime.seconds + request.lifetime.nanos / 1e9
    if not MIN_LIFETIME_S <= seconds <= MAX_LIFETIME_S:
        raise InvalidFieldError("a link lives for 1 minute to 365 days", field=field)
    return seconds


def check_rewind(request: session_pb2.RewindSessionRequest, num_made: int, chunk_duration_s: float) -> int:
    """The chunk to go back to, of a session that made `num_made`. Further back than its beginning is its beginning."""
    match request.WhichOneof("to"):
        case "chunk_index":
            if request.chunk_index >= num_made:
                raise ChunkUnknownError(f"the session has made {num_made} chunks", field="chunk_index")
            return request.chunk_index
        case "back":
            seconds = request.back.seconds + request.back.nanos / 1e9
            if seconds <= 0:
                raise InvalidFieldError("a time to go back is more than nothing", field="back")
            return max(0, num_made - max(1, round(seconds / chunk_duration_s)))
        case _:
            raise InvalidFieldError("say where to go back to", field="to", allowed=("chunk_index", "back"))
