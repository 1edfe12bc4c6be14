/**
 * When media is due: a pure mapping of media time (seconds from the session's first frame) to a clock's time.
 *
 * Chunks are placed one behind the other as they come. What comes too late for its place is placed a little later than
 * now, and so is all that follows: that is a stall, and the distance grows with each. While every chunk comes earlier
 * than it needs to, media runs a little faster, so that the distance shrinks to what the line needs.
 */

export interface ScheduleConfig {
  /** From a chunk's coming to its first frame, at the beginning. */
  startS: number;
  /** The most that stalls let it grow to. */
  maxStartS: number;
  /** What every chunk should have left when it comes: decoding it takes some of that. */
  safetyS: number;
  /** How many chunks must have had more than that before media runs faster: two seconds. */
  windowChunks: number;
  /** Faster by so much at most; what is left of a hiccup is gone after two seconds. */
  maxHaste: number;
  /** With more left than this, media jumps ahead instead: the page was asleep. */
  jumpS: number;
}

export const DEFAULT_SCHEDULE: Readonly<ScheduleConfig> = {
  startS: 0.03,
  maxStartS: 0.3,
  safetyS: 0.015,
  windowChunks: 25,
  maxHaste: 0.08,
  jumpS: 0.6,
};

/** How much each stall adds to the distance. */
const STALL_GROWTH = 1.5;
/** Of what is too much, so much is made good in a second; in steps that are hardly heard. */
const HASTE_PER_S = 0.5;
const MIN_HASTE = 0.02;

export interface Placement {
  mediaS: number;
  endMediaS: number;
  clockS: number;
  rate: number;
}

/** "first": of a beginning. "next": right behind what was before. "stall": it came too late. "jump": what waits is to be thrown away. */
export type PlacementKind = "first" | "next" | "stall" | "jump";

/** Of media that is shown; older placements are forgotten. */
const MAX_PLACEMENTS = 32;

export class PlayoutSchedule {
  private placements: Placement[] = [];
  private margins: number[] = [];
  private distanceS: number;

  /** Seconds of media in a second of the clock, where all is well: less where the service cannot keep up. */
  pace = 1;

  constructor(private readonly config: ScheduleConfig = DEFAULT_SCHEDULE) {
    this.distanceS = config.startS;
  }

  /** From a chunk's coming to its first frame, where it begins anew. */
  get startS(): number {
    return this.distanceS;
  }

  /** The clock's time at which all media that was placed is over; null before the first. */
  get endS(): number | null {
    const last = this.placements.at(-1);
    return last ? last.clockS + (last.endMediaS - last.mediaS) / last.rate : null;
  }

  /** Media from `mediaS` to `endMediaS` came at `nowS`. `leadS`: what cannot be scheduled any more, because it is played by then. */
  place(mediaS: number, endMediaS: number, nowS: number, leadS: number): PlacementKind {
    const { endS } = this;
    const earliestS = nowS + leadS;
    let kind: PlacementKind = endS === null ? "first" : endS < earliestS ? "stall" : "next";
    if (endS !== null && endS - earliestS > this.config.jumpS) kind = "jump";
    if (kind === "stall") this.distanceS = Math.min(this.config.maxStartS, this.distanceS * STALL_GROWTH);
    if (kind !== "next") this.margins = [];
    if (kind === "jump") this.placements = [];
    const clockS = kind === "next" ? endS! : earliestS + this.distanceS;
    this.placements.push({ mediaS, endMediaS, clockS, rate: this.rateWith(clockS - earliestS) });
    if (this.placements.length > MAX_PLACEMENTS) this.placements.shift();
    return kind;
  }

  /** When a moment of media is due by the clock; null for media that was not placed. */
  dueS(mediaS: number): number | null {
    const placement = this.placementOf(mediaS);
    return placement && placement.clockS + (mediaS - placement.mediaS) / placement.rate;
  }

  rateAt(mediaS: number): number {
    return this.placementOf(mediaS)?.rate ?? 1;
  }

  /** The clock is another one from now on, which shows so much more. */
  shift(seconds: number): void {
    for (const placement of this.placements) placement.clockS += seconds;
  }

  /** Media begins anew. What the line needs is remembered. */
  reset(): void {
    this.placements = [];
    this.margins = [];
  }

  private rateWith(marginS: number): number {
    const { windowChunks, safetyS, maxHaste } = this.config;
    this.margins.push(marginS);
    if (this.margins.length > windowChunks) this.margins.shift();
    const excessS = Math.min(...this.margins) - safetyS;
    if (this.margins.length < windowChunks || excessS <= 0) return this.pace;
    return this.pace + Math.min(maxHaste, Math.max(MIN_HASTE, excessS * HASTE_PER_S));
  }

  private placementOf(mediaS: number): Placement | null {
    for (let idx = this.placements.length - 1; idx >= 0; idx -= 1) {
      const placement = this.placements[idx]!;
      if (placement.mediaS <= mediaS + 1e-6) return placement;
    }
    // A chunk's first sound begins a little before its first frame.
    return this.placements[0] ?? null;
  }
}
