/** The client: all that a service is asked for, by those who play and those who run it. */

import { type RevokedToken, type TokenToRevoke, revokeToken } from "./access.js";
import { Admin } from "./admin.js";
import { Books } from "./books.js";
import type { Calls } from "./calls.js";
import { Unavailable } from "./errors.js";
import { type ConnectOptions as PlayOptions, PlayClient, callsTo } from "./play_client.js";
import type { RecordingOptions } from "./records.js";
import { type Grant, setWorldAccess, worldAccess } from "./sharing.js";
import { overWebRtc } from "./webrtc.js";

export interface ConnectOptions extends PlayOptions {
  /** What worlds are played over; a WebSocket when left out. Over WebRTC, `world.media` has the pictures and the sound. */
  transport?: "websocket" | "webrtc";
  /** Of WebRTC, to be reached by where the service is in no direct reach. */
  iceServers?: RTCIceServer[];
}

const READY_TIMEOUT_S = 60;
const PROBE_TIMEOUT_S = 5;
const PROBE_PAUSE_MS = 250;

export class Client extends PlayClient {
  /** For those who run the service. */
  readonly admin: Admin;
  /** What playing costs, what was used, and who did what. */
  readonly books: Books;

  /** @internal Use `connect`. */
  constructor(private readonly allCalls: Calls) {
    super(allCalls);
    this.admin = new Admin(allCalls);
    this.books = new Books(allCalls);
  }

  /** Wait for a service to answer at the address. Throws `Unavailable` if none does. */
  async waitUntilReady(timeoutS = READY_TIMEOUT_S): Promise<void> {
    const untilMs = performance.now() + timeoutS * 1e3;
    for (;;) {
      try {
        await this.allCalls.within(PROBE_TIMEOUT_S).fetch("/healthz", {}, {});
        return;
      } catch (error) {
        if (performance.now() >= untilMs) throw new Unavailable(`no service at ${this.url} within ${timeoutS} s (${error})`);
        await new Promise((resolve) => setTimeout(resolve, PROBE_PAUSE_MS));
      }
    }
  }

  /** What a session's players were shown, as a film. Throws `NotFound` where nothing was, or is kept. */
  recording(sessionId: string, options?: RecordingOptions): Promise<Blob> {
    return this.session(sessionId).recording(options);
  }

  /** Who may do what with a world beside its own tenant's members. */
  worldAccess(worldId: string): Promise<Grant[]> {
    return worldAccess(this.allCalls, worldId);
  }

  /** Instead of what was said before; none for nobody. It holds for the world, and for the sessions of its tenant that start from it. Gives the lines as they are now. */
  setWorldAccess(worldId: string, grants: readonly Grant[]): Promise<Grant[]> {
    return setWorldAccess(this.allCalls, worldId, grants);
  }

  /** Take back a token before its end, or all that somebody was given or has minted. */
  revokeToken(which: TokenToRevoke): Promise<RevokedToken> {
    return revokeToken(this.allCalls, which);
  }
}

/** A client for the service at `url` ("http://localhost:8080"); in a page, its own origin when left out. */
export function connect(url?: string, options: ConnectOptions = {}): Client {
  const calls = callsTo(url, options);
  return new Client(options.transport === "webrtc" ? calls.over(overWebRtc(options.iceServers)) : calls);
}
