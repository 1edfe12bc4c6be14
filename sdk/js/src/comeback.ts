/** Attaching again after a lost connection, with pauses that grow. */

import type { Attachment } from "./attachment.js";
import { type NacreError, toNacreError } from "./errors.js";
import { type ResumePolicy, canResume, delayS } from "./resume.js";

/** Before an attempt. */
export interface Pause {
  /** From 0, since the last chunk that came. */
  attempt: number;
  delayS: number;
  error: NacreError;
}

/** @internal */
export class Comeback {
  private numAttempts = 0;
  private end: NacreError | null = null;
  private endPause: () => void = () => {};

  constructor(
    private readonly policy: ResumePolicy,
    private readonly onPause: (pause: Pause) => void,
  ) {}

  /** A chunk came: attempts are counted anew. */
  succeed(): void {
    this.numAttempts = 0;
  }

  /** Nobody wants to come back any more: `attach` throws `end`. */
  stop(end: NacreError): void {
    this.end = end;
    this.endPause();
  }

  /** Throws the error that is final. */
  async attach(lost: NacreError, attach: () => Promise<Attachment>): Promise<Attachment> {
    let error = lost;
    while (this.numAttempts < this.policy.maxAttempts && canResume(error, this.numAttempts)) {
      const pauseS = delayS(this.policy, this.numAttempts, error.retryAfterS, Math.random());
      this.onPause({ attempt: this.numAttempts, delayS: pauseS, error });
      await this.pause(pauseS);
      if (this.end !== null) throw this.end;
      this.numAttempts += 1;
      try {
        return await attach();
      } catch (next) {
        error = toNacreError(next);
      }
    }
    throw error;
  }

  /** So long, or until the network is said to be there again. */
  private async pause(seconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, seconds * 1e3);
      this.endPause = () => {
        clearTimeout(timer);
        resolve();
      };
      if (typeof window !== "undefined") window.addEventListener("online", this.endPause, { once: true });
    });
    if (typeof window !== "undefined") window.removeEventListener("online", this.endPause);
  }
}
