/** What the service last said of a session that one is in. */

import { toCapabilities, toHands, toQuality, toRole } from "./codec.js";
import type { MediaFormat } from "./media.js";
import { toMediaFormat } from "./media_codec.js";
import type { Attached, GoAway as GoAwayMessage, Hands as HandsMessage, Quality as QualityMessage } from "./nacre/v1/session_pb.js";
import { toGoAway } from "./play_codec.js";
import type { Capabilities, ClientRole, GoAway, Hands, Quality } from "./records.js";

export class Told {
  capabilities: Capabilities = toCapabilities(undefined);
  /** Null until the first attachment. */
  format: MediaFormat | null = null;
  role: ClientRole = "viewer";
  inControl = false;
  hands: Hands | null = null;
  quality: Quality | null = null;
  goAway: GoAway | null = null;
  /** Of the first chunk of the current attachment, or after the last rewind. */
  firstIndex = 0;
  attachments = 0;

  onAttached(attached: Attached): void {
    this.capabilities = toCapabilities(attached.session?.capabilities);
    this.format = toMediaFormat(attached);
    this.role = toRole(attached.role);
    this.inControl = attached.inControl;
    this.quality = toQuality(attached.session?.quality);
    this.firstIndex = Number(attached.nextChunkIndex);
    this.attachments += 1;
  }

  onHands(message: HandsMessage, clientId: string): Hands {
    this.hands = toHands(message);
    this.inControl = this.hands.participants.some((each) => each.clientId === clientId && each.inControl);
    return this.hands;
  }

  onQuality(message: QualityMessage): Quality | null {
    this.quality = toQuality(message);
    return this.quality;
  }

  onGoAway(message: GoAwayMessage): GoAway {
    this.goAway = toGoAway(message);
    return this.goAway;
  }
}
