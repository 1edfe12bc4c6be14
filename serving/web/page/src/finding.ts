/** Ways to a session: a new one, one of one's own, one that is kept, and out of one that is left. */

import { LimitReached, type Client, type CreateOptions, type QueueStanding, type Session, type World } from "nacre";
import type { Card } from "./gallery";
import type { Play } from "./play";
import type { Trouble } from "./sentences";
import type { Store } from "./store";

const LINE_S = 600; // for the patient; it can be left at any time
const LINK_S = 86_400;
const RETURN_PAUSE_MS = 400;

export class Finder {
  constructor(
    private readonly client: Client,
    private readonly store: Store,
  ) {}

  /** Where every place is taken, in line for one until `signal`. */
  async create(
    options: CreateOptions,
    signal: AbortSignal,
    onQueue: (standing: QueueStanding) => void,
  ): Promise<Session> {
    try {
      return await this.client.create(options);
    } catch (error) {
      if (!(error instanceof LimitReached) || error.reason !== "CAPACITY_EXHAUSTED") throw error;
      return this.client.create({ ...options, waitS: LINE_S, onQueue, signal });
    }
  }

  /** By the token that this browser has, else by a link to it. */
  async own(sessionId: string): Promise<Session> {
    const token = this.store.held[sessionId]?.token;
    if (token) return this.client.session(sessionId, token);
    const link = await this.client.session(sessionId).share("join", { seconds: LINK_S });
    return this.client.session(sessionId, link.token);
  }

  kept(card: Card): Promise<Session> {
    if (card.kind === "world") return this.client.load({ worldId: card.id });
    return card.isOver ? this.client.session(card.id).fork({ label: "after the end" }) : this.own(card.id);
  }

  /** Keeps what opens a session; a link's token ends by itself, and is not kept. */
  hold(session: Session, title: string): void {
    const token = isLink(session.resumeToken) ? "" : session.resumeToken;
    this.store.hold(session.id, { token, title }, Date.now());
  }

  /** The token that is held turned out not to fit. */
  letGo(session: Session): void {
    this.store.hold(session.id, { token: "" }, Date.now());
  }
}

export function isLink(token: string): boolean {
  return token.startsWith("share-");
}

/** Lets a session that nobody else is in rest at once, so that its place is free. One that cannot rest is over, or
 * somebody else's: then there is nothing to free. */
export async function restAlone({ world, session }: Play): Promise<void> {
  const { participants = [], numViewers = 0 } = world.hands ?? {};
  if (world.role === "player" && participants.length <= 1 && numViewers === 0) await session.park().catch(() => {});
}

/** Enters, and tries again while the stream that the page had before is not noticed as gone yet. */
export async function enterPatiently(tries: number, enter: () => Promise<World>): Promise<World> {
  for (let left = tries; ; left -= 1) {
    try {
      return await enter();
    } catch (error) {
      if (left <= 1 || (error as Trouble).reason !== "SESSION_CONTROLLED") throw error;
      await new Promise((resolve) => setTimeout(resolve, RETURN_PAUSE_MS));
    }
  }
}
