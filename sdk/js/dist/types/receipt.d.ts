/** What a verb returns: a receipt that settles with the outcome of its control. */
import { NacreError } from "./errors.js";
import type { ControlKind } from "./records.js";
/** The control took effect: the first chunk and frame that it shaped. */
export interface Applied {
    kind: "applied";
    controlId: string;
    chunkIndex: number;
    frameIndex: number;
    worldTimeS: number;
    /**
     * Of a sentence: what it was taken to ask for, such as ["weather: rain"]; empty where it asks for nothing that the
     * model knows. Null where the service does not tell, and of others.
     */
    understood: readonly string[] | null;
}
/** Another control took its place before it took effect. */
export interface Superseded {
    kind: "superseded";
    controlId: string;
    byControlId: string;
    /** Who sent that one, where the service told. */
    byClientId: string;
    reason: "later" | "cancelled" | "director" | "outvoted";
}
export type Outcome = Applied | Superseded;
export type ReceiptStatus = "sent" | "accepted" | "applied" | "superseded" | "rejected" | "lost";
/**
 * Awaiting it gives `Applied` or `Superseded`, or throws: `ControlRejected`, `SessionEnded`, `Detached` (the world was
 * left first), or `ConnectionLost` (the outcome is unknown). It always settles, and may be left alone.
 */
export declare class Receipt implements PromiseLike<Outcome> {
    readonly controlId: string;
    readonly kind: ControlKind | "cancel" | "hand";
    /** What was asked, in words. */
    readonly text: string;
    readonly isScheduled: boolean;
    private readonly onWait;
    private readonly onChange;
    /** performance.now() when the verb was called. */
    readonly sentMs: number;
    acceptedMs: number | null;
    settledMs: number | null;
    outcome: Outcome | NacreError | null;
    /** Of one that is scheduled, once it was accepted and that is known. */
    dueChunkIndex: number | null;
    /** False where the service could only note it on a worker's own disk. */
    isDurable: boolean;
    private isWanted;
    private readonly acceptance;
    private readonly settlement;
    get status(): ReceiptStatus;
    /** Settles once the service has the control, valid and on record; throws as awaiting the receipt does. */
    get accepted(): Promise<void>;
    then<A = Outcome, B = never>(onFulfilled?: ((outcome: Outcome) => A | PromiseLike<A>) | null, onRejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<A | B>;
    private want;
}
