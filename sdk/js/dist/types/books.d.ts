/** What playing costs, what was used, and who did what. */
import type { AuditEntry, Quote, Usage } from "./books_records.js";
export interface UsageOptions {
    sessionId?: string;
    /** Of all sessions that started from this world. */
    worldId?: string;
    /** Such as "2026-11" (UTC); all time when left out. */
    month?: string;
    /** As an operator of another; one's own when left out. */
    tenantId?: string;
}
export interface AuditOptions {
    /** 50 when left out. */
    limit?: number;
    sessionId?: string;
    refusedOnly?: boolean;
}
/** Get it as `client.books`. */
export declare class Books {
    private readonly calls;
    /** What so many seconds of a world will cost: of a saved one, or of any that begins anew. Throws `NotFound` for one that is not to be seen. */
    quote(seconds: number, { viewers, worldId }?: {
        viewers?: number;
        worldId?: string;
    }): Promise<Quote>;
    /** Of one's own tenant, or as an operator of another. */
    usage(options?: UsageOptions): Promise<Usage>;
    /** Who did what, the newest first. For auditors. */
    audit({ limit, ...rest }?: AuditOptions): Promise<AuditEntry[]>;
}
