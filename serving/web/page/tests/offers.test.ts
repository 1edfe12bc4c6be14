import { hintOf, keysOf, offersOf } from "../src/offers";

const PEARL = {
  controls: ["move", "look", "directive", "image", "perspective", "camera"],
  perspectives: ["first_person", "third_person"],
  sampleRateHz: 16_000,
};

test("the owner of a model that can do everything is offered everything", () => {
  const offers = offersOf(PEARL, "player", true, true);
  expect(Object.values(offers).every(Boolean)).toBe(true);
  expect(keysOf(offers).map((key) => key.does)).toContain("walk");
});

test("what a model cannot do is not offered, nor are its keys", () => {
  const offers = offersOf(
    { controls: ["look"], perspectives: ["first_person"], sampleRateHz: 0 },
    "player",
    true,
    true,
  );
  expect(offers).toMatchObject({
    move: false,
    look: true,
    directive: false,
    camera: false,
    perspectives: [],
    sound: false,
  });
  const does = keysOf(offers).map((key) => key.does);
  expect(does).not.toContain("walk");
  expect(does).not.toContain("say what happens");
});

test("viewers look on, directors speak, and neither owns its time", () => {
  expect(offersOf(PEARL, "viewer", false, true)).toMatchObject({
    move: false,
    directive: false,
    time: false,
    sound: true,
  });
  expect(offersOf(PEARL, "director", false, true)).toMatchObject({
    move: false,
    directive: true,
    camera: false,
    time: false,
  });
});

test("a browser that decodes no sound is offered none", () => {
  expect(offersOf(PEARL, "player", true, false).sound).toBe(false);
});

test("a newcomer is told what works here, and no more", () => {
  const offers = offersOf(PEARL, "player", true, true);
  expect(hintOf(offers, false)).toBe("W A S D to walk · arrows to look · Enter to speak");
  expect(hintOf(offers, true)).toBe("Left thumb walks, right thumb looks");
  expect(hintOf(offersOf(PEARL, "director", false, true), false)).toBe("Enter to speak");
  expect(hintOf(offersOf(PEARL, "viewer", false, true), false)).toBe("");
});
