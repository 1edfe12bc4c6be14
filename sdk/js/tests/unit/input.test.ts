import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { AT_REST, type Axes, sum } from "../../src/input/axes.js";
import { HeldKeys, TURN_ARROWS, WALK_KEYS } from "../../src/input/keys.js";
import { MouseTurn } from "../../src/input/mouse.js";
import { AxesSender } from "../../src/input/sender.js";
import { STICK_RADIUS_PX, TouchSticks, gamepadAxes } from "../../src/input/sticks.js";

test("keys that are held add up, opposite ones to nothing", () => {
  const keys = new HeldKeys({ ...WALK_KEYS, ...TURN_ARROWS });
  expect(keys.press("KeyW")).toBe(true);
  expect(keys.press("KeyD")).toBe(true);
  expect(keys.press("ArrowLeft")).toBe(true);
  expect(keys.press("KeyQ")).toBe(false);
  expect(keys.axes()).toEqual({ forward: 1, strafe: 1, yaw: -1, pitch: 0 });
  keys.press("KeyS");
  expect(keys.axes().forward).toBe(0);
  keys.clear();
  expect(keys.axes()).toEqual(AT_REST);
});

test("a mouse's way is turned out in full, as fast as the model can", () => {
  const turn = new MouseTurn({ maxYawDegPerS: 90, maxPitchDegPerS: 45, sensitivity: 1, invertPitch: false });
  turn.add(200, -10); // 22.5 degrees to the right, 1.125 up
  const [steps, stepS] = [[] as Axes[], 0.08];
  while (turn.isMoving) steps.push(turn.take(stepS));
  const turnedDeg = steps.reduce((total, { yaw }) => total + yaw * 90 * stepS, 0);
  const raisedDeg = steps.reduce((total, { pitch }) => total + pitch * 45 * stepS, 0);
  expect(turnedDeg).toBeCloseTo(22.5, 1);
  expect(raisedDeg).toBeCloseTo(1.125, 1);
  expect(Math.max(...steps.map(({ yaw }) => yaw))).toBe(1);
});

test("a flick is cut short rather than turned out at leisure", () => {
  const turn = new MouseTurn({ maxYawDegPerS: 90, maxPitchDegPerS: 45, sensitivity: 1, invertPitch: false });
  turn.add(100_000, 0);
  let steps = 0;
  while (turn.isMoving) {
    turn.take(0.08);
    steps += 1;
  }
  expect(steps).toBe(5);
});

test("a model that cannot turn is not turned", () => {
  const turn = new MouseTurn({ maxYawDegPerS: 0, maxPitchDegPerS: 0, sensitivity: 1, invertPitch: false });
  turn.add(100, 100);
  expect(turn.isMoving).toBe(false);
  expect(turn.take(0.08)).toEqual(AT_REST);
});

test("a stick at rest is at rest, and one at its end is at full speed", () => {
  expect(sum([gamepadAxes([0.1, -0.05, 0.08, 0], false)])).toEqual(AT_REST);
  const axes = sum([gamepadAxes([0, -1, 1, 0], false)]);
  expect(axes).toEqual({ forward: 1, strafe: 0, yaw: 1, pitch: 0 });
  expect(sum([gamepadAxes([0, 0, 0, -1], true)]).pitch).toBe(-1);
});

test("each thumb has its half of the glass", () => {
  const sticks = new TouchSticks();
  expect(sticks.down(1, 50, 300, 400)?.side).toBe("left");
  expect(sticks.down(2, 60, 300, 400)).toBeNull();
  expect(sticks.down(3, 350, 300, 400)?.side).toBe("right");
  sticks.move(1, 50, 300 - 3 * STICK_RADIUS_PX);
  expect(sum([sticks.axes(false)])).toEqual({ forward: 1, strafe: 0, yaw: 0, pitch: 0 });
  expect(sticks.up(1)).toMatchObject({ active: false, side: "left" });
  expect(sticks.clear()).toHaveLength(1);
  expect(sticks.axes(false)).toEqual(AT_REST);
});

const SENT: string[] = [];
const world = {
  inControl: true,
  capabilities: { controls: ["move", "look"], chunkDurationS: 0.08 },
  move: (axes: object) => SENT.push(`move ${JSON.stringify(axes)}`), // a length, as true as a receipt
  look: (axes: object) => SENT.push(`look ${JSON.stringify(axes)}`),
};

beforeEach(() => {
  vi.useFakeTimers();
  SENT.length = 0;
  world.inControl = true;
});
afterEach(() => {
  vi.useRealTimers();
});

const AHEAD = { ...AT_REST, forward: 1 };

test("what is held is sent when it changes, and no more often than the service takes it", () => {
  const sender = new AxesSender(world as never);
  for (let step = 1; step <= 100; step += 1) {
    sender.want({ ...AT_REST, yaw: step / 100 });
    vi.advanceTimersByTime(5);
  }
  vi.advanceTimersByTime(100);
  expect(SENT.length).toBeGreaterThan(5);
  expect(SENT.length).toBeLessThanOrEqual(0.5 * 30);
  expect(SENT.at(-1)).toBe('look {"yaw":1,"pitch":0}');
});

test("a tap is held for a chunk, so that it is seen", () => {
  const sender = new AxesSender(world as never);
  sender.want(AHEAD);
  vi.advanceTimersByTime(20);
  sender.want(AT_REST);
  sender.want(AT_REST);
  vi.advanceTimersByTime(59);
  expect(SENT).toEqual(['move {"forward":1,"strafe":0}']);
  vi.advanceTimersByTime(2);
  expect(SENT).toEqual(['move {"forward":1,"strafe":0}', 'move {"forward":0,"strafe":0}']);
});

test("what was held for longer is let go at once, and once", () => {
  const sender = new AxesSender(world as never);
  sender.want(AHEAD);
  vi.advanceTimersByTime(100);
  sender.want(AT_REST);
  sender.want(AT_REST);
  expect(SENT).toEqual(['move {"forward":1,"strafe":0}', 'move {"forward":0,"strafe":0}']);
});

test("in need everything is let go at once", () => {
  const sender = new AxesSender(world as never);
  sender.want({ ...AHEAD, yaw: 1 });
  sender.want({ ...AHEAD, yaw: 0 });
  sender.want(AT_REST, true);
  vi.advanceTimersByTime(500);
  expect(SENT).toEqual(['move {"forward":1,"strafe":0}', 'look {"yaw":1,"pitch":0}', 'move {"forward":0,"strafe":0}', 'look {"yaw":0,"pitch":0}']);
});

test("what is held while control comes is sent then", () => {
  const sender = new AxesSender(world as never);
  world.inControl = false;
  sender.want(AHEAD);
  expect(SENT).toEqual([]);
  world.inControl = true;
  sender.want(AHEAD);
  vi.advanceTimersByTime(100);
  expect(SENT).toEqual(['move {"forward":1,"strafe":0}']);
});

test("what is held over a time without control is sent again", () => {
  const sender = new AxesSender(world as never);
  sender.want(AHEAD);
  sender.forget();
  vi.advanceTimersByTime(100);
  sender.want(AHEAD);
  expect(SENT).toEqual(['move {"forward":1,"strafe":0}', 'move {"forward":1,"strafe":0}']);
});

test("a model that cannot walk is not told to", () => {
  const sender = new AxesSender({ ...world, capabilities: { controls: ["look"], chunkDurationS: 0.08 } } as never);
  sender.want({ ...AHEAD, yaw: 1 });
  expect(SENT).toEqual(['look {"yaw":1,"pitch":0}']);
});
