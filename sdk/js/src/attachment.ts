/** One attachment to a session: an open Play stream. */

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";

import type { Calls, Line } from "./calls.js";
import { valueOf } from "./enums.js";
import { ConnectionLost, ProtocolError, Timeout } from "./errors.js";
import type { AudioCodec, VideoCodec } from "./media.js";
import { audioValue, videoValue } from "./media_codec.js";
import {
  type Attached,
  type PlayRequest,
  type PlayResponse,
  ClientRoleSchema,
  PlayRequestSchema,
  PlayResponseSchema,
} from "./nacre/v1/session_pb.js";
import { toSessionEnded } from "./play_codec.js";
import type { ClientRole } from "./records.js";

export interface AttachOptions {
  sessionId: string;
  resumeToken: string;
  videoCodecs: readonly VideoCodec[];
  audioCodecs: readonly AudioCodec[];
  initialCredit: number;
  role: ClientRole | "";
  clientId: string;
  standBy: boolean;
  /** What was sent before and has no outcome yet. */
  unansweredControlIds: string[];
  /** Of one whom a share link let in, when it comes back; empty for everybody else. */
  guestToken: string;
  /** The first chunk that has not come yet. */
  nextChunkIndex: number;
  timeoutS: number;
}

export interface Delivery {
  response: PlayResponse;
  numBytes: number;
}

export class Attachment {
  private constructor(
    private readonly socket: Line,
    readonly attached: Attached,
  ) {}

  /** Attach, and wait for the service's answer. Throws `NacreError`. */
  static async open(calls: Calls, options: AttachOptions): Promise<Attachment> {
    const socket = await calls.play();
    const error = new Timeout(`no answer to the attachment within ${options.timeoutS} s`, { code: "deadline_exceeded" });
    const timer = setTimeout(() => socket.close(error), options.timeoutS * 1e3);
    try {
      socket.send(toBinary(PlayRequestSchema, toAttach(options)));
      const { response } = await readFrom(socket);
      if (response.message.case === "ended") throw toSessionEnded(response.message.value.session);
      if (response.message.case !== "attached") throw new ProtocolError("the first answer was not `attached`");
      return new Attachment(socket, response.message.value);
    } catch (refusal) {
      socket.close();
      throw refusal;
    } finally {
      clearTimeout(timer);
    }
  }

  get media(): MediaStream | null {
    return this.socket.media ?? null;
  }

  read(): Promise<Delivery> {
    return readFrom(this.socket);
  }

  send(message: PlayRequest["message"]): void {
    this.socket.send(toBinary(PlayRequestSchema, create(PlayRequestSchema, { message })));
  }

  /** `lost`: tell the reader that the line is dead. */
  close(lost?: ConnectionLost): void {
    this.socket.close(lost);
  }
}

async function readFrom(socket: Line): Promise<Delivery> {
  const bytes = await socket.read();
  if (bytes === null) throw new ConnectionLost("the service closed the stream", { code: "unavailable" });
  return { response: fromBinary(PlayResponseSchema, bytes), numBytes: bytes.length };
}

function toAttach(options: AttachOptions): PlayRequest {
  return create(PlayRequestSchema, {
    message: {
      case: "attach",
      value: {
        sessionId: options.sessionId,
        resumeToken: options.resumeToken,
        videoCodecs: options.videoCodecs.map(videoValue),
        audioCodecs: options.audioCodecs.map(audioValue),
        initialCredit: options.initialCredit,
        role: options.role ? valueOf(ClientRoleSchema, options.role) : 0,
        clientId: options.clientId,
        standBy: options.standBy,
        unansweredControlIds: options.unansweredControlIds,
        guestToken: options.guestToken,
        nextChunkIndex: BigInt(options.nextChunkIndex),
      },
    },
  });
}
