/** A WebSocket whose binary frames are messages, and whose end is an error in words: docs/web.md. */

import { parseConnectError } from "./connect_error.js";
import { ConnectionLost, type NacreError, ProtocolError, Timeout, Unavailable } from "./errors.js";
import { fromStreamEnd } from "./refusals.js";

/** What a WebSocket is asked for, and what may stand in its place. */
export interface Wire {
  binaryType: BinaryType;
  readonly url: string;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onerror: ((event: Event) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: Uint8Array<ArrayBuffer> | string): void;
  close(): void;
}

export class Socket {
  private readonly arrived: Uint8Array[] = []; // bounded by credit, or by the few answers of a call
  private end: NacreError | "well" | null = null;
  private isOpen = false;
  private onChange: () => void = () => {};

  private constructor(
    private readonly socket: Wire,
    private readonly url: string,
  ) {
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.isOpen = true;
      this.onChange();
    };
    socket.onmessage = ({ data }) => this.onMessage(data);
    socket.onerror = () => {}; // a close follows, and tells as little
    socket.onclose = () => this.finish(this.cutOff());
  }

  /** Throws `Timeout`, or `Unavailable` where nobody answers. */
  static async open(socket: Wire, timeoutS: number): Promise<Socket> {
    const opened = new Socket(socket, socket.url);
    const timer = setTimeout(() => opened.close(noAnswer(timeoutS)), timeoutS * 1e3);
    try {
      await opened.until(() => opened.isOpen);
    } finally {
      clearTimeout(timer);
    }
    return opened;
  }

  /** The next message; null once the stream ended well. Throws what it ended with. One may wait at a time. */
  async read(): Promise<Uint8Array | null> {
    await this.until(() => this.arrived.length > 0);
    return this.arrived.shift() ?? null;
  }

  /** Nothing happens once the stream is over; `read` tells why. */
  send(data: Uint8Array | string): void {
    if (this.end === null) this.socket.send(data as Uint8Array<ArrayBuffer> | string);
  }

  /** `error`: what `read` throws from now on. */
  close(error: NacreError | "well" = "well"): void {
    this.finish(error);
    this.socket.close();
  }

  /** Until `isSo`, or the end: then it throws, or goes on where that was well. */
  private async until(isSo: () => boolean): Promise<void> {
    while (!isSo() && this.end === null) {
      await new Promise<void>((resolve) => {
        this.onChange = resolve;
      });
    }
    if (!isSo() && this.end !== null && this.end !== "well") throw this.end;
  }

  private onMessage(data: unknown): void {
    if (this.end !== null) return;
    if (data instanceof ArrayBuffer) {
      this.arrived.push(new Uint8Array(data));
      this.onChange();
      return;
    }
    const error = parseConnectError(String(data));
    if (error === null) this.close(new ProtocolError("a text frame that is no error"));
    else this.finish(error.code === "ok" ? "well" : fromStreamEnd(error.message, error));
  }

  private cutOff(): NacreError {
    // What a browser tells of a refused connection goes to its console alone.
    if (!this.isOpen) return new Unavailable(`no connection to ${this.url}`, { code: "unavailable" });
    return new ConnectionLost("the connection broke", { code: "unavailable" });
  }

  /** Only the first end counts. */
  private finish(end: NacreError | "well"): void {
    this.end ??= end;
    this.onChange();
  }
}

function noAnswer(timeoutS: number): Timeout {
  return new Timeout(`no answer within ${timeoutS} s`, { code: "deadline_exceeded" });
}
