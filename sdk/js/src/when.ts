/** When a control is to take effect: `world.say("dusk", { when: after(2) })`. */

import type { Receipt } from "./receipt.js";

/** Made by `at`, `atChunk` and `after`. */
export interface When {
  readonly chunkIndex?: number;
  readonly worldTimeS?: number;
  readonly afterS?: number;
  readonly afterControlId?: string;
}

/** The first chunk that begins at this world time or later. */
export function at(worldTimeS: number): When {
  return { worldTimeS };
}

export function atChunk(chunkIndex: number): When {
  return { chunkIndex };
}

/**
 * So many seconds of world time from now, or once another control took effect: `after(receipt)`, or `after(receipt, 2)`
 * for two seconds later. A control that never takes effect takes with it what waits for it.
 */
export function after(what: number | Receipt, seconds?: number): When {
  if (typeof what === "number") return { afterS: what };
  return seconds === undefined ? { afterControlId: what.controlId } : { afterControlId: what.controlId, afterS: seconds };
}
