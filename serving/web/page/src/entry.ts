/** How one comes into a session, whichever it will be. */

import type { Here } from "./store";

export interface Entry {
  title: string;
  isOwner: boolean;
  role?: Here["role"];
  standBy?: boolean;
  poster?: string;
}
