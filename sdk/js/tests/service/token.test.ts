import { afterAll, beforeAll, expect, test } from "vitest";

import { type Client, Unauthenticated, connect } from "../../src/index.js";
import { type Service, createKey, startService } from "../service.js";

let service: Service;
let owner: Client;

beforeAll(async () => {
  service = await startService("--auth");
  owner = connect(service.url, { apiKey: createKey(service, "owner") });
});
afterAll(() => service?.stop());

test("without a key nothing is told, and nobody is let in", async () => {
  const nobody = connect(service.url);
  await expect(nobody.create({ prompt: "a street" })).rejects.toBeInstanceOf(Unauthenticated);
  await expect(nobody.session("any", "token").enter()).rejects.toBeInstanceOf(Unauthenticated);
  expect(() => connect(service.url, { apiKey: "a", token: "b" })).toThrow(TypeError);
});

test("a token that was minted plays, is asked for anew each time, and allows what it says", async () => {
  expect(await owner.caller()).toMatchObject({ role: "owner" });
  const minted = await owner.mintToken("player", { lifetimeS: 60 });
  expect(minted.caller.role).toBe("player");
  let numAsked = 0;
  const page = connect(service.url, {
    token: async () => {
      numAsked += 1;
      return minted.token;
    },
  });
  const session = await page.create({ prompt: "a street" });
  const world = await session.enter();
  for await (const chunk of world) {
    expect(chunk.index).toBe(0);
    break;
  }
  await session.end();
  expect(numAsked).toBeGreaterThanOrEqual(3); // two calls and a stream
  await expect(page.mintToken("owner")).rejects.toMatchObject({ code: "permission_denied" });
});

test("one who waits in the queue shows a token too", async () => {
  const session = await owner.create({ prompt: "a street", waitS: 5 });
  expect(session.record?.state).toBe("ready");
  await session.end();
});
