import { expect, test } from "vitest";

import { CreditLedger, RESERVE_CHUNKS } from "../../src/credit.js";

function filled(capacity: number): CreditLedger {
  const credit = new CreditLedger(capacity);
  for (let left = credit.attach(); left > 0; left -= 1) expect(credit.receive()).toBe(true);
  return credit;
}

test("a chunk that was not granted is noticed", () => {
  const credit = filled(4);
  expect(credit.isExpecting).toBe(false);
  expect(credit.receive()).toBe(false);
});

test("grants come in halves of the capacity", () => {
  const credit = filled(4);
  credit.take();
  expect(credit.grant(false)).toBe(0);
  credit.take();
  expect(credit.grant(false)).toBe(2);
  expect(credit.grant(false)).toBe(0);
});

test("of a large buffer most is still out when more is granted", () => {
  const credit = filled(16);
  for (let taken = 0; taken < 3; taken += 1) credit.take();
  expect(credit.grant(false)).toBe(0);
  credit.take();
  expect(credit.grant(false)).toBe(4);
});

test("whoever waits for an outcome is not held up by a full buffer, within bounds", () => {
  const credit = filled(2);
  let granted = 0;
  while (credit.grant(true) === 1 && credit.receive()) granted += 1;
  expect(granted).toBe(RESERVE_CHUNKS);
});

test("what was on its way dies with the connection, and what is held counts", () => {
  const credit = new CreditLedger(4);
  credit.attach();
  credit.receive();
  expect(credit.attach()).toBe(3);
});

test.each([0, 17, 1.5])("a capacity of %d is refused", (capacity) => {
  expect(() => new CreditLedger(capacity)).toThrow(RangeError);
});
