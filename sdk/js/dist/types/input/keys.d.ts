/** Keys that are held, without the browser. */
import type { Axes } from "./axes.js";
export type Axis = "forward" | "back" | "left" | "right" | "yawLeft" | "yawRight" | "pitchUp" | "pitchDown";
/** By KeyboardEvent.code: the place on the keyboard, whatever letter is printed there. */
export type Bindings = Readonly<Record<string, Axis>>;
export declare const WALK_KEYS: Bindings;
export declare const TURN_ARROWS: Bindings;
/** For models that cannot turn. */
export declare const WALK_ARROWS: Bindings;
export declare class HeldKeys {
    private readonly bindings;
    private readonly held;
    constructor(bindings: Bindings);
    /** Whether the key means something. */
    press(code: string): boolean;
    release(code: string): boolean;
    clear(): void;
    axes(): Axes;
}
