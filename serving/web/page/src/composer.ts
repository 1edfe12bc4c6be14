/** What a world starts from: a sentence, somebody in a scene, or a picture. */

import type { CreateOptions } from "nacre";
import { fill, h } from "./dom";
import { icon } from "./icons";
import type { Notices } from "./notices";
import { choose, type Chosen } from "./picture";
import { titleOf } from "./words";

export type Way = "sentence" | "scene" | "picture";

export interface ComposerOptions {
  ways: readonly Way[];
  notices: Notices;
  onStart: (options: CreateOptions, title: string) => void;
}

const NAMES: Record<Way, string> = {
  sentence: "A sentence",
  scene: "A scene",
  picture: "A picture",
};
const MAX_SENTENCE_CHARS = 2000;
const MAX_PART_CHARS = 1000;

export class Composer {
  readonly element: HTMLFormElement;
  readonly #tabs = new Map<Way, HTMLButtonElement>();
  readonly #panels = new Map<Way, HTMLElement>();
  readonly #sentence = h("textarea", {
    class: "words",
    rows: 2,
    maxlength: MAX_SENTENCE_CHARS,
    placeholder: "a quiet street at dusk",
    "aria-label": "The world in a sentence",
  });
  readonly #character = h("input", {
    class: "words",
    maxlength: MAX_PART_CHARS,
    placeholder: "a girl in a red coat",
    "aria-label": "Somebody",
  });
  readonly #scene = h("input", {
    class: "words",
    maxlength: MAX_PART_CHARS,
    placeholder: "a green meadow",
    "aria-label": "Somewhere",
  });
  readonly #pictureWords = h("input", {
    class: "words",
    maxlength: MAX_SENTENCE_CHARS,
    placeholder: "and, if you like, words",
    "aria-label": "Words beside the picture",
  });
  readonly #file = h("input", {
    type: "file",
    class: "unseen",
    id: "picture-file",
    accept: "image/png,image/jpeg,image/webp",
    "aria-label": "Picture",
  });
  readonly #drop = h("label", { class: "drop", for: "picture-file" });
  readonly #seed = h("input", {
    class: "field",
    type: "number",
    min: 0,
    step: 1,
    placeholder: "any",
    "aria-label": "Seed",
  });
  #way: Way = "sentence";
  #chosen: Chosen | null = null;

  constructor(private readonly options: ComposerOptions) {
    this.#makePanels();
    this.#file.addEventListener("change", () => {
      const file = this.#file.files?.[0];
      if (file) void this.take(file);
    });
    this.element = h(
      "form",
      { class: "composer", onsubmit: (event: Event) => this.#onSubmit(event) },
      this.#makeTabs(),
      h("div", { class: "panels" }, ...this.#panels.values()),
      h(
        "div",
        { class: "composer-foot" },
        h(
          "details",
          { class: "more" },
          h("summary", null, "More"),
          h("label", { class: "seed" }, h("span", null, "Seed"), this.#seed),
        ),
        h("button", { class: "primary", type: "submit" }, "Enter the world"),
      ),
    );
    this.#showPicture();
    this.#go("sentence");
  }

  focus(): void {
    this.#sentence.focus({ preventScroll: true });
  }

  /** A picture that was dropped or chosen. */
  async take(file: Blob): Promise<void> {
    this.#go("picture");
    try {
      this.#chosen = await choose(file);
    } catch (error) {
      this.#chosen = null;
      this.options.notices.trouble(error);
    }
    this.#showPicture();
  }

  #makePanels(): void {
    const words = (label: string, field: HTMLElement): HTMLElement =>
      h("label", { class: "words-row" }, h("span", null, label), field);
    const contents: Record<Way, HTMLElement[]> = {
      sentence: [this.#sentence],
      scene: [words("Somebody", this.#character), words("Somewhere", this.#scene)],
      picture: [this.#file, this.#drop, this.#pictureWords],
    };
    for (const way of this.options.ways) {
      const panel = h(
        "div",
        { class: "panel", role: "tabpanel", id: `way-${way}`, "aria-labelledby": `tab-${way}` },
        ...contents[way],
      );
      this.#panels.set(way, panel);
    }
    this.#sentence.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      this.element.requestSubmit();
    });
  }

  #makeTabs(): HTMLElement {
    for (const way of this.options.ways) {
      const tab = h(
        "button",
        {
          class: "tab",
          type: "button",
          role: "tab",
          id: `tab-${way}`,
          "aria-controls": `way-${way}`,
          onclick: () => this.#go(way),
        },
        NAMES[way],
      );
      this.#tabs.set(way, tab);
    }
    const onkeydown = (event: KeyboardEvent): void => this.#onTabKey(event);
    return h(
      "div",
      { class: "tabs", role: "tablist", "aria-label": "How to begin", onkeydown },
      ...this.#tabs.values(),
    );
  }

  #onTabKey(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const { ways } = this.options;
    const next = ways[(ways.indexOf(this.#way) + step + ways.length) % ways.length] as Way;
    this.#go(next);
    this.#tabs.get(next)?.focus();
  }

  #go(way: Way): void {
    this.#way = way;
    for (const [each, tab] of this.#tabs) {
      tab.setAttribute("aria-selected", String(each === way));
      tab.tabIndex = each === way ? 0 : -1;
    }
    for (const [each, panel] of this.#panels) panel.hidden = each !== way;
  }

  #showPicture(): void {
    const chosen = this.#chosen;
    if (!chosen) {
      fill(
        this.#drop,
        icon("picture"),
        h("span", null, "Drop a picture here, or choose one"),
        h("small", null, "PNG, JPEG or WebP"),
      );
      return;
    }
    const image = h("img", {
      class: "chosen",
      alt: "The picture that the world begins with",
      src: URL.createObjectURL(chosen.file),
    });
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    const note = chosen.wasShrunk ? "It was larger than the service takes, and was made smaller." : "Choose another";
    fill(this.#drop, image, h("small", null, note));
  }

  #onSubmit(event: Event): void {
    event.preventDefault();
    const options = this.#options();
    const seed = this.#seed.valueAsNumber;
    if (Number.isSafeInteger(seed) && seed > 0) options.seed = seed;
    const isPicture = this.#way === "picture" && !options.prompt;
    this.options.onStart(options, isPicture ? "From a picture" : titleOf(options));
  }

  #options(): CreateOptions {
    const text = (field: HTMLInputElement | HTMLTextAreaElement): string => field.value.trim();
    if (this.#way === "scene") return { character: text(this.#character), scene: text(this.#scene) };
    if (this.#way === "sentence") return { prompt: text(this.#sentence) || this.#sentence.placeholder };
    const words = text(this.#pictureWords);
    return { ...(this.#chosen ? { image: this.#chosen.file } : {}), ...(words ? { prompt: words } : {}) };
  }
}
