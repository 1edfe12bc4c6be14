import { fit } from "../src/fit";

const PICTURE = { width: 128, height: 80 };

test("whole multiples are taken where little room is lost", () => {
  expect(fit(PICTURE, { width: 900, height: 700 }, 1)).toEqual({ width: 896, height: 560 });
});

test("room is used where a whole multiple would waste it", () => {
  const { width, height } = fit(PICTURE, { width: 360, height: 640 }, 1);
  expect([width, height]).toEqual([360, 225]);
});

test("multiples are of the screen's own pixels", () => {
  expect(fit(PICTURE, { width: 360, height: 640 }, 2)).toEqual({ width: 360, height: 225 });
  expect(fit(PICTURE, { width: 390, height: 640 }, 3)).toEqual({ width: 384, height: 240 });
});

test("no room is no picture", () => {
  expect(fit(PICTURE, { width: 0, height: 100 }, 1)).toEqual({ width: 0, height: 0 });
});
