import { readFileSync } from "node:fs";
import { endOf, sentenceOf, warningOf } from "../src/sentences";

const PROTOS = new URL("../../../../protos/nacre/v1/", import.meta.url);

/** Names of an enum's values in the contract, without their prefix. */
function reasons(file: string, prefix: string): string[] {
  const text = readFileSync(new URL(file, PROTOS), "utf8");
  return [...text.matchAll(new RegExp(`${prefix}([A-Z_]+) = [1-9]`, "g"))].map((match) => match[1] as string);
}

// What only programs can bring about, not a person on this page.
const NOT_HERE =
  /^(ATTACH_|FIELD_INVALID|CONTROL_DUPLICATE|IDEMPOTENCY_|TENANT_|KEY_|WORKER_|METHOD_|AUTHENTICATION_OFF|RESERVATION_)/;

test("every reason that a person can meet is a sentence with something to do", () => {
  const all = reasons("error.proto", "ERROR_REASON_").filter((reason) => !NOT_HERE.test(reason));
  expect(all.length).toBeGreaterThan(30);
  for (const reason of all) {
    const { title, advice } = sentenceOf({ reason, message: "raw words of the service" });
    expect(title, reason).not.toContain("raw words");
    expect(title, reason).toMatch(/^[A-Z].*\.$/);
    expect(advice, reason).toMatch(/^[A-Z].*\.$/);
  }
});

test("every way to end is told", () => {
  for (const reason of reasons("session.proto", "END_REASON_")) {
    expect(endOf(reason).title, reason).toMatch(/^[A-Z].*\.$/);
    expect(endOf(reason.toLowerCase())).toEqual(endOf(reason));
  }
});

test("what is new is told in the service's own words", () => {
  expect(sentenceOf({ reason: "SOMETHING_NEW", message: "the moon is down" }).title).toBe("The moon is down.");
});

test("a service that cannot be reached is told as such, whatever the browser calls it", () => {
  expect(sentenceOf({ code: "unavailable", message: "Failed to fetch" })).toMatchObject({
    title: "The service does not answer.",
    remedy: "retry",
  });
});

test("the time to wait is told", () => {
  expect(sentenceOf({ reason: "CALLS_EXCEEDED", retryAfterS: 2.3 }).advice).toContain("3 s");
  expect(warningOf("time_limit", "30 seconds")).toBe(
    "The time for this world is over in 30 seconds. What it is now will be kept.",
  );
  expect(warningOf("credential_expired", "1 second")).toContain("Your key");
  expect(warningOf("credential_expired", "1 second", true)).toBe("This link ends in 1 second.");
});
