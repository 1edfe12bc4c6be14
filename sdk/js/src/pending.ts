/** The controls of a world whose outcome is not known yet. */

import { LimitReached, type NacreError } from "./errors.js";
import { type Outcome, Receipt, lostWithConnection } from "./receipt.js";

/** As many as the service lets a session have; more would be refused there. */
export const MAX_PENDING = 256;
/**
 * An outcome that was on its way when the connection broke comes right after the next attachment, or with one of its
 * first chunks. After this many it was lost with the connection. Fewer than a client lets in while it waits
 * (RESERVE_CHUNKS in credit.ts), or waiting could outlast the chunks.
 */
export const CHUNKS_TO_LEARN_OUTCOME = 8;

/** What an ack says. */
export type Answer =
  | { controlId: string; accepted: { dueChunkIndex: number | null; isDurable: boolean } }
  | { controlId: string; outcome: Outcome | NacreError };

/** Bounded: beyond `MAX_PENDING` a receipt settles at once with `LimitReached`. */
export class PendingReceipts {
  private readonly receipts = new Map<string, Receipt>();
  private inDoubt = new Set<string>();
  private chunksInDoubt = 0;
  private numOpened = 0;

  /** `prefix`: makes ids unique within the session, which may see other attachments and other clients. */
  constructor(
    private readonly prefix: string,
    private readonly onWait: () => void,
    private readonly onChange: (receipt: Receipt) => void,
  ) {}

  get size(): number {
    return this.receipts.size;
  }

  get isAwaited(): boolean {
    for (const receipt of this.receipts.values()) if (receipt.isAwaited) return true;
    return false;
  }

  open(kind: Receipt["kind"], text: string, isScheduled: boolean): Receipt {
    this.numOpened += 1;
    const id = `${this.prefix}-${this.numOpened}`;
    const receipt = new Receipt(id, kind, text, isScheduled, this.onWait, this.onChange);
    const isRoom = this.receipts.size < MAX_PENDING;
    if (isRoom) this.receipts.set(id, receipt);
    this.onChange(receipt);
    if (!isRoom) {
      const message = `${MAX_PENDING} controls wait for their outcome`;
      receipt.settle(new LimitReached(message, { code: "resource_exhausted", reason: "RATE_EXCEEDED" }));
    }
    return receipt;
  }

  /** Answers to other clients' controls are none of ours. */
  onAnswer(answer: Answer): void {
    const receipt = this.receipts.get(answer.controlId);
    if (!receipt) return;
    if ("accepted" in answer) {
      receipt.accept(answer.accepted.dueChunkIndex, answer.accepted.isDurable);
      this.inDoubt.delete(answer.controlId); // the service has it, and will say
      return;
    }
    this.forget(answer.controlId);
    receipt.settle(answer.outcome);
  }

  /** What was sent and has no outcome: to be asked for by whoever comes back. */
  unansweredIds(unsentIds: ReadonlySet<string>): string[] {
    return [...this.receipts.keys()].filter((id) => !unsentIds.has(id));
  }

  /** What the stream before took along may have lost its acks with it. What waits for its time is on record. */
  onAttach(unsentIds: ReadonlySet<string>): void {
    this.chunksInDoubt = 0;
    this.inDoubt = new Set();
    for (const [id, receipt] of this.receipts) {
      const isOnRecord = receipt.isScheduled && receipt.acceptedMs !== null;
      if (!unsentIds.has(id) && !isOnRecord) this.inDoubt.add(id);
    }
  }

  /** Give up outcomes that a broken connection has swallowed. */
  onChunk(): void {
    if (this.inDoubt.size === 0) return;
    this.chunksInDoubt += 1;
    if (this.chunksInDoubt < CHUNKS_TO_LEARN_OUTCOME) return;
    for (const id of [...this.inDoubt]) {
      const receipt = this.receipts.get(id);
      this.forget(id);
      receipt?.settle(lostWithConnection());
    }
  }

  settleAll(error: NacreError): void {
    for (const [id, receipt] of [...this.receipts]) {
      this.forget(id);
      receipt.settle(error);
    }
  }

  private forget(id: string): void {
    this.receipts.delete(id);
    this.inDoubt.delete(id);
  }
}
