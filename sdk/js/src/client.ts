/** The client: all that a service is asked for, by those who play and those who run it. */

import { type RevokedToken, type TokenToRevoke, revokeToken } from "./access.js";
import { Admin } from "./admin.js";
import { Books } from "./books.js";
import type { Calls } from "./calls.js";
import { type ConnectOptions as PlayOptions, PlayClient, callsTo } from "./play_client.js";
import { overWebRtc } from "./webrtc.js";

export interface ConnectOptions extends PlayOptions {
  /** What worlds are played over; a WebSocket when left out. Over WebRTC, `world.media` has the pictures and the sound. */
  transport?: "websocket" | "webrtc";
  /** Of WebRTC, to be reached by where the service is in no direct reach. */
  iceServers?: RTCIceServer[];
}

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
