/** What this browser can show and play. */

import { h264Name } from "./h264.js";
import type { AudioCodec, VideoCodec } from "./media.js";

export interface CanShow {
  /** In order of preference. */
  video: VideoCodec[];
  audio: AudioCodec[];
  /** False for a browser without WebCodecs, which gets pictures and sound as they are: more to carry. */
  webCodecs: boolean;
}

/** A grey keyframe of 64x64 pixels, as the service encodes: not every browser that says yes to H.264 takes Annex B. */
const H264_KEYFRAME = "AAAAAWdCwAraEJpqAhoMgAAAAwEAAAMAGUeJE1AAAAABaM4DnIAAAAABZYiEOibk5OTrrrrrrrrrrrrw";
const PROBE_TIMEOUT_MS = 1_000;
let known: Promise<CanShow> | undefined;

/** Asked once. Outside of browsers: what the service prefers. */
export function canShow(): Promise<CanShow> {
  known ??= probe();
  return known;
}

async function probe(): Promise<CanShow> {
  if (typeof document === "undefined") return { video: ["h264"], audio: ["opus"], webCodecs: false };
  const [h264, vp8] = await Promise.all([decodesH264(), canDecodeVideo("vp8")]);
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

async function decodesH264(): Promise<boolean> {
  const data = Uint8Array.from(atob(H264_KEYFRAME), (letter) => letter.charCodeAt(0));
  const codec = h264Name(data);
  if (!(await canDecodeVideo(codec))) return false;
  return new Promise((resolve) => {
    const decoder = new VideoDecoder({ output: (frame) => tell(true, frame), error: () => tell(false) });
    const timer = setTimeout(() => tell(false), PROBE_TIMEOUT_MS);
    function tell(isDecoded: boolean, frame?: VideoFrame): void {
      frame?.close();
      clearTimeout(timer);
      if (decoder.state !== "closed") decoder.close();
      resolve(isDecoded);
    }
    decoder.configure({ codec, optimizeForLatency: true });
    decoder.decode(new EncodedVideoChunk({ type: "key", timestamp: 0, data }));
    decoder.flush().catch(() => {}); // closed before it is through
  });
}

async function canDecodeOpus(): Promise<boolean> {
  if (typeof AudioDecoder === "undefined") return false;
  return AudioDecoder.isConfigSupported({ codec: "opus", sampleRate: 48_000, numberOfChannels: 2 }).then(
    ({ supported }) => supported === true,
    () => false,
  );
}
