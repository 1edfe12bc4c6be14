/** What those who run the service see of it, as plain values. */

import type { Role } from "./records.js";

/** A transformer worker at the moment of asking. */
export interface Worker {
  workerId: string;
  state: "up" | "draining" | "drained" | "lost";
  model: string;
  /** Sessions at once. */
  numSlots: number;
  numUsedSlots: number;
  startedAt: Date;
  /** When it last said that it lives. */
  seenAt: Date;
}

export interface ApiKey {
  keyId: string;
  tenantId: string;
  role: Role;
  name: string;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  /** To within five minutes. */
  lastUsedAt: Date | null;
  /** The key itself: with a new one, once. */
  secret: string;
}

export interface Tenant {
  tenantId: string;
  name: string;
  createdAt: Date;
  suspendedAt: Date | null;
}
