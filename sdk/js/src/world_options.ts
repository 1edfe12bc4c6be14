/** How a world is entered, and what it tells. */

import type { Pause } from "./comeback.js";
import type { NacreError } from "./errors.js";
import type { AudioCodec, Chunk, VideoCodec } from "./media.js";
import type { Receipt } from "./receipt.js";
import type { ClientRole, GoAway, Hands, Quality, Rewind } from "./records.js";
import type { ResumePolicy } from "./resume.js";
import type { When } from "./when.js";

/** How to attach to a session. */
export interface EnterOptions {
  /** In order of preference; what this browser can show when left out. */
  video?: VideoCodec | VideoCodec[];
  audio?: AudioCodec | AudioCodec[];
  /** Chunks that may wait here untaken, 1 to 16; then the world waits too. 4 when left out, over
   * WebRTC 16. */
  bufferChunks?: number;
  /** Attach again after a lost connection; true when left out. */
  resume?: boolean | Partial<ResumePolicy>;
  /** As much as the token allows when left out. */
  role?: ClientRole;
  /** One's own name within the session, for the others and the record; made up when left out. */
  clientId?: string;
  /** Where another client has control, enter nevertheless and wait for it. */
  standBy?: boolean;
  attachTimeoutS?: number;
}

export interface WorldEvents {
  attached: { chunkIndex: number; resumed: boolean };
  /** Has arrived; the iterator still has it. */
  chunk: Chunk;
  /** Was made, and whenever its `status` changes. */
  receipt: Receipt;
  hands: Hands;
  rewound: Rewind;
  /** The session's worker cannot keep up, or can again: then null. */
  quality: Quality | null;
  goAway: GoAway;
  reconnecting: Pause;
  /** Nothing will come any more. */
  closed: NacreError;
}

export interface ControlOptions {
  when?: When;
}
