/** Messages of the contract as plain values. */

import type { DescEnum, MessageInitShape } from "@bufbuild/protobuf";
import {
  type Duration,
  type Timestamp,
  durationFromMs,
  durationMs,
  timestampDate,
} from "@bufbuild/protobuf/wkt";

import { nameOf, wordOf } from "./enums.js";
import { type Caller as CallerMessage, RoleSchema } from "./nacre/v1/access_pb.js";
import type { Quota as QuotaMessage, QueueStanding as QueueStandingMessage, Reservation as ReservationMessage } from "./nacre/v1/admission_pb.js";
import { ErrorReasonSchema } from "./nacre/v1/error_pb.js";
import type { Recording as RecordingMessage } from "./nacre/v1/export_pb.js";
import { type ShareLink as ShareLinkMessage, type World as SavedWorldMessage, ShareScopeSchema } from "./nacre/v1/library_pb.js";
import { type Limits as LimitsMessage, type LimitsSchema } from "./nacre/v1/quota_pb.js";
import {
  type Branch as BranchMessage,
  type DiffSessionsResponse,
  type Hands as HandsMessage,
  type Participant as ParticipantMessage,
  type PastControl as PastControlMessage,
  type Quality as QualityMessage,
  type Session as SessionMessage,
  type SessionSummary as SummaryMessage,
  ArbitrationPolicySchema,
  ClientRoleSchema,
  EndReasonSchema,
  SessionStateSchema,
} from "./nacre/v1/session_pb.js";
import {
  type Capabilities as CapabilitiesMessage,
  type Provenance as ProvenanceMessage,
  type WorldSpec,
  ControlKindSchema,
  PerspectiveSchema,
  ProfileSchema,
} from "./nacre/v1/world_pb.js";
import type * as r from "./records.js";

export function secondsOf(duration: Duration | undefined): number {
  return duration ? Number(duration.seconds) + duration.nanos / 1e9 : 0;
}

export function toDuration(seconds: number): Duration {
  return durationFromMs(seconds * 1e3);
}

function optionalSeconds(duration: Duration | undefined): number | null {
  return duration ? durationMs(duration) / 1e3 : null;
}

function dateOf(timestamp: Timestamp | undefined): Date {
  return timestamp ? timestampDate(timestamp) : new Date(0);
}

/** The words of a closed set; those of a newer service come along as they are. */
function word<T extends string>(schema: DescEnum, value: number): T {
  return wordOf(schema, value) as T;
}

export function toCapabilities(message: CapabilitiesMessage | undefined, arbitrations: number[] = []): r.Capabilities {
  return {
    model: message?.model ?? "",
    weightsSha256: message?.weightsSha256 ?? "",
    widthPx: message?.widthPx ?? 0,
    heightPx: message?.heightPx ?? 0,
    frameRate: message?.frameRate ?? 0,
    framesPerChunk: message?.framesPerChunk ?? 0,
    chunkDurationS: message?.chunkDurationS ?? 0,
    sampleRateHz: message?.audio?.sampleRateHz ?? 0,
    audioChannels: message?.audio?.channels ?? 0,
    samplesPerChunk: message?.audio?.samplesPerChunk ?? 0,
    controls: (message?.controls ?? []).map((kind) => word<r.ControlKind>(ControlKindSchema, kind)),
    perspectives: (message?.perspectives ?? []).map((each) => word<r.Perspective>(PerspectiveSchema, each)),
    maxYawDegPerS: message?.maxYawDegPerS ?? 0,
    maxPitchDegPerS: message?.maxPitchDegPerS ?? 0,
    maxSpeedMPerS: message?.maxSpeedMPerS ?? 0,
    licence: message?.licence ?? "",
    profile: word<r.Profile>(ProfileSchema, message?.profile ?? 0) || "exact",
    arbitrations: arbitrations.map((each) => word<r.Arbitration>(ArbitrationPolicySchema, each)),
  };
}

function toWorld(world: WorldSpec | undefined): r.WorldRecord {
  return {
    prompt: world?.prompt ?? "",
    character: world?.character ?? "",
    scene: world?.scene ?? "",
    model: world?.model ?? "",
    seed: world?.seed ?? 0n,
    licence: world?.licence ?? "",
  };
}

function toProvenance(message: ProvenanceMessage | undefined): r.Provenance {
  return {
    tenantId: message?.tenantId ?? "",
    ownerId: message?.ownerId ?? "",
    licence: message?.licence ?? "",
    model: message?.model ?? "",
    weightsSha256: message?.weightsSha256 ?? "",
    modelLicence: message?.modelLicence ?? "",
    inputs: [...(message?.inputs ?? [])],
  };
}

export function toRole(value: number): r.ClientRole {
  return word<r.ClientRole>(ClientRoleSchema, value);
}

function toParticipant(message: ParticipantMessage): r.Participant {
  return {
    clientId: message.clientId,
    subjectId: message.subjectId,
    role: toRole(message.role),
    inControl: message.inControl,
    asksControl: message.asksControl,
    joinedAt: dateOf(message.joinTime),
  };
}

export function toHands(message: HandsMessage): r.Hands {
  return { participants: message.participants.map(toParticipant), numViewers: message.numViewers };
}

export function toSessionRecord(message: SessionMessage): r.SessionRecord {
  return {
    sessionId: message.sessionId,
    state: word<r.SessionState>(SessionStateSchema, message.state),
    endReason: wordOf(EndReasonSchema, message.endReason),
    world: toWorld(message.world),
    capabilities: toCapabilities(message.capabilities),
    createdAt: dateOf(message.createTime),
    chunksGenerated: Number(message.chunksGenerated),
    worldTimeS: secondsOf(message.worldTime),
    isPaused: message.paused,
    endsAt: message.endTime ? dateOf(message.endTime) : null,
    provenance: toProvenance(message.provenance),
    arbitration: word<r.Arbitration>(ArbitrationPolicySchema, message.arbitration),
    participants: message.participants.map(toParticipant),
    takeControlAfterS: optionalSeconds(message.takeControlAfter),
    limits: message.limits ? toLimits(message.limits) : null,
    quality: toQuality(message.quality),
  };
}

/** Null for all that there is. */
export function toQuality(message: QualityMessage | undefined): r.Quality | null {
  if (!message || (message.denoiseShare === 1 && message.rate === 1)) return null;
  return { chunkIndex: Number(message.chunkIndex), denoiseShare: message.denoiseShare, rate: message.rate };
}

export function toSessionSummary(message: SummaryMessage): r.SessionSummary {
  return {
    sessionId: message.sessionId,
    state: word<r.SessionState>(SessionStateSchema, message.state),
    world: toWorld(message.world),
    createdAt: dateOf(message.createTime),
    updatedAt: dateOf(message.updateTime),
    chunksGenerated: Number(message.chunksGenerated),
    worldTimeS: secondsOf(message.worldTime),
    provenance: toProvenance(message.provenance),
  };
}

export function toSavedWorld(message: SavedWorldMessage): r.SavedWorld {
  return {
    worldId: message.worldId,
    name: message.name,
    version: message.version,
    sessionId: message.sessionId,
    chunkIndex: Number(message.chunkIndex),
    world: toWorld(message.spec),
    note: message.note,
    numBytes: Number(message.numBytes),
    createdAt: dateOf(message.createTime),
    provenance: toProvenance(message.provenance),
  };
}

export function toBranch(message: BranchMessage): r.Branch {
  return {
    sessionId: message.sessionId,
    parentSessionId: message.parentSessionId,
    parentChunkIndex: Number(message.parentChunkIndex),
    label: message.label,
    state: word<r.SessionState>(SessionStateSchema, message.state),
    chunksGenerated: Number(message.chunksGenerated),
    createdAt: dateOf(message.createTime),
  };
}

function toPastControl(message: PastControlMessage): r.PastControl {
  return {
    chunkIndex: Number(message.chunkIndex),
    kind: word<r.ControlKind>(ControlKindSchema, message.kind),
    text: message.text,
  };
}

export function toDifference(message: DiffSessionsResponse): r.Difference {
  return {
    partedChunkIndex: message.partedChunkIndex === undefined ? null : Number(message.partedChunkIndex),
    worldFields: [...message.worldFields],
    controls: message.controls.map(toPastControl),
    otherControls: message.otherControls.map(toPastControl),
  };
}

export function toShareLink(message: ShareLinkMessage, token = ""): r.ShareLink {
  return {
    shareId: message.shareId,
    sessionId: message.sessionId,
    can: word<r.ShareScope>(ShareScopeSchema, message.scope),
    token,
    createdAt: dateOf(message.createTime),
    expiresAt: dateOf(message.expireTime),
    isRevoked: message.revoked,
    numUses: message.numUses,
  };
}

export function toRecordingInfo(message: RecordingMessage): r.RecordingInfo {
  return {
    sessionId: message.sessionId,
    numFrames: Number(message.numFrames),
    durationS: secondsOf(message.duration),
    numBytes: Number(message.numBytes),
    startedAt: dateOf(message.startTime),
    expiresAt: message.expireTime ? dateOf(message.expireTime) : null,
    isTruncated: message.truncated,
    haltReason: message.haltReason ? nameOf(ErrorReasonSchema, message.haltReason) : "",
  };
}

export function toLimits(message: LimitsMessage | undefined): r.Limits {
  return {
    concurrentSessions: message?.concurrentSessions ?? null,
    sessionSecondsPerDay: message?.sessionSecondsPerDay ?? null,
    controlsPerSecond: message?.controlsPerSecond ?? null,
    storageBytes: message?.storageBytes === undefined ? null : Number(message.storageBytes),
  };
}

export function fromLimits(limits: Partial<r.Limits>): MessageInitShape<typeof LimitsSchema> {
  const { concurrentSessions, sessionSecondsPerDay, controlsPerSecond, storageBytes } = limits;
  return {
    concurrentSessions: concurrentSessions ?? undefined,
    sessionSecondsPerDay: sessionSecondsPerDay ?? undefined,
    controlsPerSecond: controlsPerSecond ?? undefined,
    storageBytes: typeof storageBytes === "number" ? BigInt(storageBytes) : undefined,
  };
}

export function toQuota(message: QuotaMessage): r.Quota {
  return {
    tenantId: message.tenantId,
    limits: toLimits(message.limits),
    use: {
      concurrentSessions: message.use?.concurrentSessions ?? 0,
      sessionSecondsToday: message.use?.sessionSecondsToday ?? 0,
      storageBytes: Number(message.use?.storageBytes ?? 0),
      numWaiting: message.use?.numWaiting ?? 0,
    },
    left: toLimits(message.left),
    resetsAt: dateOf(message.resetTime),
    weight: message.weight,
  };
}

export function toStanding(message: QueueStandingMessage): r.QueueStanding {
  return {
    position: message.position,
    numWaiting: message.numWaiting,
    etaS: optionalSeconds(message.eta),
    reservationId: message.reservationId,
    givesUpAt: message.giveUpTime ? dateOf(message.giveUpTime) : null,
    limits: message.limits ? toLimits(message.limits) : null,
  };
}

export function toReservation(message: ReservationMessage): r.Reservation {
  return { reservationId: message.reservationId, expiresAt: dateOf(message.expireTime) };
}

export function toCaller(message: CallerMessage | undefined): r.Caller {
  return {
    tenantId: message?.tenantId ?? "",
    subjectId: message?.subjectId ?? "",
    role: word<r.Role>(RoleSchema, message?.role ?? 0),
    sessionId: message?.sessionId ?? "",
    worldId: message?.worldId ?? "",
    maxSessionS: optionalSeconds(message?.maxSessionDuration),
    maxCost: message?.maxCost ?? null,
  };
}

export function toDate(timestamp: Timestamp | undefined): Date {
  return dateOf(timestamp);
}
