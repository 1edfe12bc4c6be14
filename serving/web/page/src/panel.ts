/** Receipts and figures: kept all along, and shown while the panel is open. */

import type { Receipt, WorldView } from "nacre";
import { Ledger } from "./receipts";
import { figuresOf, SideView } from "./side_view";
import { standingFigures, type Standing } from "./standing";

const MAX_RECEIPTS = 80;
const STATS_MS = 500;

export class Panel {
  readonly #side = new SideView();
  readonly #ledger = new Ledger(MAX_RECEIPTS);
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly view: WorldView,
    private readonly standing: () => Standing,
  ) {
    this.#timer = setInterval(() => this.#side.isOpen && this.#showFigures(), STATS_MS);
  }

  get element(): HTMLElement {
    return this.#side.element;
  }

  /** Tells whether it is open now. */
  toggle(): boolean {
    const isOpen = this.#side.toggle();
    this.#side.showReceipts(this.#ledger.lines);
    this.#showFigures();
    return isOpen;
  }

  note(receipt: Receipt): void {
    this.#ledger.note(receipt);
    if (this.#side.isOpen) this.#side.showReceipts(this.#ledger.lines);
  }

  #showFigures(): void {
    this.#side.showFigures({ ...figuresOf(this.view.stats()), ...standingFigures(this.standing()) });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
