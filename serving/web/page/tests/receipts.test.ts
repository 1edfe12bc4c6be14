import { inWords, Ledger, lineOf, type Asked } from "../src/receipts";

const asked = (change: Partial<Asked>): Asked => ({
  controlId: "c1",
  kind: "directive",
  text: "it starts to rain",
  status: "sent",
  sentMs: 1000,
  acceptedMs: null,
  settledMs: null,
  outcome: null,
  ...change,
});

test("a receipt tells each of its phases", () => {
  expect(lineOf(asked({})).detail).toBe("on its way");
  expect(lineOf(asked({ status: "accepted", acceptedMs: 1018.4 })).detail).toBe("accepted after 18 ms");
  const applied = { kind: "applied", chunkIndex: 212, worldTimeS: 16.96 };
  expect(lineOf(asked({ status: "applied", outcome: applied })).detail).toBe("chunk 212 · 0:16");
  expect(lineOf(asked({ status: "superseded", outcome: { reason: "later" } })).detail).toBe("replaced by a later one");
  expect(lineOf(asked({ status: "rejected", outcome: { message: "no" } })).detail).toBe("no");
});

test("a sentence's receipt tells what it was taken for", () => {
  const detail = (understood: readonly string[] | null): string =>
    lineOf(asked({ status: "applied", outcome: { chunkIndex: 3, worldTimeS: 0.24, understood } })).detail;
  expect(detail(["weather: rain", "kitten: come to person"])).toBe(
    "chunk 3 · 0:00 · weather: rain · kitten: come to person",
  );
  expect(detail([])).toBe("chunk 3 · 0:00 · not understood");
  expect(detail(null)).toBe("chunk 3 · 0:00");
});

test("the newest is first, a change keeps its place, and the oldest go", () => {
  const ledger = new Ledger(2);
  for (const controlId of ["a", "b", "c"]) ledger.note(asked({ controlId }));
  ledger.note(asked({ controlId: "b", status: "accepted", acceptedMs: 1010 }));
  expect(ledger.lines.map((line) => [line.controlId, line.status])).toEqual([
    ["c", "sent"],
    ["b", "accepted"],
  ]);
});

test("axes are told as what one does", () => {
  expect(inWords("move", "forward 1, strafe 0")).toBe("walk ahead");
  expect(inWords("move", "forward -0.5, strafe 1")).toBe("walk back and to the right");
  expect(inWords("look", "yaw -1, pitch 0")).toBe("look left");
  expect(inWords("move", "forward 0, strafe 0")).toBe("stand still");
  expect(inWords("camera", "pan_left")).toBe("pan left");
});
