import { expect, test } from "vitest";

import { ConnectionLost, ControlRejected, LimitReached, SessionEnded } from "../../src/errors.js";
import { CHUNKS_TO_LEARN_OUTCOME, MAX_PENDING, PendingReceipts } from "../../src/pending.js";
import type { Applied, Receipt } from "../../src/receipt.js";
import { ControlLatency } from "../../src/view/control_latency.js";

function applied(controlId: string, frameIndex = 7): Applied {
  return { kind: "applied", controlId, chunkIndex: 7, frameIndex, worldTimeS: 0.56, understood: null };
}

function pendingWith(changes: string[] = []): PendingReceipts {
  return new PendingReceipts("x", () => {}, (receipt) => changes.push(receipt.status));
}

test("a receipt is accepted and then settles, once", async () => {
  const changes: string[] = [];
  const pending = pendingWith(changes);
  const receipt = pending.open("directive", "rain", false);
  pending.onAnswer({ controlId: receipt.controlId, accepted: { dueChunkIndex: null, isDurable: true } });
  await receipt.accepted;
  pending.onAnswer({ controlId: receipt.controlId, outcome: applied(receipt.controlId) });
  pending.onAnswer({ controlId: receipt.controlId, outcome: new ControlRejected("late") });
  expect(await receipt).toMatchObject({ kind: "applied", chunkIndex: 7 });
  expect(changes).toEqual(["sent", "accepted", "applied"]);
  expect(pending.size).toBe(0);
});

test("one that nobody awaits is rejected in silence", async () => {
  const pending = pendingWith();
  const receipt = pending.open("move", "", false);
  pending.settleAll(new SessionEnded("over", { reason: "REQUESTED" }));
  await new Promise((resolve) => setTimeout(resolve, 5)); // an unhandled rejection fails the run
  expect(receipt.status).toBe("lost");
  await expect(receipt).rejects.toBeInstanceOf(SessionEnded);
  await expect(receipt.accepted).rejects.toBeInstanceOf(SessionEnded);
});

test("whether somebody waits is known", () => {
  const pending = pendingWith();
  const receipt = pending.open("move", "", false);
  expect(pending.isAwaited).toBe(false);
  void receipt.then(() => {});
  expect(pending.isAwaited).toBe(true);
  pending.onAnswer({ controlId: receipt.controlId, outcome: applied(receipt.controlId) });
  expect(pending.isAwaited).toBe(false);
});

test("more than the service lets wait are refused here", async () => {
  const pending = pendingWith();
  for (let idx = 0; idx < MAX_PENDING; idx += 1) pending.open("move", "", false);
  await expect(pending.open("move", "", false)).rejects.toBeInstanceOf(LimitReached);
});

test("outcomes that a broken connection swallowed are given up; what was not sent, or waits for its time, is not", () => {
  const pending = pendingWith();
  const [sent, unsent, scheduled] = [pending.open("move", "", false), pending.open("move", "", false), pending.open("move", "", true)];
  pending.onAnswer({ controlId: scheduled.controlId, accepted: { dueChunkIndex: 90, isDurable: true } });
  expect(pending.unansweredIds(new Set([unsent.controlId]))).toEqual([sent.controlId, scheduled.controlId]);
  pending.onAttach(new Set([unsent.controlId]));
  for (let idx = 0; idx < CHUNKS_TO_LEARN_OUTCOME; idx += 1) pending.onChunk();
  expect([sent.status, unsent.status, scheduled.status]).toEqual(["lost", "sent", "accepted"]);
  expect(sent.outcome).toBeInstanceOf(ConnectionLost);
});

test("what the service says it has is waited for", () => {
  const pending = pendingWith();
  const sent = pending.open("move", "", false);
  pending.onAttach(new Set());
  pending.onAnswer({ controlId: sent.controlId, accepted: { dueChunkIndex: null, isDurable: true } });
  for (let idx = 0; idx < 2 * CHUNKS_TO_LEARN_OUTCOME; idx += 1) pending.onChunk();
  expect(sent.status).toBe("accepted");
});

test("from a verb to its first frame on the screen, whichever is told first", () => {
  const latency = new ControlLatency();
  const receipt = (frameIndex: number, sentMs: number) => ({ outcome: applied("a", frameIndex), sentMs, isScheduled: false }) as Receipt;
  latency.onReceipt(receipt(10, 1_000));
  latency.onPainted(9, 1_050);
  expect(latency.spread()).toBeNull();
  latency.onPainted(11, 1_090); // frame 10 was overtaken
  expect(latency.spread()).toMatchObject({ last: 90, count: 1 });
  latency.onPainted(12, 1_170);
  latency.onReceipt(receipt(12, 1_100)); // its ack comes after it was painted
  expect(latency.spread()).toMatchObject({ last: 70, count: 2 });
});
