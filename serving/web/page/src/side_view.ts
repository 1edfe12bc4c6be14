/** The panel beside the world: how it runs, and the receipt of everything that was asked. */

import type { ViewStats } from "nacre";
import { fill, h, setText } from "./dom";
import type { Line } from "./receipts";
import { milliseconds, percent } from "./words";

const FIGURES = [
  [
    "latency",
    "Key to picture",
    "From a control until its first frame was painted; the middle one of the last 200, and that which 95 of 100 stay below",
  ],
  ["rate", "Frames", "Painted in the last second"],
  ["late", "Late chunks", "Chunks that missed their deadline"],
  ["buffer", "In hand", "Pictures and sound that wait to be shown"],
  ["skew", "Sound against picture", "How far apart the two are, by their timestamps"],
  ["line", "Line", "What comes in, and how it is encoded"],
  ["quality", "Quality", "What the world gets of the machine that makes it: less while that cannot keep up"],
  ["end", "Ends", "When the service will end it"],
] as const;

type FigureName = (typeof FIGURES)[number][0];

export class SideView {
  readonly element: HTMLElement;
  readonly #values = new Map<FigureName, HTMLElement>();
  readonly #receipts = h("ol", { class: "receipts" });
  readonly #none = h("p", { class: "soft" }, "What you do and say appears here, and the chunk where it took effect.");

  constructor() {
    const rows = FIGURES.map(([name, label, tip]) => {
      const value = h("dd", null, "–");
      this.#values.set(name, value);
      return h("div", { class: "figure", title: tip }, h("dt", null, label), value);
    });
    this.element = h(
      "aside",
      { class: "side", id: "side", "aria-label": "Receipts and figures", hidden: true },
      h("section", null, h("h2", null, "How it runs"), h("dl", { class: "figures" }, ...rows)),
      h("section", { class: "grow" }, h("h2", null, "Receipts"), this.#none, this.#receipts),
    );
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  toggle(): boolean {
    this.element.hidden = !this.element.hidden;
    return this.isOpen;
  }

  showFigures(figures: Record<FigureName, string>): void {
    for (const [name, text] of Object.entries(figures))
      setText(this.#values.get(name as FigureName) as HTMLElement, text);
  }

  showReceipts(lines: readonly Line[]): void {
    this.#none.hidden = lines.length > 0;
    fill(this.#receipts, ...lines.map(receiptRow));
  }
}

function receiptRow(line: Line): HTMLElement {
  return h(
    "li",
    { class: `receipt ${line.status}`, "data-kind": line.kind },
    h("span", { class: "dot", "aria-hidden": "true" }),
    h("span", { class: "what" }, line.text),
    h("span", { class: "detail" }, line.detail),
  );
}

/** Of how it is shown here. */
export function figuresOf(stats: ViewStats): Record<Exclude<FigureName, "quality" | "end">, string> {
  const latency = stats.controlToFrameMs;
  const skew = stats.skewMs;
  const late = stats.chunks ? stats.lateChunks / stats.chunks : 0;
  return {
    latency: latency ? `${Math.round(latency.median)} · ${milliseconds(latency.p95)}` : "–",
    rate: `${stats.frameRate.toFixed(1)} a second`,
    late: `${stats.lateChunks} of ${stats.chunks.toLocaleString("en")} (${percent(late)})`,
    buffer: milliseconds(stats.bufferMs),
    skew: skew ? milliseconds(skew.p95) : "no sound",
    line: [`${Math.round(stats.bitsPerS / 1000)} kbit/s`, stats.video, stats.audio].filter(Boolean).join(" · "),
  };
}
