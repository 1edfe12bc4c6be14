/** What is held, as the numbers that `move` and `look` take. */

export interface Axes {
  /** -1 (back) to 1 (ahead). */
  forward: number;
  /** -1 (left) to 1 (right). */
  strafe: number;
  /** -1 (left) to 1 (right), in units of the model's fastest turn. */
  yaw: number;
  /** -1 (down) to 1 (up). */
  pitch: number;
}

export const AT_REST: Readonly<Axes> = { forward: 0, strafe: 0, yaw: 0, pitch: 0 };

/** Finer steps than these nobody sees, and each would be a control of its own. */
const STEPS = 32;

/** Several ways of holding at once add up, from -1 to 1. */
export function sum(all: readonly Axes[]): Axes {
  const total = (name: keyof Axes) => {
    const value = all.reduce((part, axes) => part + axes[name], 0);
    return Math.round(Math.min(1, Math.max(-1, value)) * STEPS) / STEPS || 0; // never -0
  };
  return { forward: total("forward"), strafe: total("strafe"), yaw: total("yaw"), pitch: total("pitch") };
}
