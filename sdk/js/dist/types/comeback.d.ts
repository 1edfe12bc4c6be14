/** Attaching again after a lost connection, with pauses that grow. */
import { type NacreError } from "./errors.js";
/** Before an attempt. */
export interface Pause {
    /** From 0, since the last chunk that came. */
    attempt: number;
    delayS: number;
    error: NacreError;
}
