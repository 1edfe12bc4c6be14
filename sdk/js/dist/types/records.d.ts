/** What the service tells about its models and sessions, as plain values. */
export type ControlKind = "move" | "look" | "directive" | "image" | "perspective" | "camera";
export type Perspective = "first_person" | "third_person";
export type Arbitration = "single" | "merge" | "director" | "vote";
export type ClientRole = "player" | "director" | "viewer";
export type SessionState = "ready" | "running" | "detached" | "parked" | "ended";
export type ShareScope = "view" | "join" | "fork" | "direct";
export type Profile = "exact" | "fast";
export type Role = "viewer" | "director" | "player" | "owner" | "auditor" | "admin";
export type CameraMove = "static" | "pan_left" | "pan_right" | "tilt_up" | "tilt_down" | "push_in" | "pull_back" | "orbit";
/** What a model can do; an interface can be built from it. */
export interface Capabilities {
    model: string;
    weightsSha256: string;
    widthPx: number;
    heightPx: number;
    frameRate: number;
    framesPerChunk: number;
    chunkDurationS: number;
    /** 0 for a silent model, as the next two. */
    sampleRateHz: number;
    audioChannels: number;
    samplesPerChunk: number;
    controls: ControlKind[];
    perspectives: Perspective[];
    maxYawDegPerS: number;
    maxPitchDegPerS: number;
    maxSpeedMPerS: number;
    licence: string;
    /** With "fast", chunks are within a tolerance of what the session's record gives. */
    profile: Profile;
    /** What sessions may be created with; told by `client.capabilities` alone. */
    arbitrations: Arbitration[];
}
/** What a world started from, with the effective model and seed. */
export interface WorldRecord {
    prompt: string;
    character: string;
    scene: string;
    model: string;
    seed: bigint;
    licence: string;
}
/** Whose something is, and what it was made from. */
export interface Provenance {
    tenantId: string;
    ownerId: string;
    licence: string;
    model: string;
    weightsSha256: string;
    modelLicence: string;
    /** "words", "image:<SHA-256>", "file:<SHA-256>", "world:<id>", "session:<id>@<chunk>". */
    inputs: string[];
}
/** A client that is attached to a session. */
export interface Participant {
    clientId: string;
    /** Who that is, as far as the service knows. */
    subjectId: string;
    role: ClientRole;
    /** Its controls are taken. */
    inControl: boolean;
    asksControl: boolean;
    joinedAt: Date;
}
/** Those who may control a session, as it stood when one came, went, asked for control or got it. */
export interface Hands {
    /** Without viewers. */
    participants: Participant[];
    numViewers: number;
}
/** What a session gets from a chunk on of a worker that cannot keep up, or can again. */
export interface Quality {
    chunkIndex: number;
    /** Of the model's denoise passes, above 0 to 1: less of them make plainer pictures. */
    denoiseShare: number;
    /** Of the model's chunks per second, above 0 to 1: with less, the world's clock and its media go slower. */
    rate: number;
}
/** A session at the moment of asking. */
export interface SessionRecord {
    sessionId: string;
    state: SessionState;
    /** Empty while it lives, else such as "requested", "abandoned" or "worker_lost". */
    endReason: string;
    world: WorldRecord;
    capabilities: Capabilities;
    createdAt: Date;
    chunksGenerated: number;
    worldTimeS: number;
    isPaused: boolean;
    /** By the operator's policy; null without a limit. */
    endsAt: Date | null;
    provenance: Provenance;
    arbitration: Arbitration;
    participants: Participant[];
    /** With "single": how long one who asked for control waits before taking it. */
    takeControlAfterS: number | null;
    /** What its tenant may use; null where the service keeps no books. */
    limits: Limits | null;
    /** While it gets less than all of its worker; null otherwise. */
    quality: Quality | null;
}
/** A session as it is kept. */
export interface SessionSummary {
    sessionId: string;
    /** "running" for all that are neither "parked" nor "ended". */
    state: SessionState;
    world: WorldRecord;
    createdAt: Date;
    updatedAt: Date;
    chunksGenerated: number;
    worldTimeS: number;
    provenance: Provenance;
}
/** A moment of a session under a name. */
export interface SavedWorld {
    worldId: string;
    name: string;
    /** Counts the worlds of that name from 1. */
    version: number;
    sessionId: string;
    /** The first that a session loaded from it makes. */
    chunkIndex: number;
    world: WorldRecord;
    note: string;
    numBytes: number;
    createdAt: Date;
    provenance: Provenance;
}
/** Where a session went back to. */
export interface Rewind {
    /** The first that is made anew. */
    chunkIndex: number;
    /** The old future, as a session of its own. */
    branchSessionId: string;
}
/** A session among those that came from the same beginning. */
export interface Branch {
    sessionId: string;
    /** Empty for the first. */
    parentSessionId: string;
    /** The first chunk that is its own. */
    parentChunkIndex: number;
    label: string;
    state: SessionState;
    chunksGenerated: number;
    createdAt: Date;
}
/** A control that took effect. */
export interface PastControl {
    chunkIndex: number;
    kind: ControlKind;
    text: string;
}
/** Of two sessions. */
export interface Difference {
    /** The first they do not share; null when they never were one. */
    partedChunkIndex: number | null;
    /** That are not the same. */
    worldFields: string[];
    /** Of the one, since then. */
    controls: PastControl[];
    otherControls: PastControl[];
}
export interface ShareLink {
    shareId: string;
    sessionId: string;
    can: ShareScope;
    /** Whoever has it may; empty where it was shown before. */
    token: string;
    createdAt: Date;
    expiresAt: Date;
    isRevoked: boolean;
    numUses: number;
}
export interface RecordingOptions {
    /** As it was encoded, "opus", when left out; "aac" is encoded anew, for players that know no Opus in MP4. */
    sound?: "opus" | "aac";
}
/** What was recorded of a session. */
export interface RecordingInfo {
    sessionId: string;
    numFrames: number;
    durationS: number;
    numBytes: number;
    startedAt: Date;
    /** When its oldest part goes; null where it stays. */
    expiresAt: Date | null;
    /** It was longer: its beginning is not kept any more. */
    isTruncated: boolean;
    /** Why nothing is added now, such as "QUOTA_EXCEEDED"; empty where it is, or may be. */
    haltReason: string;
}
/** The service will end the stream. */
export interface GoAway {
    /** Such as "service_stopping" or "time_limit". */
    reason: string;
    timeLeftS: number;
}
/** What a tenant may use at most; null where there is no limit. */
export interface Limits {
    concurrentSessions: number | null;
    /** UTC. */
    sessionSecondsPerDay: number | null;
    controlsPerSecond: number | null;
    storageBytes: number | null;
}
export interface Quota {
    tenantId: string;
    limits: Limits;
    use: {
        concurrentSessions: number;
        sessionSecondsToday: number;
        storageBytes: number;
        numWaiting: number;
    };
    /** Of each limit that there is. */
    left: Limits;
    /** When the seconds of the day begin anew. */
    resetsAt: Date;
    weight: number;
}
/** How far somebody is who waits. */
export interface QueueStanding {
    /** 1 for whoever is next. */
    position: number;
    numWaiting: number;
    /** Null while nobody can tell. */
    etaS: number | null;
    /** Leaves the queue, with `cancelReservation`. */
    reservationId: string;
    /** When the wait that was asked for is over. */
    givesUpAt: Date | null;
    /** What its tenant may use, now. */
    limits: Limits | null;
}
/** A place that is held until then; `create({ reservationId })` takes it. */
export interface Reservation {
    reservationId: string;
    expiresAt: Date;
}
/** Who one is, as far as the service knows. */
export interface Caller {
    tenantId: string;
    subjectId: string;
    role: Role;
    /** The only session, or world, that it may touch; empty for any. */
    sessionId: string;
    worldId: string;
    maxSessionS: number | null;
    maxCost: number | null;
}
export interface ClientToken {
    token: string;
    expiresAt: Date;
    caller: Caller;
    allowedOrigins: string[];
}
