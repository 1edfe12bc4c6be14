/** The page's beginning. */

import { canShow, connect } from "nacre";
import { App } from "./app";
import { nameTab } from "./naming";
import { takeLink } from "./share_dialog";
import { Store } from "./store";

declare global {
  /** For the console: `nacre.app.world.say("it starts to rain")`. */
  var nacre: { app: App };
}

async function begin(): Promise<void> {
  const root = document.getElementById("app");
  if (!root) throw new Error("the page has no place for the app");
  const store = new Store(localStorage, sessionStorage);
  const link = takeLink();
  if (link) store.link = link;
  const client = connect(location.origin, { token: store.key || store.link });
  // Neither is waited for before one enters a world.
  const app = new App({ client, store, root, clientId: nameTab(store), can: canShow() });
  globalThis.nacre = { app };
  await app.begin(link);
}

void begin();
