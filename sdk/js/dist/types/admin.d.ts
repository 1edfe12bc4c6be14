/** What those who run the service do with it: its workers, its quotas, and where sessions play. */
import { Keys, Tenants } from "./access.js";
import type { Worker } from "./admin_records.js";
import type { Limits, Quota } from "./records.js";
import type { Session } from "./session.js";
/** Get it as `client.admin`. */
export declare class Admin {
    private readonly calls;
    readonly keys: Keys;
    readonly tenants: Tenants;
    /** Those that were heard of within a day, the newest first. */
    workers(): Promise<Worker[]>;
    /** Give it no session any more, and move those it has to others. Answers at once; `workers` tells when it is "drained". */
    drain(workerId: string): Promise<Worker>;
    /** Let it take sessions again. */
    undrain(workerId: string): Promise<Worker>;
    /** Of every tenant of whom something was said, or who used something today. */
    quotas(): Promise<Quota[]>;
    /** In place of all that was said of the tenant before; what is left out is as the service's settings have it. */
    setQuota(tenantId: string, limits: Partial<Limits>, { weight }?: {
        weight?: number;
    }): Promise<Quota>;
    /** Let a running session go on with another worker, or with the same one anew, without a chunk lost. Answers when it goes on, with the worker's id. Throws `LimitReached` where there is no room. */
    move(session: Session | string): Promise<string>;
}
