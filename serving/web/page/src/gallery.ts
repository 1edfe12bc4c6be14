/** One's saved worlds and sessions, with the last picture that this browser saw of each, or the one that it began with. */

import type { Client, SavedWorld, SessionSummary } from "nacre";
import { fill, h } from "./dom";
import { iconButton, setIcon } from "./icons";
import { starterStill } from "./starters";
import type { Held, Store } from "./store";
import { ago, clock, shorten, titleOf } from "./words";

export interface Card {
  kind: "world" | "session";
  id: string;
  title: string;
  detail: string;
  still: string | undefined;
  /** Ended sessions are not entered but forked. */
  isOver: boolean;
}

export interface GalleryOptions {
  client: Client;
  store: Store;
  mayDelete: Promise<boolean>;
  onOpen: (card: Card) => void;
  onTrouble: (error: unknown) => void;
}

const MAX_CARDS = 24;
const SURE_MS = 4000;

export class Gallery {
  readonly element = h("section", { class: "gallery", "aria-label": "Your worlds", hidden: true });
  readonly #cards = h("ul", { class: "cards" });

  constructor(private readonly options: GalleryOptions) {
    this.element.append(h("h2", null, "Your worlds"), this.#cards);
  }

  /** Throws `NacreError`. */
  async refresh(): Promise<void> {
    const { client, store, mayDelete } = this.options;
    const [worlds, sessions, hasBins] = await Promise.all([
      first(client.worlds(), MAX_CARDS),
      first(client.sessions(), MAX_CARDS),
      mayDelete,
    ]);
    this.#show(cardsOf(worlds, sessions, store.held, Date.now()), hasBins);
  }

  #show(cards: readonly Card[], hasBins: boolean): void {
    this.element.hidden = cards.length === 0;
    fill(this.#cards, ...cards.map((card) => this.#card(card, hasBins)));
  }

  #card(card: Card, hasBin: boolean): HTMLElement {
    const picture = card.still
      ? h("img", { src: card.still, alt: "", width: 128, height: 80, loading: "lazy" })
      : noPicture(card.title);
    const open = h(
      "button",
      {
        class: "card",
        type: "button",
        "data-kind": card.kind,
        "data-id": card.id,
        onclick: () => this.options.onOpen(card),
      },
      h("span", { class: "card-picture" }, picture),
      h("span", { class: "card-title" }, shorten(card.title, 60)),
      h("span", { class: "card-detail" }, card.detail),
    );
    const row = h("li", null, open);
    if (hasBin) row.append(this.#bin(card, row));
    return row;
  }

  /** Asks once more: what is deleted does not come back. */
  #bin(card: Card, row: HTMLElement): HTMLButtonElement {
    const name = shorten(card.title, 30);
    const rest = (): void => {
      setIcon(button, "bin", `Delete ${name}`);
      button.classList.remove("sure");
    };
    const button = iconButton("bin", `Delete ${name}`, () => {
      if (button.classList.contains("sure")) return void this.#delete(card, row);
      fill(button, "Delete?");
      button.setAttribute("aria-label", `Really delete ${name}`);
      button.classList.add("sure");
      setTimeout(rest, SURE_MS);
    });
    return button;
  }

  async #delete(card: Card, row: HTMLElement): Promise<void> {
    const { client, store } = this.options;
    try {
      if (card.kind === "world") await client.deleteWorld(card.id);
      else {
        const session = client.session(card.id);
        if (!card.isOver) await session.end();
        await session.delete();
        store.forget(card.id);
      }
      row.remove();
      this.element.hidden = this.#cards.childElementCount === 0;
    } catch (error) {
      this.options.onTrouble(error);
    }
  }
}

/** A pearl in a light of the world's own. */
function noPicture(title: string): HTMLElement {
  const picture = h("span", { class: "no-picture", "aria-hidden": "true" }, h("span", { class: "pearl" }));
  const hue = [...title].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 0);
  picture.style.setProperty("--hue", String(hue));
  return picture;
}

/** Saved worlds first, then sessions, each the newest first. */
export function cardsOf(
  worlds: readonly SavedWorld[],
  sessions: readonly SessionSummary[],
  held: Readonly<Record<string, Held>>,
  nowMs: number,
): Card[] {
  const age = (date: Date): string => ago((nowMs - date.getTime()) / 1000);
  const saved = worlds.map((world): Card => {
    const version = world.version > 1 ? ` · version ${world.version}` : "";
    return {
      kind: "world",
      id: world.worldId,
      title: world.name,
      detail: `saved ${age(world.createdAt)}${version}`,
      still: held[world.worldId]?.still ?? held[world.sessionId]?.still ?? starterStill(world.world),
      isOver: false,
    };
  });
  const begun = sessions.filter((session) => session.chunksGenerated > 0);
  const played = begun.map((session): Card => {
    const known = held[session.sessionId];
    return {
      kind: "session",
      id: session.sessionId,
      title: known?.title || titleOf(session.world),
      detail: `${clock(session.worldTimeS)} · ${STATES[session.state] ?? session.state} · ${age(session.updatedAt)}`,
      still: known?.still ?? starterStill(session.world),
      isOver: session.state === "ended",
    };
  });
  return [...saved, ...played].slice(0, MAX_CARDS);
}

const STATES: Record<string, string> = { running: "plays", parked: "rests", ended: "ended" };

async function first<Item>(items: AsyncIterable<Item>, limit: number): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) {
    found.push(item);
    if (found.length >= limit) break;
  }
  return found;
}
