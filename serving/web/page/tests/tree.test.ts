import { chunkAt, layOut, type BranchPoint } from "../src/tree";

const branch = (sessionId: string, parentSessionId = "", parentChunkIndex = 0, chunksGenerated = 100): BranchPoint => ({
  sessionId,
  parentSessionId,
  parentChunkIndex,
  chunksGenerated,
  label: "",
  state: "parked",
});

test("the session that is played lies lowest, and is as long as what was shown", () => {
  const { lanes, length } = layOut([branch("a"), branch("b", "a", 40, 90)], "b", 60);
  expect(lanes.map((lane) => [lane.sessionId, lane.row, lane.toChunk])).toEqual([
    ["b", 0, 60],
    ["a", 1, 100],
  ]);
  expect(length).toBe(100);
});

test("a branch begins where it left, in its parent's row", () => {
  const { lanes } = layOut([branch("a"), branch("b", "a", 40)], "a", 70);
  expect(lanes[1]).toMatchObject({ sessionId: "b", row: 1, fromChunk: 40, parentRow: 0 });
});

test("the past of what is played runs through its ancestors, up to where each was left", () => {
  const tree = [branch("a"), branch("b", "a", 40, 90), branch("c", "b", 70, 80), branch("d", "a", 20)];
  const { lanes } = layOut(tree, "c", 80);
  const lived = Object.fromEntries(lanes.map((lane) => [lane.sessionId, lane.livedTo]));
  expect(lived).toEqual({ c: 80, b: 70, a: 40, d: 20 });
});

test("a branch of a branch that went back further has no less past than there is", () => {
  const { lanes } = layOut([branch("a"), branch("b", "a", 40), branch("c", "b", 10, 30)], "c", 30);
  expect(lanes.find((lane) => lane.sessionId === "a")?.livedTo).toBe(10);
});

test("a session that is not on record yet has no lanes, and does not loop", () => {
  expect(layOut([], "x", 5)).toEqual({ lanes: [], numRows: 0, length: 5 });
  expect(layOut([branch("a", "b", 1), branch("b", "a", 1)], "a", 3).lanes).toHaveLength(2);
});

test("a pointer beyond now means now", () => {
  expect(chunkAt(0.5, 100, 80)).toBe(50);
  expect(chunkAt(0.95, 100, 80)).toBe(80);
  expect(chunkAt(-0.1, 100, 80)).toBe(0);
});
