/**
 * A mouse's way as turn rates. A mouse says how far, `look` says how fast: the way that is still to go is turned within
 * the next step, as fast as the model can, and what does not fit waits for the step after.
 */

import { AT_REST, type Axes } from "./axes.js";

/** A hand's width of mouse pad (800 px) is a quarter turn. */
const DEG_PER_PX = 0.1125;
/** A flick beyond what the model can turn in this time is cut short rather than turned out at leisure. */
const MAX_BACKLOG_S = 0.4;

export interface MouseConfig {
  maxYawDegPerS: number;
  maxPitchDegPerS: number;
  sensitivity: number;
  invertPitch: boolean;
}

export class MouseTurn {
  private yawDeg = 0;
  private pitchDeg = 0;

  constructor(private readonly config: MouseConfig) {}

  /** By so many pixels to the right, and down. */
  add(rightPx: number, downPx: number): void {
    const { maxYawDegPerS, maxPitchDegPerS, sensitivity, invertPitch } = this.config;
    const degPerPx = DEG_PER_PX * sensitivity;
    this.yawDeg = clamp(this.yawDeg + rightPx * degPerPx, maxYawDegPerS * MAX_BACKLOG_S);
    const upPx = invertPitch ? downPx : -downPx;
    this.pitchDeg = clamp(this.pitchDeg + upPx * degPerPx, maxPitchDegPerS * MAX_BACKLOG_S);
  }

  get isMoving(): boolean {
    return Math.abs(this.yawDeg) > 0.05 || Math.abs(this.pitchDeg) > 0.05;
  }

  /** The rates for the next `stepS`. */
  take(stepS: number): Axes {
    const { maxYawDegPerS, maxPitchDegPerS } = this.config;
    const yaw = maxYawDegPerS > 0 ? clamp(this.yawDeg / (maxYawDegPerS * stepS), 1) : 0;
    const pitch = maxPitchDegPerS > 0 ? clamp(this.pitchDeg / (maxPitchDegPerS * stepS), 1) : 0;
    this.yawDeg -= yaw * maxYawDegPerS * stepS;
    this.pitchDeg -= pitch * maxPitchDegPerS * stepS;
    return { ...AT_REST, yaw, pitch };
  }

  clear(): void {
    this.yawDeg = 0;
    this.pitchDeg = 0;
  }
}

function clamp(value: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, value));
}
