/** Chunks as a client gets them: frames, their sound, and where the camera stands. */

export type VideoCodec = "h264" | "vp8" | "rgb";
export type AudioCodec = "opus" | "pcm";

/** How the frames and the sound of an attachment are encoded. */
export interface MediaFormat {
  video: VideoCodec;
  /** Empty where there is no sound. */
  audio: AudioCodec | "";
  widthPx: number;
  heightPx: number;
  sampleRateHz: number;
  audioChannels: number;
}

/** One picture: an H.264 access unit (Annex B), a VP8 frame, or raw RGB, as `MediaFormat.video` says. */
export interface Frame {
  /** Counts the session's frames. */
  index: number;
  /** From the session's first frame. */
  presentationTimeS: number;
  data: Uint8Array;
  isKeyframe: boolean;
  /** Over WebRTC, where `data` is empty: what `requestVideoFrameCallback` tells of it. */
  rtpTimestamp?: number;
}

/** The sound of one chunk: Opus packets of 20 ms, or a single entry of interleaved 16-bit samples. */
export interface Sound {
  /** Of the first sample, from the session's first frame. */
  presentationTimeS: number;
  packets: Uint8Array[];
  numSamples: number;
}

/** Where the camera stands, in the frame of the session's start. */
export interface Pose {
  /** Ahead. */
  xM: number;
  /** Left. */
  yM: number;
  /** To the right. */
  yawDeg: number;
  /** Above the horizon. */
  pitchDeg: number;
}

/** The frames and the sound that were generated together. */
export interface Chunk {
  /** Counts the session's chunks. */
  index: number;
  /** Counts the chunks of this attachment. */
  sequence: number;
  worldTimeS: number;
  frames: Frame[];
  /** Null for a silent model, and where no whole packet came about. */
  sound: Sound | null;
  pose: Pose;
  /** The service missed its deadline. */
  isLate: boolean;
  /** performance.now() when it came. */
  receivedMs: number;
  /** Of its message, as it came. */
  numBytes: number;
  format: MediaFormat;
  /** Counts the beginnings: attachments and rewinds. Decoding begins anew with each. */
  epoch: number;
  /** It came before: the service went back a little to recover, and makes the same again. To be decoded, not shown. */
  isRepeat: boolean;
}
