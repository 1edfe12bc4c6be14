/** A session: one running world, from outside. */
import type { Branch, Capabilities, Difference, RecordingInfo, RecordingOptions, Rewind, SavedWorld, SessionRecord, ShareLink, ShareScope } from "./records.js";
import { World } from "./world.js";
import type { EnterOptions } from "./world_options.js";
export declare class Session {
    private readonly calls;
    readonly id: string;
    /** Opens the session's stream; keep it secret. */
    readonly resumeToken: string;
    /** As it was created, with the effective model and seed; null if not created here. */
    readonly record: SessionRecord | null;
    get capabilities(): Capabilities | null;
    /** Attach. Who controls it where there are several is a matter of the session's arbitration. Wakes a parked one. */
    enter(options?: EnterOptions): Promise<World>;
    /** The session as it is now. */
    state(): Promise<SessionRecord>;
    /** End it for good. Ending twice is no error. */
    end(): Promise<SessionRecord>;
    /** Stop the world's clock. Controls are taken and wait. */
    pause(): Promise<SessionRecord>;
    /** Let the world's clock go on after `pause`. */
    resume(): Promise<SessionRecord>;
    /** Keep it and free what it holds. Entering it, or `wake`, brings it back. */
    park(): Promise<SessionRecord>;
    /** Bring a parked one back before anybody enters. */
    wake(): Promise<SessionRecord>;
    /** Go back while it runs, by so much world time or to a chunk. The old future stays as a branch. */
    rewind(to: {
        seconds: number;
    } | {
        chunkIndex: number;
    }): Promise<Rewind>;
    /** A new session that goes on from now, or from a past chunk. This one plays on. */
    fork({ chunkIndex, label }?: {
        chunkIndex?: number;
        label?: string;
    }): Promise<Session>;
    /** Every session that came from the same beginning; that comes first. */
    branches(): Promise<Branch[]>;
    /** Where the two parted, and what each was told since. */
    diff(other: Session | string): Promise<Difference>;
    /** Keep this moment under a name; one used before gets its next version. `client.load` goes on from it. */
    save(name: string, options?: {
        note?: string;
        licence?: string;
    }): Promise<SavedWorld>;
    /** This moment while it runs, as a file for `client.importWorld` of any service that has the model. */
    export({ exact }?: {
        exact?: boolean;
    }): Promise<Uint8Array>;
    /** What was seen and heard of it so far, or to its end: an MP4 file. Throws `NotFound` where nothing was recorded. */
    recording({ sound }?: RecordingOptions): Promise<Blob>;
    /** A link to it that a browser can follow without a key: for a minute. For files too large for memory. */
    recordingLink({ sound }?: RecordingOptions): Promise<string>;
    recordingInfo(): Promise<RecordingInfo>;
    /** Forget what was recorded. The session stays; if it plays on, that is recorded anew. */
    deleteRecording(): Promise<void>;
    /** Forget it, but for what others that left it need. Throws `Conflict` while it runs. */
    delete(): Promise<void>;
    /** A link for others, for a day or for `seconds`. */
    share(can: ShareScope, { seconds }?: {
        seconds?: number;
    }): Promise<ShareLink>;
    /** Without their tokens: those are shown once. */
    shareLinks(): Promise<ShareLink[]>;
    /** Take a link back: it opens nothing any more. */
    revoke(link: ShareLink | string): Promise<void>;
    private get named();
}
