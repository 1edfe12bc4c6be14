import type { SavedWorld, SessionSummary } from "nacre";
import { cardsOf } from "../src/gallery";
import { lineOf, placeOf } from "../src/opening_view";

const NOW = Date.parse("2026-01-02T00:00:00Z");
const WORLD = { prompt: "a street", character: "", scene: "", model: "", seed: 1n, licence: "" };

test("saved worlds come before sessions, with the still that was seen of each", () => {
  const saved = {
    worldId: "w",
    name: "dusk",
    version: 2,
    sessionId: "s",
    world: WORLD,
    createdAt: new Date(NOW - 3_600_000),
  } as SavedWorld;
  const session = {
    sessionId: "s",
    state: "parked",
    world: WORLD,
    updatedAt: new Date(NOW),
    chunksGenerated: 9,
    worldTimeS: 75,
  } as SessionSummary;
  const held = { s: { token: "t", title: "", seenAt: 0, still: "data:x" } };
  expect(cardsOf([saved], [session], held, NOW)).toEqual([
    { kind: "world", id: "w", title: "dusk", detail: "saved 1 hour ago · version 2", still: "data:x", isOver: false },
    { kind: "session", id: "s", title: "a street", detail: "1:15 · rests · just now", still: "data:x", isOver: false },
  ]);
});

test("what this browser never saw has the picture of the starter that it began as", () => {
  const session = { sessionId: "s", state: "ended", updatedAt: new Date(NOW), chunksGenerated: 9, worldTimeS: 1 };
  const stillOf = (seed: bigint) =>
    cardsOf([], [{ ...session, world: { ...WORLD, prompt: "a shore at dawn", seed } } as SessionSummary], {}, NOW)[0]?.still;
  expect([stillOf(2n), stillOf(3n)]).toEqual(["starters/shore.png", undefined]);
});

test("sessions that never showed anything are not offered", () => {
  const empty = {
    sessionId: "e",
    state: "ended",
    world: WORLD,
    updatedAt: new Date(NOW),
    chunksGenerated: 0,
    worldTimeS: 0,
  } as SessionSummary;
  expect(cardsOf([], [empty], {}, NOW)).toEqual([]);
});

test("a place in line is told in words", () => {
  expect([1, 3].map((position) => placeOf({ position, numWaiting: 4 }))).toEqual(["Next in line", "3rd in line"]);
  expect(lineOf({ position: 1, numWaiting: 1 })).toBe("You are next in line.");
  expect(lineOf({ position: 3, numWaiting: 5, waitS: 40 })).toBe("2 others are before you. It should take 40 seconds.");
});
