/** A session that one is in: verbs go up, chunks and receipts come down. */

import { create } from "@bufbuild/protobuf";

import { Attachment, type Delivery } from "./attachment.js";
import { type Calls, randomName } from "./calls.js";
import { ChunkQueue } from "./chunk_queue.js";
import { toCapabilities, toHands, toQuality, toRole } from "./codec.js";
import { canShow } from "./codecs.js";
import * as controls from "./controls.js";
import { CreditLedger } from "./credit.js";
import { Comeback, type Pause } from "./comeback.js";
import { Emitter, type Listener } from "./emitter.js";
import { Detached, type NacreError, ProtocolError, toNacreError } from "./errors.js";
import { type ImageSource, toBytes } from "./image.js";
import { LineWatch, PROBE_TIMEOUT_S } from "./line_watch.js";
import type { AudioCodec, Chunk, MediaFormat, VideoCodec } from "./media.js";
import { toChunk, toMediaFormat } from "./media_codec.js";
import { type Control, ControlSchema } from "./nacre/v1/control_pb.js";
import type { MediaChunk } from "./nacre/v1/media_pb.js";
import { CreditSchema, type Rewound, SessionService } from "./nacre/v1/session_pb.js";
import { PendingReceipts } from "./pending.js";
import { toAnswer, toGoAway, toSessionEnded } from "./play_codec.js";
import type { Receipt } from "./receipt.js";
import type { CameraMove, Capabilities, ClientRole, GoAway, Hands, Perspective, Quality, Rewind } from "./records.js";
import { type ResumePolicy, toResumePolicy } from "./resume.js";
import type { Session } from "./session.js";
import type { When } from "./when.js";

/** How to attach to a session. */
export interface EnterOptions {
  /** In order of preference; what this browser can show when left out. */
  video?: VideoCodec | VideoCodec[];
  audio?: AudioCodec | AudioCodec[];
  /** Chunks that may wait here untaken, 1 to 16; then the world waits too. 4 when left out. */
  bufferChunks?: number;
  /** Attach again after a lost connection; true when left out. */
  resume?: boolean | Partial<ResumePolicy>;
  /** As much as the token allows when left out. */
  role?: ClientRole;
  /** One's own name within the session, for the others and the record; made up when left out. */
  clientId?: string;
  /** Where another client has control, enter nevertheless and wait for it. */
  standBy?: boolean;
  attachTimeoutS?: number;
}

export interface WorldEvents {
  attached: { chunkIndex: number; resumed: boolean };
  /** Has arrived; the iterator still has it. */
  chunk: Chunk;
  /** Was made, and whenever its `status` changes. */
  receipt: Receipt;
  hands: Hands;
  rewound: Rewind;
  /** The session's worker cannot keep up, or can again: then null. */
  quality: Quality | null;
  goAway: GoAway;
  reconnecting: Pause;
  /** Nothing will come any more. */
  closed: NacreError;
}

export interface ControlOptions {
  when?: When;
}

const DEFAULT_BUFFER_CHUNKS = 4;
const DEFAULT_ATTACH_TIMEOUT_S = 30;

export class World implements AsyncIterable<Chunk> {
  readonly clientId: string;
  private readonly events = new Emitter<WorldEvents>();
  private readonly comeback: Comeback;
  private readonly credit: CreditLedger;
  private readonly chunks = new ChunkQueue();
  private readonly outbox: Control[] = []; // bounded by what may be pending
  private readonly pending: PendingReceipts;
  private readonly watch: LineWatch;
  private attachment: Attachment | null = null;
  private epoch = 0;
  private lastChunkIndex = -1;
  private currentCapabilities: Capabilities = toCapabilities(undefined);
  private currentFormat: MediaFormat | null = null;
  private currentRole: ClientRole = "viewer";
  private isInControl = false;
  private lastHands: Hands | null = null;
  private currentQuality: Quality | null = null;
  private lastGoAway: GoAway | null = null;
  private finalError: NacreError | null = null;
  private firstIndex = 0;
  private attachments = 0;

  /** @internal Use `session.enter()`. */
  constructor(
    private readonly calls: Calls,
    readonly session: Session,
    private readonly options: EnterOptions,
  ) {
    this.clientId = options.clientId || `js-${randomName(4)}`;
    this.comeback = new Comeback(toResumePolicy(options.resume), (told) => this.events.emit("reconnecting", told));
    this.credit = new CreditLedger(options.bufferChunks ?? DEFAULT_BUFFER_CHUNKS);
    this.pending = new PendingReceipts(
      randomName(4),
      () => this.flush(),
      (receipt) => this.events.emit("receipt", receipt),
    );
    this.watch = new LineWatch(
      () => this.attachment !== null && this.credit.isExpecting,
      () => calls.within(PROBE_TIMEOUT_S).call(SessionService.method.getSession, { sessionId: session.id }),
      (error) => this.attachment?.close(error),
    );
  }

  /** @internal Throws `NacreError`. */
  async enter(): Promise<this> {
    try {
      this.onAttached(await this.attach());
    } catch (error) {
      this.finish(toNacreError(error));
      throw error;
    }
    void this.run();
    return this;
  }

  get sessionId(): string {
    return this.session.id;
  }

  get capabilities(): Capabilities {
    return this.currentCapabilities;
  }

  /** How the current attachment's media is encoded. */
  get format(): MediaFormat {
    if (this.currentFormat === null) throw new Detached("the world was not entered");
    return this.currentFormat;
  }

  get state(): "open" | "reconnecting" | "closed" {
    if (this.finalError !== null) return "closed";
    return this.attachment === null ? "reconnecting" : "open";
  }

  /** Why nothing more will come; null while it will. */
  get end(): NacreError | null {
    return this.finalError;
  }

  get role(): ClientRole {
    return this.currentRole;
  }

  /** Whether one's controls are taken now. */
  get inControl(): boolean {
    return this.isInControl;
  }

  /** The last that was told; those who look on are not told. */
  get hands(): Hands | null {
    return this.lastHands;
  }

  /** The last that was told; null while the session gets all of its worker. */
  get quality(): Quality | null {
    return this.currentQuality;
  }

  get goAway(): GoAway | null {
    return this.lastGoAway;
  }

  /** Of the first chunk of the current attachment, or after the last rewind. */
  get nextChunkIndex(): number {
    return this.firstIndex;
  }

  get numAttachments(): number {
    return this.attachments;
  }

  /** What it gives takes the listener off again. */
  on<K extends keyof WorldEvents>(event: K, listener: Listener<WorldEvents[K]>): () => void {
    return this.events.on(event, listener);
  }

  // --- verbs ---

  /** Walk, until the next `move`. `forward`: -1 (back) to 1; `strafe`: -1 (left) to 1 (right). */
  move(axes: { forward?: number; strafe?: number }, options?: ControlOptions): Receipt {
    return this.ask(controls.move(axes), options);
  }

  /** Turn, until the next `look`. `yaw`: -1 (left) to 1 (right); `pitch`: -1 (down) to 1 (up). */
  look(axes: { yaw?: number; pitch?: number }, options?: ControlOptions): Receipt {
    return this.ask(controls.look(axes), options);
  }

  /** A sentence that changes the world, 1 to 2,000 characters. */
  say(text: string, options?: ControlOptions): Receipt {
    return this.ask(controls.say(text), options);
  }

  /** A picture that changes the world. */
  show(source: ImageSource, options?: ControlOptions): Receipt {
    const bytes = toBytes(source);
    if (bytes instanceof Uint8Array) return this.ask(controls.image(bytes), options);
    const receipt = this.pending.open("image", "a picture", options?.when !== undefined);
    bytes.then(
      (data) => this.submit(receipt, controls.image(data), options),
      (error: unknown) => this.pending.onAnswer({ controlId: receipt.controlId, outcome: toNacreError(error) }),
    );
    return receipt;
  }

  /** The same as `show`. */
  image(source: ImageSource, options?: ControlOptions): Receipt {
    return this.show(source, options);
  }

  perspective(which: Perspective, options?: ControlOptions): Receipt {
    return this.ask(controls.perspective(which), options);
  }

  /** A camera move, such as "pan_left" or "push_in". */
  camera(move: CameraMove, options?: ControlOptions): Receipt {
    return this.ask(controls.camera(move), options);
  }

  /** Take back one's own control that waits: it is superseded, "cancelled". Rejected when it does not wait. */
  cancel(control: Receipt | string): Receipt {
    return this.ask(controls.cancel(typeof control === "string" ? control : control.controlId));
  }

  /** Ask whoever has control to give it. `hands` and `inControl` tell how it goes on. */
  askControl(): Receipt {
    return this.ask(controls.askControl());
  }

  /** To another client, or to whoever asked first. */
  giveControl(clientId = ""): Receipt {
    return this.ask(controls.giveControl(clientId));
  }

  /** What was asked for, and not given in time. Rejected before that. */
  takeControl(): Receipt {
    return this.ask(controls.takeControl());
  }

  /** The session lives on. */
  leave(): void {
    this.finish(new Detached("the world was left"));
  }

  private ask(asked: controls.Asked, options?: ControlOptions): Receipt {
    const receipt = this.pending.open(asked.kind, asked.text, options?.when !== undefined);
    this.submit(receipt, asked, options);
    return receipt;
  }

  private submit(receipt: Receipt, { message }: controls.Asked, { when }: ControlOptions = {}): void {
    if (this.finalError !== null) this.pending.settleAll(this.finalError);
    if (receipt.outcome !== null) return;
    const schedule = when === undefined ? undefined : controls.toSchedule(when);
    this.outbox.push(create(ControlSchema, { controlId: receipt.controlId, kind: message, schedule }));
    this.flush();
  }

  // --- chunks ---

  /** Taking a chunk gives credit for another. Ends when the session was ended on request or the world was left, else throws. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, void, void> {
    for (;;) {
      const chunk = await this.chunks.take();
      if (chunk === null) return;
      this.credit.take();
      this.flush();
      yield chunk;
    }
  }

  // --- the stream ---

  private async attach(): Promise<Attachment> {
    const { video, audio, role = "", standBy = false, attachTimeoutS = DEFAULT_ATTACH_TIMEOUT_S } = this.options;
    const can = await canShow();
    return Attachment.open(this.calls, {
      sessionId: this.session.id,
      resumeToken: this.session.resumeToken,
      videoCodecs: video === undefined ? can.video : [video].flat(),
      audioCodecs: audio === undefined ? can.audio : [audio].flat(),
      initialCredit: this.credit.attach(),
      role,
      clientId: this.clientId,
      // One who comes back may find that another was given control meanwhile.
      standBy: standBy || this.lastHands !== null,
      unansweredControlIds: this.pending.unansweredIds(this.unsentIds),
      timeoutS: attachTimeoutS,
    });
  }

  private get unsentIds(): Set<string> {
    return new Set(this.outbox.map(({ controlId }) => controlId));
  }

  private onAttached(attachment: Attachment): void {
    const { attached } = attachment;
    if (this.finalError !== null) return attachment.close(); // left meanwhile
    this.pending.onAttach(this.unsentIds);
    this.currentCapabilities = toCapabilities(attached.session?.capabilities);
    this.currentFormat = toMediaFormat(attached);
    this.currentRole = toRole(attached.role);
    this.isInControl = attached.inControl;
    this.currentQuality = toQuality(attached.session?.quality);
    this.firstIndex = Number(attached.nextChunkIndex);
    this.epoch += 1;
    this.attachments += 1;
    this.attachment = attachment;
    this.watch.heard();
    this.flush();
    this.events.emit("attached", { chunkIndex: this.firstIndex, resumed: this.attachments > 1 });
  }

  /** One attachment after another, until there is none to be had. */
  private async run(): Promise<void> {
    try {
      while (this.attachment !== null) {
        const error = await this.serve(this.attachment);
        this.attachment.close();
        this.attachment = null;
        if (this.finalError === null) this.onAttached(await this.comeback.attach(error, () => this.attach()));
      }
    } catch (error) {
      this.finish(toNacreError(error));
    }
  }

  /** Tells what the attachment ended with. */
  private async serve(attachment: Attachment): Promise<NacreError> {
    try {
      for (;;) this.onDelivery(await attachment.read());
    } catch (error) {
      return toNacreError(error);
    }
  }

  private onDelivery({ response: { message }, numBytes }: Delivery): void {
    this.watch.heard();
    switch (message.case) {
      case "media":
        return this.onMedia(message.value, numBytes);
      case "ack": {
        const answer = toAnswer(message.value);
        return answer === null ? undefined : this.pending.onAnswer(answer);
      }
      case "goAway":
        this.lastGoAway = toGoAway(message.value);
        return this.events.emit("goAway", this.lastGoAway);
      case "ended":
        throw toSessionEnded(message.value.session);
      case "rewound":
        return this.onRewound(message.value);
      case "hands":
        this.lastHands = toHands(message.value);
        this.isInControl = this.lastHands.participants.some((each) => each.clientId === this.clientId && each.inControl);
        return this.events.emit("hands", this.lastHands);
      case "quality":
        this.currentQuality = toQuality(message.value);
        return this.events.emit("quality", this.currentQuality);
      case "attached":
        throw new ProtocolError("attached twice on one stream");
      default: // a newer service says more than this client knows
    }
  }

  private onMedia(message: MediaChunk, numBytes: number): void {
    if (!this.credit.receive()) throw new ProtocolError("the service sent a chunk that was not granted");
    this.comeback.succeed();
    const index = Number(message.chunkIndex);
    const arrival = { receivedMs: performance.now(), numBytes, format: this.format, epoch: this.epoch };
    const chunk = toChunk(message, { ...arrival, isRepeat: index <= this.lastChunkIndex });
    this.lastChunkIndex = Math.max(this.lastChunkIndex, index);
    this.pending.onChunk();
    this.events.emit("chunk", chunk);
    this.chunks.push(chunk);
    this.flush();
  }

  /** What waits untaken is of a future that is no more. */
  private onRewound({ chunkIndex, branchSessionId }: Rewound): void {
    for (let left = this.chunks.clear(); left > 0; left -= 1) this.credit.take();
    this.epoch += 1;
    this.firstIndex = Number(chunkIndex);
    this.lastChunkIndex = this.firstIndex - 1;
    this.flush();
    this.events.emit("rewound", { chunkIndex: this.firstIndex, branchSessionId });
  }

  private flush(): void {
    const { attachment } = this;
    if (attachment === null) return;
    const chunks = this.credit.grant(this.pending.isAwaited);
    if (chunks > 0) attachment.send({ case: "credit", value: create(CreditSchema, { chunks }) });
    for (const value of this.outbox.splice(0)) attachment.send({ case: "control", value });
  }

  /** Nothing comes any more; only the first reason counts. */
  private finish(end: NacreError): void {
    if (this.finalError !== null) return;
    this.finalError = end;
    this.watch.close();
    this.comeback.stop(end);
    this.attachment?.close();
    this.outbox.length = 0;
    this.pending.settleAll(end);
    this.chunks.finish(end);
    this.events.emit("closed", end);
  }
}
