/** What the page has to say beside the world: errors with what to do, and short confirmations. */

import { fill, h } from "./dom";
import { iconButton } from "./icons";
import { sentenceOf, type Sentence, type Trouble } from "./sentences";

export interface Action {
  label: string;
  run: () => void;
}

const CONFIRMED_MS = 4000;
const MAX_NOTICES = 3;

export class Notices {
  readonly element = h("div", { class: "notices" });
  // Read out to those who do not see it; what can be seen has no role, so that it is not read twice.
  readonly #spoken = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
  readonly #alarm = h("p", { class: "unseen", role: "alert" });

  constructor() {
    this.element.append(this.#spoken, this.#alarm);
  }

  /** Says something that needs no answer. */
  say(text: string): void {
    fill(this.#spoken, text);
    const notice = h("div", { class: "notice" }, h("p", null, text));
    this.#show(notice);
    setTimeout(() => notice.remove(), CONFIRMED_MS);
  }

  /** Only for those who listen. */
  whisper(text: string): void {
    fill(this.#spoken, text);
  }

  trouble(error: unknown, action?: Action): void {
    this.tell(sentenceOf(error as Trouble), action, (error as Trouble).requestId);
  }

  tell(sentence: Sentence, action?: Action, requestId = ""): () => void {
    fill(this.#alarm, `${sentence.title} ${sentence.advice}`);
    const dismiss = (): void => notice.remove();
    const button =
      action && h("button", { class: "link", type: "button", onclick: () => (dismiss(), action.run()) }, action.label);
    const notice = h(
      "div",
      { class: "notice trouble" },
      h(
        "p",
        null,
        h("strong", null, sentence.title),
        " ",
        sentence.advice,
        requestId && h("small", null, ` ${requestId}`),
      ),
      button,
      iconButton("close", "Dismiss", dismiss),
    );
    this.#show(notice);
    return dismiss;
  }

  clear(): void {
    for (const each of this.element.querySelectorAll(".notice")) each.remove();
  }

  #show(notice: HTMLElement): void {
    this.element.append(notice);
    const all = this.element.querySelectorAll(".notice");
    for (const old of [...all].slice(0, -MAX_NOTICES)) old.remove();
  }
}
