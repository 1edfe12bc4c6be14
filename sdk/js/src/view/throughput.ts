/** How much has come and was painted, in all and over the last seconds. */

import type { Chunk } from "../media.js";

const WINDOW_MS = 2_000;

export class Throughput {
  stalls = 0;
  framesDropped = 0;
  private framesPainted = 0;
  private chunks = 0;
  private lateChunks = 0;
  private painted: number[] = [];
  private arrived: { atMs: number; numBytes: number }[] = [];

  onChunk({ isLate, numBytes }: Pick<Chunk, "isLate" | "numBytes">, nowMs: number): void {
    this.chunks += 1;
    if (isLate) this.lateChunks += 1;
    this.arrived.push({ atMs: nowMs, numBytes });
    while (this.arrived[0] && this.arrived[0].atMs < nowMs - WINDOW_MS) this.arrived.shift();
  }

  onPainted(nowMs: number): void {
    this.framesPainted += 1;
    this.painted.push(nowMs);
    while (this.painted[0] !== undefined && this.painted[0] < nowMs - WINDOW_MS) this.painted.shift();
  }

  figures(nowMs: number): {
    frameRate: number;
    framesPainted: number;
    framesDropped: number;
    chunks: number;
    lateChunks: number;
    stalls: number;
    bitsPerS: number;
  } {
    const { framesPainted, framesDropped, chunks, lateChunks, stalls } = this;
    const bytes = this.arrived.reduce((sum, each) => (each.atMs >= nowMs - WINDOW_MS ? sum + each.numBytes : sum), 0);
    const bitsPerS = (bytes * 8 * 1e3) / WINDOW_MS;
    const recent = this.painted.filter((atMs) => atMs >= nowMs - WINDOW_MS);
    const spanMs = recent.length > 1 ? recent.at(-1)! - recent[0]! : 0;
    const frameRate = spanMs > 0 && recent.at(-1)! > nowMs - WINDOW_MS / 2 ? ((recent.length - 1) * 1e3) / spanMs : 0;
    return { frameRate, framesPainted, framesDropped, chunks, lateChunks, stalls, bitsPerS };
  }
}
