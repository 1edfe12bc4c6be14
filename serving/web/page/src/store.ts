/** What this browser remembers: settings, the sessions it holds tokens of, what was said. Nothing else is kept. */

export interface Settings {
  theme: "system" | "light" | "dark";
  picture: "crisp" | "soft";
  motion: "system" | "reduced";
  sound: boolean;
  volume: number;
  sensitivity: number;
  invertPitch: boolean;
  /** Of recordings that are downloaded. */
  recorded: "opus" | "aac";
}

export const DEFAULTS: Settings = {
  theme: "system",
  picture: "crisp",
  motion: "system",
  sound: true,
  volume: 0.8,
  sensitivity: 1,
  invertPitch: false,
  recorded: "opus",
};

export interface Held {
  /** Opens its stream: it is kept in this browser alone. */
  token: string;
  title: string;
  /** Milliseconds since 1970. */
  seenAt: number;
  /** What was seen last, as a data URL. */
  still?: string;
}

/** What this tab plays, so that reloading it goes on there. */
export interface Here {
  sessionId: string;
  token: string;
  title: string;
  isOwner: boolean;
  role: "player" | "director" | "viewer";
}

const MAX_HELD = 60; // a still of each is two or three kilobytes, and browsers give five megabytes
const MAX_SAID = 50;

export class Store {
  constructor(
    private readonly lasting: Storage,
    private readonly tab: Storage,
  ) {}

  get settings(): Settings {
    return { ...DEFAULTS, ...read<Partial<Settings>>(this.lasting, "nacre.settings", {}) };
  }

  set settings(settings: Settings) {
    write(this.lasting, "nacre.settings", settings);
  }

  get held(): Record<string, Held> {
    return read(this.lasting, "nacre.sessions", {});
  }

  /** Adds to what is known of a session; the longest unseen are forgotten. */
  hold(sessionId: string, known: Partial<Held>, now: number): void {
    const all = this.held;
    all[sessionId] = { token: "", title: "", ...all[sessionId], ...known, seenAt: now };
    const newest = Object.entries(all).sort(([, a], [, b]) => b.seenAt - a.seenAt);
    write(this.lasting, "nacre.sessions", Object.fromEntries(newest.slice(0, MAX_HELD)));
  }

  forget(sessionId: string): void {
    const { [sessionId]: _, ...others } = this.held;
    write(this.lasting, "nacre.sessions", others);
  }

  get said(): string[] {
    return read(this.lasting, "nacre.said", []);
  }

  say(text: string): void {
    const others = this.said.filter((each) => each !== text);
    write(this.lasting, "nacre.said", [text, ...others].slice(0, MAX_SAID));
  }

  /** True once, for somebody who has not been in a world with this browser. */
  takeFirstTime(): boolean {
    const isFirst = !read(this.lasting, "nacre.been", false);
    if (isFirst) write(this.lasting, "nacre.been", true);
    return isFirst;
  }

  get here(): Here | null {
    return read(this.tab, "nacre.here", null);
  }

  set here(here: Here | null) {
    write(this.tab, "nacre.here", here);
  }

  get clientId(): string {
    return read(this.tab, "nacre.client", "");
  }

  set clientId(id: string) {
    write(this.tab, "nacre.client", id);
  }

  /** The key or token of whoever uses this tab, where the service asks for one. */
  get key(): string {
    return read(this.tab, "nacre.key", "");
  }

  set key(key: string) {
    write(this.tab, "nacre.key", key);
  }

  /** The link that brought one here: it says who one is where there is no key. */
  get link(): string {
    return read(this.tab, "nacre.link", "");
  }

  set link(link: string) {
    write(this.tab, "nacre.link", link);
  }
}

/** What cannot be read is as if it were not there: another version may have written it. */
function read<Value>(storage: Storage, name: string, fallback: Value): Value {
  try {
    const text = storage.getItem(name);
    return text === null ? fallback : (JSON.parse(text) as Value);
  } catch {
    return fallback;
  }
}

/** A browser that keeps nothing (or is full) still plays. */
function write(storage: Storage, name: string, value: unknown): void {
  try {
    storage.setItem(name, JSON.stringify(value));
  } catch {
    storage.removeItem(name);
  }
}
