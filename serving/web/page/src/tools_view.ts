/** The buttons below the world: only what the model, the role and the browser offer. */

import type { CameraMove, Perspective } from "nacre";
import { h } from "./dom";
import { icon, iconButton, setIcon } from "./icons";
import { CAMERA_MOVES, type Offers } from "./offers";
import { spoken } from "./words";

export interface ToolActions {
  pause(): void;
  rewind(): void;
  perspective(which: Perspective): void;
  camera(move: CameraMove): void;
  picture(file: File): void;
  save(): void;
  fork(): void;
  share(): void;
  download(): void;
}

export class ToolsView {
  readonly element: HTMLElement;
  readonly #pause: HTMLButtonElement;
  readonly #perspectives = new Map<string, HTMLButtonElement>();
  #camera: HTMLDetailsElement | undefined;
  #perspective: string;

  constructor(
    private readonly offers: Offers,
    private readonly actions: ToolActions,
  ) {
    this.#perspective = offers.perspectives[0] ?? "";
    this.#pause = iconButton("pause", "Pause", actions.pause, "Space");
    // A press of the mouse leaves the focus where it is, so that keys go on to mean the world.
    const onmousedown = (event: Event): void => event.preventDefault();
    this.element = h(
      "div",
      { class: "tools", role: "toolbar", "aria-label": "World", onmousedown },
      this.#worldTools(),
      this.#timeTools(),
    );
  }

  showPaused(isPaused: boolean): void {
    setIcon(this.#pause, isPaused ? "play" : "pause", isPaused ? "Go on" : "Pause", "Space");
  }

  nextPerspective(): void {
    const all = this.offers.perspectives;
    const next = all[(all.indexOf(this.#perspective) + 1) % all.length];
    if (next) this.#choose(next);
  }

  openCamera(): void {
    if (this.#camera) this.#camera.open = !this.#camera.open;
  }

  #worldTools(): HTMLElement {
    const { offers } = this;
    return h(
      "div",
      { class: "tool-group" },
      offers.pause && this.#pause,
      offers.keep && iconButton("rewind", "Back by ten seconds", this.actions.rewind, "R"),
      offers.perspectives.length > 1 && this.#perspectiveTool(),
      offers.camera && this.#cameraTool(),
      offers.image && this.#pictureTool(),
    );
  }

  #timeTools(): HTMLElement | false {
    if (!this.offers.keep) return false;
    return h(
      "div",
      { class: "tool-group" },
      iconButton("save", "Save this moment", this.actions.save, "B"),
      iconButton("fork", "Fork: another way from here", this.actions.fork, "K"),
      iconButton("share", "Share", this.actions.share),
      iconButton("download", "Download the recording", this.actions.download),
    );
  }

  #perspectiveTool(): HTMLElement {
    const buttons = this.offers.perspectives.map((each) => {
      const icons = { first_person: "eye", third_person: "person" } as const;
      const name = icons[each as Perspective];
      const button = iconButton(name, spoken(each), () => this.#choose(each), "V");
      button.setAttribute("aria-pressed", String(each === this.#perspective));
      this.#perspectives.set(each, button);
      return button;
    });
    return h("div", { class: "pair", role: "group", "aria-label": "Perspective" }, ...buttons);
  }

  #choose(which: string): void {
    this.#perspective = which;
    for (const [each, button] of this.#perspectives) button.setAttribute("aria-pressed", String(each === which));
    this.actions.perspective(which as Perspective);
  }

  #cameraTool(): HTMLElement {
    const moves = CAMERA_MOVES.map((move) =>
      h(
        "button",
        { type: "button", onclick: () => this.#move(move) },
        move === "static" ? "Stand still" : spoken(move),
      ),
    );
    const summary = h("summary", { class: "tool", "aria-label": "Camera", title: "Camera (C)" }, icon("camera"));
    const menu = h("details", { class: "menu-holder", name: "menu" }, summary, h("div", { class: "menu" }, ...moves));
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#close();
    });
    menu.addEventListener("toggle", () => menu.open && menu.querySelector<HTMLElement>(".menu button")?.focus());
    menu.addEventListener("focusout", (event) => {
      if (!menu.contains(event.relatedTarget as Node | null)) menu.open = false;
    });
    this.#camera = menu;
    return menu;
  }

  #move(move: CameraMove): void {
    if (this.#camera) this.#camera.open = false;
    this.actions.camera(move);
  }

  #close(): void {
    if (this.#camera) this.#camera.open = false;
    this.#camera?.querySelector("summary")?.focus();
  }

  #pictureTool(): HTMLElement {
    const input = h("input", {
      type: "file",
      accept: "image/png,image/jpeg,image/webp",
      class: "unseen",
      tabindex: -1,
    });
    input.addEventListener("change", () => {
      const file = input.files?.[0];
      if (file) this.actions.picture(file);
      input.value = "";
    });
    const button = iconButton("picture", "Show it a picture", () => input.click());
    return h("span", { class: "file" }, button, input);
  }
}
