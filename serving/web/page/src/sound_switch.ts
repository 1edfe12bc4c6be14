/** Sound on and off, as the person last wanted it. */

import type { BarView } from "./bar_view";
import type { PlayPlace } from "./play_place";

export class SoundSwitch {
  constructor(
    private readonly place: PlayPlace,
    private readonly bar: BarView,
    private readonly isOffered: boolean,
  ) {}

  show(): void {
    this.bar.showSound(this.place.view.sound);
  }

  async toggle(): Promise<void> {
    const { view, preferences } = this.place;
    const isOn = await view.setSound(!view.sound);
    preferences.set({ sound: isOn });
    this.bar.showSound(isOn);
  }

  /** Browsers let pages sound after a first touch. */
  async atFirst(): Promise<void> {
    const { view, preferences } = this.place;
    if (preferences.all.sound && this.isOffered && !view.sound) this.bar.showSound(await view.setSound(true));
  }
}
