import { ago, clock, count, duration, milliseconds, ordinal, percent, shorten, spoken, titleOf } from "../src/words";

test("a clock shows hours once there are some", () => {
  expect([0, 7.9, 750, 3723].map(clock)).toEqual(["0:00", "0:07", "12:30", "1:02:03"]);
  expect(clock(-1)).toBe("0:00");
});

test("ages are rough", () => {
  expect([3, 60, 300, 5400, 200_000].map(ago)).toEqual([
    "just now",
    "1 minute ago",
    "5 minutes ago",
    "2 hours ago",
    "2 days ago",
  ]);
});

test("durations never say nothing at all", () => {
  expect([0.2, 8, 100, 7200].map(duration)).toEqual(["1 second", "8 seconds", "about 2 minutes", "about 2 hours"]);
});

test("figures that there are not yet are a dash", () => {
  expect(milliseconds(undefined)).toBe("–");
  expect(milliseconds(181.6)).toBe("182 ms");
  expect([0, 0.004, 0.25].map(percent)).toEqual(["0 %", "0.4 %", "25 %"]);
  expect(count(1, "minute")).toBe("1 minute");
});

test("long words are cut between words", () => {
  expect(shorten("a quiet street at dusk", 14)).toBe("a quiet…");
  expect(shorten("short", 14)).toBe("short");
});

test("a world without a sentence is called by who and where, or by its picture", () => {
  expect(titleOf({ character: "a girl", scene: "a meadow" })).toBe("a girl, a meadow");
  expect(titleOf({})).toBe("From a picture");
  expect(spoken("third_person")).toBe("Third person");
});

test("places in line are counted", () => {
  expect([1, 2, 3, 4, 11, 12, 21, 113].map(ordinal)).toEqual(["1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "113th"]);
});
