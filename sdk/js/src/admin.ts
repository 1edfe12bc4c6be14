/** What those who run the service do with it: its workers, its quotas, and where sessions play. */

import { Keys, Tenants } from "./access.js";
import type { Worker } from "./admin_records.js";
import type { Calls } from "./calls.js";
import { fromLimits, toDate, toQuota } from "./codec.js";
import { wordOf } from "./enums.js";
import { type Worker as WorkerMessage, AdminService, WorkerStateSchema } from "./nacre/v1/admin_pb.js";
import type { Limits, Quota } from "./records.js";
import type { Session } from "./session.js";

const admin = AdminService.method;

/** Get it as `client.admin`. */
export class Admin {
  readonly keys: Keys;
  readonly tenants: Tenants;

  /** @internal */
  constructor(private readonly calls: Calls) {
    this.keys = new Keys(calls);
    this.tenants = new Tenants(calls);
  }

  /** Those that were heard of within a day, the newest first. */
  async workers(): Promise<Worker[]> {
    return (await this.calls.call(admin.listWorkers, {})).workers.map(toWorker);
  }

  /** Give it no session any more, and move those it has to others. Answers at once; `workers` tells when it is "drained". */
  async drain(workerId: string): Promise<Worker> {
    return toWorker((await this.calls.call(admin.drainWorker, { workerId })).worker!);
  }

  /** Let it take sessions again. */
  async undrain(workerId: string): Promise<Worker> {
    return toWorker((await this.calls.call(admin.undrainWorker, { workerId })).worker!);
  }

  /** Of every tenant of whom something was said, or who used something today. */
  async quotas(): Promise<Quota[]> {
    return (await this.calls.call(admin.listQuotas, {})).quotas.map(toQuota);
  }

  /** In place of all that was said of the tenant before; what is left out is as the service's settings have it. */
  async setQuota(tenantId: string, limits: Partial<Limits>, { weight }: { weight?: number } = {}): Promise<Quota> {
    const request = { tenantId, limits: fromLimits(limits), weight };
    return toQuota((await this.calls.call(admin.setQuota, request)).quota!);
  }

  /** Let a running session go on with another worker, or with the same one anew, without a chunk lost. Answers when it goes on, with the worker's id. Throws `LimitReached` where there is no room. */
  async move(session: Session | string): Promise<string> {
    const sessionId = typeof session === "string" ? session : session.id;
    return (await this.calls.call(admin.moveSession, { sessionId })).workerId;
  }
}

function toWorker({ workerId, state, model, numSlots, numUsedSlots, startTime, seenTime }: WorkerMessage): Worker {
  return {
    ...{ workerId, model, numSlots, numUsedSlots },
    state: wordOf(WorkerStateSchema, state) as Worker["state"],
    startedAt: toDate(startTime),
    seenAt: toDate(seenTime),
  };
}
