/** The keys and tenants of those who run the service. */
import type { ApiKey, Tenant } from "./admin_records.js";
import type { Role } from "./records.js";
/** Of one's own tenant, or for admins of any. Get it as `client.admin.keys`. */
export declare class Keys {
    private readonly calls;
    /** Its `secret` is told now and never again. Without `lifetimeS` it does not end by itself. */
    create(role: Role, options?: {
        tenantId?: string;
        name?: string;
        lifetimeS?: number;
    }): Promise<ApiKey>;
    /** The newest first, those that open nothing any more too. */
    list({ tenantId }?: {
        tenantId?: string;
    }): Promise<ApiKey[]>;
    revoke(keyId: string): Promise<ApiKey>;
    /** A new key that allows the same; the old one goes on for `graceS`, a day when left out. */
    rotate(keyId: string, { graceS }?: {
        graceS?: number;
    }): Promise<ApiKey>;
}
/** Whose tokens were taken back: what they were given or have minted until then opens nothing. */
export interface RevokedToken {
    tenantId: string;
    subjectId: string;
    revokedAt: Date;
}
/** A token before its end, by its text or by its subject; or with the subject of somebody who signed in (oidc:, certificate:, key:) whatever they were given or have minted until now. Within a second it opens nothing. */
export type TokenToRevoke = {
    token: string;
} | {
    subjectId: string;
    tenantId?: string;
};
/** For admins. Get it as `client.admin.tenants`. */
export declare class Tenants {
    private readonly calls;
    create(tenantId: string, { name }?: {
        name?: string;
    }): Promise<Tenant>;
    list(): Promise<Tenant[]>;
    /** Its keys and tokens open nothing, within ten seconds. What is kept of it stays. */
    suspend(tenantId: string): Promise<Tenant>;
    restore(tenantId: string): Promise<Tenant>;
}
