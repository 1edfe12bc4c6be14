/** Between pressing start and the first picture: a calm wait, a place in line, a question, or what went wrong. */

import { fill, h, type Child } from "./dom";
import type { Waiting } from "./scene";
import type { Sentence } from "./sentences";
import { count, duration, ordinal } from "./words";

export interface Answer {
  label: string;
  isMain?: boolean;
  run: () => void;
}

const MAX_DOTS = 16;

export class OpeningView {
  readonly element: HTMLElement;
  readonly #words = h("div", { class: "opening-words", role: "status" });
  readonly #poster: HTMLElement;

  constructor(
    private readonly title: string,
    private readonly onCancel: () => void,
    poster = "",
  ) {
    this.#poster = h(
      "div",
      { class: "opening-picture" },
      poster && h("img", { src: poster, alt: "" }),
      h("span", { class: "pearl large", "aria-hidden": "true" }),
    );
    this.element = h("main", { class: "opening" }, this.#poster, this.#words);
    this.wait();
  }

  wait(waiting?: Waiting): void {
    const line = waiting ? [queueDots(waiting), h("p", { class: "in-line" }, lineOf(waiting))] : [];
    this.#say([h("p", { class: "big" }, this.title), ...line], [{ label: "Cancel", run: this.onCancel }]);
  }

  ask(title: string, advice: string, answers: readonly Answer[]): void {
    this.#say([h("p", { class: "big" }, title), h("p", null, advice)], answers);
    this.element.classList.add("asks");
    this.#words.querySelector("button")?.focus();
  }

  fail(sentence: Sentence, answers: readonly Answer[], requestId = ""): void {
    this.ask(sentence.title, sentence.advice, answers);
    if (requestId) this.#words.append(h("p", { class: "soft small" }, requestId));
  }

  #say(words: Child[], answers: readonly Answer[]): void {
    const buttons = answers.map(({ label, isMain, run }) =>
      h("button", { class: isMain ? "primary" : "secondary", type: "button", onclick: run }, label),
    );
    fill(this.#words, ...words, h("div", { class: "answers" }, ...buttons));
  }
}

/** Who waits, as a row of dots with oneself among them; nobody else, and a long line, are said in words alone. */
function queueDots({ position, numWaiting }: Waiting): Child {
  const all = Math.max(position, numWaiting);
  if (all < 2 || all > MAX_DOTS) return null;
  const dots = Array.from({ length: all }, (_, index) => h("span", { class: index + 1 === position && "self" }));
  return h("div", { class: "queue-dots", "aria-hidden": "true" }, ...dots);
}

/** "Next in line", "3rd in line". */
export function placeOf({ position }: Waiting): string {
  return position <= 1 ? "Next in line" : `${ordinal(position)} in line`;
}

export function lineOf({ position, waitS }: Waiting): string {
  const before = position - 1;
  const place =
    before <= 0 ? "You are next in line." : `${count(before, "other")} ${before === 1 ? "is" : "are"} before you.`;
  return waitS === undefined ? place : `${place} It should take ${duration(waitS)}.`;
}
