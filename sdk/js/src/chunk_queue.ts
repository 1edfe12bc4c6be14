/** Chunks that have come and were not taken. Bounded by the credit that was given for them. */

import type { NacreError } from "./errors.js";
import { Detached, SessionEnded } from "./errors.js";
import type { Chunk } from "./media.js";

export class ChunkQueue {
  private readonly chunks: Chunk[] = [];
  private end: NacreError | null = null;
  private readonly waiting: (() => void)[] = [];

  push(chunk: Chunk): void {
    this.chunks.push(chunk);
    this.wakeAll();
  }

  /** Throw away what nobody has taken; tells how many that were. */
  clear(): number {
    return this.chunks.splice(0).length;
  }

  /** The next one; null once the session was ended on request or the world was left. Throws any other end. */
  async take(): Promise<Chunk | null> {
    for (;;) {
      const chunk = this.chunks.shift();
      if (chunk) return chunk;
      if (this.end !== null) {
        if (isClean(this.end)) return null;
        throw this.end;
      }
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  finish(end: NacreError): void {
    this.end ??= end;
    this.wakeAll();
  }

  private wakeAll(): void {
    for (const wake of this.waiting.splice(0)) wake();
  }
}

function isClean(end: NacreError): boolean {
  return end instanceof Detached || (end instanceof SessionEnded && end.reason === "REQUESTED");
}
