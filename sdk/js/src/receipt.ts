/** What a verb returns: a receipt that settles with the outcome of its control. */

import { ConnectionLost, ControlRejected, NacreError } from "./errors.js";
import type { ControlKind } from "./records.js";

/** The control took effect: the first chunk and frame that it shaped. */
export interface Applied {
  kind: "applied";
  controlId: string;
  chunkIndex: number;
  frameIndex: number;
  worldTimeS: number;
  /**
   * Of a sentence: what it was taken to ask for, such as ["weather: rain"]; empty where it asks for nothing that the
   * model knows. Null where the service does not tell, and of others.
   */
  understood: readonly string[] | null;
}

/** Another control took its place before it took effect. */
export interface Superseded {
  kind: "superseded";
  controlId: string;
  byControlId: string;
  /** Who sent that one, where the service told. */
  byClientId: string;
  reason: "later" | "cancelled" | "director" | "outvoted";
}

export type Outcome = Applied | Superseded;
export type ReceiptStatus = "sent" | "accepted" | "applied" | "superseded" | "rejected" | "lost";

/**
 * Awaiting it gives `Applied` or `Superseded`, or throws: `ControlRejected`, `SessionEnded`, `Detached` (the world was
 * left first), or `ConnectionLost` (the outcome is unknown). It always settles, and may be left alone.
 */
export class Receipt implements PromiseLike<Outcome> {
  /** performance.now() when the verb was called. */
  readonly sentMs = performance.now();
  acceptedMs: number | null = null;
  settledMs: number | null = null;
  outcome: Outcome | NacreError | null = null;
  /** Of one that is scheduled, once it was accepted and that is known. */
  dueChunkIndex: number | null = null;
  /** False where the service could only note it on a worker's own disk. */
  isDurable = true;
  private isWanted = false;
  private readonly acceptance = new Settling<void>();
  private readonly settlement = new Settling<Outcome>();

  /** @internal */
  constructor(
    readonly controlId: string,
    readonly kind: ControlKind | "cancel" | "hand",
    /** What was asked, in words. */
    readonly text: string,
    readonly isScheduled: boolean,
    private readonly onWait: () => void,
    private readonly onChange: (receipt: Receipt) => void,
  ) {}

  get status(): ReceiptStatus {
    if (this.outcome === null) return this.acceptedMs === null ? "sent" : "accepted";
    if (this.outcome instanceof ControlRejected) return "rejected";
    return this.outcome instanceof NacreError ? "lost" : this.outcome.kind;
  }

  /** Settles once the service has the control, valid and on record; throws as awaiting the receipt does. */
  get accepted(): Promise<void> {
    this.want();
    return this.acceptance.promise;
  }

  then<A = Outcome, B = never>(
    onFulfilled?: ((outcome: Outcome) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.want();
    return this.settlement.promise.then(onFulfilled, onRejected);
  }

  /** @internal Somebody waits for it. */
  get isAwaited(): boolean {
    return this.isWanted && this.outcome === null;
  }

  /** @internal */
  accept(dueChunkIndex: number | null, isDurable: boolean): void {
    if (this.outcome !== null || this.acceptedMs !== null) return;
    this.acceptedMs = performance.now();
    this.dueChunkIndex = dueChunkIndex;
    this.isDurable = isDurable;
    this.acceptance.resolve();
    this.onChange(this);
  }

  /** @internal Only the first time counts. */
  settle(outcome: Outcome | NacreError): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    this.settledMs = performance.now();
    if (outcome instanceof NacreError) {
      this.acceptance.reject(outcome);
      this.settlement.reject(outcome);
    } else {
      this.acceptance.resolve();
      this.settlement.resolve(outcome);
    }
    this.onChange(this);
  }

  private want(): void {
    this.isWanted = true;
    if (this.outcome === null) this.onWait();
  }
}

/** @internal For what a broken connection has swallowed. */
export function lostWithConnection(): ConnectionLost {
  return new ConnectionLost("the outcome was lost with the connection");
}

class Settling<T> {
  resolve!: (value: T) => void;
  reject!: (error: NacreError) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    // Nobody has to look.
    this.promise.catch(() => {});
  }
}
