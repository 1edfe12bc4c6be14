/** What was said before, to be said again, and what might be said. Pure. */

export class Said {
  #at = -1;
  #draft = "";

  /** `past` newest first. */
  constructor(private past: readonly string[]) {}

  /** The one before, as an arrow up gives it. */
  older(current: string): string {
    if (this.#at === -1) this.#draft = current;
    this.#at = Math.min(this.#at + 1, this.past.length - 1);
    return this.past[this.#at] ?? current;
  }

  newer(current: string): string {
    if (this.#at < 0) return current;
    this.#at -= 1;
    return this.#at < 0 ? this.#draft : (this.past[this.#at] as string);
  }

  add(text: string): void {
    this.past = [text, ...this.past.filter((each) => each !== text)];
    this.#at = -1;
    this.#draft = "";
  }

  /** A few ideas: what fits what is typed first, then what was not said yet. */
  suggest(typed: string, ideas: readonly string[], limit: number): string[] {
    const wanted = typed.trim().toLowerCase();
    const known = [...new Set([...ideas, ...(wanted ? this.past : [])])];
    if (wanted)
      return known
        .filter((each) => each.toLowerCase().includes(wanted) && each.toLowerCase() !== wanted)
        .slice(0, limit);
    return known.filter((each) => !this.past.slice(0, 3).includes(each)).slice(0, limit);
  }
}

export const IDEAS = [
  "it starts to rain",
  "a kitten runs up",
  "night falls",
  "snow begins to fall",
  "a red umbrella appears",
  "a car drives past",
  "fog rolls in",
  "everything turns to watercolour",
  "three birds fly past",
  "two dogs run up",
  "a balloon rises",
  "dawn breaks",
  "neon lights come on",
  "the weather clears",
  "everyone leaves",
] as const;
