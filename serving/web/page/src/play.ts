/** What can be done in a world that one is in. Whatever fails is told, with what to do; nothing is thrown. */

import {
  type Client,
  ConnectionLost,
  Detached,
  LimitReached,
  type Outcome,
  type Receipt,
  type Rewind,
  type Session,
  type World,
  type WorldView,
} from "nacre";
import type { Notices } from "./notices";
import { choose } from "./picture";
import type { BranchPoint } from "./tree";
import { clock } from "./words";

// As many as can be told apart above the film.
const MAX_BRANCHES = 8;

export interface PlayHost {
  notices: Notices;
  /** Go on in another session. */
  enter(session: Session, title: string): Promise<void>;
  paused(isPaused: boolean): void;
  /** What a recording's sound is to be. */
  recorded(): "opus" | "aac";
  branched(): void;
}

export class Play {
  isPaused = false;
  /** By branch: what a rewind told, which the record may tell a moment later. */
  readonly #parted = new Map<string, number>();
  /** Chunks that were shown. */
  now = 0;

  constructor(
    readonly session: Session,
    readonly world: World,
    readonly view: WorldView,
    readonly title: string,
    private readonly host: PlayHost,
  ) {}

  get chunkDurationS(): number {
    return this.world.capabilities.chunkDurationS;
  }

  // --- the world's time ---

  togglePause(): Promise<void> {
    return this.#attempt(async () => {
      const record = this.isPaused ? await this.session.resume() : await this.session.pause();
      this.isPaused = record.isPaused;
      this.host.paused(record.isPaused);
    });
  }

  rewind(to: { chunkIndex: number } | { seconds: number }): Promise<void> {
    return this.#attempt(async () => {
      const rewind = await this.session.rewind(to);
      this.onRewound(rewind);
      this.host.notices.say(
        `Back at ${clock(rewind.chunkIndex * this.chunkDurationS)}. What came after is kept as a branch.`,
      );
    });
  }

  onRewound(rewind: Rewind): void {
    this.#parted.set(rewind.branchSessionId, rewind.chunkIndex);
    this.now = rewind.chunkIndex;
    this.host.branched();
  }

  /** Another way from a moment, now where none is given, and into it. */
  fork(chunkIndex?: number): Promise<void> {
    return this.#attempt(async () => {
      const label = `from ${clock((chunkIndex ?? this.now) * this.chunkDurationS)}`;
      const fork = await this.#forkSomehow(chunkIndex, label);
      await this.host.enter(fork, this.title);
    });
  }

  /** Where every place is taken, the one that this session leaves will do. */
  async #forkSomehow(chunkIndex: number | undefined, label: string): Promise<Session> {
    try {
      return await this.session.fork({ chunkIndex, label });
    } catch (error) {
      if (!(error instanceof LimitReached)) throw error;
      const moment = chunkIndex ?? this.now;
      await this.session.park();
      return this.session.fork({ chunkIndex: moment, label });
    }
  }

  /** Sessions of the same beginning, each with the chunk where it parted from the one it left. The record names where
   * its own chunks begin: after a rewind that is the old future's end. Throws `NacreError`. */
  async branches(client: Client): Promise<BranchPoint[]> {
    const all = await this.session.branches();
    const newest = all.filter(
      ({ sessionId }, index) => sessionId === this.session.id || index >= all.length - MAX_BRANCHES,
    );
    const parted = newest.map(async (branch) => {
      if (!branch.parentSessionId) return branch;
      const { partedChunkIndex } = await client.session(branch.parentSessionId).diff(branch.sessionId);
      const known = [partedChunkIndex ?? branch.parentChunkIndex, this.#parted.get(branch.sessionId) ?? Infinity];
      return { ...branch, parentChunkIndex: Math.min(...known) };
    });
    return Promise.all(parted);
  }

  // --- what is kept ---

  save(name: string): Promise<void> {
    return this.#attempt(async () => {
      const saved = await this.session.save(name);
      const which = saved.version > 1 ? `, version ${saved.version}` : "";
      this.host.notices.say(`Saved as “${saved.name}”${which}. It is among your worlds.`);
    });
  }

  /** By a link that is good once, so that a long film never lies in the page's memory. */
  download(): Promise<void> {
    return this.#attempt(async () => {
      const [href, { haltReason }] = await Promise.all([
        this.session.recordingLink({ sound: this.host.recorded() }),
        this.session.recordingInfo(),
      ]);
      const link = document.createElement("a");
      link.href = href;
      link.download = `${this.title.replaceAll(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60) || "world"}.mp4`;
      link.click();
      const isFull = haltReason === "QUOTA_EXCEEDED";
      this.host.notices.say(`The recording is being downloaded${isFull ? ", as far as there was room for it" : ""}.`);
    });
  }

  // --- controls ---

  showPicture(file: Blob): Promise<void> {
    return this.#attempt(async () => {
      const chosen = await choose(file);
      await this.world.show(chosen.file);
    });
  }

  /** For controls whose receipt tells how they ended: what is refused is told, and what was in vain; what is lost is in
   * the panel. */
  watch(receipt: Receipt): void {
    const tell = (outcome: Outcome): void => {
      if (outcome.kind === "applied" && outcome.understood?.length === 0)
        this.host.notices.say(`Nothing was understood of “${receipt.text}”. Other words may do.`);
    };
    receipt.then(tell, (error: unknown) => {
      if (!(error instanceof Detached) && !(error instanceof ConnectionLost)) this.host.notices.trouble(error);
    });
  }

  async #attempt(what: () => Promise<void>): Promise<void> {
    try {
      await what();
    } catch (error) {
      if (!(error instanceof Detached))
        this.host.notices.trouble(error, { label: "Try again", run: () => void this.#attempt(what) });
    }
  }
}
