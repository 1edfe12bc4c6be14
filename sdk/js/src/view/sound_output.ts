/** The audio context behind a view: switched on in a click, and taken away by the browser as it likes. */

import { AudioClock } from "./clock.js";

/** A browser that does not let it run says nothing; this long is no click's worth of waiting. */
const START_TIMEOUT_S = 2;

export class SoundOutput {
  readonly context: AudioContext;
  readonly analyser: AnalyserNode;
  readonly clock: AudioClock;

  /** `onChange`: whether it runs changed. */
  constructor(sampleRateHz: number, onChange: () => void) {
    this.context = new AudioContext({ sampleRate: sampleRateHz, latencyHint: "interactive" });
    this.analyser = this.context.createAnalyser();
    this.analyser.connect(this.context.destination);
    this.clock = new AudioClock(this.context);
    this.context.onstatechange = onChange;
  }

  get isRunning(): boolean {
    return this.context.state === "running";
  }

  /** Whether it runs now. */
  async start(): Promise<boolean> {
    const pause = new Promise<void>((resolve) => setTimeout(resolve, START_TIMEOUT_S * 1e3));
    // A browser that refuses leaves the promise open.
    await Promise.race([this.context.resume().catch(() => {}), pause]);
    return this.isRunning;
  }

  async stop(): Promise<void> {
    if (this.context.state === "running") await this.context.suspend();
  }

  close(): void {
    this.context.onstatechange = null;
    if (this.context.state !== "closed") void this.context.close();
  }
}
