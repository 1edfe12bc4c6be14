/** Single calls and streams of answers, with our errors. Connect's unary protocol, and WebSockets: docs/web.md. */

import {
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  create,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";

import { parseConnectError } from "./connect_error.js";
import { Timeout, Unavailable } from "./errors.js";
import { fromDetails } from "./refusals.js";
import { Socket } from "./socket.js";
import type { Token, WebSocketMaker } from "./token.js";

/** What a world is played over. */
export interface Line extends Pick<Socket, "read" | "send" | "close"> {
  /** Pictures and sound, where they do not come in messages. */
  readonly media?: MediaStream;
}

export interface CallOptions {
  signal?: AbortSignal;
}

/** A service that is started anew is back within some seconds; nobody waits longer for a button to answer. */
const MAX_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 200;
const SUBPROTOCOL = "nacre.v1";
const KEY_FIELD = "idempotencyKey";

/** A name that nobody else makes up: 32 letters of hexadecimal. */
export function randomName(numBytes = 16): string {
  // Not randomUUID: pages without TLS do not have it.
  const bytes = crypto.getRandomValues(new Uint8Array(numBytes));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Calls {
  constructor(
    readonly url: string,
    private readonly token: Token,
    readonly timeoutS: number,
    private readonly webSocket: WebSocketMaker | undefined,
    private readonly maxAttempts = MAX_ATTEMPTS,
    private readonly dial?: (calls: Calls) => Promise<Line>,
  ) {}

  /** The same, with another patience: once. */
  within(timeoutS: number): Calls {
    return new Calls(this.url, this.token, timeoutS, this.webSocket, 1, this.dial);
  }

  /** What changes something gets an idempotency key where it has none. Throws `NacreError`. */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    init: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const path = `/${method.parent.typeName}/${method.name}`;
    const request = {
      method: "POST",
      headers: { "Content-Type": "application/proto", "Connect-Timeout-Ms": String(Math.round(this.timeoutS * 1e3)) },
      body: toBinary(method.input, this.request(method.input, init)) as Uint8Array<ArrayBuffer>,
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await this.fetch(path, options, request);
        return fromBinary(method.output, new Uint8Array(await response.arrayBuffer()));
      } catch (error) {
        if (attempt >= this.maxAttempts || !mayRepeat(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (attempt - 1)));
      }
    }
  }

  /** Any request to the service; gives an answer that went well. Throws `NacreError`, or what `signal` was aborted with. */
  async fetch(path: string, { signal }: CallOptions, init: RequestInit): Promise<Response> {
    const authorization = await this.authorization();
    const timeout = AbortSignal.timeout(this.timeoutS * 1e3);
    let response: Response;
    try {
      response = await fetch(this.url + path, {
        ...init,
        headers: { ...init.headers, ...(authorization && { Authorization: authorization }) },
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (timeout.aborted) throw new Timeout(`no answer within ${this.timeoutS} s`, { code: "deadline_exceeded" });
      const reason = error instanceof Error ? error.message : String(error);
      throw new Unavailable(`no service at ${this.url} (${reason})`, { code: "unavailable" });
    }
    if (!response.ok) throw await refusal(response);
    return response;
  }

  /** The answers of a call that has several, until it ended well. Throws `NacreError`. */
  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    init: MessageInitShape<I>,
    { signal }: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>> {
    const socket = await this.open(`/v1/stream/${method.parent.typeName}/${method.name}`);
    const onAbort = () => socket.close();
    signal?.addEventListener("abort", onAbort);
    try {
      socket.send(toBinary(method.input, this.request(method.input, init)));
      for (;;) {
        signal?.throwIfAborted();
        const bytes = await socket.read();
        if (bytes === null) return;
        yield fromBinary(method.output, bytes);
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      socket.close();
    }
  }

  /** Where a world is played: a WebSocket, unless another way was asked for. */
  play(): Promise<Line> {
    return this.dial === undefined ? this.open("/v1/play") : this.dial(this);
  }

  /** Whether codecs are agreed on by the line itself. */
  get isAgreed(): boolean {
    return this.dial !== undefined;
  }

  /** The same, played over another line. */
  over(dial: (calls: Calls) => Promise<Line>): Calls {
    return new Calls(this.url, this.token, this.timeoutS, this.webSocket, this.maxAttempts, dial);
  }

  /** A WebSocket that has told who one is. */
  async open(path: string): Promise<Socket> {
    const authorization = await this.authorization();
    const make = this.webSocket ?? globalThis.WebSocket;
    if (!make) throw new Unavailable("there is no WebSocket here: give one with connect(url, { webSocket })");
    const url = this.url.replace(/^http/, "ws") + path;
    const socket = await Socket.open(new make(url, [SUBPROTOCOL]), this.timeoutS);
    const names = { "x-request-id": randomName(), ...(authorization && { authorization }) };
    socket.send(JSON.stringify(names));
    return socket;
  }

  /** Tokens end, so a function is asked anew each time. */
  private async authorization(): Promise<string> {
    const token = typeof this.token === "string" ? this.token : await this.token();
    return token && `Bearer ${token}`;
  }

  private request<I extends DescMessage>(schema: I, init: MessageInitShape<I>): MessageShape<I> {
    const message = create(schema, init) as MessageShape<I> & Record<string, unknown>;
    if (message[KEY_FIELD] === "") (message as Record<string, unknown>)[KEY_FIELD] = randomName();
    return message;
  }
}

/** Every call may be repeated under its key; not every one should be, or at once. */
function mayRepeat(error: unknown): boolean {
  return error instanceof Unavailable && error.retryAfterS === null;
}

async function refusal(response: Response): Promise<Error> {
  const text = await response.text().catch(() => "");
  const error = parseConnectError(text);
  if (error) return fromDetails(error.message, error);
  // Not the service's own words: something before it.
  const isAway = response.status === 502 || response.status === 503 || response.status === 504;
  return fromDetails(`the service answered ${response.status}`, { code: isAway ? "unavailable" : "unknown" });
}
