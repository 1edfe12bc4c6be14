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
