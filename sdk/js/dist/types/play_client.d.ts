/** A service, and the sessions one asks it for. */
import { type ImageSource } from "./image.js";
import type { Arbitration, Caller, Capabilities, ClientToken, QueueStanding, Quota, Reservation, Role, SavedWorld, SessionState, SessionSummary } from "./records.js";
import { Session } from "./session.js";
import type { Token, WebSocketMaker } from "./token.js";
export interface ConnectOptions {
    /** One of the service's keys: for programs on a server. Pages get tokens. */
    apiKey?: string;
    /** One that was minted, an identity provider's, or that of a share link. A function is asked anew at each call. */
    token?: Token;
    /** For every single call; streams have none. 30 when left out. */
    timeoutS?: number;
    /** Where there is none, as in Node before version 22. */
    webSocket?: WebSocketMaker;
}
export interface QueueOptions {
    /** How long to wait in the queue when every slot is taken; refused at once when left out. */
    waitS?: number;
    onQueue?: (standing: QueueStanding) => void;
    /** Leaves the queue. */
    signal?: AbortSignal;
}
/** Describe the world by `prompt`, or by `scene` with or without `character`; `image` may stand alone or beside words. */
export interface CreateOptions extends QueueOptions {
    prompt?: string;
    character?: string;
    scene?: string;
    image?: ImageSource;
    /** The service's own when left out. */
    model?: string;
    /** Chosen by the service when left out. */
    seed?: number | bigint;
    licence?: string;
    /** How several clients control it; "single" when left out. */
    arbitration?: Arbitration;
    /** Asking again with the same gives the same session. */
    idempotencyKey?: string;
    /** A place that `reserve` gave. */
    reservationId?: string;
}
export interface MintOptions {
    lifetimeS?: number;
    sessionId?: string;
    worldId?: string;
    maxSessionS?: number;
    maxCost?: number;
    allowedOrigins?: string[];
}
/** What a page needs to let somebody play. */
export declare class PlayClient {
    private readonly calls;
    get url(): string;
    /** What `model` can do; the service's own model when left out. */
    capabilities(model?: string): Promise<Capabilities>;
    /** A new session. Its world starts when somebody enters. */
    create(options: CreateOptions): Promise<Session>;
    /** A place that is held for a while: `create({ reservationId })` takes it. */
    reserve({ waitS, onQueue, signal }?: QueueOptions): Promise<Reservation>;
    /** Give a reserved place back, or leave the queue. */
    cancelReservation(reservationId: string): Promise<void>;
    /** What one's tenant may use, and uses. Others' are for those who run the service. */
    quota(tenantId?: string): Promise<Quota>;
    /** A session that exists. Entering it needs the token that creating it gave. */
    session(sessionId: string, resumeToken?: string): Session;
    /** All that are kept, the newest first. `states`: of "running", "parked" and "ended". */
    sessions({ states, pageSize }?: ListOptions): AsyncGenerator<SessionSummary>;
    /** A new session that goes on from a saved moment: the latest of that name, or one by its id. */
    load(which: {
        name: string;
    } | {
        worldId: string;
    }): Promise<Session>;
    /** Saved moments, the newest first. */
    worlds({ name, pageSize }?: WorldListOptions): AsyncGenerator<SavedWorld>;
    /** Keep what `session.export` gave, here or elsewhere, under a name; `load` goes on from it. */
    importWorld(data: Uint8Array, name: string, options?: {
        note?: string;
        licence?: string;
    }): Promise<SavedWorld>;
    /** Sessions that were loaded from it keep what they need. */
    deleteWorld(worldId: string): Promise<void>;
    /** What a share link leads to: the session itself, or for one that lets fork a new one. */
    openShare(token: string): Promise<Session>;
    caller(): Promise<Caller>;
    /** A token for a browser or somebody else's client, which allows no more than one's own key. For ten minutes when left out. */
    mintToken(role?: Role, options?: MintOptions): Promise<ClientToken>;
}
export interface ListOptions {
    states?: SessionState[];
    pageSize?: number;
}
export interface WorldListOptions {
    /** Only worlds of that name. */
    name?: string;
    pageSize?: number;
}
