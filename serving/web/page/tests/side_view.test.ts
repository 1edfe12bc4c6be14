import type { ViewStats } from "nacre";
import { figuresOf } from "../src/side_view";

const STATS: ViewStats = {
  controlToFrameMs: { last: 180, median: 172.4, p95: 198.6, count: 40 },
  skewMs: { last: 2, median: 2, p95: 3.2, count: 200 },
  frameRate: 12.5,
  framesPainted: 500,
  framesDropped: 0,
  chunks: 500,
  lateChunks: 2,
  stalls: 0,
  bufferMs: 160.3,
  delayMs: 120,
  bitsPerS: 121_300,
  clock: "audio",
  video: "h264",
  audio: "opus",
};

test("figures are told with their units", () => {
  expect(figuresOf(STATS)).toEqual({
    latency: "172 · 199 ms",
    rate: "12.5 a second",
    late: "2 of 500 (0.4 %)",
    buffer: "160 ms",
    skew: "3 ms",
    line: "121 kbit/s · h264 · opus",
  });
});

test("what was not measured yet is a dash, and silence has no skew", () => {
  const none = figuresOf({ ...STATS, controlToFrameMs: null, skewMs: null, chunks: 0, lateChunks: 0, audio: "" });
  expect(none).toMatchObject({ latency: "–", skew: "no sound", late: "0 of 0 (0 %)", line: "121 kbit/s · h264" });
});
