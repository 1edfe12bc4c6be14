/** How a session stands: what it gets of its worker, and when it will end. Pure. */

import type { Quality } from "nacre";
import { clock, duration, percent } from "./words";

export interface Standing {
  /** Null while it gets all of its worker. */
  quality: Quality | null;
  /** Null where nothing ends it. */
  endsInS: number | null;
  /** The service said that it will end, and why, as a sentence; empty where it did not. */
  warning: string;
}

export interface Note {
  kind: "end" | "quality";
  text: string;
  tip: string;
}

/** What somebody should know who looks at the world; null where all is as it should be. */
export function noteOf({ quality, endsInS, warning }: Standing): Note | null {
  if (warning && endsInS !== null) return { kind: "end", text: `Ends in ${clock(Math.ceil(endsInS))}`, tip: warning };
  if (quality) return { kind: "quality", text: plainly(quality), tip: tipOf(quality) };
  return null;
}

/** For the panel. */
export function standingFigures({ quality, endsInS }: Standing): { quality: string; end: string } {
  return {
    quality: quality ? briefly(quality) : "in full",
    end: endsInS === null ? "not by itself" : `in ${duration(endsInS)}`,
  };
}

function plainly({ denoiseShare, rate }: Quality): string {
  const [isPlainer, isSlower] = [denoiseShare < 1, rate < 1];
  return `${isPlainer && isSlower ? "Plainer and slower" : isPlainer ? "Plainer pictures" : "Slower"} for now`;
}

function briefly({ denoiseShare, rate }: Quality): string {
  const parts = [denoiseShare < 1 && `detail ${percent(denoiseShare)}`, rate < 1 && `pace ${percent(rate)}`];
  return parts.filter(Boolean).join(" · ");
}

function tipOf({ denoiseShare, rate }: Quality): string {
  const parts = [
    denoiseShare < 1 && `Pictures are made in ${percent(denoiseShare)} of the passes.`,
    rate < 1 && `The world goes at ${percent(rate)} of its pace.`,
  ];
  return ["The service is busy.", ...parts].filter(Boolean).join(" ");
}
