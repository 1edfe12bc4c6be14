/** Encoded frames into pictures that can be painted. */

import { Unsupported } from "../errors.js";
import { h264Name } from "../h264.js";
import type { Chunk, Frame, MediaFormat, Pose } from "../media.js";

export interface Picture {
  frameIndex: number;
  chunkIndex: number;
  presentationTimeS: number;
  pose: Pose;
  isRepeat: boolean;
  epoch: number;
  paint(context: CanvasRenderingContext2D): void;
  close(): void;
}

type Label = Omit<Picture, "paint" | "close">;

/** Frames that were given to the browser's decoder and have not come back: more than a second of them is a jam. */
const MAX_QUEUED = 64;
/** Decoded within a millisecond or two without help. */
const MAX_SMALL_PX = 640 * 360;
/** Broken in a row, without a picture between: the browser cannot. */
const MAX_FAILURES = 3;

export class PictureDecoder {
  private decoder: VideoDecoder | null = null;
  private labels = new Map<number, Label>();
  private nextTimestamp = 0;
  private numFailures = 0;

  constructor(
    private readonly onPicture: (picture: Picture) => void,
    private readonly onError: (error: Unsupported) => void,
  ) {}

  /** Decoding begins anew, with the next keyframe. */
  reset(): void {
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
    this.decoder = null;
    this.labels.clear();
  }

  decode(chunk: Chunk): void {
    for (const frame of chunk.frames) {
      const { index: frameIndex, presentationTimeS } = frame;
      const { index: chunkIndex, pose, isRepeat, epoch } = chunk;
      const label = { frameIndex, chunkIndex, presentationTimeS, pose, isRepeat, epoch };
      if (chunk.format.video === "rgb") this.onPicture({ ...label, ...rawPicture(frame, chunk.format) });
      else this.feed(frame, chunk.format, label);
    }
  }

  private feed(frame: Frame, format: MediaFormat, label: Label): void {
    if (this.decoder === null || this.decoder.state === "closed") {
      if (!frame.isKeyframe) return;
      if (typeof VideoDecoder === "undefined") return this.onError(new Unsupported("this browser has no WebCodecs"));
      this.decoder = this.open(frame, format);
    }
    if (this.decoder.decodeQueueSize > MAX_QUEUED) return this.reset();
    // The browser keeps a frame's timestamp and nothing else; a number of our own finds the rest again.
    const timestamp = this.nextTimestamp++;
    this.labels.set(timestamp, label);
    const type = frame.isKeyframe ? "key" : "delta";
    this.decoder.decode(new EncodedVideoChunk({ type, timestamp, data: frame.data }));
  }

  private open(frame: Frame, format: MediaFormat): VideoDecoder {
    const decoder: VideoDecoder = new VideoDecoder({
      output: (picture) => this.onOutput(decoder, picture),
      error: (error) => this.onFailure(decoder, error),
    });
    decoder.configure({
      codec: format.video === "vp8" ? "vp8" : h264Name(frame.data),
      codedWidth: format.widthPx,
      codedHeight: format.heightPx,
      optimizeForLatency: true,
      hardwareAcceleration: this.preference(format),
    });
    return decoder;
  }

  /** Graphics cards take small pictures slowly or not at all. Where the one way fails, the next keyframe tries the other. */
  private preference({ widthPx, heightPx }: MediaFormat): HardwareAcceleration {
    const isSmall = widthPx * heightPx <= MAX_SMALL_PX;
    return isSmall === (this.numFailures % 2 === 0) ? "prefer-software" : "no-preference";
  }

  private onOutput(decoder: VideoDecoder, picture: VideoFrame): void {
    const label = this.labels.get(picture.timestamp);
    this.labels.delete(picture.timestamp);
    if (decoder !== this.decoder || label === undefined) return picture.close();
    this.numFailures = 0;
    this.onPicture({
      ...label,
      paint: (context) => context.drawImage(picture, 0, 0, context.canvas.width, context.canvas.height),
      close: () => picture.close(),
    });
  }

  /** The decoder is closed by now; the next keyframe opens another. */
  private onFailure(decoder: VideoDecoder, error: DOMException): void {
    if (decoder !== this.decoder) return;
    this.reset();
    this.numFailures += 1;
    if (this.numFailures === MAX_FAILURES) {
      this.onError(new Unsupported(`this browser cannot decode the pictures (${error.message})`));
    }
  }
}

function rawPicture(frame: Frame, { widthPx, heightPx }: MediaFormat): Pick<Picture, "paint" | "close"> {
  return {
    paint: (context) => {
      const image = context.createImageData(widthPx, heightPx);
      const { data } = image;
      for (let from = 0, to = 0; from < frame.data.length; from += 3, to += 4) {
        data[to] = frame.data[from]!;
        data[to + 1] = frame.data[from + 1]!;
        data[to + 2] = frame.data[from + 2]!;
        data[to + 3] = 255;
      }
      context.putImageData(image, 0, 0);
    },
    close: () => {},
  };
}
