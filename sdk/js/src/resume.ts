/** Whether and when to attach again after a lost connection: decisions without I/O. */

import { Conflict, type NacreError, SessionEnded, Timeout, Unauthenticated, Unavailable } from "./errors.js";

/** Attempts count from the last chunk that came; one that brings a chunk starts the count anew. */
export interface ResumePolicy {
  maxAttempts: number;
  firstDelayS: number;
  maxDelayS: number;
}

/** A minute and more: as long as a laptop takes to find its network again. */
export const DEFAULT_RESUME: Readonly<ResumePolicy> = { maxAttempts: 24, firstDelayS: 0.1, maxDelayS: 3 };
export const NO_RESUME: Readonly<ResumePolicy> = { ...DEFAULT_RESUME, maxAttempts: 0 };

export function toResumePolicy(resume: boolean | Partial<ResumePolicy> = true): ResumePolicy {
  if (typeof resume === "boolean") return resume ? DEFAULT_RESUME : NO_RESUME;
  const policy = { ...DEFAULT_RESUME, ...resume };
  if (policy.maxAttempts < 0) throw new RangeError("maxAttempts must not be negative");
  if (!(policy.firstDelayS > 0 && policy.firstDelayS <= policy.maxDelayS)) {
    throw new RangeError("delays must satisfy 0 < firstDelayS <= maxDelayS");
  }
  return policy;
}

/** How long to wait before `attempt` (from 0). `jitter`: 0 to 1, spreads many clients. */
export function delayS(policy: ResumePolicy, attempt: number, retryAfterS: number | null, jitter: number): number {
  const backoffS = Math.min(policy.maxDelayS, policy.firstDelayS * 2 ** attempt);
  return Math.max(backoffS, retryAfterS ?? 0) * (1 + 0.5 * jitter);
}

/** Whether the session may still be there for us. `numAttempts`: since the last chunk came. */
export function canResume(error: NacreError, numAttempts: number): boolean {
  // The service has not noticed yet that the connection before is dead.
  if (error instanceof Conflict) return error.reason === "SESSION_CONTROLLED";
  if (error instanceof Timeout) return !error.reason; // nobody answered; a reason would mean that somebody did
  // The token is over that opened a stream which brought chunks: there may be a new one, and one try tells.
  if (error instanceof Unauthenticated) return numAttempts === 0;
  // The service's end rather than the session's: it is kept, and goes on with the service that comes after.
  if (error instanceof SessionEnded) return error.reason === "SERVICE_STOPPING";
  return error instanceof Unavailable;
}
