/** What was asked of the world and what became of it, newest first. Pure. */

import { clock } from "./words";

export type Status = "sent" | "accepted" | "applied" | "superseded" | "rejected" | "lost";

/** The part of a receipt that is shown. */
export interface Asked {
  controlId: string;
  kind: string;
  text: string;
  status: Status;
  sentMs: number;
  acceptedMs: number | null;
  settledMs: number | null;
  outcome: unknown;
}

export interface Line {
  controlId: string;
  kind: string;
  text: string;
  status: Status;
  /** "accepted after 18 ms", "chunk 212 · 0:16 · weather: rain", "replaced by a later one". */
  detail: string;
}

export class Ledger {
  #asked: Asked[] = [];

  constructor(private readonly limit: number) {}

  note(receipt: Asked): void {
    const known = this.#asked.findIndex((each) => each.controlId === receipt.controlId);
    if (known >= 0) this.#asked[known] = receipt;
    else this.#asked = [receipt, ...this.#asked].slice(0, this.limit);
  }

  get lines(): Line[] {
    return this.#asked.map(lineOf);
  }
}

export function lineOf(asked: Asked): Line {
  const { controlId, kind, text, status } = asked;
  return { controlId, kind, text: inWords(kind, text), status, detail: detailOf(asked) };
}

const AXES: Record<string, Record<string, readonly [below: string, above: string]>> = {
  move: { forward: ["back", "ahead"], strafe: ["to the left", "to the right"] },
  look: { yaw: ["left", "right"], pitch: ["down", "up"] },
};
const VERBS: Record<string, readonly [verb: string, rest: string]> = {
  move: ["walk", "stand still"],
  look: ["look", "look straight on"],
};

/** "forward 1, strafe 0" as "walk ahead". Others are in words already. */
export function inWords(kind: string, text: string): string {
  const [verb, rest] = VERBS[kind] ?? [];
  if (verb === undefined || rest === undefined) return text.replaceAll("_", " ");
  const parts = Object.entries(AXES[kind] ?? {}).flatMap(([axis, [below, above]]) => {
    const value = Number(new RegExp(`${axis} (-?[\\d.]+)`).exec(text)?.[1] ?? 0);
    return value === 0 ? [] : [value < 0 ? below : above];
  });
  return parts.length ? `${verb} ${parts.join(" and ")}` : rest;
}

function detailOf(asked: Asked): string {
  const outcome = (asked.outcome ?? {}) as Record<string, unknown>;
  switch (asked.status) {
    case "sent":
      return "on its way";
    case "accepted":
      return `accepted after ${Math.round((asked.acceptedMs ?? asked.sentMs) - asked.sentMs)} ms`;
    case "applied":
      return [
        `chunk ${String(outcome.chunkIndex)}`,
        clock(Number(outcome.worldTimeS)),
        ...understoodIn(outcome.understood as readonly string[] | null | undefined),
      ].join(" · ");
    case "superseded":
      return SUPERSEDED[String(outcome.reason)] ?? "replaced";
    case "rejected":
      return String(outcome.message ?? "refused");
    case "lost":
      return "unknown: the connection broke";
  }
}

/** Nothing where nobody told. */
function understoodIn(phrases: readonly string[] | null | undefined): readonly string[] {
  return phrases?.length === 0 ? ["not understood"] : (phrases ?? []);
}

const SUPERSEDED: Record<string, string> = {
  later: "replaced by a later one",
  cancelled: "taken back",
  director: "a director had the say",
  outvoted: "outvoted",
};
