/** Small pictures of what was seen: for the timeline, and for the start page. */

import { h } from "./dom";
import { Film } from "./film";
import type { Store } from "./store";

const MAX_STILLS = 240; // of 80 by 50 that is 4 MB, whatever the session's length
const STILL = { width: 80, height: 50 };
const POSTER = { width: 128, height: 80 };
const KEEP_MS = 10_000;

export class Stills {
  readonly film: Film<HTMLCanvasElement>;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly world: HTMLCanvasElement,
    chunkDurationS: number,
  ) {
    this.film = new Film(MAX_STILLS, Math.max(1, Math.round(1 / chunkDurationS)));
  }

  onChunk(chunk: number): void {
    if (this.film.wants(chunk)) this.film.add(chunk, this.#draw(STILL));
  }

  /** Keeps what is seen beside the session, now and then and at the end. */
  keepPosters(store: Store, sessionId: string): () => void {
    const keep = (): void => {
      if (this.film.stills.length === 0) return;
      store.hold(sessionId, { still: this.#draw(POSTER).toDataURL("image/webp", 0.85) }, Date.now());
    };
    this.#timer = setInterval(keep, KEEP_MS);
    return () => {
      clearInterval(this.#timer);
      keep();
    };
  }

  #draw(size: { width: number; height: number }): HTMLCanvasElement {
    const still = h("canvas", size);
    still.getContext("2d")?.drawImage(this.world, 0, 0, size.width, size.height);
    return still;
  }
}
