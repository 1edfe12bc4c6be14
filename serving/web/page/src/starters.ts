/** Worlds to begin with, and their pictures: frames of those worlds, with those seeds. */

import starters from "./starters.json";

export interface Starter {
  id: string;
  prompt?: string;
  character?: string;
  scene?: string;
  seed: number;
}

export const STARTERS = starters as readonly Starter[];

export function posterOf(id: string): string {
  return `starters/${id}.png`;
}

/** Of a world that begins as one of them does. */
export function starterStill({ prompt, seed }: { prompt: string; seed: bigint }): string | undefined {
  const starter = STARTERS.find((each) => each.prompt === prompt && BigInt(each.seed ?? 0) === seed);
  return starter && posterOf(starter.id);
}
