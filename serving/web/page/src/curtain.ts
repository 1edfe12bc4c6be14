/** What comes between a person and the world: a lost connection, and the end. */

import { endCover, endingOf, lossOf, lostCover } from "./ending";
import type { Play } from "./play";
import type { PlayPlace } from "./play_place";

export class Curtain {
  isDown = false;
  hasEnded = false;

  constructor(
    private readonly play: Play,
    private readonly place: PlayPlace,
    private readonly mayKeep: boolean,
    /** It fell, or rose. */
    private readonly onMove: () => void,
  ) {}

  lose(why: Error): void {
    if (this.isDown) return;
    const { happened, stage, notices } = this.place;
    const lost = lossOf(why);
    happened({ is: "lost" });
    stage.cover(lostCover(lost));
    notices.whisper(`${lost.title} ${lost.advice}`);
    this.#move(true);
  }

  comeBack(): void {
    const { happened, stage, notices } = this.place;
    happened({ is: "back" });
    stage.uncover();
    notices.whisper("Back in the world.");
    this.#move(false);
  }

  end(error: Error): void {
    if (error.name === "Detached") return; // the person left
    const { place, play } = this;
    const ending = endingOf(error);
    this.hasEnded = true;
    place.happened({ is: "ended", reason: ending.reason });
    const goOn = (): void => void play.fork(play.now);
    const actions = { goOn, enterAgain: place.enterAgain, download: () => void play.download(), leave: place.leave };
    place.stage.cover(endCover(ending, this.mayKeep, actions));
    place.notices.whisper(`${ending.sentence.title} ${ending.sentence.advice}`);
    this.#move(true);
  }

  #move(isDown: boolean): void {
    this.isDown = isDown;
    this.onMove();
  }
}
