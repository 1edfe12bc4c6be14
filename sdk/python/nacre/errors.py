"""Everything that can go wrong for a client, in one tree.

    NacreError
    +-- ServiceError            the service refused or failed: .reason .field .allowed .retry_after_s .request_id
    |   +-- InvalidArgument     .field says which
    |   +-- NotFound            no such session or model, or not yours
    |   +-- Conflict            the session is in another state, e.g. another client controls it
    |   +-- PermissionDenied    the role does not allow it, or the resume token does not fit
    |   |   +-- Unauthenticated no key or token, or none that is good
    |   +-- LimitReached        no free slot, or too many requests
    |   |   +-- QuotaExceeded   the tenant may not use more; .quota says of what
    |   +-- Unavailable         not reachable, stopping, or not ready yet
    |   |   +-- ConnectionLost  a stream that was open broke; the session may still live
    |   +-- Timeout
    |   +-- InternalError       a defect of the service
    +-- ControlRejected         a control was refused: .reason .message .field .allowed
    +-- SessionEnded            the session is over; .reason says why
    +-- Detached                this client let go of the session before the answer came
    +-- ProtocolError           the service said what the contract does not allow

`reason` is a name of nacre.v1.ErrorReason (of EndReason for SessionEnded) without its prefix.
"""

from __future__ import annotations

from collections.abc import Sequence

import grpc
import grpc.aio

from nacre.enums import name_of
from nacre.rpc_status import parse
from nacre.v1 import error_pb2, session_pb2

_REASON_PREFIX = "ERROR_REASON_"
_END_REASON_PREFIX = "END_REASON_"


class NacreError(Exception):
    """The root of the tree."""

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


class ServiceError(NacreError):
    """The service refused or failed."""

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        field: str = "",
        allowed: Sequence[str] = (),
        retry_after_s: float | None = None,
        request_id: str = "",
        quota: str = "",
    ) -> None:
        super().__init__(message, reason=reason)
        self.quota = quota
        self.field = field
        self.allowed = tuple(allowed)
        self.retry_after_s = retry_after_s
        self.request_id = request_id


class InvalidArgument(ServiceError):
    """A field is missing, malformed or out of range; `.field` says which."""


class NotFound(ServiceError):
    """No such session or model, or not yours."""


class Conflict(ServiceError):
    """The session is in another state than this needs."""


class PermissionDenied(ServiceError):
    """The role does not allow it, or the resume token does not fit the session."""


class Unauthenticated(PermissionDenied):
    """No key or token, or none that is good any more. Ask for another one."""


class LimitReached(ServiceError):
    """No free slot, or too many requests; `.retry_after_s` where waiting helps."""


class QuotaExceeded(LimitReached):
    """The tenant may not use more; `.quota` says of what, as `nacre.Limits` names it."""


class Unavailable(ServiceError):
    """The service is not reachable, stopping, or not ready yet."""


class ConnectionLost(Unavailable):
    """An open stream broke. The session may still live: enter it again."""


class Timeout(ServiceError):
    """No answer in time."""


class InternalError(ServiceError):
    """A defect of the service; its operator finds `.request_id` in the logs."""


class ControlRejected(NacreError):
    """A control was refused. The world goes on without it."""

    def __init__(self, message: str, *, reason: str = "", field: str = "", allowed: Sequence[str] = ()) -> None:
        super().__init__(message, reason=reason)
        self.field = field
        self.allowed = tuple(allowed)


class SessionEnded(NacreError):
    """The session is over."""


class Detached(NacreError):
    """This client let go of the session before the answer came."""


class ProtocolError(NacreError):
    """The service said what the contract does not allow."""


_BY_CODE: dict[grpc.StatusCode, type[ServiceError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.OUT_OF_RANGE: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: Conflict,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.RESOURCE_EXHAUSTED: LimitReached,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: Timeout,
    grpc.StatusCode.INTERNAL: InternalError,
}


def from_rpc_error(error: grpc.aio.AioRpcError) -> NacreError:
    """The typed error for a failed call."""
    details = parse(error)
    message = details.message or error.code().name
    if details.reason == "SESSION_ENDED":
        return SessionEnded(message)
    kind = QuotaExceeded if details.reason == "QUOTA_EXCEEDED" else _BY_CODE.get(error.code(), ServiceError)
    return kind(
        message,
        reason=details.reason,
        field=details.field,
        allowed=details.allowed,
        retry_after_s=details.retry_after_s,
        request_id=details.request_id,
        quota=details.quota,
    )


def from_stream_error(error: grpc.aio.AioRpcError) -> NacreError:
    """The typed error for a stream that was open and broke. Without a reason it was the transport."""
    typed = from_rpc_error(error)
    is_transport = not typed.reason and isinstance(typed, Unavailable | InternalError)
    return ConnectionLost(f"the connection broke: {typed.message}") if is_transport else typed


def from_rejection(error: error_pb2.Error) -> ControlRejected:
    reason = name_of(error_pb2.ErrorReason, error.reason, _REASON_PREFIX)
    return ControlRejected(error.message, reason=reason, field=error.field, allowed=tuple(error.allowed))


def from_ended(session: session_pb2.Session) -> SessionEnded:
    reason = name_of(session_pb2.EndReason, session.end_reason, _END_REASON_PREFIX)
    return SessionEnded(f"the session has ended: {reason.lower().replace('_', ' ')}", reason=reason)
