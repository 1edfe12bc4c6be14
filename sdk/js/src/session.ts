/** A session: one running world, from outside. */

import type { Calls } from "./calls.js";
import * as codec from "./codec.js";
import { valueOf } from "./enums.js";
import { ExportService, RecordingSound } from "./nacre/v1/export_pb.js";
import { LibraryService, ShareScopeSchema, SnapshotKind } from "./nacre/v1/library_pb.js";
import { type Session as SessionMessage, SessionService } from "./nacre/v1/session_pb.js";
import type {
  Branch,
  Capabilities,
  Difference,
  RecordingInfo,
  RecordingOptions,
  Rewind,
  SavedWorld,
  SessionRecord,
  ShareLink,
  ShareScope,
} from "./records.js";
import { World } from "./world.js";
import type { EnterOptions } from "./world_options.js";

const sessions = SessionService.method;
const library = LibraryService.method;
const exports = ExportService.method;

export class Session {
  /** @internal Get one from `client.create(...)`, or from `client.session(...)` for one that exists. */
  constructor(
    private readonly calls: Calls,
    readonly id: string,
    /** Opens the session's stream; keep it secret. */
    readonly resumeToken: string,
    /** As it was created, with the effective model and seed; null if not created here. */
    readonly record: SessionRecord | null,
  ) {}

  get capabilities(): Capabilities | null {
    return this.record?.capabilities ?? null;
  }

  /** Attach. Who controls it where there are several is a matter of the session's arbitration. Wakes a parked one. */
  enter(options: EnterOptions = {}): Promise<World> {
    return new World(this.calls, this, options).enter();
  }

  /** The session as it is now. */
  async state(): Promise<SessionRecord> {
    return toRecord(await this.calls.call(sessions.getSession, this.named));
  }

  /** End it for good. Ending twice is no error. */
  async end(): Promise<SessionRecord> {
    return toRecord(await this.calls.call(sessions.endSession, this.named));
  }

  // --- its time ---

  /** Stop the world's clock. Controls are taken and wait. */
  async pause(): Promise<SessionRecord> {
    return toRecord(await this.calls.call(sessions.pauseSession, this.named));
  }

  /** Let the world's clock go on after `pause`. */
  async resume(): Promise<SessionRecord> {
    return toRecord(await this.calls.call(sessions.resumeSession, this.named));
  }

  /** Keep it and free what it holds. Entering it, or `wake`, brings it back. */
  async park(): Promise<SessionRecord> {
    return toRecord(await this.calls.call(sessions.parkSession, this.named));
  }

  /** Bring a parked one back before anybody enters. */
  async wake(): Promise<SessionRecord> {
    return toRecord(await this.calls.call(sessions.wakeSession, { ...this.named, resumeToken: this.resumeToken }));
  }

  /** Go back while it runs, by so much world time or to a chunk. The old future stays as a branch. */
  async rewind(to: { seconds: number } | { chunkIndex: number }): Promise<Rewind> {
    const response = await this.calls.call(sessions.rewindSession, {
      ...this.named,
      to:
        "seconds" in to
          ? { case: "back", value: codec.toDuration(to.seconds) }
          : { case: "chunkIndex", value: BigInt(to.chunkIndex) },
    });
    return { chunkIndex: Number(response.chunkIndex), branchSessionId: response.branchSessionId };
  }

  /** A new session that goes on from now, or from a past chunk. This one plays on. */
  async fork({ chunkIndex, label = "" }: { chunkIndex?: number; label?: string } = {}): Promise<Session> {
    const from = chunkIndex === undefined ? {} : { chunkIndex: BigInt(chunkIndex) };
    return opened(this.calls, await this.calls.call(sessions.forkSession, { ...this.named, ...from, label }));
  }

  /** Every session that came from the same beginning; that comes first. */
  async branches(): Promise<Branch[]> {
    return (await this.calls.call(sessions.getBranches, this.named)).branches.map(codec.toBranch);
  }

  /** Where the two parted, and what each was told since. */
  async diff(other: Session | string): Promise<Difference> {
    const otherSessionId = typeof other === "string" ? other : other.id;
    return codec.toDifference(await this.calls.call(sessions.diffSessions, { ...this.named, otherSessionId }));
  }

  // --- what is kept of it ---

  /** Keep this moment under a name; one used before gets its next version. `client.load` goes on from it. */
  async save(name: string, options: { note?: string; licence?: string } = {}): Promise<SavedWorld> {
    const { world } = await this.calls.call(library.saveWorld, { ...this.named, name, ...options });
    return codec.toSavedWorld(world!);
  }

  /** This moment while it runs, as a file for `client.importWorld` of any service that has the model. */
  async export({ exact = false }: { exact?: boolean } = {}): Promise<Uint8Array> {
    const kind = exact ? SnapshotKind.EXACT : SnapshotKind.PORTABLE;
    return (await this.calls.call(library.exportSession, { ...this.named, kind })).data;
  }

  /** What was seen and heard of it so far, or to its end: an MP4 file. Throws `NotFound` where nothing was recorded. */
  async recording({ sound = "opus" }: RecordingOptions = {}): Promise<Blob> {
    return (await this.calls.fetch(`/v1/sessions/${this.id}/recording.mp4?sound=${sound}`, {}, {})).blob();
  }

  /** A link to it that a browser can follow without a key: for a minute. For files too large for memory. */
  async recordingLink({ sound = "opus" }: RecordingOptions = {}): Promise<string> {
    const asked = sound === "aac" ? RecordingSound.AAC : RecordingSound.UNSPECIFIED;
    return this.calls.url + (await this.calls.call(exports.createRecordingTicket, { ...this.named, sound: asked })).path;
  }

  async recordingInfo(): Promise<RecordingInfo> {
    return codec.toRecordingInfo((await this.calls.call(exports.getRecording, this.named)).recording!);
  }

  /** Forget what was recorded. The session stays; if it plays on, that is recorded anew. */
  async deleteRecording(): Promise<void> {
    await this.calls.call(exports.deleteRecording, this.named);
  }

  /** Forget it, but for what others that left it need. Throws `Conflict` while it runs. */
  async delete(): Promise<void> {
    await this.calls.call(sessions.deleteSession, this.named);
  }

  /** A link for others, for a day or for `seconds`. */
  async share(can: ShareScope, { seconds }: { seconds?: number } = {}): Promise<ShareLink> {
    const scope = valueOf(ShareScopeSchema, can);
    const lifetime = seconds === undefined ? undefined : codec.toDuration(seconds);
    const { shareLink, token } = await this.calls.call(library.createShareLink, { ...this.named, scope, lifetime });
    return codec.toShareLink(shareLink!, token);
  }

  /** Without their tokens: those are shown once. */
  async shareLinks(): Promise<ShareLink[]> {
    const { shareLinks } = await this.calls.call(library.listShareLinks, this.named);
    return shareLinks.map((each) => codec.toShareLink(each));
  }

  /** Take a link back: it opens nothing any more. */
  async revoke(link: ShareLink | string): Promise<void> {
    await this.calls.call(library.revokeShareLink, { shareId: typeof link === "string" ? link : link.shareId });
  }

  private get named(): { sessionId: string } {
    return { sessionId: this.id };
  }
}

/** @internal What creating, loading, forking and opening a link answer with. */
export function opened(calls: Calls, response: { session?: SessionMessage; resumeToken: string }): Session {
  const record = codec.toSessionRecord(response.session!);
  return new Session(calls, record.sessionId, response.resumeToken, record);
}

function toRecord({ session }: { session?: SessionMessage }): SessionRecord {
  return codec.toSessionRecord(session!);
}
