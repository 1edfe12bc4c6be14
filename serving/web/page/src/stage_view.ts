/** The world itself: as large as there is room, with what is said written under it. */

import { fill, h, type Child } from "./dom";
import { fit, type Box } from "./fit";

// The light around the picture is the picture itself, a few pixels of it, enlarged.
const GLOW: Box = { width: 16, height: 10 };
const GLOW_EVERY = 6; // frames: the eye sees no more of it
const CAPTION_MS = 5000;
const HINT_MS = 8000;
const MAX_CAPTIONS = 2;

export class StageView {
  /** What pointer lock and touches are bound to: on a phone there is more room around the picture than in it. */
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly frame: HTMLElement;
  readonly #glow = h("canvas", { class: "glow", "aria-hidden": "true", ...GLOW });
  readonly #captions = h("div", { class: "captions", "aria-hidden": "true" });
  readonly #cover = h("div", { class: "cover", hidden: true });
  readonly #sticks = { left: makeStick(), right: makeStick() };
  readonly #observer: ResizeObserver;
  #numFrames = 0;

  constructor(
    private picture: Box,
    title: string,
  ) {
    this.canvas = h("canvas", {
      class: "world",
      tabindex: 0,
      role: "application", // its keys are the world's
      "aria-label": `The world: ${title}`,
      ...picture,
    });
    this.frame = h("div", { class: "frame" }, this.canvas, this.#captions);
    const { left, right } = this.#sticks;
    this.element = h("div", { class: "stage" }, this.#glow, this.frame, left, right, this.#cover);
    // A click beside the picture is none into it: the mouse is not caught by it.
    this.element.addEventListener("click", (event) => {
      if (!this.frame.contains(event.target as Node)) event.stopImmediatePropagation();
    });
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(this.element);
  }

  /** Once it is known what will be shown. */
  setPicture(picture: Box, title: string): void {
    this.picture = picture;
    this.canvas.setAttribute("aria-label", `The world: ${title}`);
    this.#fit();
  }

  close(): void {
    this.#observer.disconnect();
  }

  onFrame(): void {
    this.#numFrames += 1;
    if (this.#numFrames % GLOW_EVERY !== 1) return;
    const context = this.#glow.getContext("2d");
    if (!context) return;
    context.globalAlpha = this.#numFrames === 1 ? 1 : 0.25;
    context.drawImage(this.canvas, 0, 0, GLOW.width, GLOW.height);
  }

  /** Words under the picture, which change their looks once it is known what became of them. */
  caption(controlId: string, text: string): void {
    const line = h("p", { class: "caption sent", "data-control": controlId }, text);
    this.#captions.append(line);
    while (this.#captions.childElementCount > MAX_CAPTIONS) this.#captions.firstElementChild?.remove();
  }

  /** For somebody who is here for the first time. */
  hint(text: string): void {
    const line = h("p", { class: "caption hint" }, text);
    this.#captions.append(line);
    setTimeout(() => line.remove(), HINT_MS);
  }

  settleCaption(controlId: string, status: string): void {
    const line = this.#captions.querySelector(`[data-control="${CSS.escape(controlId)}"]`);
    if (!line) return;
    line.className = `caption ${status}`;
    setTimeout(() => line.remove(), CAPTION_MS);
  }

  /** Something to read or to decide, over the picture, which is dimmed; on a phone there is more room than in it. */
  cover(children: readonly Child[]): void {
    fill(this.#cover, ...children);
    this.#cover.hidden = false;
    this.frame.classList.add("covered");
  }

  uncover(): void {
    this.#cover.hidden = true;
    this.frame.classList.remove("covered");
  }

  showStick(stick: {
    side: "left" | "right";
    active: boolean;
    originX: number;
    originY: number;
    x: number;
    y: number;
  }): void {
    const element = this.#sticks[stick.side];
    element.hidden = !stick.active;
    element.style.left = `${stick.originX}px`;
    element.style.top = `${stick.originY}px`;
    element.style.setProperty("--x", String(stick.x));
    element.style.setProperty("--y", String(stick.y));
  }

  #fit(): void {
    const room = { width: this.element.clientWidth, height: this.element.clientHeight };
    const { width, height } = fit(this.picture, room, devicePixelRatio);
    this.frame.style.width = `${width}px`;
    this.frame.style.height = `${height}px`;
  }
}

function makeStick(): HTMLElement {
  return h("div", { class: "stick", hidden: true, "aria-hidden": "true" }, h("div", { class: "knob" }));
}
