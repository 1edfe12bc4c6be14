/** What playing costs and what was used, as plain values. Amounts are decimal numbers as text: "0.040000". */
export interface BillLine {
    /** "frames", "viewer frames", "session time" or "storage". */
    item: string;
    model: string;
    quantity: string;
    /** "1000 frames", "second" or "GiB-month". */
    unit: string;
    /** Of one unit. */
    price: string;
    amount: string;
}
export interface Bill {
    /** Empty where all is free. */
    currency: string;
    lines: BillLine[];
    total: string;
}
export interface Quote {
    numFrames: number;
    bill: Bill;
    /** Null where there is no limit. */
    sessionBudget: string | null;
    tenantBudgetLeft: string | null;
}
export interface Usage {
    /** Worth their price, and delivered to whoever plays. */
    numFrames: number;
    numViewerFrames: number;
    /** Delivered and not billed. */
    numBlankFrames: number;
    numFrozenFrames: number;
    sessionS: number;
    /** What was stored, snapshots and recordings. */
    byteSeconds: bigint;
    bill: Bill;
}
export interface AuditEntry {
    sequence: number;
    at: Date;
    /** Empty where it is not known, or was erased. */
    subjectId: string;
    method: string;
    isAllowed: boolean;
    /** Why not. */
    reason: string;
    ids: Record<string, string>;
    peer: string;
    requestId: string;
}
