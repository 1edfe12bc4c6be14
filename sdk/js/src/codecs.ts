/** What this browser can show and play. */

import type { AudioCodec, VideoCodec } from "./media.js";

export interface CanShow {
  /** In order of preference. */
  video: VideoCodec[];
  audio: AudioCodec[];
  /** False for a browser without WebCodecs, which gets pictures and sound as they are: more to carry. */
  webCodecs: boolean;
}

/** Constrained baseline, as the service encodes, and of a level that all decoders have. */
const H264_PROBE = "avc1.42c01e";
let known: Promise<CanShow> | undefined;

/** Asked once. Outside of browsers: what the service prefers. */
export function canShow(): Promise<CanShow> {
  known ??= probe();
  return known;
}

async function probe(): Promise<CanShow> {
  if (typeof document === "undefined") return { video: ["h264"], audio: ["opus"], webCodecs: false };
  const [h264, vp8] = await Promise.all([canDecodeVideo(H264_PROBE), canDecodeVideo("vp8")]);
  // VP8 is for browsers built without H.264.
  const video: VideoCodec[] = h264 ? ["h264", "rgb"] : vp8 ? ["vp8", "rgb"] : ["rgb"];
  const audio: AudioCodec[] = (await canDecodeOpus()) ? ["opus", "pcm"] : ["pcm"];
  return { video, audio, webCodecs: typeof VideoDecoder !== "undefined" };
}

async function canDecodeVideo(codec: string): Promise<boolean> {
  if (typeof VideoDecoder === "undefined") return false;
  const config = { codec, codedWidth: 640, codedHeight: 360, optimizeForLatency: true };
  return VideoDecoder.isConfigSupported(config).then(
    ({ supported }) => supported === true,
    () => false,
  );
}

async function canDecodeOpus(): Promise<boolean> {
  if (typeof AudioDecoder === "undefined") return false;
  return AudioDecoder.isConfigSupported({ codec: "opus", sampleRate: 48_000, numberOfChannels: 2 }).then(
    ({ supported }) => supported === true,
    () => false,
  );
}
