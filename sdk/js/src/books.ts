/** What playing costs, what was used, and who did what. */

import type { AuditEntry, Bill, Quote, Usage } from "./books_records.js";
import type { Calls } from "./calls.js";
import { secondsOf, toDate, toDuration } from "./codec.js";
import { AuditService, type AuditEntry as AuditEntryMessage } from "./nacre/v1/audit_pb.js";
import { type Bill as BillMessage, UsageService } from "./nacre/v1/usage_pb.js";

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

const DEFAULT_AUDIT_ENTRIES = 50;

/** Get it as `client.books`. */
export class Books {
  /** @internal */
  constructor(private readonly calls: Calls) {}

  /** What so many seconds of a world will cost: of a saved one, or of any that begins anew. Throws `NotFound` for one that is not to be seen. */
  async quote(seconds: number, { viewers = 0, worldId = "" }: { viewers?: number; worldId?: string } = {}): Promise<Quote> {
    const of = worldId ? ({ case: "worldId", value: worldId } as const) : undefined;
    const request = { duration: toDuration(seconds), numViewers: viewers, of };
    const { numFrames, bill, sessionBudget, tenantBudgetLeft } = await this.calls.call(UsageService.method.getQuote, request);
    return {
      numFrames: Number(numFrames),
      bill: toBill(bill),
      sessionBudget: sessionBudget ?? null,
      tenantBudgetLeft: tenantBudgetLeft ?? null,
    };
  }

  /** Of one's own tenant, or as an operator of another. */
  async usage(options: UsageOptions = {}): Promise<Usage> {
    const { usage, bill } = await this.calls.call(UsageService.method.getUsage, { ...options });
    return {
      numFrames: Number(usage?.numFrames ?? 0),
      numViewerFrames: Number(usage?.numViewerFrames ?? 0),
      numBlankFrames: Number(usage?.numBlankFrames ?? 0),
      numFrozenFrames: Number(usage?.numFrozenFrames ?? 0),
      sessionS: secondsOf(usage?.sessionTime),
      byteSeconds: usage?.byteSeconds ?? 0n,
      bill: toBill(bill),
    };
  }

  /** Who did what, the newest first. For auditors. */
  async audit({ limit = DEFAULT_AUDIT_ENTRIES, ...rest }: AuditOptions = {}): Promise<AuditEntry[]> {
    const { entries } = await this.calls.call(AuditService.method.listAuditEntries, { pageSize: limit, ...rest });
    return entries.map(toEntry);
  }
}

function toBill(bill: BillMessage | undefined): Bill {
  const lines = (bill?.lines ?? []).map(({ item, model, quantity, unit, price, amount }) => ({
    ...{ item, model, quantity, unit, price, amount },
  }));
  return { currency: bill?.currency ?? "", lines, total: bill?.total ?? "0" };
}

function toEntry(entry: AuditEntryMessage): AuditEntry {
  const { subjectId, method, allowed, reason, ids, peer, requestId } = entry;
  const at = toDate(entry.time);
  return { sequence: Number(entry.sequence), at, subjectId, method, isAllowed: allowed, reason, ids: { ...ids }, peer, requestId };
}
