import { LimitReached, type Client, type Session } from "nacre";
import type { Card } from "../src/gallery";
import { enterPatiently, Finder, isLink } from "../src/finding";
import { Store } from "../src/store";

const card = (change: Partial<Card>): Card => ({
  kind: "session",
  id: "s1",
  title: "x",
  detail: "",
  still: undefined,
  isOver: false,
  ...change,
});

/** Notes what was asked of it, in order. */
function client(asked: unknown[], refuse?: Error): Client {
  const session = (id: string, token = ""): unknown => ({
    id,
    resumeToken: token,
    share: (can: string) => (asked.push(["share", id, can]), Promise.resolve({ token: "share-abc" })),
    fork: () => (asked.push(["fork", id]), Promise.resolve({ id: "fork" })),
  });
  const create = (options: object): Promise<unknown> => {
    asked.push(["create", "waitS" in options]);
    return refuse && asked.length === 1 ? Promise.reject(refuse) : Promise.resolve(session("new", "t"));
  };
  return {
    session,
    create,
    load: (which: object) => (asked.push(["load", which]), Promise.resolve({})),
  } as unknown as Client;
}

function store(): Store {
  const drawer = new Map<string, string>();
  const storage = {
    getItem: (name: string) => drawer.get(name) ?? null,
    setItem: (name: string, value: string) => void drawer.set(name, value),
    removeItem: (name: string) => void drawer.delete(name),
  } as unknown as Storage;
  return new Store(storage, storage);
}

test("a full house means the line, anything else is told", async () => {
  const asked: unknown[] = [];
  const full = new LimitReached("full", { reason: "CAPACITY_EXHAUSTED" });
  const { signal } = new AbortController();
  await new Finder(client(asked, full), store()).create({ prompt: "x" }, signal, () => {});
  expect(asked).toEqual([
    ["create", false],
    ["create", true],
  ]);
  const quota = new LimitReached("spent", { reason: "QUOTA_EXCEEDED" });
  await expect(new Finder(client([], quota), store()).create({}, signal, () => {})).rejects.toBe(quota);
});

test("one's own session is opened by its token, or by a link where there is none; links are not kept", async () => {
  const [asked, kept] = [[] as unknown[], store()];
  const finder = new Finder(client(asked), kept);
  const linked = await finder.own("s1");
  expect([linked.resumeToken, asked]).toEqual(["share-abc", [["share", "s1", "join"]]]);
  finder.hold(linked, "title");
  expect(kept.held.s1).toMatchObject({ token: "", title: "title" });
  finder.hold({ id: "s1", resumeToken: "secret" } as Session, "title");
  expect((await finder.own("s1")).resumeToken).toBe("secret");
  finder.letGo({ id: "s1" } as Session);
  expect(isLink((await finder.own("s1")).resumeToken)).toBe(true);
});

test("what has ended is gone on with in a fork, and a saved world is loaded", async () => {
  const asked: unknown[] = [];
  const finder = new Finder(client(asked), store());
  await finder.kept(card({ isOver: true }));
  await finder.kept(card({ kind: "world", id: "w1" }));
  expect(asked).toEqual([
    ["fork", "s1"],
    ["load", { worldId: "w1" }],
  ]);
});

test("one who comes back waits until the old stream is gone, and no longer than that", async () => {
  vi.useFakeTimers();
  const held = Object.assign(new Error(), { reason: "SESSION_CONTROLLED" });
  let tries = 0;
  const entering = enterPatiently(3, () => (++tries < 3 ? Promise.reject(held) : Promise.resolve("in" as never)));
  await vi.runAllTimersAsync();
  expect([await entering, tries]).toEqual(["in", 3]);
  const failing = enterPatiently(2, () => Promise.reject(held)).catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  expect(await failing).toBe(held);
  vi.useRealTimers();
});
