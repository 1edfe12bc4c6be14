/** What follows the chunks as they are shown: the clock, the stills, the film. */

import type { Play } from "./play";
import type { Stills } from "./stills";
import type { TimelineView } from "./timeline_view";

const TICK_MS = 250;

export class ShownChunks {
  #last = -1;
  #tickedMs = 0;

  constructor(
    private readonly play: Play,
    private readonly stills: Stills,
    private readonly timeline: TimelineView,
  ) {}

  /** One of the frames of `chunk` was painted. */
  onFrame(chunk: number): void {
    if (chunk === this.#last) return;
    this.#last = chunk;
    this.play.now = chunk + 1;
    this.stills.onChunk(chunk);
    const now = performance.now();
    if (now - this.#tickedMs < TICK_MS) return;
    this.#tickedMs = now;
    this.timeline.tick(this.play.now);
  }
}
