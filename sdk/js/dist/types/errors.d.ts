/**
 * Everything that can go wrong, in one tree.
 *
 *     NacreError                 .code .reason .field .allowed .retryAfterS .requestId .quota
 *     +-- ServiceError           the service refused or failed
 *     |   +-- InvalidArgument    .field says which
 *     |   +-- NotFound           no such session or model, or not yours
 *     |   +-- Conflict           the session is in another state, e.g. another client controls it
 *     |   +-- PermissionDenied   the role does not allow it, or the resume token does not fit
 *     |   |   +-- Unauthenticated
 *     |   +-- LimitReached       no free slot, or too many requests
 *     |   |   +-- QuotaExceeded  .quota says of what
 *     |   +-- Unavailable        not reachable, stopping, or not ready yet
 *     |   |   +-- ConnectionLost a stream that was open broke; the session may still live
 *     |   +-- Timeout
 *     |   +-- InternalError      a defect of the service
 *     +-- ControlRejected        a control was refused; the world goes on without it
 *     +-- SessionEnded           the session is over; .reason says why
 *     +-- Detached               this client let go of the session before the answer came
 *     +-- ProtocolError          the service said what the contract does not allow
 *     +-- Unsupported            this browser cannot
 */
export interface ErrorDetails {
    /** Connect's name of the gRPC status, such as "not_found"; empty where no call failed. */
    code?: string;
    /** A name of nacre.v1.ErrorReason (of EndReason for SessionEnded) without its prefix. */
    reason?: string;
    /** The offending field, as a path from the request ("world.prompt"). */
    field?: string;
    /** What would have been accepted, where the answer is a list. */
    allowed?: readonly string[];
    /** How long to wait before trying again; null where waiting does not help. */
    retryAfterS?: number | null;
    requestId?: string;
    /** Of QuotaExceeded: which limit. */
    quota?: string;
}
export declare class NacreError extends Error {
    readonly code: string;
    readonly reason: string;
    readonly field: string;
    readonly allowed: readonly string[];
    readonly retryAfterS: number | null;
    readonly requestId: string;
    readonly quota: string;
    constructor(message: string, details?: ErrorDetails);
    get name(): string;
}
export declare class ServiceError extends NacreError {
}
export declare class InvalidArgument extends ServiceError {
}
export declare class NotFound extends ServiceError {
}
export declare class Conflict extends ServiceError {
}
export declare class PermissionDenied extends ServiceError {
}
export declare class Unauthenticated extends PermissionDenied {
}
export declare class LimitReached extends ServiceError {
}
export declare class QuotaExceeded extends LimitReached {
}
export declare class Unavailable extends ServiceError {
}
export declare class ConnectionLost extends Unavailable {
}
export declare class Timeout extends ServiceError {
}
export declare class InternalError extends ServiceError {
}
export declare class ControlRejected extends NacreError {
}
export declare class SessionEnded extends NacreError {
}
export declare class Detached extends NacreError {
}
export declare class ProtocolError extends NacreError {
}
export declare class Unsupported extends NacreError {
}
