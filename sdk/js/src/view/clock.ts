/** What time it is: of the sound that is heard now, or of the machine. In seconds, and never going back by itself. */

export interface Clock {
  readonly kind: "audio" | "performance";
  nowS(): number;
  /** How far ahead of now a sound must be scheduled to be heard in time. */
  leadS(): number;
}

export const performanceClock: Clock = {
  kind: "performance",
  nowS: () => performance.now() / 1e3,
  leadS: () => 0,
};

/** An output's position is told in steps, and a little unsteadily; so much of each reading counts. */
const SMOOTHING = 0.05;
/** Further off than this it was interrupted rather than unsteady. */
const JUMP_S = 0.1;
/** Decoding a packet and handing it over takes a few milliseconds. */
const DECODE_S = 0.01;

export class AudioClock implements Clock {
  readonly kind = "audio";
  private offsetS: number | null = null; // of what is heard, over the machine's clock

  constructor(private readonly context: AudioContext) {}

  nowS(): number {
    const machineS = performance.now() / 1e3;
    const readS = this.heardS() - machineS;
    if (this.offsetS === null || Math.abs(readS - this.offsetS) > JUMP_S) this.offsetS = readS;
    else this.offsetS += SMOOTHING * (readS - this.offsetS);
    return machineS + this.offsetS;
  }

  leadS(): number {
    return Math.max(0, this.context.currentTime - this.nowS()) + DECODE_S;
  }

  /** The context's time of what leaves the loudspeaker now. */
  private heardS(): number {
    const { contextTime = 0, performanceTime = 0 } = this.context.getOutputTimestamp?.() ?? {};
    if (performanceTime > 0 && contextTime > 0) {
      return Math.min(this.context.currentTime, contextTime + (performance.now() - performanceTime) / 1e3);
    }
    return this.context.currentTime - (this.context.outputLatency || this.context.baseLatency || 0);
  }
}
