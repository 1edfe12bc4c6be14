/** What goes between a world and the service: one attachment after another, verbs up, chunks and receipts down. */

import { create } from "@bufbuild/protobuf";

import { Attachment, type Delivery } from "./attachment.js";
import { type Calls, randomName } from "./calls.js";
import { ChunkQueue } from "./chunk_queue.js";
import { canShow } from "./codecs.js";
import * as controls from "./controls.js";
import { CreditLedger, MAX_GRANT } from "./credit.js";
import { Comeback } from "./comeback.js";
import { Emitter } from "./emitter.js";
import { Detached, type NacreError, ProtocolError, toNacreError } from "./errors.js";
import { type ImageSource, toBytes } from "./image.js";
import { LineWatch, PROBE_TIMEOUT_S } from "./line_watch.js";
import type { Chunk, MediaFormat } from "./media.js";
import { toChunk } from "./media_codec.js";
import { type Control, ControlSchema } from "./nacre/v1/control_pb.js";
import type { MediaChunk } from "./nacre/v1/media_pb.js";
import { CreditSchema, type Rewound, SessionService } from "./nacre/v1/session_pb.js";
import { PendingReceipts } from "./pending.js";
import { toAnswer, toSessionEnded } from "./play_codec.js";
import type { Receipt } from "./receipt.js";
import { toResumePolicy } from "./resume.js";
import type { Session } from "./session.js";
import { Told } from "./told.js";
import type { ControlOptions, EnterOptions, WorldEvents } from "./world_options.js";

const DEFAULT_BUFFER_CHUNKS = 4;
/** Where media comes beside the messages, nothing waits here to be shown. What credit there is must outlast a message
 * that is lost on its way: browsers send it again after 0.4 s, and when that is lost too, after 0.8 s more. */
const DEFAULT_BUFFER_BESIDE_MEDIA = MAX_GRANT;
const DEFAULT_ATTACH_TIMEOUT_S = 30;

/** @internal */
export class PlayStream {
  readonly clientId: string;
  readonly told = new Told();
  readonly events = new Emitter<WorldEvents>();
  /** Why nothing more will come; null while it will. */
  end: NacreError | null = null;
  private readonly comeback: Comeback;
  private readonly credit: CreditLedger;
  private readonly chunks = new ChunkQueue();
  private readonly outbox: Control[] = []; // bounded by what may be pending
  private readonly pending: PendingReceipts;
  private readonly watch: LineWatch;
  private attachment: Attachment | null = null;
  private epoch = 0;
  private lastChunkIndex = -1;
  private guestToken = ""; // of one whom a share link let in: by it, it comes back as itself

  constructor(
    private readonly calls: Calls,
    private readonly session: Session,
    private readonly options: EnterOptions,
  ) {
    this.clientId = options.clientId || `js-${randomName(4)}`;
    this.comeback = new Comeback(toResumePolicy(options.resume), (told) => this.events.emit("reconnecting", told));
    const usual = calls.isAgreed ? DEFAULT_BUFFER_BESIDE_MEDIA : DEFAULT_BUFFER_CHUNKS;
    this.credit = new CreditLedger(options.bufferChunks ?? usual);
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

  /** Throws `NacreError`. */
  async enter(): Promise<void> {
    try {
      this.onAttached(await this.attach());
    } catch (error) {
      this.finish(toNacreError(error));
      throw error;
    }
    void this.run();
  }

  get isAttached(): boolean {
    return this.attachment !== null;
  }

  get media(): MediaStream | null {
    return this.attachment?.media ?? null;
  }

  /** How the current attachment's media is encoded. */
  get format(): MediaFormat {
    if (this.told.format === null) throw new Detached("the world was not entered");
    return this.told.format;
  }

  // --- up ---

  ask(asked: controls.Asked, options?: ControlOptions): Receipt {
    const receipt = this.pending.open(asked.kind, asked.text, options?.when !== undefined);
    this.submit(receipt, asked, options);
    return receipt;
  }

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

  private submit(receipt: Receipt, { message }: controls.Asked, { when }: ControlOptions = {}): void {
    if (this.end !== null) this.pending.settleAll(this.end);
    if (receipt.outcome !== null) return;
    const schedule = when === undefined ? undefined : controls.toSchedule(when);
    this.outbox.push(create(ControlSchema, { controlId: receipt.controlId, kind: message, schedule }));
    this.flush();
  }

  private flush(): void {
    const { attachment } = this;
    if (attachment === null) return;
    const chunks = this.credit.grant(this.pending.isAwaited);
    if (chunks > 0) attachment.send({ case: "credit", value: create(CreditSchema, { chunks }) });
    for (const value of this.outbox.splice(0)) attachment.send({ case: "control", value });
  }

  // --- attachments ---

  private async attach(): Promise<Attachment> {
    const { video, audio, role = "", standBy = false, attachTimeoutS = DEFAULT_ATTACH_TIMEOUT_S } = this.options;
    // What the browser takes by itself it has agreed on before.
    const can = this.calls.isAgreed ? { video: [], audio: [] } : await canShow();
    return Attachment.open(this.calls, {
      sessionId: this.session.id,
      resumeToken: this.session.resumeToken,
      videoCodecs: video === undefined ? can.video : [video].flat(),
      audioCodecs: audio === undefined ? can.audio : [audio].flat(),
      initialCredit: this.credit.attach(),
      role,
      clientId: this.clientId,
      // One who comes back may find that another was given control meanwhile.
      standBy: standBy || this.told.hands !== null,
      unansweredControlIds: this.pending.unansweredIds(this.unsentIds),
      guestToken: this.guestToken,
      nextChunkIndex: this.lastChunkIndex + 1,
      timeoutS: attachTimeoutS,
    });
  }

  private get unsentIds(): Set<string> {
    return new Set(this.outbox.map(({ controlId }) => controlId));
  }

  private onAttached(attachment: Attachment): void {
    const { attached } = attachment;
    if (this.end !== null) return attachment.close(); // left meanwhile
    this.guestToken = attached.guestToken;
    this.pending.onAttach(this.unsentIds);
    this.told.onAttached(attached);
    this.epoch += 1;
    this.attachment = attachment;
    this.watch.heard();
    this.flush();
    this.events.emit("attached", { chunkIndex: this.told.firstIndex, resumed: this.told.attachments > 1 });
  }

  /** One attachment after another, until there is none to be had. */
  private async run(): Promise<void> {
    try {
      while (this.attachment !== null) {
        const error = await this.serve(this.attachment);
        this.attachment.close();
        this.attachment = null;
        if (this.end === null) this.onAttached(await this.comeback.attach(error, () => this.attach()));
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

  // --- down ---

  /** The next chunk, and credit for another; null once the session was ended on request or the world was left. Throws any other end. */
  async take(): Promise<Chunk | null> {
    const chunk = await this.chunks.take();
    if (chunk === null) return null;
    this.credit.take();
    this.flush();
    return chunk;
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
        return this.events.emit("goAway", this.told.onGoAway(message.value));
      case "ended":
        throw toSessionEnded(message.value.session);
      case "rewound":
        return this.onRewound(message.value);
      case "hands":
        return this.events.emit("hands", this.told.onHands(message.value, this.clientId));
      case "quality":
        return this.events.emit("quality", this.told.onQuality(message.value));
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
    this.told.firstIndex = Number(chunkIndex);
    this.lastChunkIndex = this.told.firstIndex - 1;
    this.flush();
    this.events.emit("rewound", { chunkIndex: this.told.firstIndex, branchSessionId });
  }

  /** Nothing comes any more; only the first reason counts. */
  finish(end: NacreError): void {
    if (this.end !== null) return;
    this.end = end;
    this.watch.close();
    this.comeback.stop(end);
    this.attachment?.close();
    this.outbox.length = 0;
    this.pending.settleAll(end);
    this.chunks.finish(end);
    this.events.emit("closed", end);
  }
}
