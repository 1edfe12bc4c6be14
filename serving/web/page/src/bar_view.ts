/** The line above the world: where one is, how it goes, and the page's own switches. */

import { h, setText, type Child } from "./dom";
import { iconButton, setIcon } from "./icons";
import type { Note } from "./standing";
import { shorten } from "./words";

export interface BarActions {
  leave(): void;
  sound(): void;
  panel(): void;
  fill(): void;
  settings(): void;
  help(): void;
}

export type State = "Live" | "Looking on" | "Paused" | "Coming back" | "Ended";

export class BarView {
  readonly element: HTMLElement;
  readonly #live = h("span", { class: "live" });
  readonly #note = h("span", { class: "note", hidden: true });
  readonly #sound: HTMLButtonElement;
  readonly #panel: HTMLButtonElement;

  constructor(title: string, hasSound: boolean, hands: Child, actions: BarActions) {
    this.#sound = iconButton("sound", "Sound off", actions.sound, "M");
    this.#panel = iconButton("panel", "Receipts and figures", actions.panel, "I");
    this.#panel.setAttribute("aria-controls", "side");
    this.#panel.setAttribute("aria-pressed", "false");
    this.element = h(
      "header",
      { class: "bar chrome" },
      iconButton("back", "Leave this world", actions.leave),
      h("h1", { class: "title", title }, shorten(title, 80)),
      this.#live,
      this.#note,
      hands,
      h("span", { class: "spread" }),
      hasSound && this.#sound,
      this.#panel,
      iconButton("full", "Fill the screen", actions.fill, "F"),
      iconButton("gear", "Settings", actions.settings),
      iconButton("help", "Keys", actions.help, "?"),
    );
  }

  showState(state: State): void {
    this.#live.textContent = state;
    this.#live.dataset.state = state.toLowerCase().replace(" ", "-");
  }

  /** What somebody should know of how it goes; null for nothing. */
  showNote(note: Note | null): void {
    this.#note.hidden = note === null;
    if (note === null) return;
    setText(this.#note, note.text);
    this.#note.dataset.kind = note.kind;
    this.#note.title = note.tip;
  }

  showSound(isOn: boolean): void {
    setIcon(this.#sound, isOn ? "sound" : "mute", isOn ? "Sound off" : "Sound on", "M");
  }

  showPanel(isOpen: boolean): void {
    this.#panel.setAttribute("aria-pressed", String(isOpen));
  }
}
