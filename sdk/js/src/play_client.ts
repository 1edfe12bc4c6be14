/** A service, and the sessions one asks it for. */

import { Calls, randomName } from "./calls.js";
import * as codec from "./codec.js";
import { canShow } from "./codecs.js";
import { valueOf } from "./enums.js";
import { ProtocolError } from "./errors.js";
import { type ImageSource, toBytes } from "./image.js";
import { AccessService, RoleSchema } from "./nacre/v1/access_pb.js";
import { AdmissionService } from "./nacre/v1/admission_pb.js";
import { LibraryService } from "./nacre/v1/library_pb.js";
import { ArbitrationPolicySchema, SessionService, SessionStateSchema } from "./nacre/v1/session_pb.js";
import type {
  Arbitration,
  Caller,
  Capabilities,
  ClientToken,
  QueueStanding,
  Quota,
  Reservation,
  Role,
  SavedWorld,
  SessionState,
  SessionSummary,
} from "./records.js";
import { Session, opened } from "./session.js";
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

const DEFAULT_TIMEOUT_S = 30;
const DEFAULT_PAGE_SIZE = 50;

/** What a page needs to let somebody play. */
export class PlayClient {
  /** @internal Use `connect`. */
  constructor(private readonly calls: Calls) {}

  get url(): string {
    return this.calls.url;
  }

  /** What `model` can do; the service's own model when left out. */
  async capabilities(model = ""): Promise<Capabilities> {
    const response = await this.calls.call(SessionService.method.getCapabilities, { model });
    return codec.toCapabilities(response.capabilities, response.arbitrations);
  }

  /** A new session. Its world starts when somebody enters. */
  async create(options: CreateOptions): Promise<Session> {
    const { image, seed = 0, arbitration, idempotencyKey = "", waitS = 0, onQueue, reservationId = "", signal } = options;
    const { prompt = "", character = "", scene = "", model = "", licence = "" } = options;
    const request = {
      world: {
        ...{ prompt, character, scene, model, licence, seed: BigInt(seed) },
        ...(image && { image: { data: await toBytes(image) } }),
      },
      idempotencyKey: idempotencyKey || randomName(),
      arbitration: arbitration === undefined ? 0 : valueOf(ArbitrationPolicySchema, arbitration),
      ...((waitS || reservationId) && { admission: { wait: codec.toDuration(waitS), reservationId } }),
    };
    if (!waitS) return opened(this.calls, await this.calls.call(SessionService.method.createSession, request, { signal }));
    for await (const { message } of this.calls.stream(AdmissionService.method.openSession, { create: request }, { signal })) {
      if (message.case === "opened") return opened(this.calls, message.value);
      if (message.case === "queued") onQueue?.(codec.toStanding(message.value));
    }
    throw new ProtocolError(NEITHER);
  }

  /** A place that is held for a while: `create({ reservationId })` takes it. */
  async reserve({ waitS = 0, onQueue, signal }: QueueOptions = {}): Promise<Reservation> {
    const request = { wait: codec.toDuration(waitS) };
    for await (const { message } of this.calls.stream(AdmissionService.method.reserve, request, { signal })) {
      if (message.case === "reserved") return codec.toReservation(message.value);
      if (message.case === "queued") onQueue?.(codec.toStanding(message.value));
    }
    throw new ProtocolError(NEITHER);
  }

  /** Give a reserved place back, or leave the queue. */
  async cancelReservation(reservationId: string): Promise<void> {
    await this.calls.call(AdmissionService.method.cancelReservation, { reservationId });
  }

  /** What one's tenant may use, and uses. Others' are for those who run the service. */
  async quota(tenantId = ""): Promise<Quota> {
    return codec.toQuota((await this.calls.call(AdmissionService.method.getQuota, { tenantId })).quota!);
  }

  /** A session that exists. Entering it needs the token that creating it gave. */
  session(sessionId: string, resumeToken = ""): Session {
    return new Session(this.calls, sessionId, resumeToken, null);
  }

  /** All that are kept, the newest first. `states`: of "running", "parked" and "ended". */
  async *sessions({ states = [], pageSize = DEFAULT_PAGE_SIZE }: ListOptions = {}): AsyncGenerator<SessionSummary> {
    const wanted = states.map((state) => valueOf(SessionStateSchema, state));
    for (let pageToken = ""; ; ) {
      const request = { pageSize, pageToken, states: wanted };
      const response = await this.calls.call(SessionService.method.listSessions, request);
      yield* response.sessions.map(codec.toSessionSummary);
      pageToken = response.nextPageToken;
      if (!pageToken) return;
    }
  }

  // --- worlds that were saved ---

  /** A new session that goes on from a saved moment: the latest of that name, or one by its id. */
  async load(which: { name: string } | { worldId: string }): Promise<Session> {
    const value =
      "name" in which
        ? ({ case: "name", value: which.name } as const)
        : ({ case: "worldId", value: which.worldId } as const);
    return opened(this.calls, await this.calls.call(LibraryService.method.loadWorld, { which: value }));
  }

  /** Saved moments, the newest first. */
  async *worlds({ name = "", pageSize = DEFAULT_PAGE_SIZE }: WorldListOptions = {}): AsyncGenerator<SavedWorld> {
    for (let pageToken = ""; ; ) {
      const response = await this.calls.call(LibraryService.method.listWorlds, { pageSize, pageToken, name });
      yield* response.worlds.map(codec.toSavedWorld);
      pageToken = response.nextPageToken;
      if (!pageToken) return;
    }
  }

  /** Keep what `session.export` gave, here or elsewhere, under a name; `load` goes on from it. */
  async importWorld(data: Uint8Array, name: string, options: { note?: string; licence?: string } = {}): Promise<SavedWorld> {
    const { world } = await this.calls.call(LibraryService.method.importWorld, { data, name, ...options });
    return codec.toSavedWorld(world!);
  }

  /** Sessions that were loaded from it keep what they need. */
  async deleteWorld(worldId: string): Promise<void> {
    await this.calls.call(LibraryService.method.deleteWorld, { worldId });
  }

  /** What a share link leads to: the session itself, or for one that lets fork a new one. */
  async openShare(token: string): Promise<Session> {
    return opened(this.calls, await this.calls.call(LibraryService.method.openShareLink, { token }));
  }

  // --- who one is ---

  async caller(): Promise<Caller> {
    return codec.toCaller((await this.calls.call(AccessService.method.getCaller, {})).caller);
  }

  /** A token for a browser or somebody else's client, which allows no more than one's own key. For ten minutes when left out. */
  async mintToken(role: Role = "player", options: MintOptions = {}): Promise<ClientToken> {
    const { lifetimeS, maxSessionS, ...rest } = options;
    const response = await this.calls.call(AccessService.method.mintToken, {
      ...rest,
      role: valueOf(RoleSchema, role),
      lifetime: lifetimeS === undefined ? undefined : codec.toDuration(lifetimeS),
      maxSessionDuration: maxSessionS === undefined ? undefined : codec.toDuration(maxSessionS),
    });
    const { token, expireTime, caller, allowedOrigins } = response;
    return { token, expiresAt: codec.toDate(expireTime), caller: codec.toCaller(caller), allowedOrigins };
  }
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

const NEITHER = "the service said neither that there is a place nor that there is none";

/** @internal The calls of the service at `url`; in a page, of its own origin when left out. Throws TypeError. */
export function callsTo(url?: string, options: ConnectOptions = {}): Calls {
  const { apiKey = "", token = "", timeoutS = DEFAULT_TIMEOUT_S, webSocket } = options;
  if (apiKey && token) throw new TypeError("an apiKey or a token, not both");
  const base = url ?? globalThis.location?.origin;
  if (typeof document !== "undefined") void canShow(); // known by the time it is asked for
  if (!base || !/^https?:\/\//.test(base)) throw new TypeError(`url must be http(s)://..., got "${base ?? ""}"`);
  return new Calls(base.replace(/\/+$/, ""), apiKey || token, timeoutS, webSocket);
}
