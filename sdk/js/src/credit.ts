/**
 * How many chunks the service may send: arithmetic, no I/O.
 *
 * The client holds at most `capacity` chunks that nobody has taken. While somebody waits for the outcome of a control, a
 * full buffer must not stand in its way (a control takes effect at a chunk boundary, so without further chunks there is
 * no outcome): then chunks beyond the capacity are let in one by one, at most `RESERVE_CHUNKS`.
 */

/** A control takes effect within a few chunks of its arrival, whatever is still in flight; three times that. */
export const RESERVE_CHUNKS = 12;
/** Of the contract, for one message. */
export const MAX_GRANT = 16;
/** So much is granted at a time, however large the buffer: of a large one most is still out when a message is lost. */
const GRANTED_CHUNKS = 4;

export class CreditLedger {
  private outstanding = 0;
  private held = 0;

  constructor(readonly capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > MAX_GRANT) {
      throw new RangeError(`bufferChunks must be 1 to ${MAX_GRANT}, got ${capacity}`);
    }
  }

  /** The credit to attach with. What was outstanding died with the stream before. */
  attach(): number {
    this.outstanding = Math.max(1, this.capacity - this.held);
    return this.outstanding;
  }

  /** Whether a chunk may come. */
  get isExpecting(): boolean {
    return this.outstanding > 0;
  }

  /** A chunk came. False if it was not granted. */
  receive(): boolean {
    if (this.outstanding === 0) return false;
    this.outstanding -= 1;
    this.held += 1;
    return true;
  }

  /** Somebody took a chunk, or it was thrown away. */
  take(): void {
    this.held -= 1;
  }

  /** How many chunks to grant now, noted as granted. In halves of the capacity or in fours, to save messages. */
  grant(isAwaited: boolean): number {
    const room = this.capacity - this.outstanding - this.held;
    let granted = 0;
    if (room >= Math.max(1, Math.min(GRANTED_CHUNKS, Math.floor(this.capacity / 2)))) granted = room;
    else if (isAwaited && this.outstanding === 0 && this.held < this.capacity + RESERVE_CHUNKS) granted = 1;
    this.outstanding += granted;
    return granted;
  }
}
