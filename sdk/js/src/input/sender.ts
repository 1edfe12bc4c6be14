/** Sends what is held when it changes: no more often than the service takes it, and for so long that it has an effect. */

import type { World } from "../world.js";
import type { Axes } from "./axes.js";

/** The service takes 60 controls a second of each client; walking and turning are two. */
const MIN_GAP_MS = 40;

type Values = readonly [number, number];
const AT_REST: Values = [0, 0];

/** Walking, or turning. */
class Lane {
  private sent: Values = AT_REST;
  private wanted: Values = AT_REST;
  private sentMs = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `send` tells whether it was sent. `holdMs`: what is let go sooner than this would never be seen. */
  constructor(
    private readonly holdMs: number,
    private readonly send: (values: Values) => boolean,
  ) {}

  want(values: Values, isUrgent: boolean): void {
    this.wanted = values;
    this.cancel();
    if (isSame(values, this.sent)) return;
    const restMs = isSame(values, AT_REST) ? this.holdMs : MIN_GAP_MS;
    const waitMs = isUrgent ? 0 : this.sentMs + restMs - performance.now();
    if (waitMs <= 0) this.go();
    else this.timer = setTimeout(() => this.go(), waitMs);
  }

  /** Nothing of ours is held there any more. */
  forget(): void {
    this.cancel();
    this.sent = AT_REST;
  }

  cancel(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private go(): void {
    this.timer = undefined;
    if (this.send(this.wanted)) {
      this.sent = this.wanted;
      this.sentMs = performance.now();
    } else {
      this.forget();
    }
  }
}

export class AxesSender {
  private readonly walking: Lane;
  private readonly turning: Lane;

  constructor(world: Pick<World, "move" | "look" | "inControl" | "state" | "capabilities">) {
    // Of a key that is tapped within one chunk, the service would see no more than that it is let go.
    const holdMs = world.capabilities.chunkDurationS * 1e3;
    const can = (kind: "move" | "look") =>
      world.inControl && world.state !== "closed" && world.capabilities.controls.includes(kind);
    this.walking = new Lane(holdMs, ([forward, strafe]) => can("move") && !!world.move({ forward, strafe }));
    this.turning = new Lane(holdMs, ([yaw, pitch]) => can("look") && !!world.look({ yaw, pitch }));
  }

  /** `isUrgent`: at once, whatever was before. */
  want({ forward, strafe, yaw, pitch }: Axes, isUrgent = false): void {
    this.walking.want([forward, strafe], isUrgent);
    this.turning.want([yaw, pitch], isUrgent);
  }

  /** Control went to somebody else, and what was held was let go. */
  forget(): void {
    this.walking.forget();
    this.turning.forget();
  }

  close(): void {
    this.walking.cancel();
    this.turning.cancel();
  }
}

function isSame(one: Values, other: Values): boolean {
  return one[0] === other[0] && one[1] === other[1];
}
