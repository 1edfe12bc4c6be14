/** Verbs as the messages that they are. */

import type { MessageInitShape } from "@bufbuild/protobuf";

import { toDuration } from "./codec.js";
import { valueOf } from "./enums.js";
import { CameraMoveKindSchema, type ControlSchema } from "./nacre/v1/control_pb.js";
import { PerspectiveSchema } from "./nacre/v1/world_pb.js";
import type { Receipt } from "./receipt.js";
import type { CameraMove, Perspective } from "./records.js";
import type { When } from "./when.js";

export type ControlInit = MessageInitShape<typeof ControlSchema>;

/** What is asked of the world, and what it is called for people. */
export interface Asked {
  kind: Receipt["kind"];
  text: string;
  message: NonNullable<ControlInit["kind"]>;
}

export function move({ forward = 0, strafe = 0 }: { forward?: number; strafe?: number }): Asked {
  const text = `forward ${round(forward)}, strafe ${round(strafe)}`;
  return { kind: "move", text, message: { case: "move", value: { forward, strafe } } };
}

export function look({ yaw = 0, pitch = 0 }: { yaw?: number; pitch?: number }): Asked {
  const text = `yaw ${round(yaw)}, pitch ${round(pitch)}`;
  return { kind: "look", text, message: { case: "look", value: { yaw, pitch } } };
}

export function say(text: string): Asked {
  return { kind: "directive", text, message: { case: "directive", value: { text } } };
}

export function image(data: Uint8Array): Asked {
  return { kind: "image", text: "a picture", message: { case: "image", value: { data } } };
}

/** Throws TypeError for a word that is none, as the next does. */
export function perspective(which: Perspective): Asked {
  const message = { case: "perspective", value: { perspective: valueOf(PerspectiveSchema, which) } } as const;
  return { kind: "perspective", text: which.replace("_", " "), message };
}

export function camera(which: CameraMove): Asked {
  const message = { case: "camera", value: { kind: valueOf(CameraMoveKindSchema, which) } } as const;
  return { kind: "camera", text: which.replace("_", " "), message };
}

export function cancel(controlId: string): Asked {
  return { kind: "cancel", text: `take back ${controlId}`, message: { case: "cancel", value: { controlId } } };
}

export function askControl(): Asked {
  return { kind: "hand", text: "ask for control", message: { case: "askControl", value: {} } };
}

export function giveControl(clientId: string): Asked {
  return { kind: "hand", text: "give control", message: { case: "giveControl", value: { clientId } } };
}

export function takeControl(): Asked {
  return { kind: "hand", text: "take control", message: { case: "takeControl", value: {} } };
}

export function toSchedule({ chunkIndex, worldTimeS, afterS, afterControlId = "" }: When): ControlInit["schedule"] {
  if (chunkIndex !== undefined) return { afterControlId, when: { case: "atChunkIndex", value: BigInt(chunkIndex) } };
  if (worldTimeS !== undefined) return { afterControlId, when: { case: "atWorldTime", value: toDuration(worldTimeS) } };
  if (afterS !== undefined) return { afterControlId, when: { case: "after", value: toDuration(afterS) } };
  return { afterControlId };
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}
