/** Which key does what in a world that one is in. Pure. */

import type { Offers } from "./offers";
import type { Shortcuts } from "./shortcuts";

export interface PlayDeeds {
  togglePause(): void;
  back(): void;
  save(): void;
  fork(): void;
  speak(): void;
  nextPerspective(): void;
  openCamera(): void;
  toggleSound(): void;
  fillScreen(): void;
  togglePanel(): void;
  help(): void;
}

/** No more than is offered. */
export function playShortcuts(offers: Offers, deeds: PlayDeeds): Shortcuts {
  return {
    ...(offers.pause && { " ": deeds.togglePause }),
    ...(offers.keep && { r: deeds.back, b: deeds.save, k: deeds.fork }),
    ...(offers.directive && { Enter: deeds.speak, "/": deeds.speak }),
    ...(offers.perspectives.length > 1 && { v: deeds.nextPerspective }),
    ...(offers.camera && { c: deeds.openCamera }),
    ...(offers.sound && { m: deeds.toggleSound }),
    f: deeds.fillScreen,
    i: deeds.togglePanel,
    "?": deeds.help,
  };
}
