/** Keys, mouse, gamepad and touch to `move` and `look`. */
import { type Listener } from "../emitter.js";
import type { World } from "../world.js";
import { type Axes } from "./axes.js";
import { type Axis } from "./keys.js";
import { type TouchStick } from "./sticks.js";
export interface InputOptions {
    /** Gets pointer lock and touches; keys are taken from its window. */
    element: HTMLElement;
    keys?: boolean;
    /** "lock": by a click on the element, until Escape. "drag": while a button is held. */
    mouse?: "lock" | "drag" | false;
    gamepad?: boolean;
    touch?: boolean;
    /** By KeyboardEvent.code, beside W A S D and the arrows; null takes one away. */
    bindings?: Record<string, Axis | null>;
    sensitivity?: number;
    invertPitch?: boolean;
}
export interface InputEvents {
    axes: Axes;
    /** The pointer was locked, or let go. */
    lock: boolean;
    /** A gamepad came or went. */
    gamepad: boolean;
    /** For those who draw sticks: px in the element, axes -1 to 1, y down. */
    stick: TouchStick;
}
/** Everything is let go on blur, when the page is hidden, and when the connection is lost: no key stays stuck. */
export declare class WorldInput {
    private readonly world;
    private readonly options;
    private readonly events;
    private readonly sender;
    private readonly keys;
    private readonly turn;
    private readonly sticks;
    private readonly off;
    private readonly stepS;
    private mouseAxes;
    private padAxes;
    private current;
    private mouseTimer;
    private padHandle;
    private isEnabled;
    constructor(world: World, options: InputOptions);
    on<K extends keyof InputEvents>(event: K, listener: Listener<InputEvents[K]>): () => void;
    get axes(): Axes;
    get isLocked(): boolean;
    get enabled(): boolean;
    /** False lets everything go. */
    set enabled(enabled: boolean);
    /** Call it in a click: browsers want one. */
    lock(): void;
    unlock(): void;
    /** Let everything go. */
    release(): void;
    close(): void;
    private get page();
    private update;
    private bindKeys;
    private bindMouse;
    private stepTurn;
    private stopTurning;
    private bindTouch;
    private bindGamepad;
    private bindSafety;
    private listen;
}
