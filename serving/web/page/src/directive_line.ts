/** The line in which one says what happens: history with the arrows, and a few suggestions. */

import { fill, h } from "./dom";
import { icon } from "./icons";
import { IDEAS, Said } from "./said";

const MAX_CHARS = 2000;
const MAX_IDEAS = 4;

export interface LineOptions {
  said: readonly string[];
  onSay: (text: string) => void;
}

export class DirectiveLine {
  readonly element: HTMLFormElement;
  readonly #field: HTMLInputElement;
  readonly #ideas = h("div", { class: "ideas", role: "group", "aria-label": "Suggestions" });
  readonly #said: Said;

  constructor(private readonly options: LineOptions) {
    this.#said = new Said(options.said);
    this.#field = h("input", {
      class: "field say",
      type: "text",
      placeholder: "Say what happens…",
      "aria-label": "Say what happens",
      maxlength: MAX_CHARS,
      autocomplete: "off",
      enterkeyhint: "send",
      onkeydown: (event: KeyboardEvent) => this.#onKey(event),
      oninput: () => this.#suggest(),
      onfocus: () => this.#suggest(),
    });
    const send = h("button", { class: "tool", type: "submit", "aria-label": "Say it" }, icon("send"));
    this.element = h(
      "form",
      { class: "line", onsubmit: (event: Event) => this.#onSubmit(event) },
      this.#ideas,
      h("div", { class: "line-field" }, this.#field, send),
    );
    this.#suggest();
  }

  focus(): void {
    this.#field.focus();
  }

  #onSubmit(event: Event): void {
    event.preventDefault();
    const text = this.#field.value.trim();
    if (text) this.#say(text);
  }

  #say(text: string): void {
    this.#field.value = "";
    this.#said.add(text);
    this.options.onSay(text);
    this.#suggest();
  }

  #onKey(event: KeyboardEvent): void {
    const step = { ArrowUp: this.#said.older, ArrowDown: this.#said.newer }[event.key];
    if (step) {
      event.preventDefault();
      this.#field.value = step.call(this.#said, this.#field.value);
    } else if (event.key === "Escape") {
      this.#field.blur();
    }
  }

  #suggest(): void {
    const ideas = this.#said.suggest(this.#field.value, IDEAS, MAX_IDEAS);
    const chips = ideas.map((idea) =>
      h("button", { class: "chip", type: "button", onclick: () => this.#say(idea) }, idea),
    );
    fill(this.#ideas, ...chips);
  }
}
