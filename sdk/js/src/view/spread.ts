/** Figures of the last measurements. */

export interface Spread {
  last: number;
  median: number;
  p95: number;
  /** Of all that were measured; the others are of the last 200. */
  count: number;
}

const MAX_SAMPLES = 200;

export class Samples {
  private readonly values: number[] = [];
  private count = 0;

  add(value: number): void {
    this.count += 1;
    this.values.push(value);
    if (this.values.length > MAX_SAMPLES) this.values.shift();
  }

  clear(): void {
    this.values.length = 0;
    this.count = 0;
  }

  /** Null before the first. */
  spread(): Spread | null {
    const last = this.values.at(-1);
    if (last === undefined) return null;
    const sorted = [...this.values].sort((a, b) => a - b);
    return { last, median: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), count: this.count };
  }
}

function quantile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
