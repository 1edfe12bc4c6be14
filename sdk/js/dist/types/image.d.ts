/** A picture, wherever the page has it: PNG, JPEG or WebP. What the bytes are, the service judges. */
export type ImageSource = Blob | ArrayBuffer | Uint8Array;
export declare function toBytes(source: ImageSource): Uint8Array | Promise<Uint8Array>;
