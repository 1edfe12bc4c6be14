/** Who has the world in hand: asked for, given, taken. Only where one client at a time has control. */

import type { Hands, World } from "nacre";
import { fill, h } from "./dom";
import type { Play } from "./play";
import { count } from "./words";

const DEFAULT_WAIT_S = 10;

export class HandsView {
  readonly element = h("div", { class: "hands", role: "status", hidden: true });
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** How long one who asked waits before taking it. */
  waitS = DEFAULT_WAIT_S;

  constructor(private readonly play: Play) {}

  get #world(): World {
    return this.play.world;
  }

  show(hands: Hands | null): void {
    const asker = hands?.participants.find((each) => each.asksControl && each.clientId !== this.#world.clientId);
    const asks = hands?.participants.some((each) => each.asksControl && each.clientId === this.#world.clientId);
    if (this.#world.inControl && asker) this.#asked(asker.clientId);
    else if (this.#world.inControl || this.#world.role !== "player") this.#alone(hands);
    else if (asks) this.#waiting();
    else this.#lookingOn();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #asked(clientId: string): void {
    const give = (): void => this.play.watch(this.#world.giveControl(clientId));
    // Nobody looks at this tab: whoever asks has it.
    if (document.hidden) give();
    this.#say("Somebody else would like to have control.", ["Give it", give]);
  }

  #alone(hands: Hands | null): void {
    clearTimeout(this.#timer);
    const others = (hands?.participants.length ?? 1) - 1 + (hands?.numViewers ?? 0);
    fill(this.element, h("span", null, `${count(others, "other")} here`));
    this.element.hidden = others <= 0;
  }

  #lookingOn(): void {
    clearTimeout(this.#timer);
    this.#say("Somebody else is in control. You are looking on.", ["Ask for control", () => this.ask()]);
  }

  #waiting(): void {
    this.#say(`You asked for control. Unless it is given, it is yours in ${Math.ceil(this.waitS)} seconds.`);
  }

  ask(): void {
    this.play.watch(this.#world.askControl());
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        if (!this.#world.inControl) this.play.watch(this.#world.takeControl());
      },
      1000 * this.waitS + 300,
    );
  }

  #say(text: string, ...actions: [string, () => void][]): void {
    const buttons = actions.map(([label, run]) => h("button", { class: "link", type: "button", onclick: run }, label));
    fill(this.element, h("span", null, text), ...buttons);
    this.element.hidden = false;
  }
}
