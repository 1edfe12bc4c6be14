/** A world in a canvas, with its sound. */
import { type Listener } from "../emitter.js";
import { type NacreError } from "../errors.js";
import type { AudioCodec, Pose, VideoCodec } from "../media.js";
import type { World } from "../world.js";
import { type Spread } from "./spread.js";
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
export declare class WorldView {
    readonly canvas: HTMLCanvasElement;
    private readonly events;
    private readonly context;
    private readonly schedule;
    private readonly decoder;
    private readonly onVisibility;
    private clock;
    private output;
    private player;
    private soundWanted;
    private loudness;
    private shown;
    private leave;
    private pictures;
    private epoch;
    private tickHandle;
    private tickTimer;
    private hasPainted;
    private isStalled;
    private lastChunk;
    private latency;
    private skewMs;
    private throughput;
    constructor(canvas: HTMLCanvasElement, { sound, volume }?: ViewOptions);
    on<K extends keyof ViewEvents>(event: K, listener: Listener<ViewEvents[K]>): () => void;
    get world(): World | null;
    /** A picture of this world has been painted. */
    get isPlaying(): boolean;
    /** Instead of what was shown before. */
    show(world: World): void;
    close(): void;
    /** Whether it is on: the browser lets it be heard. */
    get sound(): boolean;
    /** Call it in a click: browsers want one. Tells whether it is on now. */
    setSound(on: boolean): Promise<boolean>;
    get volume(): number;
    set volume(volume: number);
    /** Of what is heard, for meters; null before sound was ever on. */
    get analyser(): AnalyserNode | null;
    private get sampleRateHz();
    /** The clock follows the sound: of what is heard while there is some, of the machine otherwise. */
    private onSoundChange;
    private run;
    private onChunk;
    /** Decoding begins anew; what waits is of another future, or of before a gap. */
    private begin;
    private place;
    private onPicture;
    private dropPictures;
    private stop;
    private tickSoon;
    private tick;
    private paint;
    private noticeStall;
    stats(): ViewStats;
    /** PNG of what is seen. */
    picture(): Promise<Blob>;
}
