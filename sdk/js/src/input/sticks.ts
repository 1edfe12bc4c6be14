/** Sticks: those of a gamepad, and those that thumbs draw on glass. */

import { AT_REST, type Axes } from "./axes.js";

/** Below this a stick rests; worn ones do not come back to the middle by themselves. */
const DEAD_ZONE = 0.15;
/** A thumb's way from where it was set down to full speed, in CSS pixels. */
export const STICK_RADIUS_PX = 56;

export interface Stick {
  x: number;
  y: number;
}

/** Without the dead zone, in any direction the same. */
export function withoutDeadZone({ x, y }: Stick): Stick {
  const length = Math.hypot(x, y);
  if (length < DEAD_ZONE) return { x: 0, y: 0 };
  const scale = Math.min(1, (length - DEAD_ZONE) / (1 - DEAD_ZONE)) / length;
  return { x: x * scale, y: y * scale };
}

/** The left stick walks, the right one turns. Of the "standard" layout, y down (w3.org/TR/gamepad). */
export function gamepadAxes(values: readonly number[], invertPitch: boolean): Axes {
  const [leftX = 0, leftY = 0, rightX = 0, rightY = 0] = values;
  return sticksToAxes(withoutDeadZone({ x: leftX, y: leftY }), withoutDeadZone({ x: rightX, y: rightY }), invertPitch);
}

export function sticksToAxes(left: Stick, right: Stick, invertPitch: boolean): Axes {
  return { forward: -left.y, strafe: left.x, yaw: right.x, pitch: invertPitch ? right.y : -right.y };
}

export type Side = "left" | "right";

export interface TouchStick extends Stick {
  side: Side;
  active: boolean;
  originX: number;
  originY: number;
}

/** A thumb set down on the left half walks, one on the right half turns. */
export class TouchSticks {
  private readonly thumbs = new Map<number, TouchStick>();

  /** Null where another thumb has that half already. */
  down(pointerId: number, x: number, y: number, widthPx: number): TouchStick | null {
    const side: Side = x < widthPx / 2 ? "left" : "right";
    for (const thumb of this.thumbs.values()) if (thumb.side === side) return null;
    const stick = { side, active: true, originX: x, originY: y, x: 0, y: 0 };
    this.thumbs.set(pointerId, stick);
    return { ...stick };
  }

  move(pointerId: number, x: number, y: number): TouchStick | null {
    const stick = this.thumbs.get(pointerId);
    if (!stick) return null;
    const [dx, dy] = [(x - stick.originX) / STICK_RADIUS_PX, (y - stick.originY) / STICK_RADIUS_PX];
    const length = Math.max(1, Math.hypot(dx, dy));
    stick.x = dx / length;
    stick.y = dy / length;
    return { ...stick };
  }

  up(pointerId: number): TouchStick | null {
    const stick = this.thumbs.get(pointerId);
    this.thumbs.delete(pointerId);
    return stick ? { ...stick, active: false, x: 0, y: 0 } : null;
  }

  /** Those that were let go. */
  clear(): TouchStick[] {
    return [...this.thumbs.keys()].map((pointerId) => this.up(pointerId)!);
  }

  axes(invertPitch: boolean): Axes {
    const of = (side: Side) => withoutDeadZone([...this.thumbs.values()].find((each) => each.side === side) ?? AT_REST_STICK);
    return this.thumbs.size === 0 ? AT_REST : sticksToAxes(of("left"), of("right"), invertPitch);
  }
}

const AT_REST_STICK: Stick = { x: 0, y: 0 };
