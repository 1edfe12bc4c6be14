/** The page's beginning. */

import { canShow, connect } from "nacre";
import { App } from "./app";
import { nameTab } from "./naming";
import { takeLink } from "./share_dialog";
import { Store } from "./store";

const NO_WEBCODECS =
  "This browser cannot decode video by itself (WebCodecs). Pictures and sound come as they are: it works, over a good line. " +
  "A current Chrome, Edge, Safari or Firefox needs a hundredth of that.";

declare global {
  /** For the console: `nacre.app.world.say("it starts to rain")`. */
  var nacre: { app: App };
}

async function begin(): Promise<void> {
  const root = document.getElementById("app");
  if (!root) throw new Error("the page has no place for the app");
  const store = new Store(localStorage, sessionStorage);
  const link = takeLink();
  const [can, clientId] = await Promise.all([canShow(), nameTab(store)]);
  const client = connect(location.origin, store.key ? { token: store.key } : {});
  const warning = can.webCodecs ? "" : NO_WEBCODECS;
  const app = new App({ client, store, root, clientId, warning, canHear: can.audio.length > 0 });
  globalThis.nacre = { app };
  await app.begin(link);
  performance.mark("nacre:usable");
}

void begin();
