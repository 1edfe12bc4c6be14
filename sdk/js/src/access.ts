/** The keys and tenants of those who run the service. */

import type { ApiKey, Tenant } from "./admin_records.js";
import type { Calls } from "./calls.js";
import { toDate, toDuration } from "./codec.js";
import { valueOf, wordOf } from "./enums.js";
import { AccessService, RoleSchema } from "./nacre/v1/access_pb.js";
import { type ApiKey as ApiKeyMessage, type Tenant as TenantMessage, AdminService } from "./nacre/v1/admin_pb.js";
import type { Role } from "./records.js";

const admin = AdminService.method;
const DEFAULT_GRACE_S = 24 * 3_600;

/** Of one's own tenant, or for admins of any. Get it as `client.admin.keys`. */
export class Keys {
  /** @internal */
  constructor(private readonly calls: Calls) {}

  /** Its `secret` is told now and never again. Without `lifetimeS` it does not end by itself. */
  async create(role: Role, options: { tenantId?: string; name?: string; lifetimeS?: number } = {}): Promise<ApiKey> {
    const { lifetimeS, ...rest } = options;
    const lifetime = lifetimeS === undefined ? undefined : toDuration(lifetimeS);
    const { key, secret } = await this.calls.call(admin.createKey, { ...rest, lifetime, role: valueOf(RoleSchema, role) });
    return toApiKey(key!, secret);
  }

  /** The newest first, those that open nothing any more too. */
  async list({ tenantId = "" }: { tenantId?: string } = {}): Promise<ApiKey[]> {
    return (await this.calls.call(admin.listKeys, { tenantId })).keys.map((each) => toApiKey(each));
  }

  async revoke(keyId: string): Promise<ApiKey> {
    return toApiKey((await this.calls.call(admin.revokeKey, { keyId })).key!);
  }

  /** A new key that allows the same; the old one goes on for `graceS`, a day when left out. */
  async rotate(keyId: string, { graceS = DEFAULT_GRACE_S }: { graceS?: number } = {}): Promise<ApiKey> {
    const { key, secret } = await this.calls.call(admin.rotateKey, { keyId, grace: toDuration(graceS) });
    return toApiKey(key!, secret);
  }
}

/** Whose tokens were taken back: what they were given or have minted until then opens nothing. */
export interface RevokedToken {
  tenantId: string;
  subjectId: string;
  revokedAt: Date;
}

/** A token before its end, by its text or by its subject; or with the subject of somebody who signed in (oidc:, certificate:, key:) whatever they were given or have minted until now. Within a second it opens nothing. */
export type TokenToRevoke = { token: string } | { subjectId: string; tenantId?: string };

/** @internal */
export async function revokeToken(calls: Calls, which: TokenToRevoke): Promise<RevokedToken> {
  const value =
    "token" in which ? ({ case: "token", value: which.token } as const) : ({ case: "subjectId", value: which.subjectId } as const);
  const tenantId = "token" in which ? "" : (which.tenantId ?? "");
  const response = await calls.call(AccessService.method.revokeToken, { tenantId, which: value });
  return { tenantId: response.tenantId, subjectId: response.subjectId, revokedAt: toDate(response.revokeTime) };
}

/** For admins. Get it as `client.admin.tenants`. */
export class Tenants {
  /** @internal */
  constructor(private readonly calls: Calls) {}

  async create(tenantId: string, { name = "" }: { name?: string } = {}): Promise<Tenant> {
    return toTenant((await this.calls.call(admin.createTenant, { tenantId, name })).tenant!);
  }

  async list(): Promise<Tenant[]> {
    return (await this.calls.call(admin.listTenants, {})).tenants.map(toTenant);
  }

  /** Its keys and tokens open nothing, within ten seconds. What is kept of it stays. */
  async suspend(tenantId: string): Promise<Tenant> {
    return toTenant((await this.calls.call(admin.suspendTenant, { tenantId })).tenant!);
  }

  async restore(tenantId: string): Promise<Tenant> {
    return toTenant((await this.calls.call(admin.restoreTenant, { tenantId })).tenant!);
  }
}

function toApiKey(message: ApiKeyMessage, secret = ""): ApiKey {
  const { keyId, tenantId, name, role, createTime, expireTime, revokeTime, lastUseTime } = message;
  return {
    ...{ keyId, tenantId, name, secret },
    role: wordOf(RoleSchema, role) as Role,
    createdAt: toDate(createTime),
    expiresAt: expireTime ? toDate(expireTime) : null,
    revokedAt: revokeTime ? toDate(revokeTime) : null,
    lastUsedAt: lastUseTime ? toDate(lastUseTime) : null,
  };
}

function toTenant({ tenantId, name, createTime, suspendTime }: TenantMessage): Tenant {
  return { tenantId, name, createdAt: toDate(createTime), suspendedAt: suspendTime ? toDate(suspendTime) : null };
}
