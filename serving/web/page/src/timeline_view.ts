/** The timeline: a film of what was, the branches above it, and a way back to any moment. */

import { fill, h, setText, svg } from "./dom";
import type { Film } from "./film";
import { chunkAt, layOut, type BranchPoint, type Lane, type Layout } from "./tree";
import { clock, spoken } from "./words";

export interface TimelineOptions {
  chunkDurationS: number;
  film: Film<CanvasImageSource>;
  /** Width of a still to its height. */
  aspect: number;
  onRewind: (chunk: number) => void;
  onFork: (chunk: number) => void;
  onEnter: (sessionId: string) => void;
}

const DRAGGED_PX = 6;
const LANE_PX = 18; // as in the styles
const MAX_LANES = 5;

export class TimelineView {
  readonly element: HTMLElement;
  readonly #lanes = h("div", { class: "lanes" });
  readonly #strip = h("canvas", { class: "strip" });
  readonly #past = h("div", { class: "past" });
  readonly #film: HTMLElement;
  readonly #clock = h("span", { class: "now" });
  readonly #peekTime = h("time");
  readonly #peekStill = h("canvas", { class: "peek-still", width: 160, height: 100 });
  readonly #peek: HTMLElement;
  #branches: readonly BranchPoint[] = [];
  #sessionId = "";
  #now = 0;
  #chosen = 0;
  #isPinned = false;
  #pressedX: number | null = null;
  #numStills = -1;
  #drawnLength = 0;
  #drawnNow = 0;

  constructor(private readonly options: TimelineOptions) {
    this.#film = this.#makeFilm();
    this.#peek = this.#makePeek();
    this.element = h(
      "section",
      { class: "timeline", "aria-label": "Timeline" },
      this.#lanes,
      h("div", { class: "film-row" }, this.#film, this.#clock),
      this.#peek,
    );
    new ResizeObserver(() => this.#draw(true)).observe(this.#film);
  }

  /** `now`: chunks that were shown. */
  tick(now: number): void {
    this.#now = now;
    setText(this.#clock, clock(now * this.options.chunkDurationS));
    if (!this.#isPinned && this.#pressedX === null) this.#setValue(now);
    this.#draw(false);
  }

  showBranches(branches: readonly BranchPoint[], sessionId: string): void {
    this.#branches = branches;
    this.#sessionId = sessionId;
    this.#draw(true);
  }

  get #layout(): Layout {
    return layOut(this.#branches, this.#sessionId, this.#now);
  }

  #makeFilm(): HTMLElement {
    return h(
      "div",
      {
        class: "film",
        role: "slider",
        tabindex: 0,
        "aria-label": "Moment",
        "aria-valuemin": 0,
        onpointermove: (event: PointerEvent) => this.#onMove(event),
        onpointerdown: (event: PointerEvent) => this.#onDown(event),
        onpointerup: (event: PointerEvent) => this.#onUp(event),
        onpointerleave: () => this.#pressedX === null && !this.#isPinned && this.#hide(),
        onkeydown: (event: KeyboardEvent) => this.#onKey(event),
      },
      this.#strip,
      this.#past,
    );
  }

  #makePeek(): HTMLElement {
    const back = h("button", { class: "secondary", type: "button", onclick: () => this.#goBack() }, "Go back to here");
    const fork = h("button", { class: "secondary", type: "button", onclick: () => this.#goFork() }, "Fork from here");
    const onkeydown = (event: KeyboardEvent): void => {
      if (event.key === "Escape") this.#hide();
    };
    const buttons = h("div", { class: "peek-buttons" }, back, fork);
    return h("div", { class: "peek", hidden: true, onkeydown }, this.#peekStill, this.#peekTime, buttons);
  }

  // --- choosing a moment ---

  #onMove(event: PointerEvent): void {
    if (this.#isPinned) return;
    this.#show(this.#chunkUnder(event));
  }

  #onDown(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.#film.setPointerCapture(event.pointerId);
    this.#isPinned = false;
    this.#pressedX = event.clientX;
    this.#show(this.#chunkUnder(event));
  }

  #onUp(event: PointerEvent): void {
    const pressedX = this.#pressedX;
    this.#pressedX = null;
    if (pressedX === null) return;
    if (Math.abs(event.clientX - pressedX) > DRAGGED_PX) this.#goBack();
    else this.#pin();
  }

  #onKey(event: KeyboardEvent): void {
    const second = Math.max(1, Math.round(1 / this.options.chunkDurationS));
    const steps: Partial<Record<string, number>> = {
      ArrowLeft: -second,
      ArrowDown: -second,
      ArrowRight: second,
      ArrowUp: second,
      PageDown: -10 * second,
      PageUp: 10 * second,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      this.#show(Math.max(0, Math.min(this.#now, this.#chosen + step)));
      this.#pin();
    } else if (event.key === "Enter" && this.#isPinned) {
      event.preventDefault();
      this.#goBack();
    } else if (event.key === "Escape") {
      this.#hide();
    }
  }

  #chunkUnder(event: PointerEvent): number {
    const box = this.#film.getBoundingClientRect();
    return chunkAt((event.clientX - box.left) / box.width, this.#layout.length, this.#now);
  }

  #pin(): void {
    this.#isPinned = true;
    this.#peek.classList.add("pinned");
  }

  #goBack(): void {
    const chunk = this.#chosen;
    this.#hide();
    if (chunk < this.#now) this.options.onRewind(chunk);
  }

  #goFork(): void {
    const chunk = this.#chosen;
    this.#hide();
    this.options.onFork(chunk);
  }

  // --- what is seen ---

  #show(chunk: number): void {
    this.#setValue(chunk);
    this.#peek.hidden = false;
    setText(this.#peekTime, clock(chunk * this.options.chunkDurationS));
    const still = this.options.film.at(chunk);
    this.#peekStill.hidden = !still;
    if (still) this.#peekStill.getContext("2d")?.drawImage(still.picture, 0, 0, 160, 100);
    const share = chunk / this.#layout.length;
    this.#peek.style.setProperty("--at", String(share));
    this.#film.style.setProperty("--chosen", String(share));
  }

  #hide(): void {
    this.#isPinned = false;
    this.#peek.hidden = true;
    this.#peek.classList.remove("pinned");
    this.#setValue(this.#now);
  }

  #setValue(chunk: number): void {
    this.#chosen = chunk;
    const told = `${clock(chunk * this.options.chunkDurationS)} of ${clock(this.#now * this.options.chunkDurationS)}`;
    if (this.#film.getAttribute("aria-valuetext") === told) return;
    this.#film.setAttribute("aria-valuemax", String(this.#now));
    this.#film.setAttribute("aria-valuenow", String(chunk));
    this.#film.setAttribute("aria-valuetext", told);
  }

  #draw(isAnew: boolean): void {
    const layout = this.#layout;
    this.#past.style.setProperty("--share", String(this.#now / layout.length));
    const stills = this.options.film.stills.length;
    // The scale and the end change a little with every chunk; drawn again once that can be seen.
    const off = Math.abs(layout.length - this.#drawnLength) + Math.abs(this.#now - this.#drawnNow);
    if (!isAnew && stills === this.#numStills && off < layout.length * 0.01) return;
    this.#numStills = stills;
    this.#drawnLength = layout.length;
    this.#drawnNow = this.#now;
    this.#drawStrip(layout);
    this.#drawLanes(layout);
  }

  #drawStrip(layout: Layout): void {
    const { clientWidth, clientHeight } = this.#film;
    const density = devicePixelRatio;
    const [width, height] = [Math.round(clientWidth * density), Math.round(clientHeight * density)];
    if (width === 0) return;
    Object.assign(this.#strip, { width, height });
    const context = this.#strip.getContext("2d");
    if (!context) return;
    context.imageSmoothingEnabled = true;
    const tile = height * this.options.aspect;
    const end = (width * this.#now) / layout.length;
    for (let x = 0; x < end; x += tile) {
      const still = this.options.film.at(((x + tile / 2) / width) * layout.length);
      if (still) context.drawImage(still.picture, x, 0, tile, height);
    }
    context.clearRect(end, 0, width - end, height);
  }

  #drawLanes(layout: Layout): void {
    const lanes = layout.lanes.slice(0, MAX_LANES);
    this.#lanes.hidden = layout.lanes.length < 2;
    if (this.#lanes.hidden) return;
    const height = lanes.length * LANE_PX;
    const width = this.#film.clientWidth;
    this.#lanes.style.height = `${height}px`;
    const toX = (chunk: number): number => 4 + (chunk / layout.length) * (width - 8);
    const toY = (row: number): number => height - (row + 0.5) * LANE_PX;
    const drawing = svg("svg", { class: "lane-lines", width, height, "aria-hidden": "true" });
    for (const lane of [...lanes].reverse()) drawing.append(...laneLines(lane, toX, toY));
    const buttons = lanes.filter((lane) => !lane.isCurrent).map((lane) => this.#laneButton(lane, toX, toY));
    fill(this.#lanes, drawing, ...buttons);
  }

  #laneButton(lane: Lane, toX: (chunk: number) => number, toY: (row: number) => number): HTMLElement {
    const time = (chunk: number): string => clock(chunk * this.options.chunkDurationS);
    const name = lane.label || "an earlier way";
    const text = `${spoken(name)}: ${time(lane.fromChunk)} to ${time(lane.toChunk)}, ${lane.state}`;
    const enter = (): void => this.options.onEnter(lane.sessionId);
    const button = h("button", {
      class: "lane",
      type: "button",
      title: `Enter ${text}`,
      "aria-label": `Enter ${text}`,
      onclick: enter,
    });
    button.style.left = `${toX(lane.fromChunk)}px`;
    button.style.width = `${Math.max(24, toX(lane.toChunk) - toX(lane.fromChunk))}px`;
    button.style.top = `${toY(lane.row) - LANE_PX / 2}px`;
    return button;
  }
}

type Place = (value: number) => number;

/** A lane from where it left its parent, its part that was lived, and its end. */
function laneLines(lane: Lane, toX: Place, toY: Place): SVGElement[] {
  const [from, to, y] = [toX(lane.fromChunk), toX(lane.toChunk), toY(lane.row)];
  const parentY = toY(lane.parentRow);
  const bend = Math.min(10, Math.max(2, to - from));
  const start =
    parentY === y
      ? `M${from} ${y}`
      : `M${from} ${parentY}C${from + bend / 2} ${parentY} ${from} ${y} ${from + bend} ${y}`;
  const line = svg("path", {
    class: lane.isCurrent ? "lane-line current" : "lane-line",
    d: `${start}H${Math.max(to, from + bend)}`,
  });
  const parts = [line];
  if (!lane.isCurrent && lane.livedTo > lane.fromChunk) {
    parts.push(svg("path", { class: "lane-line lived", d: `${start}H${toX(lane.livedTo)}` }));
  }
  parts.push(
    svg("circle", {
      class: lane.isCurrent ? "lane-end current" : "lane-end",
      cx: to,
      cy: y,
      r: lane.isCurrent ? 4 : 3,
    }),
  );
  return parts;
}
