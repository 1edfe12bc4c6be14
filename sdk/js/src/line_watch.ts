/**
 * Notices a line that is dead without saying so. A page cannot ping over a WebSocket, so where chunks are due and
 * nothing has come for a while, the service is asked in another way; no answer there means that the line is gone.
 */

import { ConnectionLost, Timeout, Unavailable } from "./errors.js";

/** Some sixty chunks: no service that runs pauses for so long, and a session that stands still is asked rarely. */
const SILENCE_S = 5;
const CHECK_EVERY_S = 1;
/** A service that takes longer to say how a session is does not play it either. */
export const PROBE_TIMEOUT_S = 5;

export class LineWatch {
  private heardMs = performance.now();
  private isAsking = false;
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly onOffline = () => void this.ask();

  /** `isDue`: something should come. `ask`: a short call to the service. */
  constructor(
    private readonly isDue: () => boolean,
    private readonly probe: () => Promise<unknown>,
    private readonly onDead: (error: ConnectionLost) => void,
  ) {
    this.timer = setInterval(() => this.check(), CHECK_EVERY_S * 1e3);
    // Not for what Node is: there nobody tells.
    if (typeof window !== "undefined") window.addEventListener("offline", this.onOffline);
  }

  heard(): void {
    this.heardMs = performance.now();
  }

  close(): void {
    clearInterval(this.timer);
    if (typeof window !== "undefined") window.removeEventListener("offline", this.onOffline);
  }

  private check(): void {
    const isSilent = performance.now() - this.heardMs > SILENCE_S * 1e3;
    if (isSilent && this.isDue()) void this.ask();
  }

  private async ask(): Promise<void> {
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      await this.probe();
      this.heard();
    } catch (error) {
      if (error instanceof Unavailable || error instanceof Timeout) {
        this.onDead(new ConnectionLost("the connection is dead", { code: "unavailable" }));
      }
    } finally {
      this.isAsking = false;
    }
  }
}
