import { DEFAULTS, Store } from "../src/store";

class Drawer implements Storage {
  [name: string]: unknown;
  #all = new Map<string, string>();
  constructor(private readonly isFull = false) {}
  get length(): number {
    return this.#all.size;
  }
  clear(): void {
    this.#all.clear();
  }
  key(): null {
    return null;
  }
  getItem(name: string): string | null {
    return this.#all.get(name) ?? null;
  }
  removeItem(name: string): void {
    this.#all.delete(name);
  }
  setItem(name: string, value: string): void {
    if (this.isFull) throw new DOMException("full", "QuotaExceededError");
    this.#all.set(name, value);
  }
}

test("settings keep what was chosen, and new ones get their defaults", () => {
  const drawer = new Drawer();
  drawer.setItem("nacre.settings", '{"theme":"dark"}');
  expect(new Store(drawer, new Drawer()).settings).toEqual({ ...DEFAULTS, theme: "dark" });
});

test("what cannot be read, or be written, is as if it were not there", () => {
  const drawer = new Drawer();
  drawer.setItem("nacre.sessions", "{broken");
  expect(new Store(drawer, drawer).held).toEqual({});
  const full = new Store(new Drawer(true), new Drawer(true));
  full.say("hello");
  expect(full.said).toEqual([]);
});

test("only the sessions that were seen last are held, each with all that is known of it", () => {
  const store = new Store(new Drawer(), new Drawer());
  for (let index = 0; index < 70; index += 1) store.hold(`s${index}`, { token: `t${index}`, title: "x" }, index);
  store.hold("s69", { still: "data:" }, 99);
  expect(Object.keys(store.held)).toHaveLength(60);
  expect(store.held.s9).toBeUndefined();
  expect(store.held.s69).toEqual({ token: "t69", title: "x", still: "data:", seenAt: 99 });
});

test("what was said twice is remembered once", () => {
  const store = new Store(new Drawer(), new Drawer());
  for (const text of ["rain", "snow", "rain"]) store.say(text);
  expect(store.said).toEqual(["rain", "snow"]);
});
