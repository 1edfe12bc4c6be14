import { offersOf } from "../src/offers";
import { playShortcuts, type PlayDeeds } from "../src/play_shortcuts";

const ABLE = {
  controls: ["move", "look", "directive", "perspective", "camera"],
  perspectives: ["first_person", "third_person"],
  sampleRateHz: 48_000,
};
const deeds = new Proxy({} as PlayDeeds, { get: () => () => {} });
const keysOf = (...offer: Parameters<typeof offersOf>): string[] => Object.keys(playShortcuts(offersOf(...offer), deeds)).sort();

test("whoever plays a world of their own has all keys", () => {
  expect(keysOf(ABLE, "player", { pause: true, keep: true }, true)).toEqual([" ", "/", "?", "Enter", "b", "c", "f", "i", "k", "m", "r", "v"]);
});

test("whoever looks on has those of the page alone", () => {
  expect(keysOf(ABLE, "viewer", { pause: false, keep: false }, false)).toEqual(["?", "f", "i"]);
});
