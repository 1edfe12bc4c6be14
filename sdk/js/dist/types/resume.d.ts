/** Whether and when to attach again after a lost connection: decisions without I/O. */
import { type NacreError } from "./errors.js";
/** Attempts count from the last chunk that came; one that brings a chunk starts the count anew. */
export interface ResumePolicy {
    maxAttempts: number;
    firstDelayS: number;
    maxDelayS: number;
}
/** A minute and more: as long as a laptop takes to find its network again. */
export declare const DEFAULT_RESUME: Readonly<ResumePolicy>;
export declare const NO_RESUME: Readonly<ResumePolicy>;
export declare function toResumePolicy(resume?: boolean | Partial<ResumePolicy>): ResumePolicy;
/** How long to wait before `attempt` (from 0). `jitter`: 0 to 1, spreads many clients. */
export declare function delayS(policy: ResumePolicy, attempt: number, retryAfterS: number | null, jitter: number): number;
/** Whether the session may still be there for us. `numAttempts`: since the last chunk came. */
export declare function canResume(error: NacreError, numAttempts: number): boolean;
