/** Receipts and figures: kept all along, and shown while the panel is open. */

import type { Receipt, WorldView } from "nacre";
import { Ledger } from "./receipts";
import { SideView } from "./side_view";

const MAX_RECEIPTS = 80;
const STATS_MS = 500;

export class Panel {
  readonly #side = new SideView();
  readonly #ledger = new Ledger(MAX_RECEIPTS);
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(private readonly view: WorldView) {
    this.#timer = setInterval(() => this.#side.isOpen && this.#side.showStats(view.stats()), STATS_MS);
  }

  get element(): HTMLElement {
    return this.#side.element;
  }

  /** Tells whether it is open now. */
  toggle(): boolean {
    const isOpen = this.#side.toggle();
    this.#side.showReceipts(this.#ledger.lines);
    this.#side.showStats(this.view.stats());
    return isOpen;
  }

  note(receipt: Receipt): void {
    this.#ledger.note(receipt);
    if (this.#side.isOpen) this.#side.showReceipts(this.#ledger.lines);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
