/** What this browser can show and play. */
import type { AudioCodec, VideoCodec } from "./media.js";
export interface CanShow {
    /** In order of preference. */
    video: VideoCodec[];
    audio: AudioCodec[];
    /** False for a browser without WebCodecs, which gets pictures and sound as they are: more to carry. */
    webCodecs: boolean;
}
/** Asked once. Outside of browsers: what the service prefers. */
export declare function canShow(): Promise<CanShow>;
