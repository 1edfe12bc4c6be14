import { SessionEnded, Unavailable } from "nacre";
import { endingOf, lossOf } from "../src/ending";

test("whoever lost the service is told whether it stopped or the line broke", () => {
  expect(lossOf(new SessionEnded("over", { reason: "SERVICE_STOPPING" })).title).toBe("The service has stopped.");
  expect(lossOf(new Unavailable("gone")).title).toBe("The connection was lost.");
});

test("what is over is forked, and what rests is entered again", () => {
  expect(endingOf(new SessionEnded("over", { reason: "REQUESTED" })).isOver).toBe(true);
  expect(endingOf(new SessionEnded("over", { reason: "PARKED" })).isOver).toBe(false);
});
