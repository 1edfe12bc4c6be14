import { hintOf, keysOf, offersOf, rightsOf } from "../src/offers";

const PEARL = {
  controls: ["move", "look", "directive", "image", "perspective", "camera"],
  perspectives: ["first_person", "third_person"],
  sampleRateHz: 16_000,
};
const ALL = { pause: true, keep: true };
const NONE = { pause: false, keep: false };

test("the owner of a model that can do everything is offered everything", () => {
  const offers = offersOf(PEARL, "player", ALL, true);
  expect(Object.values(offers).every(Boolean)).toBe(true);
  expect(keysOf(offers).map((key) => key.does)).toContain("walk");
});

test("what a model cannot do is not offered, nor are its keys", () => {
  const offers = offersOf(
    { controls: ["look"], perspectives: ["first_person"], sampleRateHz: 0 },
    "player",
    ALL,
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
  expect(offersOf(PEARL, "viewer", NONE, true)).toMatchObject({
    move: false,
    directive: false,
    pause: false,
    keep: false,
    sound: true,
  });
  expect(offersOf(PEARL, "director", NONE, true)).toMatchObject({
    move: false,
    directive: true,
    camera: false,
    pause: false,
    keep: false,
  });
});

test("a browser that decodes no sound is offered none", () => {
  expect(offersOf(PEARL, "player", ALL, false).sound).toBe(false);
});

test("a newcomer is told what works here, and no more", () => {
  const offers = offersOf(PEARL, "player", ALL, true);
  expect(hintOf(offers, false)).toBe("W A S D to walk · arrows to look · Enter to speak");
  expect(hintOf(offers, true)).toBe("Left thumb walks, right thumb looks");
  expect(hintOf(offersOf(PEARL, "director", NONE, true), false)).toBe("Enter to speak");
  expect(hintOf(offersOf(PEARL, "viewer", NONE, true), false)).toBe("");
});

test("what a role or a link does not allow is not offered", () => {
  const guest = { role: "viewer", subjectId: "share:abc" };
  expect(rightsOf(true, { role: "owner", subjectId: "key:a" })).toEqual(ALL);
  expect(rightsOf(true, { role: "admin", subjectId: "local" })).toEqual(ALL);
  expect(rightsOf(true, { role: "player", subjectId: "token:a" })).toEqual({ pause: true, keep: false });
  expect(rightsOf(true, guest)).toEqual({ pause: true, keep: false }); // of what a link to fork began
  expect(rightsOf(true, { role: "viewer", subjectId: "key:b" })).toEqual(NONE);
  expect(rightsOf(false, { role: "owner", subjectId: "key:a" })).toEqual(NONE);
  expect(rightsOf(true, null)).toEqual(ALL);
  const does = keysOf(offersOf(PEARL, "player", rightsOf(true, guest), true)).map((key) => key.does);
  expect(does).toContain("pause, and go on");
  expect(does).not.toContain("save this moment");
});
