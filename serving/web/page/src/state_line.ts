/** What the line above the world says of how it goes. Pure, but for the words that it shows. */

import type { World } from "nacre";
import type { BarView, State } from "./bar_view";
import type { Curtain } from "./curtain";
import type { Play } from "./play";

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

export class StateLine {
  constructor(
    private readonly bar: BarView,
    private readonly play: Play,
    private readonly curtain: Curtain,
  ) {}

  show(): void {
    const { isPaused, world } = this.play;
    const { hasEnded } = this.curtain;
    this.bar.showState(stateOf({ hasEnded, world: world.state, isPaused, role: world.role }));
  }
}
