import { noteOf, standingFigures, type Standing } from "../src/standing";

const CALM: Standing = { quality: null, endsInS: null, warning: "" };
const WARNING = "The service stops in 20 seconds. What it is now will be kept.";

test("nothing is said while all is as it should be", () => {
  expect(noteOf(CALM)).toBeNull();
  expect(noteOf({ ...CALM, endsInS: 3600 })).toBeNull();
  expect(standingFigures(CALM)).toEqual({ quality: "in full", end: "not by itself" });
});

test("a worker that cannot keep up is told in words, and exactly in the panel", () => {
  const quality = { chunkIndex: 7, denoiseShare: 0.75, rate: 1 };
  const tip = "The service is busy. Pictures are made in 75 % of the passes.";
  expect(noteOf({ ...CALM, quality })).toEqual({ kind: "quality", text: "Plainer pictures for now", tip });
  expect(noteOf({ ...CALM, quality: { ...quality, denoiseShare: 1, rate: 0.5 } })?.text).toBe("Slower for now");
  const both = { ...quality, rate: 0.5 };
  expect(noteOf({ ...CALM, quality: both })?.text).toBe("Plainer and slower for now");
  expect(standingFigures({ ...CALM, quality: both }).quality).toBe("detail 75 % · pace 50 %");
});

test("an end that was announced is counted down, before all else", () => {
  const quality = { chunkIndex: 7, denoiseShare: 0.5, rate: 1 };
  const standing = { quality, endsInS: 19.2, warning: WARNING };
  expect(noteOf(standing)).toEqual({ kind: "end", text: "Ends in 0:20", tip: WARNING });
  expect(standingFigures(standing).end).toBe("in 20 seconds");
});
