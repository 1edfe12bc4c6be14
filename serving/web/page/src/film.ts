/** Which moments of a session are kept as small pictures: evenly spread, and never more than fit. Pure. */

export interface Still<Picture> {
  chunk: number;
  picture: Picture;
}

export class Film<Picture> {
  #stills: Still<Picture>[] = [];
  #everyChunks: number;

  /** Keeps at most `limit`, at first one every `everyChunks`. */
  constructor(
    private readonly limit: number,
    private readonly everyChunks: number,
  ) {
    this.#everyChunks = everyChunks;
  }

  get stills(): readonly Still<Picture>[] {
    return this.#stills;
  }

  /** Whether a picture of this chunk is wanted. */
  wants(chunk: number): boolean {
    const last = this.#stills.at(-1);
    return last === undefined || chunk >= last.chunk + this.#everyChunks;
  }

  add(chunk: number, picture: Picture): void {
    this.#stills.push({ chunk, picture });
    if (this.#stills.length > this.limit) {
      this.#stills = this.#stills.filter((_, index) => index % 2 === 0);
      this.#everyChunks *= 2;
    }
  }

  /** The session went back: what came after is another's. */
  rewind(chunk: number): void {
    this.#stills = this.#stills.filter((still) => still.chunk < chunk);
    if (this.#stills.length === 0) this.#everyChunks = this.everyChunks;
  }

  /** The still that shows `chunk` best: the nearest before it, else the first. */
  at(chunk: number): Still<Picture> | undefined {
    return this.#stills.findLast((still) => still.chunk <= chunk) ?? this.#stills[0];
  }
}
