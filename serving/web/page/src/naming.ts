/** A name for this tab in the sessions it plays, kept over a reload; a copy of the tab gets another one. */

import type { Store } from "./store";

/** Resolves with a name that no other tab of this browser has now. */
export async function nameTab(store: Store): Promise<string> {
  const known = store.clientId;
  const name = known && (await hold(known)) ? known : await fresh();
  store.clientId = name;
  return name;
}

async function fresh(): Promise<string> {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  const name = `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  await hold(name);
  return name;
}

/** Held until the tab closes. A reload lets go of it just before it asks again, so it waits for a moment. */
async function hold(name: string): Promise<boolean> {
  if (!("locks" in navigator)) return true; // only on pages that are neither local nor encrypted
  const signal = AbortSignal.timeout(300);
  return new Promise((resolve) => {
    navigator.locks
      .request(`nacre:${name}`, { signal }, () => {
        resolve(true);
        return new Promise<never>(() => {}); // for as long as the tab lives
      })
      .catch(() => resolve(false));
  });
}
