/** The keys that do something, and what else there is to know. */

import { openDialog } from "./dialog";
import { h } from "./dom";
import { keysOf, type Offers } from "./offers";

const HANDS =
  "A gamepad works as soon as one of its buttons is pressed. On a touch screen, the left half of the picture walks and the right half looks.";

export function openHelp(offers: Offers, facts: readonly string[]): void {
  const rows = keysOf(offers).map(({ keys, does }) =>
    h("div", { class: "key-row" }, h("dt", null, ...keys.map((key) => h("kbd", null, key))), h("dd", null, does)),
  );
  const keys = h("dl", { class: "keys" }, ...rows);
  const hands = (offers.move || offers.look) && h("p", { class: "soft" }, HANDS);
  const hasTouch = matchMedia("(pointer: coarse)").matches;
  openDialog("Keys", [...(hasTouch ? [hands, keys] : [keys, hands]), h("p", { class: "soft" }, facts.join(" · "))]);
}
