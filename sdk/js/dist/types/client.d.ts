/** The client: all that a service is asked for, by those who play and those who run it. */
import { type RevokedToken, type TokenToRevoke } from "./access.js";
import { Admin } from "./admin.js";
import { Books } from "./books.js";
import { type ConnectOptions as PlayOptions, PlayClient } from "./play_client.js";
import type { RecordingOptions } from "./records.js";
import { type Grant } from "./sharing.js";
export interface ConnectOptions extends PlayOptions {
    /** What worlds are played over; a WebSocket when left out. Over WebRTC, `world.media` has the pictures and the sound. */
    transport?: "websocket" | "webrtc";
    /** Of WebRTC, to be reached by where the service is in no direct reach. */
    iceServers?: RTCIceServer[];
}
export declare class Client extends PlayClient {
    private readonly allCalls;
    /** For those who run the service. */
    readonly admin: Admin;
    /** What playing costs, what was used, and who did what. */
    readonly books: Books;
    /** Wait for a service to answer at the address. Throws `Unavailable` if none does. */
    waitUntilReady(timeoutS?: number): Promise<void>;
    /** What a session's players were shown, as a film. Throws `NotFound` where nothing was, or is kept. */
    recording(sessionId: string, options?: RecordingOptions): Promise<Blob>;
    /** Who may do what with a world beside its own tenant's members. */
    worldAccess(worldId: string): Promise<Grant[]>;
    /** Instead of what was said before; none for nobody. It holds for the world, and for the sessions of its tenant that start from it. Gives the lines as they are now. */
    setWorldAccess(worldId: string, grants: readonly Grant[]): Promise<Grant[]>;
    /** Take back a token before its end, or all that somebody was given or has minted. */
    revokeToken(which: TokenToRevoke): Promise<RevokedToken>;
}
/** A client for the service at `url` ("http://localhost:8080"); in a page, its own origin when left out. */
export declare function connect(url?: string, options?: ConnectOptions): Client;
