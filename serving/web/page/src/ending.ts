/** What stands over the picture while the connection is lost, and once the world is over. */

import { SessionEnded } from "nacre";
import { h, type Child } from "./dom";
import { endOf, sentenceOf, type Sentence, type Trouble } from "./sentences";

export interface EndActions {
  goOn(): void;
  enterAgain(): void;
  download(): void;
  leave(): void;
}

export interface Ending {
  sentence: Sentence;
  reason: string;
  /** It can be forked, and not entered again. */
  isOver: boolean;
}

export function endingOf(error: unknown): Ending {
  const reason = ((error as Trouble).reason ?? "").toUpperCase();
  const hasEnded = error instanceof SessionEnded;
  const isOver = hasEnded && !["PARKED", "QUOTA", "SERVICE_STOPPING"].includes(reason);
  return { sentence: hasEnded ? endOf(reason) : sentenceOf(error as Trouble), reason, isOver };
}

/** While it is tried to come back. */
export function lossOf(why: unknown): Pick<Sentence, "title" | "advice"> {
  const hasStopped = why instanceof SessionEnded && why.reason === "SERVICE_STOPPING";
  return hasStopped
    ? { title: "The service has stopped.", advice: "Coming back as soon as it is there again…" }
    : { title: "The connection was lost.", advice: "Coming back…" };
}

export function lostCover({ title, advice }: Pick<Sentence, "title" | "advice">): Child[] {
  return [h("p", { class: "big" }, title), h("p", null, advice)];
}

export function endCover({ sentence, isOver }: Ending, mayKeep: boolean, actions: EndActions): Child[] {
  const button = (label: string, kind: string, run: () => void): HTMLElement =>
    h("button", { class: kind, type: "button", onclick: run }, label);
  const main = isOver
    ? mayKeep && button("Go on from here", "primary", actions.goOn)
    : button("Come back in", "primary", actions.enterAgain);
  const download = mayKeep && button("Download the recording", "secondary", actions.download);
  const answers = h("div", { class: "answers" }, main, download, button("Another world", "secondary", actions.leave));
  return [h("p", { class: "big" }, sentence.title), h("p", null, sentence.advice), answers];
}
