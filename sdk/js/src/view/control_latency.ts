/** From a verb's call to the first frame that shows it, on the screen. */

import type { Receipt } from "../receipt.js";
import { Samples, type Spread } from "./spread.js";

/** Outcomes come about when their frames do: a second or two of frames is enough on either side. */
const MAX_WAITING = 64;
const MAX_PAINTED = 64;

export class ControlLatency {
  private waiting: { frameIndex: number; sentMs: number }[] = [];
  private readonly painted = new Map<number, number>();
  private readonly samplesMs = new Samples();

  onReceipt({ outcome, sentMs, isScheduled }: Pick<Receipt, "outcome" | "sentMs" | "isScheduled">): void {
    if (isScheduled || outcome === null || !("kind" in outcome) || outcome.kind !== "applied") return;
    const { frameIndex } = outcome;
    const paintedMs = this.painted.get(frameIndex);
    if (paintedMs !== undefined) {
      this.samplesMs.add(paintedMs - sentMs);
      return;
    }
    this.waiting.push({ frameIndex, sentMs });
    if (this.waiting.length > MAX_WAITING) this.waiting.shift();
  }

  onPainted(frameIndex: number, paintedMs: number): void {
    this.painted.set(frameIndex, paintedMs);
    if (this.painted.size > MAX_PAINTED) this.painted.delete(this.painted.keys().next().value!);
    const isSeen = (each: { frameIndex: number }) => each.frameIndex <= frameIndex;
    for (const { sentMs } of this.waiting.filter(isSeen)) this.samplesMs.add(paintedMs - sentMs);
    if (this.waiting.some(isSeen)) this.waiting = this.waiting.filter((each) => !isSeen(each));
  }

  /** Frames count from an earlier one again. */
  forget(): void {
    this.waiting = [];
    this.painted.clear();
  }

  spread(): Spread | null {
    return this.samplesMs.spread();
  }
}
