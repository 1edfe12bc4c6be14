import { expect, test } from "vitest";

import { DEFAULT_SCHEDULE, PlayoutSchedule } from "../../src/view/schedule.js";

const CHUNK_S = 0.08;
const LEAD_S = 0.02;

/** Chunk `idx` comes at `nowS`. */
function place(schedule: PlayoutSchedule, idx: number, nowS: number): string {
  return schedule.place(idx * CHUNK_S, (idx + 1) * CHUNK_S, nowS, LEAD_S);
}

test("chunks lie one behind the other, whenever they come in time", () => {
  const schedule = new PlayoutSchedule();
  expect(place(schedule, 5, 100)).toBe("first");
  expect(place(schedule, 6, 100.07)).toBe("next");
  const startS = 100 + LEAD_S + DEFAULT_SCHEDULE.startS;
  expect(schedule.dueS(5 * CHUNK_S)).toBeCloseTo(startS);
  expect(schedule.dueS(6 * CHUNK_S)).toBeCloseTo(startS + CHUNK_S);
  expect(schedule.dueS(6.5 * CHUNK_S)).toBeCloseTo(startS + 1.5 * CHUNK_S);
});

test("what comes too late is a stall, and the distance grows, within bounds", () => {
  const schedule = new PlayoutSchedule();
  place(schedule, 0, 0);
  let nowS = 0;
  for (let idx = 1; idx < 20; idx += 1) {
    nowS += 1;
    expect(place(schedule, idx, nowS)).toBe("stall");
  }
  expect(schedule.startS).toBe(DEFAULT_SCHEDULE.maxStartS);
  expect(schedule.dueS(19 * CHUNK_S)).toBeCloseTo(nowS + LEAD_S + DEFAULT_SCHEDULE.maxStartS);
});

test("while every chunk comes earlier than it needs to, media runs faster until none does", () => {
  const schedule = new PlayoutSchedule({ ...DEFAULT_SCHEDULE, startS: 0.2 });
  const marginS = (idx: number) => schedule.dueS(idx * CHUNK_S)! - (idx * CHUNK_S + LEAD_S);
  let idx = 0;
  for (; idx < 2 * DEFAULT_SCHEDULE.windowChunks; idx += 1) place(schedule, idx, idx * CHUNK_S);
  expect(marginS(idx - 1)).toBeLessThan(0.18);
  for (; idx < 600; idx += 1) expect(place(schedule, idx, idx * CHUNK_S)).not.toBe("stall");
  expect(marginS(idx - 1)).toBeGreaterThan(0);
  expect(marginS(idx - 1)).toBeLessThan(DEFAULT_SCHEDULE.safetyS + 0.01);
});

test("after a sleep media jumps to the present", () => {
  const schedule = new PlayoutSchedule();
  for (let idx = 0; idx < 12; idx += 1) place(schedule, idx, 50); // a burst
  expect(schedule.dueS(11 * CHUNK_S)! - 50).toBeLessThan(DEFAULT_SCHEDULE.jumpS + CHUNK_S + LEAD_S + 0.1);
});

test("where the service goes slower, media does", () => {
  const schedule = new PlayoutSchedule();
  schedule.pace = 0.5;
  for (let idx = 0; idx < 10; idx += 1) expect(place(schedule, idx, idx * 2 * CHUNK_S)).not.toBe("stall");
  expect(schedule.dueS(9 * CHUNK_S)! - schedule.dueS(0)!).toBeCloseTo(18 * CHUNK_S);
});

test("another clock moves what is due, and no distance between", () => {
  const schedule = new PlayoutSchedule();
  place(schedule, 0, 10);
  const before = schedule.dueS(0)!;
  schedule.shift(-7.5);
  expect(schedule.dueS(0)).toBeCloseTo(before - 7.5);
  expect(schedule.endS).toBeCloseTo(before - 7.5 + CHUNK_S);
});

test("sound that begins a little before its first frame is due as much before it", () => {
  const schedule = new PlayoutSchedule();
  place(schedule, 3, 1);
  expect(schedule.dueS(3 * CHUNK_S)! - schedule.dueS(3 * CHUNK_S - 0.0025)!).toBeCloseTo(0.0025);
});

test("media that begins anew forgets what was placed, and not what the line needs", () => {
  const schedule = new PlayoutSchedule();
  place(schedule, 0, 0);
  place(schedule, 1, 9);
  const { startS } = schedule;
  schedule.reset();
  expect(schedule.endS).toBeNull();
  expect(schedule.dueS(0)).toBeNull();
  expect(place(schedule, 0, 10)).toBe("first");
  expect(schedule.startS).toBe(startS);
});
