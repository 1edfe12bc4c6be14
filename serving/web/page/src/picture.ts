/** A picture that was dropped: what it is, and whether the service will take it. */

export const MAX_BYTES = 8 << 20;
export const MAX_PIXELS = 16_000_000;
// What is left of one that was too large; the model sees a thousandth of it.
const SHRUNK_EDGE_PX = 1600;
// More than browsers can open to make it smaller.
const MAX_OPENED_PIXELS = 256_000_000;
const PNG_SIZE_AT = 16; // of the IHDR chunk, which comes first (PNG, third edition, 5.6 and 11.2.1)
const HEAD_BYTES = 24;

export class PictureError extends Error {
  constructor(readonly reason: "IMAGE_UNREADABLE" | "IMAGE_TRUNCATED" | "IMAGE_TOO_LARGE") {
    super(reason);
  }
}

export interface Chosen {
  file: Blob;
  width: number;
  height: number;
  /** It was larger than the service takes. */
  wasShrunk: boolean;
}

/** By the first bytes, whatever its name says; empty for what is none of the three. */
export function kindOf(bytes: Uint8Array): "png" | "jpeg" | "webp" | "" {
  const starts = (offset: number, ...values: number[]): boolean =>
    values.every((each, at) => bytes[offset + at] === each);
  if (starts(0, 0x89, 0x50, 0x4e, 0x47)) return "png";
  if (starts(0, 0xff, 0xd8, 0xff)) return "jpeg";
  if (starts(0, 0x52, 0x49, 0x46, 0x46) && starts(8, 0x57, 0x45, 0x42, 0x50)) return "webp";
  return "";
}

/** As a PNG file says; 0 for what says nothing so early. */
export function pixelsOf(head: Uint8Array): number {
  if (kindOf(head) !== "png" || head.length < HEAD_BYTES) return 0;
  const sizes = new DataView(head.buffer, head.byteOffset + PNG_SIZE_AT);
  return sizes.getUint32(0) * sizes.getUint32(4);
}

/** Throws `PictureError`. */
export async function choose(file: Blob): Promise<Chosen> {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  if (!kindOf(head)) throw new PictureError("IMAGE_UNREADABLE");
  if (pixelsOf(head) > MAX_OPENED_PIXELS) throw new PictureError("IMAGE_TOO_LARGE");
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new PictureError("IMAGE_TRUNCATED");
  }
  const { width, height } = bitmap;
  const isTooLarge = file.size > MAX_BYTES || width * height > MAX_PIXELS;
  const chosen = isTooLarge ? await shrink(bitmap) : file;
  bitmap.close();
  return { file: chosen, width, height, wasShrunk: isTooLarge };
}

async function shrink(bitmap: ImageBitmap): Promise<Blob> {
  const scale = SHRUNK_EDGE_PX / Math.max(bitmap.width, bitmap.height);
  const canvas = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  if (!context) throw new PictureError("IMAGE_UNREADABLE");
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/png" });
}
