import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";

import { Calls, type Line } from "../../src/calls.js";
import { Detached } from "../../src/errors.js";
import { VideoCodec } from "../../src/nacre/v1/media_pb.js";
import { type PlayRequest, PlayRequestSchema, type PlayResponse, PlayResponseSchema } from "../../src/nacre/v1/session_pb.js";
import { PlayStream } from "../../src/play_stream.js";
import { Session } from "../../src/session.js";

type Told = PlayResponse["message"];

/** Says what it is given, and then is cut; or stays silent. */
class ScriptedLine implements Line {
  readonly sent: PlayRequest["message"][] = [];

  constructor(
    private readonly told: Told[],
    private readonly staysOpen: boolean,
  ) {}

  send(data: Uint8Array<ArrayBuffer> | string): void {
    this.sent.push(fromBinary(PlayRequestSchema, data as Uint8Array<ArrayBuffer>).message);
  }

  read(): Promise<Uint8Array | null> {
    const message = this.told.shift();
    if (message) return Promise.resolve(toBinary(PlayResponseSchema, create(PlayResponseSchema, { message } as PlayResponse)));
    return this.staysOpen ? new Promise(() => {}) : Promise.resolve(null);
  }

  close(): void {}

  get nextChunkIndex(): bigint | undefined {
    const [first] = this.sent;
    return first?.case === "attach" ? first.value.nextChunkIndex : undefined;
  }
}

const attached = { case: "attached", value: { videoCodec: VideoCodec.H264 } } as Told;
const media = (index: number) => ({ case: "media", value: { chunkIndex: BigInt(index) } }) as Told;
const rewound = (index: number) => ({ case: "rewound", value: { chunkIndex: BigInt(index) } }) as Told;

test("whoever comes back says which chunk it has not got", async () => {
  const lines = [
    new ScriptedLine([attached, media(0), media(1), media(2)], false),
    new ScriptedLine([attached, media(3), rewound(1), media(1)], false),
    new ScriptedLine([attached], true),
  ];
  const left = [...lines];
  const calls = new Calls("http://127.0.0.1:1", "", 5, undefined, 1, () => Promise.resolve(left.shift()!));
  const stream = new PlayStream(calls, new Session(calls, "s-1", "token", null), { resume: { firstDelayS: 0.001 } });
  await stream.enter();
  while (stream.told.attachments < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(lines.map((line) => line.nextChunkIndex)).toEqual([0n, 3n, 2n]);
  stream.finish(new Detached("done"));
});
