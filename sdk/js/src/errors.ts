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

export class NacreError extends Error {
  readonly code: string;
  readonly reason: string;
  readonly field: string;
  readonly allowed: readonly string[];
  readonly retryAfterS: number | null;
  readonly requestId: string;
  readonly quota: string;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message);
    this.code = details.code ?? "";
    this.reason = details.reason ?? "";
    this.field = details.field ?? "";
    this.allowed = details.allowed ?? [];
    this.retryAfterS = details.retryAfterS ?? null;
    this.requestId = details.requestId ?? "";
    this.quota = details.quota ?? "";
  }

  override get name(): string {
    return KIND_NAMES.get(this.constructor) ?? "NacreError";
  }
}

export class ServiceError extends NacreError {}
export class InvalidArgument extends ServiceError {}
export class NotFound extends ServiceError {}
export class Conflict extends ServiceError {}
export class PermissionDenied extends ServiceError {}
export class Unauthenticated extends PermissionDenied {}
export class LimitReached extends ServiceError {}
export class QuotaExceeded extends LimitReached {}
export class Unavailable extends ServiceError {}
export class ConnectionLost extends Unavailable {}
export class Timeout extends ServiceError {}
export class InternalError extends ServiceError {}
export class ControlRejected extends NacreError {}
export class SessionEnded extends NacreError {}
export class Detached extends NacreError {}
export class ProtocolError extends NacreError {}
export class Unsupported extends NacreError {}

// A bundler shortens the classes' own names.
const KIND_NAMES = new Map<unknown, string>(
  Object.entries({
    ServiceError,
    InvalidArgument,
    NotFound,
    Conflict,
    PermissionDenied,
    Unauthenticated,
    LimitReached,
    QuotaExceeded,
    Unavailable,
    ConnectionLost,
    Timeout,
    InternalError,
    ControlRejected,
    SessionEnded,
    Detached,
    ProtocolError,
    Unsupported,
  }).map(([name, kind]) => [kind, name]),
);

/** @internal What is no error of ours is a defect, of either side. */
export function toNacreError(error: unknown): NacreError {
  if (error instanceof NacreError) return error;
  return new ProtocolError(error instanceof Error ? error.message : String(error));
}
