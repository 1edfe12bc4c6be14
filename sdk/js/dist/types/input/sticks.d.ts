/** Sticks: those of a gamepad, and those that thumbs draw on glass. */
import { type Axes } from "./axes.js";
/** A thumb's way from where it was set down to full speed, in CSS pixels. */
export declare const STICK_RADIUS_PX = 56;
export interface Stick {
    x: number;
    y: number;
}
/** Without the dead zone, in any direction the same. */
export declare function withoutDeadZone({ x, y }: Stick): Stick;
/** The left stick walks, the right one turns. Of the "standard" layout, y down (w3.org/TR/gamepad). */
export declare function gamepadAxes(values: readonly number[], invertPitch: boolean): Axes;
export declare function sticksToAxes(left: Stick, right: Stick, invertPitch: boolean): Axes;
export type Side = "left" | "right";
export interface TouchStick extends Stick {
    side: Side;
    active: boolean;
    originX: number;
    originY: number;
}
/** A thumb set down on the left half walks, one on the right half turns. */
export declare class TouchSticks {
    private readonly thumbs;
    /** Null where another thumb has that half already. */
    down(pointerId: number, x: number, y: number, widthPx: number): TouchStick | null;
    move(pointerId: number, x: number, y: number): TouchStick | null;
    up(pointerId: number): TouchStick | null;
    /** Those that were let go. */
    clear(): TouchStick[];
    axes(invertPitch: boolean): Axes;
}
