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
  /** How one gets back, if at all. */
  way: "enter" | "fork" | "none";
}

export function endingOf(error: unknown): Ending {
  const reason = ((error as Trouble).reason ?? "").toUpperCase();
  const hasEnded = error instanceof SessionEnded;
  if (!hasEnded) {
    const sentence = sentenceOf(error as Trouble);
    return { sentence, reason, way: sentence.remedy === "start" ? "none" : "enter" };
  }
  const isKept = ["PARKED", "QUOTA", "SERVICE_STOPPING"].includes(reason);
  return { sentence: endOf(reason), reason, way: isKept ? "enter" : "fork" };
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

export function endCover({ sentence, way }: Ending, mayKeep: boolean, actions: EndActions): Child[] {
  const button = (label: string, kind: string, run: () => void): HTMLElement =>
    h("button", { class: kind, type: "button", onclick: run }, label);
  const main =
    way === "enter"
      ? button("Come back in", "primary", actions.enterAgain)
      : way === "fork" && mayKeep && button("Go on from here", "primary", actions.goOn);
  const download = mayKeep && button("Download the recording", "secondary", actions.download);
  const answers = h("div", { class: "answers" }, main, download, button("Another world", "secondary", actions.leave));
  return [h("p", { class: "big" }, sentence.title), h("p", null, sentence.advice), answers];
}
