/** Sends what is held when it changes, and no more often than the service takes it. */

import type { World } from "../world.js";
import { AT_REST, type Axes } from "./axes.js";

/** The service takes 60 controls a second of each client; walking and turning are two. */
const MIN_GAP_MS = 40;

export class AxesSender {
  private sent: Axes = AT_REST;
  private wanted: Axes = AT_REST;
  private sentMs = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly world: Pick<World, "move" | "look" | "inControl" | "capabilities">) {}

  /** Letting go is never late: it goes out at once. */
  want(axes: Axes): void {
    this.wanted = axes;
    const waitMs = isAtRest(axes) ? 0 : this.sentMs + MIN_GAP_MS - performance.now();
    clearTimeout(this.timer);
    this.timer = undefined;
    if (waitMs <= 0) this.send();
    else this.timer = setTimeout(() => this.send(), waitMs);
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private send(): void {
    if (!this.world.inControl) {
      // Nothing of ours is held there; it is sent once we have control.
      this.sent = AT_REST;
      return;
    }
    const { forward, strafe, yaw, pitch } = this.wanted;
    const { controls } = this.world.capabilities;
    const [hasMoved, hasTurned] = [
      forward !== this.sent.forward || strafe !== this.sent.strafe,
      yaw !== this.sent.yaw || pitch !== this.sent.pitch,
    ];
    if (hasMoved && controls.includes("move")) this.world.move({ forward, strafe });
    if (hasTurned && controls.includes("look")) this.world.look({ yaw, pitch });
    if (hasMoved || hasTurned) this.sentMs = performance.now();
    this.sent = this.wanted;
  }
}

function isAtRest({ forward, strafe, yaw, pitch }: Axes): boolean {
  return forward === 0 && strafe === 0 && yaw === 0 && pitch === 0;
}
