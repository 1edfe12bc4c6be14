/** The first page: where would you like to be? */

import type { Capabilities, CreateOptions } from "nacre";
import { Composer, type Way } from "./composer";
import { h } from "./dom";
import type { Gallery } from "./gallery";
import { iconButton } from "./icons";
import { openSettings } from "./settings_dialog";
import type { Notices } from "./notices";
import type { Preferences } from "./preferences";
import { posterOf, STARTERS } from "./starters";
import { titleOf } from "./words";

const NO_WEBCODECS =
  "This browser cannot decode video by itself (WebCodecs). Pictures and sound come as they are: it works, over a good line. " +
  "A current Chrome, Edge, Safari or Firefox needs far less.";

export interface StartOptions {
  preferences: Preferences;
  notices: Notices;
  gallery: Gallery;
  onStart: (options: CreateOptions, title: string, poster?: string) => void;
}

export class StartView {
  readonly element: HTMLElement;
  readonly #composer: Composer;
  readonly #warning = h("p", { class: "warning", role: "note", hidden: true }, NO_WEBCODECS);
  readonly #model = h("p", { class: "model soft" });

  constructor(private readonly options: StartOptions) {
    const { notices, onStart } = options;
    const ways: Way[] = ["sentence", "scene", "picture"];
    this.#composer = new Composer({ ways, notices, onStart });
    const drop = {
      ondragover: (event: DragEvent) => this.#onDrag(event, true),
      ondragleave: (event: DragEvent) => this.#onDrag(event, false),
      ondrop: (event: DragEvent) => this.#onDrop(event),
    };
    this.element = h(
      "div",
      { class: "start", ...drop },
      this.#bar(),
      h(
        "main",
        { class: "start-main" },
        h("h1", { class: "hero" }, "Where would you like to be?"),
        this.#warning,
        this.#composer.element,
        this.#starters(),
        options.gallery.element,
        this.#model,
      ),
    );
  }

  /** This browser has no WebCodecs. */
  warn(): void {
    this.#warning.hidden = false;
  }

  showModel(capabilities: Capabilities): void {
    this.#model.textContent = modelLine(capabilities);
  }

  begin(): void {
    if (matchMedia("(hover: hover)").matches) this.#composer.focus();
  }

  #bar(): HTMLElement {
    const { preferences } = this.options;
    return h(
      "header",
      { class: "bar" },
      h("span", { class: "mark" }, h("span", { class: "pearl", "aria-hidden": "true" }), "Nacre"),
      h("span", { class: "spread" }),
      iconButton("gear", "Settings", () => openSettings(preferences)),
    );
  }

  #starters(): HTMLElement {
    const cards = STARTERS.map((starter) => {
      const { id, ...world } = starter;
      const title = titleOf(world);
      const poster = posterOf(id);
      const options: CreateOptions = {
        prompt: world.prompt,
        character: world.character,
        scene: world.scene,
        seed: world.seed,
      };
      return h(
        "li",
        null,
        h(
          "button",
          {
            class: "card starter",
            type: "button",
            "data-id": id,
            onclick: () => this.options.onStart(options, title, poster),
          },
          h(
            "span",
            { class: "card-picture" },
            h("img", { src: poster, alt: "", width: 128, height: 80, loading: "lazy" }),
          ),
          h("span", { class: "card-title" }, title),
        ),
      );
    });
    return h(
      "section",
      { class: "starters", "aria-label": "Starters" },
      h("h2", null, "Or begin here"),
      h("ul", { class: "cards" }, ...cards),
    );
  }

  #onDrag(event: DragEvent, isOver: boolean): void {
    event.preventDefault();
    this.element.classList.toggle("dropping", isOver);
  }

  #onDrop(event: DragEvent): void {
    this.#onDrag(event, false);
    const file = event.dataTransfer?.files[0];
    if (file) void this.#composer.take(file);
  }
}

function modelLine(capabilities: Capabilities): string {
  const { model, widthPx, heightPx, frameRate, sampleRateHz, licence } = capabilities;
  const sound = sampleRateHz ? "with sound" : "silent";
  return [model, `${widthPx} by ${heightPx}, ${frameRate} pictures a second, ${sound}`, licence]
    .filter(Boolean)
    .join(" · ");
}
