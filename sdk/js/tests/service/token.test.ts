import { afterAll, beforeAll, expect, test } from "vitest";

import { type Client, Unauthenticated, Unavailable, connect } from "../../src/index.js";
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

test("a token that was taken back opens nothing any more", async () => {
  const minted = await owner.mintToken("player", { lifetimeS: 60 });
  const page = connect(service.url, { token: minted.token });
  expect((await page.caller()).role).toBe("player");
  expect(await owner.revokeToken({ token: minted.token })).toMatchObject({ subjectId: minted.caller.subjectId });
  await expect.poll(() => page.caller().catch((error: Error) => error.name), { timeout: 10_000 }).toBe("Unauthenticated");
});

test("what was used, what playing will cost and who did what are told", async () => {
  const quote = await owner.books.quote(60, { viewers: 1 });
  const { frameRate } = await owner.capabilities();
  expect(quote).toMatchObject({ numFrames: 60 * frameRate, sessionBudget: null, bill: { currency: "" } });
  const usage = await owner.books.usage({ month: "2020-01" });
  expect(usage).toMatchObject({ numFrames: 0, sessionS: 0, byteSeconds: 0n });
  expect((await owner.quota()).limits.storageBytes).toBeNull();
  const auditor = connect(service.url, { apiKey: createKey(service, "auditor") });
  const refused = await auditor.books.audit({ limit: 5, refusedOnly: true });
  expect(refused.length).toBeLessThanOrEqual(5);
  for (const entry of refused) expect(entry).toMatchObject({ isAllowed: false, at: expect.any(Date) });
  await expect(owner.admin.quotas()).rejects.toMatchObject({ code: "permission_denied" });
});

test("those who run the service set quotas, and make keys and tenants", async () => {
  const { admin } = connect(service.url, { apiKey: createKey(service, "admin") });
  expect(await admin.tenants.create("acme", { name: "Acme" })).toMatchObject({ tenantId: "acme", suspendedAt: null });
  const quota = await admin.setQuota("acme", { storageBytes: 5_000, concurrentSessions: 2 }, { weight: 2 });
  expect(quota).toMatchObject({ tenantId: "acme", weight: 2, limits: { storageBytes: 5_000, concurrentSessions: 2 } });
  expect((await admin.quotas()).map(({ tenantId }) => tenantId)).toContain("acme");
  const key = await admin.keys.create("player", { tenantId: "acme", name: "kiosk", lifetimeS: 600 });
  expect((await connect(service.url, { apiKey: key.secret }).caller()).tenantId).toBe("acme");
  const revoked = await admin.keys.revoke(key.keyId);
  expect(revoked).toMatchObject({ keyId: key.keyId, role: "player", secret: "", revokedAt: expect.any(Date) });
  expect((await admin.tenants.suspend("acme")).suspendedAt).toBeInstanceOf(Date);
  expect((await admin.tenants.restore("acme")).suspendedAt).toBeNull();
  expect(await admin.workers()).toEqual(expect.any(Array));
});

test("who else may do what with a world is said and told", async () => {
  await owner.waitUntilReady();
  const session = await owner.create({ prompt: "a street" });
  const world = await session.enter();
  await world[Symbol.asyncIterator]().next();
  const { worldId } = await session.save("ours");
  expect(await owner.worldAccess(worldId)).toEqual([]);
  const grants = [{ role: "viewer" as const, tenantId: "acme", subjectId: "" }];
  expect(await owner.setWorldAccess(worldId, grants)).toEqual(grants);
  expect(await owner.worldAccess(worldId)).toEqual(grants);
  await session.end();
  await expect(connect("http://127.0.0.1:9").waitUntilReady(0)).rejects.toBeInstanceOf(Unavailable);
});

test("one who waits in the queue shows a token too", async () => {
  const session = await owner.create({ prompt: "a street", waitS: 5 });
  expect(session.record?.state).toBe("ready");
  await session.end();
});
