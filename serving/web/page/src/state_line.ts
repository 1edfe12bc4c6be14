/** What the line above the world says of how it goes. Pure, but for the words that it shows. */

import type { World } from "nacre";
import type { BarView, State } from "./bar_view";
import type { Curtain } from "./curtain";
import type { Play } from "./play";
import { noteOf, type Standing } from "./standing";

export interface Going {
  hasEnded: boolean;
  world: World["state"];
  isPaused: boolean;
  role: World["role"];
}

export function stateOf({ hasEnded, world, isPaused, role }: Going): State {
  if (hasEnded) return "Ended";
  if (world === "reconnecting") return "Coming back";
  if (isPaused) return "Paused";
  return role === "player" ? "Live" : "Looking on";
}

const TICK_MS = 1000;

export class StateLine {
  #limitMs: number | null = null; // of the operator; Date.now() then
  #announcedMs: number | null = null;
  #warning = "";
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  constructor(
    private readonly bar: BarView,
    private readonly play: Play,
    private readonly curtain: Curtain,
  ) {}

  get standing(): Standing {
    const endMs = this.#announcedMs ?? this.#limitMs;
    const endsInS = endMs === null ? null : Math.max(0, endMs - Date.now()) / 1000;
    return { quality: this.play.world.quality, endsInS, warning: this.#warning };
  }

  /** The end was announced. */
  get isWarned(): boolean {
    return this.#warning !== "";
  }

  show(): void {
    const { isPaused, world } = this.play;
    const { hasEnded } = this.curtain;
    this.bar.showState(stateOf({ hasEnded, world: world.state, isPaused, role: world.role }));
    this.bar.showNote(hasEnded || world.state === "reconnecting" ? null : noteOf(this.standing));
  }

  /** When the operator's policy ends it. */
  endsAt(when: Date | null): void {
    this.#limitMs = when?.getTime() ?? null;
  }

  /** It was announced that it will end. */
  warn(sentence: string, timeLeftS: number): void {
    this.#announcedMs = Date.now() + 1000 * timeLeftS;
    this.#warning = sentence;
    this.show();
  }

  /** What was announced has come, of one gateway: the next may not end. */
  forgetWarning(): void {
    this.#announcedMs = null;
    this.#warning = "";
    this.show();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    if (this.#warning) this.show();
  }
}
