/** What is asked where something did not go well, and what each answer does. */

import type { Session } from "nacre";
import { ask } from "./ask_dialog";
import type { Entry } from "./entry";
import type { Finder } from "./finding";
import type { Notices } from "./notices";
import type { Answer, OpeningView } from "./opening_view";
import { sentenceOf, type Remedy, type Trouble } from "./sentences";
import type { Store } from "./store";

/** The page as a whole, as far as troubles need it. */
export interface TroublesHost {
  finder: Finder;
  notices: Notices;
  store: Store;
  /** Where one waits to come in. */
  opening(): OpeningView | undefined;
  open(entry: Entry, find: () => Promise<Session>): Promise<void>;
  /** In the world that one is in now. */
  askControl(): void;
  held(): void;
  leave(): Promise<void>;
  showStart(): Promise<void>;
}

export class Troubles {
  constructor(private readonly host: TroublesHost) {}

  /** One could not come in. `session`: where it was found at all; `again` finds it anew. */
  failed(error: unknown, entry: Entry, session: Session | undefined, again: () => Promise<Session>): void {
    const { finder, store } = this.host;
    const trouble = error as Trouble;
    if (trouble.reason === "SESSION_CONTROLLED" && session) return this.#askWho(session, entry);
    if (trouble.reason === "RESUME_TOKEN_INVALID" && session) finder.letGo(session);
    const sentence = sentenceOf(trouble);
    const open = (find: () => Promise<Session>) => (): void => void this.host.open(entry, find);
    const remedies: Partial<Record<Remedy, Answer>> = {
      key: { label: "Enter a key", run: () => void this.#askKey() },
      retry: { label: "Try again", run: open(again) },
      ...(session && {
        fork: { label: "Go on from its last moment", run: open(() => session.fork({ label: "after the end" })) },
      }),
    };
    const remedy = remedies[sentence.remedy];
    const back = { label: "Back to the start", isMain: !remedy, run: (): void => void this.host.leave() };
    this.host.opening()?.fail(sentence, remedy ? [{ ...remedy, isMain: true }, back] : [back], trouble.requestId);
    if (sentence.remedy === "start" || sentence.remedy === "fork") store.here = null;
  }

  /** The first page lacks something. */
  onStart(error: unknown): void {
    const sentence = sentenceOf(error as Trouble);
    this.host.notices.tell(sentence, this.#startAgain(error as Trouble, sentence.remedy), (error as Trouble).requestId);
  }

  #startAgain({ reason }: Trouble, remedy: Remedy): Answer {
    if (remedy === "key") return { label: "Enter a key", run: () => void this.#askKey() };
    if (reason?.startsWith("SHARE_LINK_")) return { label: "Go on without it", run: () => this.#forgetLink() };
    return { label: "Try again", run: () => void this.host.showStart() };
  }

  /** It says who one is where there is no key, and leads nowhere any more. */
  #forgetLink(): void {
    this.host.store.link = "";
    location.reload();
  }

  /** Another tab, or somebody else, has this session in hand. */
  #askWho(session: Session, entry: Entry): void {
    const { host } = this;
    host.held();
    const into = (how: Partial<Entry>, isTaking: boolean): void => {
      void host.open({ ...entry, ...how }, () => Promise.resolve(session)).then(() => {
        if (isTaking) host.askControl();
      });
    };
    host.opening()?.ask("This world is already open elsewhere.", "Another tab or another person walks in it now.", [
      { label: "Look on", isMain: true, run: () => into({ role: "viewer" }, false) },
      { label: "Take control", run: () => into({ standBy: true }, true) },
      { label: "Back to the start", run: () => void host.leave() },
    ]);
  }

  async #askKey(): Promise<void> {
    const key = await ask({
      title: "Who are you?",
      label: "Key or token",
      isSecret: true,
      maxLength: 4000,
      submit: "Continue",
      note: "It is kept in this tab alone, until it is closed.",
    });
    if (!key) return;
    this.host.store.key = key;
    location.reload();
  }
}
