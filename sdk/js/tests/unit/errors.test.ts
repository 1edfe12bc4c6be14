import { create, toBinary } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";

import { parseConnectError } from "../../src/connect_error.js";
import { Conflict, ConnectionLost, InvalidArgument, NacreError, QuotaExceeded, SessionEnded, Unauthenticated, Unavailable } from "../../src/errors.js";
import { fromDetails, fromStreamEnd } from "../../src/refusals.js";
import { DEFAULT_RESUME, canResume, delayS, toResumePolicy } from "../../src/resume.js";

function detail(type: string, write: (writer: BinaryWriter) => void): { type: string; value: string } {
  const writer = new BinaryWriter();
  write(writer);
  return { type: `google.rpc.${type}`, value: btoa(String.fromCharCode(...writer.finish())).replace(/=+$/, "") };
}

const message = (writer: BinaryWriter, field: number, write: (inner: BinaryWriter) => void) => {
  writer.uint32((field << 3) | 2).fork();
  write(writer);
  return writer.join();
};
const text = (writer: BinaryWriter, field: number, value: string) => writer.uint32((field << 3) | 2).string(value);

const ERROR = JSON.stringify({
  code: "resource_exhausted",
  message: "too many sessions",
  details: [
    detail("ErrorInfo", (info) => {
      text(info, 1, "QUOTA_EXCEEDED");
      text(info, 2, "nacre");
      message(info, 3, (entry) => text(text(entry, 1, "allowed"), 2, "a,b"));
    }),
    detail("BadRequest", (request) => message(request, 1, (violation) => text(violation, 1, "world.prompt"))),
    detail("QuotaFailure", (failure) => message(failure, 1, (violation) => text(violation, 4, "concurrent_sessions"))),
    detail("RetryInfo", (retry) =>
      retry.uint32(10).bytes(toBinary(DurationSchema, create(DurationSchema, { seconds: 2n, nanos: 500_000_000 }))),
    ),
    detail("RequestInfo", (request) => text(request, 1, "r-1")),
    { type: "google.rpc.DebugInfo", value: "????" },
  ],
});

test("all that an error says comes along", () => {
  const parsed = parseConnectError(ERROR)!;
  const error = fromDetails(parsed.message, parsed);
  expect(error).toBeInstanceOf(QuotaExceeded);
  expect(error.name).toBe("QuotaExceeded");
  expect(error).toMatchObject({
    message: "too many sessions",
    code: "resource_exhausted",
    reason: "QUOTA_EXCEEDED",
    field: "world.prompt",
    allowed: ["a", "b"],
    quota: "concurrent_sessions",
    retryAfterS: 2.5,
    requestId: "r-1",
  });
});

test.each(["", "<html>", "[]", "null", '{"message":"x"}'])("%j is no error of the service", (json) => {
  expect(parseConnectError(json)).toBeNull();
});

test("a detail that is damaged says nothing, and the rest stands", () => {
  const json = JSON.stringify({ code: "aborted", message: "m", details: [{ type: "google.rpc.ErrorInfo", value: "!" }, null].slice(0, 1) });
  expect(parseConnectError(json)).toEqual({ code: "aborted", message: "m" });
});

test("a stream that ends without a reason was cut", () => {
  expect(fromStreamEnd("x", { code: "unavailable" })).toBeInstanceOf(ConnectionLost);
  expect(fromStreamEnd("x", { code: "unavailable", reason: "UNAVAILABLE" })).not.toBeInstanceOf(ConnectionLost);
  expect(fromDetails("x", { code: "failed_precondition", reason: "SESSION_ENDED" })).toBeInstanceOf(SessionEnded);
  expect(fromDetails("", { code: "teapot" })).toBeInstanceOf(NacreError);
});

test("one comes back after what may pass", () => {
  expect(canResume(new ConnectionLost("x"), 3)).toBe(true);
  expect(canResume(new Unavailable("x"), 3)).toBe(true);
  expect(canResume(new Conflict("x", { reason: "SESSION_CONTROLLED" }), 3)).toBe(true);
  expect(canResume(new Conflict("x", { reason: "SESSION_STATE" }), 0)).toBe(false);
  expect(canResume(new SessionEnded("x", { reason: "REQUESTED" }), 0)).toBe(false);
  expect(canResume(new SessionEnded("x", { reason: "SERVICE_STOPPING" }), 3)).toBe(true);
  expect(canResume(new InvalidArgument("x"), 0)).toBe(false);
  expect(canResume(new Unauthenticated("x"), 0)).toBe(true);
  expect(canResume(new Unauthenticated("x"), 1)).toBe(false);
});

test("pauses grow, are bounded, and wait as long as the service asks", () => {
  const pauses = [0, 1, 2, 3, 10].map((attempt) => delayS(DEFAULT_RESUME, attempt, null, 0));
  expect(pauses).toEqual([0.1, 0.2, 0.4, 0.8, 3]);
  expect(delayS(DEFAULT_RESUME, 0, 2, 0)).toBe(2);
  expect(delayS(DEFAULT_RESUME, 0, null, 1)).toBeCloseTo(0.15);
  expect(toResumePolicy(false).maxAttempts).toBe(0);
  expect(() => toResumePolicy({ firstDelayS: 5, maxDelayS: 1 })).toThrow(RangeError);
});
