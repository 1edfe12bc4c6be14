import { IDEAS, Said } from "../src/said";

test("arrows go back through what was said, and forward to what was being typed", () => {
  const said = new Said(["second", "first"]);
  expect(said.older("dra")).toBe("second");
  expect(said.older("second")).toBe("first");
  expect(said.older("first")).toBe("first");
  expect(said.newer("first")).toBe("second");
  expect(said.newer("second")).toBe("dra");
  expect(said.newer("dra")).toBe("dra");
});

test("without a history the arrows change nothing", () => {
  expect(new Said([]).older("abc")).toBe("abc");
});

test("suggestions fit what is typed, and leave out what was just said", () => {
  const said = new Said([]);
  expect(said.suggest("", IDEAS, 3)).toHaveLength(3);
  expect(said.suggest("RAIN", IDEAS, 3)).toEqual(["it starts to rain"]);
  said.add("it starts to rain");
  expect(said.suggest("", IDEAS, 3)).not.toContain("it starts to rain");
});
