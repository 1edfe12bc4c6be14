/** Media messages as chunks. */

import { secondsOf } from "./codec.js";
import { wordOf } from "./enums.js";
import { ProtocolError } from "./errors.js";
import type { AudioCodec, Chunk, Frame, MediaFormat, Sound, VideoCodec } from "./media.js";
import * as pb from "./nacre/v1/media_pb.js";
import type { Attached } from "./nacre/v1/session_pb.js";

const VIDEO_WORDS: Record<string, VideoCodec> = { h264: "h264", vp8: "vp8", raw_rgb: "rgb" };
const AUDIO_WORDS: Record<string, AudioCodec> = { opus: "opus", pcm_s16le: "pcm" };

/** Throws TypeError for a word that is none. */
export function videoValue(codec: VideoCodec): pb.VideoCodec {
  return valueOf(pb.VideoCodecSchema.values, VIDEO_WORDS, codec);
}

export function audioValue(codec: AudioCodec): pb.AudioCodec {
  return valueOf(pb.AudioCodecSchema.values, AUDIO_WORDS, codec);
}

function valueOf(values: { number: number; name: string }[], words: Record<string, string>, codec: string): number {
  const found = values.find(({ name }) => words[name.split("_CODEC_")[1]?.toLowerCase() ?? ""] === codec);
  if (!found) throw new TypeError(`"${codec}" is not one of: ${Object.values(words).join(", ")}`);
  return found.number;
}

/** Throws `ProtocolError` for a codec that was not asked for. */
export function toMediaFormat({ videoCodec, audioCodec, session }: Attached): MediaFormat {
  const video = VIDEO_WORDS[wordOf(pb.VideoCodecSchema, videoCodec)];
  if (!video) throw new ProtocolError(`unknown video codec ${videoCodec}`);
  const capabilities = session?.capabilities;
  return {
    video,
    audio: AUDIO_WORDS[wordOf(pb.AudioCodecSchema, audioCodec)] ?? "",
    widthPx: capabilities?.widthPx ?? 0,
    heightPx: capabilities?.heightPx ?? 0,
    sampleRateHz: capabilities?.audio?.sampleRateHz ?? 0,
    audioChannels: capabilities?.audio?.channels ?? 0,
  };
}

/** What only the client knows of a chunk. */
export type Arrival = Pick<Chunk, "receivedMs" | "numBytes" | "format" | "epoch" | "isRepeat">;

export function toChunk(message: pb.MediaChunk, arrival: Arrival): Chunk {
  const { pose } = message;
  return {
    index: Number(message.chunkIndex),
    sequence: Number(message.sequence),
    worldTimeS: secondsOf(message.worldTime),
    frames: message.frames.map(toFrame),
    sound: message.audio?.packets.length ? toSound(message.audio) : null,
    pose: { xM: pose?.xM ?? 0, yM: pose?.yM ?? 0, yawDeg: pose?.yawDeg ?? 0, pitchDeg: pose?.pitchDeg ?? 0 },
    isLate: message.late,
    ...arrival,
  };
}

function toFrame(frame: pb.VideoFrame): Frame {
  return {
    index: Number(frame.frameIndex),
    presentationTimeS: secondsOf(frame.presentationTime),
    data: frame.data,
    isKeyframe: frame.isKeyframe,
    ...(frame.rtpTimestamp !== undefined && { rtpTimestamp: frame.rtpTimestamp }),
  };
}

function toSound(audio: pb.AudioBlock): Sound {
  return {
    presentationTimeS: secondsOf(audio.presentationTime),
    packets: [...audio.packets],
    numSamples: audio.numSamples,
  };
}
