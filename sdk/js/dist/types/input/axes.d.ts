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
export declare const AT_REST: Readonly<Axes>;
/** Several ways of holding at once add up, from -1 to 1. */
export declare function sum(all: readonly Axes[]): Axes;
