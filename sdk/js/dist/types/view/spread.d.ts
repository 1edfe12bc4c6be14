/** Figures of the last measurements. */
export interface Spread {
    last: number;
    median: number;
    p95: number;
    /** Of all that were measured; the others are of the last 200. */
    count: number;
}
export declare class Samples {
    private readonly values;
    private count;
    add(value: number): void;
    clear(): void;
    /** Null before the first. */
    spread(): Spread | null;
}
