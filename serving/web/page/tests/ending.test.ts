import { PermissionDenied, SessionEnded, Unavailable } from "nacre";
import { endingOf, lossOf } from "../src/ending";

test("whoever lost the service is told whether it stopped or the line broke", () => {
  expect(lossOf(new SessionEnded("over", { reason: "SERVICE_STOPPING" })).title).toBe("The service has stopped.");
  expect(lossOf(new Unavailable("gone")).title).toBe("The connection was lost.");
});

test("what is over is forked, and what rests is entered again", () => {
  expect(endingOf(new SessionEnded("over", { reason: "REQUESTED" })).way).toBe("fork");
  expect(endingOf(new SessionEnded("over", { reason: "PARKED" })).way).toBe("enter");
  expect(endingOf(new Unavailable("gone")).way).toBe("enter");
});

test("a guest whose link was taken back is told so, and asked for no key", () => {
  const ending = endingOf(new PermissionDenied("the link was taken back", { reason: "SHARE_LINK_REVOKED" }));
  expect(ending.sentence.title).toBe("This link was taken back.");
  expect(ending.way).toBe("none");
});
