/** A session that one is in: verbs go up, chunks and receipts come down. */

import type { Calls } from "./calls.js";
import * as controls from "./controls.js";
import type { Listener } from "./emitter.js";
import { Detached, type NacreError } from "./errors.js";
import type { ImageSource } from "./image.js";
import type { Chunk, MediaFormat } from "./media.js";
import { PlayStream } from "./play_stream.js";
import type { Receipt } from "./receipt.js";
import type { CameraMove, Capabilities, ClientRole, GoAway, Hands, Perspective, Quality } from "./records.js";
import type { Session } from "./session.js";
import type { ControlOptions, EnterOptions, WorldEvents } from "./world_options.js";

export class World implements AsyncIterable<Chunk> {
  private readonly stream: PlayStream;

  /** @internal Use `session.enter()`. */
  constructor(
    calls: Calls,
    readonly session: Session,
    options: EnterOptions,
  ) {
    this.stream = new PlayStream(calls, session, options);
  }

  /** @internal Throws `NacreError`. */
  async enter(): Promise<this> {
    await this.stream.enter();
    return this;
  }

  get clientId(): string {
    return this.stream.clientId;
  }

  get sessionId(): string {
    return this.session.id;
  }

  get capabilities(): Capabilities {
    return this.stream.told.capabilities;
  }

  /** How the current attachment's media is encoded. */
  get format(): MediaFormat {
    return this.stream.format;
  }

  /** Pictures and sound, for the `srcObject` of a video element; null where they come in chunks. Another one after each "attached". */
  get media(): MediaStream | null {
    return this.stream.media;
  }

  get state(): "open" | "reconnecting" | "closed" {
    if (this.stream.end !== null) return "closed";
    return this.stream.isAttached ? "open" : "reconnecting";
  }

  /** Why nothing more will come; null while it will. */
  get end(): NacreError | null {
    return this.stream.end;
  }

  get role(): ClientRole {
    return this.stream.told.role;
  }

  /** Whether one's controls are taken now. */
  get inControl(): boolean {
    return this.stream.told.inControl;
  }

  /** The last that was told; those who look on are not told. */
  get hands(): Hands | null {
    return this.stream.told.hands;
  }

  /** The last that was told; null while the session gets all of its worker. */
  get quality(): Quality | null {
    return this.stream.told.quality;
  }

  get goAway(): GoAway | null {
    return this.stream.told.goAway;
  }

  /** Of the first chunk of the current attachment, or after the last rewind. */
  get nextChunkIndex(): number {
    return this.stream.told.firstIndex;
  }

  get numAttachments(): number {
    return this.stream.told.attachments;
  }

  /** What it gives takes the listener off again. */
  on<K extends keyof WorldEvents>(event: K, listener: Listener<WorldEvents[K]>): () => void {
    return this.stream.events.on(event, listener);
  }

  // --- verbs ---

  /** Walk, until the next `move`. `forward`: -1 (back) to 1; `strafe`: -1 (left) to 1 (right). */
  move(axes: { forward?: number; strafe?: number }, options?: ControlOptions): Receipt {
    return this.stream.ask(controls.move(axes), options);
  }

  /** Turn, until the next `look`. `yaw`: -1 (left) to 1 (right); `pitch`: -1 (down) to 1 (up). */
  look(axes: { yaw?: number; pitch?: number }, options?: ControlOptions): Receipt {
    return this.stream.ask(controls.look(axes), options);
  }

  /** A sentence that changes the world, 1 to 2,000 characters. */
  say(text: string, options?: ControlOptions): Receipt {
    return this.stream.ask(controls.say(text), options);
  }

  /** A picture that changes the world. */
  show(source: ImageSource, options?: ControlOptions): Receipt {
    return this.stream.show(source, options);
  }

  /** The same as `show`. */
  image(source: ImageSource, options?: ControlOptions): Receipt {
    return this.show(source, options);
  }

  perspective(which: Perspective, options?: ControlOptions): Receipt {
    return this.stream.ask(controls.perspective(which), options);
  }

  /** A camera move, such as "pan_left" or "push_in". */
  camera(move: CameraMove, options?: ControlOptions): Receipt {
    return this.stream.ask(controls.camera(move), options);
  }

  /** Take back one's own control that waits: it is superseded, "cancelled". Rejected when it does not wait. */
  cancel(control: Receipt | string): Receipt {
    return this.stream.ask(controls.cancel(typeof control === "string" ? control : control.controlId));
  }

  /** Ask whoever has control to give it. `hands` and `inControl` tell how it goes on. */
  askControl(): Receipt {
    return this.stream.ask(controls.askControl());
  }

  /** To another client, or to whoever asked first. */
  giveControl(clientId = ""): Receipt {
    return this.stream.ask(controls.giveControl(clientId));
  }

  /** What was asked for, and not given in time. Rejected before that. */
  takeControl(): Receipt {
    return this.stream.ask(controls.takeControl());
  }

  /** The session lives on. */
  leave(): void {
    this.stream.finish(new Detached("the world was left"));
  }

  // --- chunks ---

  /** Taking a chunk gives credit for another. Ends when the session was ended on request or the world was left, else throws. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, void, void> {
    for (;;) {
      const chunk = await this.stream.take();
      if (chunk === null) return;
      yield chunk;
    }
  }
}
