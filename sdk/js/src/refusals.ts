/** Which error a refusal becomes. */

import {
  Conflict,
  ConnectionLost,
  type ErrorDetails,
  InternalError,
  InvalidArgument,
  LimitReached,
  type NacreError,
  NotFound,
  PermissionDenied,
  QuotaExceeded,
  ServiceError,
  SessionEnded,
  Timeout,
  Unauthenticated,
  Unavailable,
} from "./errors.js";

type ErrorKind = new (message: string, details?: ErrorDetails) => NacreError;

const BY_CODE: Record<string, ErrorKind> = {
  invalid_argument: InvalidArgument,
  out_of_range: InvalidArgument,
  not_found: NotFound,
  already_exists: Conflict,
  failed_precondition: Conflict,
  aborted: Conflict,
  permission_denied: PermissionDenied,
  unauthenticated: Unauthenticated,
  resource_exhausted: LimitReached,
  unavailable: Unavailable,
  deadline_exceeded: Timeout,
  internal: InternalError,
};

/** The typed error for a call that failed. */
export function fromDetails(message: string, details: ErrorDetails): NacreError {
  const code = details.code ?? "unknown";
  if (details.reason === "SESSION_ENDED") return new SessionEnded(message, details);
  const kind = details.reason === "QUOTA_EXCEEDED" ? QuotaExceeded : (BY_CODE[code] ?? ServiceError);
  return new kind(message || code, details);
}

/** The typed error for a stream that was open and broke. Without a reason it was the transport. */
export function fromStreamEnd(message: string, details: ErrorDetails): NacreError {
  const typed = fromDetails(message, details);
  const isTransport = !typed.reason && (typed instanceof Unavailable || typed instanceof InternalError);
  return isTransport ? new ConnectionLost(`the connection broke: ${typed.message}`, details) : typed;
}
