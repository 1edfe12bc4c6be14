/** What comes down a Play stream, but for media, as plain values. */

import { secondsOf } from "./codec.js";
import { nameOf, wordOf } from "./enums.js";
import { ControlRejected, type NacreError, SessionEnded } from "./errors.js";
import { type Ack, type Applied as AppliedMessage, SupersededReasonSchema } from "./nacre/v1/control_pb.js";
import { type Error as ErrorMessage, ErrorReasonSchema } from "./nacre/v1/error_pb.js";
import { EndReasonSchema, type GoAway as GoAwayMessage, type Session as SessionMessage } from "./nacre/v1/session_pb.js";
import type { Answer } from "./pending.js";
import type { Applied, Superseded } from "./receipt.js";
import type { GoAway } from "./records.js";

export function toGoAway(message: GoAwayMessage): GoAway {
  return { reason: wordOf(EndReasonSchema, message.reason), timeLeftS: secondsOf(message.timeLeft) };
}

/** Null for an ack of a kind that this package does not know. */
export function toAnswer({ controlId, outcome }: Ack): Answer | null {
  switch (outcome.case) {
    case "accepted": {
      const { dueChunkIndex, notDurable } = outcome.value;
      const dueChunk = dueChunkIndex === undefined ? null : Number(dueChunkIndex);
      return { controlId, accepted: { dueChunkIndex: dueChunk, isDurable: !notDurable } };
    }
    case "applied": {
      return { controlId, outcome: toApplied(controlId, outcome.value) };
    }
    case "superseded": {
      const { byControlId, byClientId, reason } = outcome.value;
      // Services from before there were reasons knew one.
      const why = (wordOf(SupersededReasonSchema, reason) || "later") as Superseded["reason"];
      return { controlId, outcome: { kind: "superseded", controlId, byControlId, byClientId, reason: why } };
    }
    case "rejected":
      return { controlId, outcome: toRejection(outcome.value.error) };
    default:
      return null;
  }
}

function toApplied(controlId: string, { chunkIndex, frameIndex, worldTime, understood }: AppliedMessage): Applied {
  return {
    kind: "applied",
    controlId,
    chunkIndex: Number(chunkIndex),
    frameIndex: Number(frameIndex),
    worldTimeS: secondsOf(worldTime),
    understood: understood ? [...understood.phrases] : null,
  };
}

function toRejection(error: ErrorMessage | undefined): NacreError {
  return new ControlRejected(error?.message ?? "the control was refused", {
    reason: nameOf(ErrorReasonSchema, error?.reason ?? 0),
    field: error?.field ?? "",
    allowed: [...(error?.allowed ?? [])],
    retryAfterS: error?.retryAfter ? secondsOf(error.retryAfter) : null,
    requestId: error?.requestId ?? "",
  });
}

export function toSessionEnded(session: SessionMessage | undefined): SessionEnded {
  const reason = nameOf(EndReasonSchema, session?.endReason ?? 0);
  return new SessionEnded(`the session has ended: ${reason.toLowerCase().replaceAll("_", " ")}`, { reason });
}
