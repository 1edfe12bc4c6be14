/** A picture, wherever the page has it: PNG, JPEG or WebP. What the bytes are, the service judges. */

export type ImageSource = Blob | ArrayBuffer | Uint8Array;

export function toBytes(source: ImageSource): Uint8Array | Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  return source.arrayBuffer().then((buffer) => new Uint8Array(buffer));
}
