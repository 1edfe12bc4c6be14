import { follow, SceneError, type Happening, type Scene } from "../src/scene";

const after = (...happenings: Happening[]): Scene => happenings.reduce(follow, { at: "start" } as Scene);
const OPEN: Happening = { is: "open", title: "a street" };
const ENTERED: Happening = { is: "entered", isPaused: false };

test("one opens, waits in line, enters and leaves", () => {
  expect(after(OPEN, { is: "queued", waiting: { position: 3, numWaiting: 4 } })).toEqual({
    at: "opening",
    title: "a street",
    waiting: { position: 3, numWaiting: 4 },
  });
  expect(after(OPEN, ENTERED)).toEqual({ at: "playing", isPaused: false });
  expect(after(OPEN, ENTERED, { is: "left" })).toEqual({ at: "start" });
});

test("a pause outlives a lost connection", () => {
  const lost = after(OPEN, ENTERED, { is: "paused" }, { is: "lost" });
  expect(lost).toEqual({ at: "lost", isPaused: true });
  expect(follow(lost, { is: "back" })).toEqual({ at: "playing", isPaused: true });
});

test("what cannot happen is an error that names both", () => {
  expect(() => after(ENTERED)).toThrow(SceneError);
  expect(() => after({ is: "paused" })).toThrow('"paused" cannot happen while one is at "start"');
  expect(() => after(OPEN, ENTERED, { is: "ended", reason: "" }, { is: "back" })).toThrow(SceneError);
});
