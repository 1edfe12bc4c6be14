import { kindOf, pixelsOf } from "../src/picture";

test("pictures are told by their first bytes", () => {
  expect(kindOf(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d))).toBe("png");
  expect(kindOf(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))).toBe("jpeg");
  expect(kindOf(new TextEncoder().encode("RIFF....WEBPVP8 "))).toBe("webp");
  expect(kindOf(new TextEncoder().encode("GIF89a"))).toBe("");
  expect(kindOf(new Uint8Array())).toBe("");
});

test("how large a PNG is stands at its beginning", () => {
  const head = new Uint8Array(24);
  head.set([0x89, 0x50, 0x4e, 0x47]);
  new DataView(head.buffer).setUint32(16, 60_000);
  new DataView(head.buffer).setUint32(20, 50_000);
  expect(pixelsOf(head)).toBe(3_000_000_000);
  expect(pixelsOf(head.subarray(0, 20))).toBe(0);
  expect(pixelsOf(Uint8Array.of(0xff, 0xd8, 0xff, ...new Uint8Array(30)))).toBe(0);
});
