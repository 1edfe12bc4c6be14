/**
 * Errors as Connect tells them: JSON with the details of google.rpc inside, each as the base64 of its message.
 *
 * The four messages that are read have a handful of fields; they are taken off the wire here rather than
 * generated. Sources: connectrpc.com/docs/protocol (the JSON), google/rpc/error_details.proto (the fields).
 */

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

import type { ErrorDetails } from "./errors.js";

export interface ConnectError extends ErrorDetails {
  code: string;
  message: string;
}

/** Null for what is not such an error. */
export function parseConnectError(text: string): ConnectError | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { code, message, details } = (value ?? {}) as { code?: unknown; message?: unknown; details?: unknown };
  if (typeof code !== "string") return null;
  return {
    code,
    message: typeof message === "string" ? message : "",
    ...(Array.isArray(details) ? readDetails(details as Detail[]) : {}),
  };
}

interface Detail {
  type?: unknown;
  value?: unknown;
}

function readDetails(details: Detail[]): ErrorDetails {
  const read: ErrorDetails = {};
  for (const { type, value } of details) {
    if (typeof type !== "string" || typeof value !== "string") continue;
    try {
      READERS[type]?.(fields(fromBase64(value)), read);
    } catch {
      // A detail that cannot be read says nothing; the error itself stands.
    }
  }
  return read;
}

type Fields = Map<number, (Uint8Array | bigint)[]>;

const READERS: Record<string, (message: Fields, into: ErrorDetails) => void> = {
  "google.rpc.ErrorInfo": (info, into) => {
    const metadata = new Map(messages(info, 3).map((entry) => [string(entry, 1), string(entry, 2)]));
    into.reason = string(info, 1);
    into.field ||= metadata.get("field") ?? "";
    into.requestId ||= metadata.get("request_id") ?? "";
    const allowed = metadata.get("allowed");
    if (allowed) into.allowed = allowed.split(",");
  },
  "google.rpc.BadRequest": (request, into) => {
    const [violation] = messages(request, 1);
    if (violation) into.field = string(violation, 1);
  },
  "google.rpc.QuotaFailure": (failure, into) => {
    const [violation] = messages(failure, 1);
    if (violation) into.quota = string(violation, 4);
  },
  "google.rpc.RetryInfo": (retry, into) => {
    const [delay] = messages(retry, 1);
    into.retryAfterS = delay ? number(delay, 1) + number(delay, 2) / 1e9 : 0;
  },
  "google.rpc.RequestInfo": (request, into) => {
    into.requestId = string(request, 1) || (into.requestId ?? "");
  },
};

function fields(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const found: Fields = new Map();
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const values = found.get(number) ?? [];
    if (wireType === WireType.LengthDelimited) values.push(reader.bytes());
    else if (wireType === WireType.Varint) values.push(BigInt(reader.int64()));
    else reader.skip(wireType, number);
    found.set(number, values);
  }
  return found;
}

function messages(message: Fields, number: number): Fields[] {
  return (message.get(number) ?? []).filter((value) => value instanceof Uint8Array).map(fields);
}

function string(message: Fields, number: number): string {
  const value = message.get(number)?.at(-1);
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : "";
}

function number(message: Fields, number: number): number {
  const value = message.get(number)?.at(-1);
  return typeof value === "bigint" ? Number(value) : 0;
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
