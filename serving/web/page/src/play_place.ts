/** What the world's page is given by the page as a whole. */

import type { Client, Session, WorldView } from "nacre";
import type { Notices } from "./notices";
import type { Asker } from "./offers";
import type { Preferences } from "./preferences";
import type { Happening } from "./scene";
import type { StageView } from "./stage_view";
import type { Store } from "./store";

export interface PlayPlace {
  client: Client;
  notices: Notices;
  preferences: Preferences;
  store: Store;
  view: WorldView;
  stage: StageView;
  canHear: boolean;
  /** Null where the service did not say. */
  asker: Asker | null;
  happened(happening: Happening): void;
  enter(session: Session, title: string): Promise<void>;
  enterBranch(sessionId: string): void;
  /** Come in again after the stream ended. */
  enterAgain(): void;
  leave(): void;
}
