import { kindOf } from "../src/picture";

test("pictures are told by their first bytes", () => {
  expect(kindOf(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d))).toBe("png");
  expect(kindOf(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))).toBe("jpeg");
  expect(kindOf(new TextEncoder().encode("RIFF....WEBPVP8 "))).toBe("webp");
  expect(kindOf(new TextEncoder().encode("GIF89a"))).toBe("");
  expect(kindOf(new Uint8Array())).toBe("");
});
