/** Settings as the page's looks: attributes of the root element, which the styles read. */

import { DEFAULTS, type Settings, type Store } from "./store";

export class Preferences {
  #settings: Settings;
  readonly #listeners = new Set<(settings: Settings) => void>();

  constructor(private readonly store: Store) {
    this.#settings = store.settings;
    this.#apply();
  }

  get all(): Settings {
    return this.#settings;
  }

  set(change: Partial<Settings>): void {
    this.#settings = { ...DEFAULTS, ...this.#settings, ...change };
    this.store.settings = this.#settings;
    this.#apply();
    for (const listener of this.#listeners) listener(this.#settings);
  }

  onChange(listener: (settings: Settings) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #apply(): void {
    const { theme, motion, picture } = this.#settings;
    const root = document.documentElement.dataset;
    root.theme = theme;
    root.motion = motion;
    root.picture = picture;
  }
}
