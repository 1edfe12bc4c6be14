/** A world in a canvas, with its sound. */

import { Emitter, type Listener } from "../emitter.js";
import { type NacreError, Unsupported } from "../errors.js";
import type { AudioCodec, Chunk, Pose, VideoCodec } from "../media.js";
import type { World } from "../world.js";
import { type Clock, performanceClock } from "./clock.js";
import { ControlLatency } from "./control_latency.js";
import { type Picture, PictureDecoder } from "./picture_decoder.js";
import { PlayoutSchedule } from "./schedule.js";
import { SoundOutput } from "./sound_output.js";
import { OPUS_RATE_HZ, SoundPlayer } from "./sound_player.js";
import { Samples, type Spread } from "./spread.js";
import { Throughput } from "./throughput.js";

export interface ViewOptions {
  /** Begin with sound. Browsers allow it where somebody has clicked before; `setSound` in a click is the sure way. */
  sound?: boolean;
  /** 0 to 1. */
  volume?: number;
}

export interface PaintedFrame {
  frameIndex: number;
  chunkIndex: number;
  presentationTimeS: number;
  /** performance.now() when it was painted. */
  paintedMs: number;
  /** How much earlier the sound that belongs to it was heard; of when it was due where there is no sound. */
  skewMs: number;
  pose: Pose;
}

export interface ViewStats {
  /** From a verb's call until the first frame that it shaped was painted. */
  controlToFrameMs: Spread | null;
  skewMs: Spread | null;
  frameRate: number;
  framesPainted: number;
  framesDropped: number;
  chunks: number;
  /** That missed their deadline at the service. */
  lateChunks: number;
  /** How often pictures were used up. */
  stalls: number;
  /** Media that is here and not yet shown. */
  bufferMs: number;
  /** From a chunk's coming to its first frame, where it begins anew. */
  delayMs: number;
  bitsPerS: number;
  clock: "audio" | "performance";
  video: VideoCodec | "";
  audio: AudioCodec | "";
}

export interface ViewEvents {
  /** The first picture of a world, and the first after a stall. */
  playing: PaintedFrame;
  frame: PaintedFrame;
  /** Pictures are used up. */
  stalled: null;
  /** Sound went on or off. */
  sound: boolean;
  /** It cannot be shown; the world goes on. */
  error: NacreError;
}

/** A picture is painted when it is due within half a refresh of a common screen. */
const EARLY_S = 0.004;
/** Sound is heard so much later than it is handed over that a picture need not wait for all of it: nobody notices this much. */
const BEFORE_SOUND_S = 0.02;
/** A page that is not seen gets no animation frames, and still has to let pictures go. */
const HIDDEN_TICK_MS = 100;
/** Pictures in wait: two seconds. */
const MAX_PICTURES = 64;
/** This long after the last picture's time the picture is said to stand still. */
const STALL_S = 0.25;

export class WorldView {
  private readonly events = new Emitter<ViewEvents>();
  private readonly context: CanvasRenderingContext2D;
  private readonly schedule = new PlayoutSchedule();
  private readonly decoder = new PictureDecoder(
    (picture) => this.onPicture(picture),
    (error) => this.events.emit("error", error),
  );
  private readonly onVisibility = () => this.tickSoon();
  private clock: Clock = performanceClock;
  private output: SoundOutput | null = null;
  private player: SoundPlayer | null = null;
  private soundWanted: boolean;
  private loudness: number;
  private shown: World | null = null;
  private leave: () => void = () => {};
  private pictures: Picture[] = []; // in order, those that are due first in front
  private epoch = -1;
  private tickHandle = 0;
  private tickTimer: ReturnType<typeof setTimeout> | undefined;
  private hasPainted = false;
  private isStalled = false;
  private lastChunk: Chunk | null = null;
  private latency = new ControlLatency();
  private skewMs = new Samples();
  private throughput = new Throughput();

  constructor(
    readonly canvas: HTMLCanvasElement,
    { sound = false, volume = 1 }: ViewOptions = {},
  ) {
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) throw new Unsupported("this canvas cannot be painted in two dimensions");
    this.context = context;
    this.soundWanted = sound;
    this.loudness = volume;
    document.addEventListener("visibilitychange", this.onVisibility);
  }

  on<K extends keyof ViewEvents>(event: K, listener: Listener<ViewEvents[K]>): () => void {
    return this.events.on(event, listener);
  }

  get world(): World | null {
    return this.shown;
  }

  /** A picture of this world has been painted. */
  get isPlaying(): boolean {
    return this.hasPainted;
  }

  /** Instead of what was shown before. */
  show(world: World): void {
    this.stop();
    this.shown = world;
    this.latency = new ControlLatency();
    this.throughput = new Throughput();
    this.skewMs.clear();
    this.canvas.width = world.format.widthPx;
    this.canvas.height = world.format.heightPx;
    this.schedule.pace = world.quality?.rate ?? 1;
    const off = [
      world.on("receipt", (receipt) => this.latency.onReceipt(receipt)),
      world.on("rewound", () => this.begin(null)),
      world.on("quality", (quality) => (this.schedule.pace = quality?.rate ?? 1)),
    ];
    let isShown = true;
    this.leave = () => {
      isShown = false;
      off.forEach((each) => each());
    };
    if (this.soundWanted) void this.setSound(true);
    void this.run(world, () => isShown);
    this.tickSoon();
  }

  close(): void {
    this.stop();
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.output?.close();
    this.output = null;
  }

  // --- sound ---

  /** Whether it is on: the browser lets it be heard. */
  get sound(): boolean {
    return this.soundWanted && this.output?.isRunning === true;
  }

  /** Call it in a click: browsers want one. Tells whether it is on now. */
  async setSound(on: boolean): Promise<boolean> {
    this.soundWanted = on;
    if (!on) {
      await this.output?.stop();
    } else if (typeof AudioContext !== "undefined") {
      this.output ??= new SoundOutput(this.sampleRateHz, () => this.onSoundChange());
      await this.output.start();
    }
    this.onSoundChange();
    return this.sound;
  }

  get volume(): number {
    return this.loudness;
  }

  set volume(volume: number) {
    this.loudness = Math.min(1, Math.max(0, volume));
    if (this.player) this.player.volume = this.loudness;
  }

  /** Of what is heard, for meters; null before sound was ever on. */
  get analyser(): AnalyserNode | null {
    return this.output?.analyser ?? null;
  }

  private get sampleRateHz(): number {
    const format = this.shown?.format;
    return format?.audio === "pcm" ? format.sampleRateHz : OPUS_RATE_HZ;
  }

  /** The clock follows the sound: of what is heard while there is some, of the machine otherwise. */
  private onSoundChange(): void {
    const isHeard = this.sound && this.shown?.format.audio !== "";
    const isPlayed = this.player !== null;
    if (isHeard === isPlayed) return;
    const next = isHeard ? this.output!.clock : performanceClock;
    // Sound must be handed over earlier than pictures: what is placed already waits for as much longer.
    const laterS = Math.max(0, next.leadS() - this.clock.leadS());
    this.schedule.shift(next.nowS() - this.clock.nowS() + laterS);
    this.clock = next;
    this.player?.close();
    this.player = isHeard ? new SoundPlayer(this.output!.context, this.schedule, this.output!.analyser) : null;
    if (this.player) this.player.volume = this.loudness;
    this.events.emit("sound", isHeard);
  }

  // --- media ---

  private async run(world: World, isShown: () => boolean): Promise<void> {
    try {
      for await (const chunk of world) {
        if (!isShown()) return;
        this.onChunk(chunk);
      }
    } catch {
      // Why the world came to its end is the world's to tell.
    }
  }

  private onChunk(chunk: Chunk): void {
    if (chunk.epoch !== this.epoch) this.begin(chunk);
    this.lastChunk = chunk;
    this.throughput.onChunk(chunk, performance.now());
    if (!chunk.isRepeat) this.place(chunk);
    this.decoder.decode(chunk);
    this.player?.play(chunk);
  }

  /** Decoding begins anew; what waits is of another future, or of before a gap. */
  private begin(chunk: Chunk | null): void {
    this.epoch = chunk?.epoch ?? -1;
    this.decoder.reset();
    this.player?.reset();
    this.schedule.reset();
    this.dropPictures();
    this.latency.forget();
    const size = chunk?.format;
    if (size && (size.widthPx !== this.canvas.width || size.heightPx !== this.canvas.height)) {
      this.canvas.width = size.widthPx;
      this.canvas.height = size.heightPx;
    }
  }

  private place(chunk: Chunk): void {
    const [first] = chunk.frames;
    if (!first || !this.shown) return;
    const { chunkDurationS } = this.shown.capabilities;
    const mediaS = first.presentationTimeS;
    const kind = this.schedule.place(mediaS, mediaS + chunkDurationS, this.clock.nowS(), this.clock.leadS());
    if (kind === "stall") this.throughput.stalls += 1;
    if (kind !== "jump") return;
    this.throughput.framesDropped += this.pictures.length;
    this.dropPictures();
    this.player?.reset();
  }

  private onPicture(picture: Picture): void {
    if (picture.isRepeat || picture.epoch !== this.epoch) return picture.close();
    this.pictures.push(picture);
    if (this.pictures.length > MAX_PICTURES) this.pictures.shift()!.close();
  }

  private dropPictures(): void {
    for (const picture of this.pictures.splice(0)) picture.close();
  }

  private stop(): void {
    this.leave();
    this.leave = () => {};
    cancelAnimationFrame(this.tickHandle);
    clearTimeout(this.tickTimer);
    this.shown = null;
    this.hasPainted = false;
    this.lastChunk = null;
    this.begin(null);
    this.player?.close();
    this.player = null;
    this.clock = performanceClock;
  }

  // --- the screen ---

  private tickSoon(): void {
    cancelAnimationFrame(this.tickHandle);
    clearTimeout(this.tickTimer);
    if (this.shown === null) return;
    if (document.hidden) this.tickTimer = setTimeout(() => this.tick(), HIDDEN_TICK_MS);
    else this.tickHandle = requestAnimationFrame(() => this.tick());
  }

  private tick(): void {
    const nowS = this.clock.nowS();
    const untilS = nowS + (this.clock.kind === "audio" ? BEFORE_SOUND_S : EARLY_S);
    const numDue = this.pictures.findIndex((each) => (this.schedule.dueS(each.presentationTimeS) ?? 0) > untilS);
    const due = this.pictures.splice(0, numDue < 0 ? this.pictures.length : numDue);
    const picture = due.pop();
    for (const overtaken of due) overtaken.close();
    this.throughput.framesDropped += due.length;
    if (picture) this.paint(picture, nowS);
    else this.noticeStall(nowS);
    this.tickSoon();
  }

  private paint(picture: Picture, nowS: number): void {
    picture.paint(this.context);
    picture.close();
    const { frameIndex, chunkIndex, presentationTimeS, pose } = picture;
    const paintedMs = performance.now();
    const skewMs = (nowS - (this.schedule.dueS(presentationTimeS) ?? nowS)) * 1e3;
    this.skewMs.add(skewMs);
    this.throughput.onPainted(paintedMs);
    this.latency.onPainted(frameIndex, paintedMs);
    const painted: PaintedFrame = { frameIndex, chunkIndex, presentationTimeS, paintedMs, skewMs, pose };
    const isFirst = !this.hasPainted || this.isStalled;
    this.hasPainted = true;
    this.isStalled = false;
    if (isFirst) this.events.emit("playing", painted);
    this.events.emit("frame", painted);
  }

  private noticeStall(nowS: number): void {
    const { endS } = this.schedule;
    if (this.isStalled || !this.hasPainted || (endS !== null && nowS < endS + STALL_S)) return;
    this.isStalled = true;
    this.events.emit("stalled", null);
  }

  // --- figures ---

  stats(): ViewStats {
    const { endS, startS } = this.schedule;
    return {
      controlToFrameMs: this.latency.spread(),
      skewMs: this.skewMs.spread(),
      ...this.throughput.figures(performance.now()),
      bufferMs: endS === null ? 0 : Math.max(0, endS - this.clock.nowS()) * 1e3,
      delayMs: (startS + this.clock.leadS()) * 1e3,
      clock: this.clock.kind,
      video: this.lastChunk?.format.video ?? "",
      audio: this.lastChunk?.format.audio ?? "",
    };
  }

  /** PNG of what is seen. */
  picture(): Promise<Blob> {
    return new Promise((resolve, reject) => {
      this.canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Unsupported("the picture could not be read"))));
    });
  }
}
