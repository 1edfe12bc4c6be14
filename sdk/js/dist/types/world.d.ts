/** A session that one is in: verbs go up, chunks and receipts come down. */
import type { Listener } from "./emitter.js";
import { type NacreError } from "./errors.js";
import type { ImageSource } from "./image.js";
import type { Chunk, MediaFormat } from "./media.js";
import type { Receipt } from "./receipt.js";
import type { CameraMove, Capabilities, ClientRole, GoAway, Hands, Perspective, Quality } from "./records.js";
import type { Session } from "./session.js";
import type { ControlOptions, WorldEvents } from "./world_options.js";
export declare class World implements AsyncIterable<Chunk> {
    readonly session: Session;
    private readonly stream;
    get clientId(): string;
    get sessionId(): string;
    get capabilities(): Capabilities;
    /** How the current attachment's media is encoded. */
    get format(): MediaFormat;
    /** Pictures and sound, for the `srcObject` of a video element; null where they come in chunks. Another one after each "attached". */
    get media(): MediaStream | null;
    get state(): "open" | "reconnecting" | "closed";
    /** Why nothing more will come; null while it will. */
    get end(): NacreError | null;
    get role(): ClientRole;
    /** Whether one's controls are taken now. */
    get inControl(): boolean;
    /** The last that was told; those who look on are not told. */
    get hands(): Hands | null;
    /** The last that was told; null while the session gets all of its worker. */
    get quality(): Quality | null;
    get goAway(): GoAway | null;
    /** Of the first chunk of the current attachment, or after the last rewind. */
    get nextChunkIndex(): number;
    get numAttachments(): number;
    /** What it gives takes the listener off again. */
    on<K extends keyof WorldEvents>(event: K, listener: Listener<WorldEvents[K]>): () => void;
    /** Walk, until the next `move`. `forward`: -1 (back) to 1; `strafe`: -1 (left) to 1 (right). */
    move(axes: {
        forward?: number;
        strafe?: number;
    }, options?: ControlOptions): Receipt;
    /** Turn, until the next `look`. `yaw`: -1 (left) to 1 (right); `pitch`: -1 (down) to 1 (up). */
    look(axes: {
        yaw?: number;
        pitch?: number;
    }, options?: ControlOptions): Receipt;
    /** A sentence that changes the world, 1 to 2,000 characters. */
    say(text: string, options?: ControlOptions): Receipt;
    /** A picture that changes the world. */
    show(source: ImageSource, options?: ControlOptions): Receipt;
    /** The same as `show`. */
    image(source: ImageSource, options?: ControlOptions): Receipt;
    perspective(which: Perspective, options?: ControlOptions): Receipt;
    /** A camera move, such as "pan_left" or "push_in". */
    camera(move: CameraMove, options?: ControlOptions): Receipt;
    /** Take back one's own control that waits: it is superseded, "cancelled". Rejected when it does not wait. */
    cancel(control: Receipt | string): Receipt;
    /** Ask whoever has control to give it. `hands` and `inControl` tell how it goes on. */
    askControl(): Receipt;
    /** To another client, or to whoever asked first. */
    giveControl(clientId?: string): Receipt;
    /** What was asked for, and not given in time. Rejected before that. */
    takeControl(): Receipt;
    /** The session lives on. */
    leave(): void;
    /** Taking a chunk gives credit for another. Ends when the session was ended on request or the world was left, else throws. */
    [Symbol.asyncIterator](): AsyncGenerator<Chunk, void, void>;
}
