"""Everything a caller can be told went wrong. Handlers raise; the gateway's interceptor answers.

    NacreError
    +-- InvalidFieldError          a field is missing, malformed or out of range
    |   +-- WorldMissingError      nothing to start a world from
    |   +-- WorldAmbiguousError    a prompt beside custom mode, or a character without a scene
    |   +-- TextEmptyError
    |   +-- TextTooLongError
    |   +-- ImageUnreadableError   not a picture of a kind that is read
    |   +-- ImageTruncatedError    cut short or damaged
    |   +-- ImageTooLargeError     too many bytes or pixels
    |   +-- ControlUnsupportedError
    |   +-- AttachExpectedError    the first message of Play, and only the first, attaches
    |   +-- ChunkUnknownError      not a chunk that the session has made
    |   +-- KeyReusedError         the idempotency key came with another request before
    +-- ControlDuplicateError
    +-- ControlRewoundError        the session went back to before it took effect
    +-- ControlLostError           it never got anywhere, and its client was told so
    +-- NotInControlError          another client has the session in hand
    +-- ControlNotWaitingError     there is nothing to cancel
    +-- PredecessorLostError       the control that it was to come after did not take effect
    +-- AttachTimeoutError
    +-- ModelUnknownError
    +-- SessionNotFoundError
    +-- SessionEndedError
    +-- SessionStateError          what was asked wants the session running, or not running
    +-- SessionControlledError
    +-- RecordingNotFoundError     nothing is recorded of the session
    +-- WorldNotFoundError
    +-- WorkerNotFoundError        not heard of lately
    +-- ScopeExceededError         the share link does not allow it
    +-- PermissionMissingError     the role does not allow it
    +-- UnauthenticatedError       no key or token, or none that is good
    +-- OriginRefusedError         a web page from elsewhere
    +-- AuthenticationOffError     nobody is asked who they are
    +-- TenantNotFoundError
    +-- TenantExistsError
    +-- KeyNotFoundError
    +-- ResumeTokenInvalidError
    +-- RateExceededError
    +-- ClientStalledError
    +-- BudgetExhaustedError       the credential's or the tenant's budget is spent
    +-- RegionRefusedError         the tenant's data may not be kept here
    +-- CapacityExhaustedError     every slot is taken
    |   +-- QueueFullError         and as many wait as may
    |   +-- WorkerSaturatedError   a slot is free, and steps leave no time for another session
    +-- QuotaExceededError         the tenant may not use more of something
    +-- ReservationNotFoundError   or not any more
    +-- KeyOutcomeUnknownError     a request was begun under the idempotency key, and its gateway died
    +-- UnavailableError           stopping, or not ready yet
    |   +-- WorkerUnavailableError a worker is gone or does not answer
    |   +-- StorageUnavailableError the catalogue or the snapshot store does not answer, or is full
    |   +-- SessionHeldError       another worker holds the session
    |   +-- SessionFencedError     a write named an old epoch: another worker has taken the session
    +-- SnapshotRefusedError       it cannot be used; nothing was touched
    |   +-- SnapshotDamagedError   altered, cut short, or a part is missing
    |   +-- SnapshotForeignError   of another model, or of other weights
    |   +-- SnapshotNewerError     of a version to come
    +-- MethodUnknownError
    +-- ServiceUnknownError        health was asked of a service that there is not
    +-- MessageTooLargeError       more bytes than are taken at once
    +-- CallsExceededError         as many calls as there may be are being answered
    +-- ShareLinkExpiredError
    +-- ShareLinkRevokedError
    +-- InternalError              a defect of ours

`reason` is a name of nacre.v1.ErrorReason without its prefix. `status` is the gRPC status, which
a caller sees as the code of the call. `field` is the path from the request to what is at fault,
`allowed` what would have been taken, where that is a list, and `retry_after_s` is set where waiting helps. `subject`
says whose limit it is, of those with the status RESOURCE_EXHAUSTED.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from grpc import StatusCode

# An answer's trailers hold a message three times, once with twelve bytes for some characters. Of more than 8 KiB of
# them a client of gRPC sees nothing but that they are too long.
MAX_MESSAGE_CHARS = 300


class NacreError(Exception):
    """The root. Every class below names its reason and its status."""

    reason: ClassVar[str] = "INTERNAL"
    status: ClassVar[StatusCode] = StatusCode.INTERNAL
    default_retry_after_s: ClassVar[float | None] = None
    default_subject: ClassVar[str] = "service"
    quota: str = ""  # the name of the limit, where it has one

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        allowed: Sequence[str] = (),
        retry_after_s: float | None = None,
        subject: str = "",
    ) -> None:
        super().__init__(message)
        # What a client wrote may be quoted in it, of any length.
        self.message = message if len(message) <= MAX_MESSAGE_CHARS else f"{message[:MAX_MESSAGE_CHARS]}..."
        self.field = field
        self.allowed = tuple(allowed)
        self.retry_after_s = self.default_retry_after_s if retry_after_s is None else retry_after_s
        self.subject = subject or self.default_subject


class InvalidFieldError(NacreError):
    reason = "FIELD_INVALID"
    status = StatusCode.INVALID_ARGUMENT


class WorldMissingError(InvalidFieldError):
    reason = "WORLD_MISSING"


class WorldAmbiguousError(InvalidFieldError):
    reason = "WORLD_AMBIGUOUS"


class TextEmptyError(InvalidFieldError):
    reason = "TEXT_EMPTY"


class TextTooLongError(InvalidFieldError):
    reason = "TEXT_TOO_LONG"


class ImageUnreadableError(InvalidFieldError):
    reason = "IMAGE_UNREADABLE"


class ImageTruncatedError(InvalidFieldError):
    reason = "IMAGE_TRUNCATED"


class ImageTooLargeError(InvalidFieldError):
    reason = "IMAGE_TOO_LARGE"


class ControlUnsupportedError(InvalidFieldError):
    reason = "CONTROL_UNSUPPORTED"


class AttachExpectedError(InvalidFieldError):
    reason = "ATTACH_EXPECTED"


class ChunkUnknownError(InvalidFieldError):
    reason = "CHUNK_UNKNOWN"
    status = StatusCode.OUT_OF_RANGE


class ControlDuplicateError(NacreError):
    reason = "CONTROL_DUPLICATE"
    status = StatusCode.ALREADY_EXISTS


class ControlRewoundError(NacreError):
    reason = "REWOUND"
    status = StatusCode.ABORTED


class ControlLostError(NacreError):
    reason = "CONTROL_LOST"
    status = StatusCode.ABORTED


class NotInControlError(NacreError):
    reason = "NOT_IN_CONTROL"
    status = StatusCode.FAILED_PRECONDITION


class ControlNotWaitingError(NacreError):
    reason = "CONTROL_NOT_WAITING"
    status = StatusCode.FAILED_PRECONDITION


class PredecessorLostError(NacreError):
    reason = "PREDECESSOR_LOST"
    status = StatusCode.ABORTED


class AttachTimeoutError(NacreError):
    reason = "ATTACH_TIMEOUT"
    status = StatusCode.DEADLINE_EXCEEDED


class ModelUnknownError(NacreError):
    reason = "MODEL_UNKNOWN"
    status = StatusCode.NOT_FOUND


class SessionNotFoundError(NacreError):
    reason = "SESSION_NOT_FOUND"
    status = StatusCode.NOT_FOUND


class SessionEndedError(NacreError):
    reason = "SESSION_ENDED"
    status = StatusCode.FAILED_PRECONDITION


class SessionStateError(NacreError):
    reason = "SESSION_STATE"
    status = StatusCode.FAILED_PRECONDITION


class RecordingNotFoundError(NacreError):
    reason = "RECORDING_NOT_FOUND"
    status = StatusCode.NOT_FOUND


class WorldNotFoundError(NacreError):
    reason = "WORLD_NOT_FOUND"
    status = StatusCode.NOT_FOUND


class WorkerNotFoundError(NacreError):
    reason = "WORKER_NOT_FOUND"
    status = StatusCode.NOT_FOUND


class ScopeExceededError(NacreError):
    reason = "SCOPE_EXCEEDED"
    status = StatusCode.PERMISSION_DENIED


class PermissionMissingError(NacreError):
    reason = "PERMISSION_MISSING"
    status = StatusCode.PERMISSION_DENIED


class UnauthenticatedError(NacreError):
    """Its message never tells what was wrong: that would help those who guess."""

    reason = "UNAUTHENTICATED"
    status = StatusCode.UNAUTHENTICATED


class OriginRefusedError(NacreError):
    reason = "ORIGIN_REFUSED"
    status = StatusCode.PERMISSION_DENIED


class AuthenticationOffError(NacreError):
    reason = "AUTHENTICATION_OFF"
    status = StatusCode.FAILED_PRECONDITION


class TenantNotFoundError(NacreError):
    reason = "TENANT_NOT_FOUND"
    status = StatusCode.NOT_FOUND


class TenantExistsError(NacreError):
    reason = "TENANT_EXISTS"
    status = StatusCode.ALREADY_EXISTS


class KeyNotFoundError(NacreError):
    reason = "KEY_NOT_FOUND"
    status = StatusCode.NOT_FOUND


class SessionControlledError(NacreError):
    reason = "SESSION_CONTROLLED"
    status = StatusCode.FAILED_PRECONDITION
    # A controller whose network died is noticed by keepalive within seconds; then the way is free.
    default_retry_after_s = 2.0


class ResumeTokenInvalidError(NacreError):
    reason = "RESUME_TOKEN_INVALID"
    status = StatusCode.PERMISSION_DENIED


class RateExceededError(NacreError):
    reason = "RATE_EXCEEDED"
    status = StatusCode.RESOURCE_EXHAUSTED
    default_subject = "session"


class ClientStalledError(NacreError):
    reason = "CLIENT_STALLED"
    status = StatusCode.DEADLINE_EXCEEDED


class BudgetExhaustedError(NacreError):
    reason = "BUDGET_EXHAUSTED"
    status = StatusCode.RESOURCE_EXHAUSTED


class RegionRefusedError(NacreError):
    reason = "REGION_REFUSED"
    status = StatusCode.FAILED_PRECONDITION


class CapacityExhaustedError(NacreError):
    reason = "CAPACITY_EXHAUSTED"
    status = StatusCode.RESOURCE_EXHAUSTED
    default_retry_after_s = 5.0


class QueueFullError(CapacityExhaustedError):
    reason = "QUEUE_FULL"


class WorkerSaturatedError(CapacityExhaustedError):
    reason = "WORKER_SATURATED"


class QuotaExceededError(NacreError):
    reason = "QUOTA_EXCEEDED"
    status = StatusCode.RESOURCE_EXHAUSTED
    # Where nobody knows better: what is used may be given back at any time.
    default_retry_after_s = 60.0

    def __init__(self, message: str, *, quota: str, tenant_id: str, retry_after_s: float | None = None) -> None:
        """`quota`: a field of nacre.v1.Limits."""
        super().__init__(message, retry_after_s=retry_after_s, subject=f"tenant:{tenant_id}")
        self.quota = quota


class ReservationNotFoundError(NacreError):
    reason = "RESERVATION_NOT_FOUND"
    status = StatusCode.NOT_FOUND


class KeyReusedError(InvalidFieldError):
    reason = "IDEMPOTENCY_KEY_REUSED"


class KeyOutcomeUnknownError(NacreError):
    reason = "IDEMPOTENCY_OUTCOME_UNKNOWN"
    status = StatusCode.ABORTED


class UnavailableError(NacreError):
    reason = "UNAVAILABLE"
    status = StatusCode.UNAVAILABLE
    default_retry_after_s = 1.0


class WorkerUnavailableError(UnavailableError):
    pass


class StorageUnavailableError(UnavailableError):
    reason = "STORAGE_UNAVAILABLE"


class SessionHeldError(UnavailableError):
    pass


class SessionFencedError(UnavailableError):
    pass


class SnapshotRefusedError(NacreError):
    reason = "SNAPSHOT_REFUSED"
    status = StatusCode.FAILED_PRECONDITION


class SnapshotDamagedError(SnapshotRefusedError):
    status = StatusCode.DATA_LOSS


class SnapshotForeignError(SnapshotRefusedError):
    pass


class SnapshotNewerError(SnapshotRefusedError):
    pass


class MethodUnknownError(NacreError):
    reason = "METHOD_UNKNOWN"
    status = StatusCode.UNIMPLEMENTED


class ServiceUnknownError(NacreError):
    reason = "SERVICE_UNKNOWN"
    status = StatusCode.NOT_FOUND


class MessageTooLargeError(NacreError):
    reason = "MESSAGE_TOO_LARGE"
    status = StatusCode.RESOURCE_EXHAUSTED
    default_subject = "message"


class CallsExceededError(NacreError):
    reason = "CALLS_EXCEEDED"
    status = StatusCode.RESOURCE_EXHAUSTED
    default_retry_after_s = 1.0


class InternalError(NacreError):
    pass


class ShareLinkExpiredError(NacreError):
    reason = "SHARE_LINK_EXPIRED"
    status = StatusCode.PERMISSION_DENIED


class ShareLinkRevokedError(NacreError):
    reason = "SHARE_LINK_REVOKED"
    status = StatusCode.PERMISSION_DENIED


def error_classes() -> tuple[type[NacreError], ...]:
    """The tree, the root first."""

    def below(parent: type[NacreError]) -> Iterator[type[NacreError]]:
        yield parent
        for child in parent.__subclasses__():
            yield from below(child)

    return tuple(dict.fromkeys(below(NacreError)))
