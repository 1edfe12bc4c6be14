/** Keys that are held, without the browser. */

import type { Axes } from "./axes.js";

export type Axis = "forward" | "back" | "left" | "right" | "yawLeft" | "yawRight" | "pitchUp" | "pitchDown";
/** By KeyboardEvent.code: the place on the keyboard, whatever letter is printed there. */
export type Bindings = Readonly<Record<string, Axis>>;

export const WALK_KEYS: Bindings = { KeyW: "forward", KeyS: "back", KeyA: "left", KeyD: "right" };
export const TURN_ARROWS: Bindings = {
  ArrowUp: "pitchUp",
  ArrowDown: "pitchDown",
  ArrowLeft: "yawLeft",
  ArrowRight: "yawRight",
};
/** For models that cannot turn. */
export const WALK_ARROWS: Bindings = { ArrowUp: "forward", ArrowDown: "back", ArrowLeft: "left", ArrowRight: "right" };

export class HeldKeys {
  private readonly held = new Set<string>();

  constructor(private readonly bindings: Bindings) {}

  /** Whether the key means something. */
  press(code: string): boolean {
    if (this.bindings[code] === undefined) return false;
    this.held.add(code);
    return true;
  }

  release(code: string): boolean {
    return this.held.delete(code);
  }

  clear(): void {
    this.held.clear();
  }

  axes(): Axes {
    const held = new Set([...this.held].map((code) => this.bindings[code]));
    const between = (low: Axis, high: Axis) => Number(held.has(high)) - Number(held.has(low));
    return {
      forward: between("back", "forward"),
      strafe: between("left", "right"),
      yaw: between("yawLeft", "yawRight"),
      pitch: between("pitchDown", "pitchUp"),
    };
  }
}
