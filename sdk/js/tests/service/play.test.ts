import { afterEach, expect, inject, test } from "vitest";

import {
  type Chunk,
  type CreateOptions,
  type EnterOptions,
  ControlRejected,
  InvalidArgument,
  NotFound,
  type Session,
  SessionEnded,
  Unavailable,
  type World,
  after,
  atChunk,
  connect,
} from "../../src/index.js";
import { Line } from "../line.js";

const client = connect(inject("url"));
const begun: Session[] = [];

async function begin(options: CreateOptions = { prompt: "a quiet street at dusk", seed: 7 }): Promise<Session> {
  const session = await client.create(options);
  begun.push(session);
  return session;
}

async function play(options: EnterOptions = {}): Promise<World> {
  return (await begin()).enter(options);
}

/** The first `count` chunks. */
async function take(world: World, count: number): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for await (const chunk of world) if (chunks.push(chunk) === count) break;
  return chunks;
}

/** Take what comes, until told to stop. */
function drain(world: World): Chunk[] {
  const chunks: Chunk[] = [];
  void (async () => {
    for await (const chunk of world) chunks.push(chunk);
  })().catch(() => {});
  return chunks;
}

function once<T>(on: (listener: (value: T) => void) => () => void): Promise<T> {
  return new Promise((resolve) => {
    const off = on((value) => {
      off();
      resolve(value);
    });
  });
}

afterEach(async () => {
  for (const session of begun.splice(0)) await session.end().catch(() => {});
});

test("a world plays: chunks count without gaps, and begin with a keyframe", async () => {
  const session = await begin();
  expect(session.record).toMatchObject({ state: "ready", world: { prompt: "a quiet street at dusk", seed: 7n } });
  const world = await session.enter();
  expect(world.format).toMatchObject({ video: "h264", audio: "opus", widthPx: 128, heightPx: 80 });
  const chunks = await take(world, 6);
  expect(chunks.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
  const frames = chunks.flatMap((chunk) => chunk.frames);
  expect(frames.map(({ index }) => index)).toEqual(frames.map((_, idx) => idx));
  expect(frames[0]!.isKeyframe).toBe(true);
  expect([...frames[0]!.data.subarray(0, 3)]).toEqual([0, 0, 0]); // a start code of Annex B
  expect(chunks.some(({ sound }) => sound !== null && sound.packets.length > 0)).toBe(true);
  expect(chunks.every(({ isRepeat }) => !isRepeat)).toBe(true);
  world.leave();
  expect(world.state).toBe("closed");
  expect(await take(world, 1).then((rest) => rest.length)).toBeLessThanOrEqual(1); // what had come, and the end
});

test("pictures as they are, for browsers that cannot decode", async () => {
  const world = await play({ video: "rgb", audio: "pcm" });
  const [chunk] = await take(world, 1);
  expect(chunk!.frames[0]!.data).toHaveLength(128 * 80 * 3);
  expect(chunk!.sound!.packets[0]).toHaveLength(chunk!.sound!.numSamples * 2);
});

test("a control is accepted, and applied with the chunk that it shaped first", async () => {
  const world = await play();
  const changes: string[] = [];
  world.on("receipt", ({ kind, status }) => changes.push(`${kind} ${status}`));
  const chunks = drain(world);
  const receipt = world.say("it starts to rain");
  await receipt.accepted;
  const outcome = await receipt;
  expect(outcome).toMatchObject({ kind: "applied", controlId: receipt.controlId });
  expect(outcome.kind === "applied" && outcome.understood).toEqual([expect.stringMatching(/^text: /)]);
  expect(changes).toEqual(["directive sent", "directive accepted", "directive applied"]);
  expect(await world.move({ forward: 1 })).toMatchObject({ kind: "applied", understood: null });
  await world.look({ yaw: -0.5 });
  expect(chunks.length).toBeGreaterThan(0);
});

test("the later of two moves takes the place of the earlier", async () => {
  const world = await play();
  drain(world);
  const [first, second] = [world.move({ forward: 1 }), world.move({ forward: 0.5 })];
  expect(await first).toMatchObject({ kind: "superseded", byControlId: second.controlId, reason: "later" });
  expect(await second).toMatchObject({ kind: "applied" });
});

test("what the model cannot do is refused with what it can", async () => {
  const world = await play();
  drain(world);
  const refused = await world.perspective("first_person").then(null, (error: unknown) => error);
  expect(refused).toBeInstanceOf(ControlRejected);
  expect(refused).toMatchObject({ reason: "CONTROL_UNSUPPORTED" });
  expect((refused as ControlRejected).allowed).toContain("move");
  expect(() => world.camera("somersault" as never)).toThrow(/push_in/);
});

test("controls wait for their time, for each other, and are taken back", async () => {
  const world = await play();
  drain(world);
  const late = world.say("dusk falls", { when: atChunk(500) });
  await late.accepted;
  expect(late.dueChunkIndex).toBe(500);
  await world.cancel(late);
  expect(await late).toMatchObject({ kind: "superseded", reason: "cancelled" });
  const first = world.say("it rains", { when: after(0.2) });
  const second = world.say("the rain stops", { when: after(first, 0.2) });
  const [one, two] = [await first, await second];
  expect(one.kind === "applied" && two.kind === "applied" && two.chunkIndex - one.chunkIndex).toBeGreaterThanOrEqual(2);
});

test("errors say which field, and in which call", async () => {
  const refused = await client.create({}).then(null, (error: unknown) => error);
  expect(refused).toBeInstanceOf(InvalidArgument);
  expect(refused).toMatchObject({ reason: "WORLD_MISSING", code: "invalid_argument" });
  expect((refused as InvalidArgument).requestId).not.toBe("");
  await expect(client.create({ prompt: "x".repeat(2_001) })).rejects.toMatchObject({ reason: "TEXT_TOO_LONG", field: "world.prompt" });
  await expect(client.session("nobody").state()).rejects.toBeInstanceOf(NotFound);
  await expect(client.session("nobody", "none").enter()).rejects.toBeInstanceOf(NotFound);
  await expect(client.create({ image: new Uint8Array([1, 2, 3]) })).rejects.toMatchObject({ reason: "IMAGE_UNREADABLE" });
  await expect(connect("http://127.0.0.1:9").capabilities()).rejects.toBeInstanceOf(Unavailable);
  expect(() => connect("ftp://x")).toThrow(TypeError);
});

test("capabilities tell what an interface may offer", async () => {
  expect(await client.capabilities()).toMatchObject({ model: "fake", controls: ["move", "look", "directive", "image"], framesPerChunk: 1 });
});

test("the same key asks for the same session", async () => {
  const options = { prompt: "a lighthouse", idempotencyKey: `key-${Math.random().toString(36).slice(2)}` };
  const [one, two] = [await begin(options), await begin(options)];
  expect(one.id).toBe(two.id);
});

test("a call that got no answer is repeated, and done once", async () => {
  const line = await Line.to(inject("url"));
  line.numRefused = 2;
  const prompt = `a tower, ${Math.random()}`;
  begun.push(await connect(line.url).create({ prompt }));
  line.close();
  let count = 0;
  for await (const { world } of client.sessions()) if (world.prompt === prompt) count += 1;
  expect(count).toBe(1);
});

test("pause, save, fork, rewind, branches and diff", async () => {
  const session = await begin();
  const world = await session.enter();
  const chunks = drain(world);
  await world.say("it snows");
  expect((await session.pause()).isPaused).toBe(true);
  expect((await session.resume()).isPaused).toBe(false);
  const saved = await session.save("before the door", { note: "a note" });
  expect(saved).toMatchObject({ name: "before the door", note: "a note", sessionId: session.id });
  const fork = await session.fork({ label: "left" });
  begun.push(fork);
  const rewound = once<{ chunkIndex: number }>((listener) => world.on("rewound", listener));
  const back = await session.rewind({ chunkIndex: 1 });
  expect(await rewound).toEqual(back);
  await once<Chunk>((listener) => world.on("chunk", listener));
  await world.say("it thaws");
  const anew = chunks.findLastIndex(({ index }) => index === 1);
  expect(chunks[anew]!.epoch).toBeGreaterThan(chunks[0]!.epoch);
  expect(chunks[anew]!.frames[0]!.isKeyframe).toBe(true);
  const branches = await session.branches();
  expect(branches.map(({ sessionId }) => sessionId)).toEqual(expect.arrayContaining([session.id, fork.id, back.branchSessionId]));
  expect((await session.diff(fork)).partedChunkIndex).toBe(1);
  const worlds: string[] = [];
  for await (const each of client.worlds({ pageSize: 1 })) worlds.push(each.worldId);
  expect(worlds).toContain(saved.worldId);
  await client.deleteWorld(saved.worldId);
});

test("a saved world is loaded by its name, and a file of it elsewhere", async () => {
  const session = await begin();
  const world = await session.enter();
  drain(world);
  await world.say("a door opens");
  await session.save("the door");
  const loaded = await client.load({ name: "the door" });
  begun.push(loaded);
  expect((await loaded.branches()).length).toBeGreaterThan(0);
  const file = await session.export();
  expect(await client.importWorld(file, "the door, imported")).toMatchObject({ version: 1 });
});

test("what was seen is a film: whole, by a link, and forgotten", async () => {
  const session = await begin();
  const world = await session.enter();
  const chunks = drain(world);
  await world.say("a kite rises");
  while (chunks.length < 5) await once<Chunk>((listener) => world.on("chunk", listener));
  await session.end();
  const film = new Uint8Array(await (await session.recording()).arrayBuffer());
  expect(new TextDecoder().decode(film.subarray(4, 8))).toBe("ftyp"); // an MP4 file begins so
  const info = await session.recordingInfo();
  expect(info.numFrames).toBeGreaterThanOrEqual(5);
  const link = await session.recordingLink();
  expect((await (await fetch(link)).arrayBuffer()).byteLength).toBe(film.length);
  await session.deleteRecording();
  await expect(session.recordingInfo()).rejects.toMatchObject({ reason: "RECORDING_NOT_FOUND" });
});

test("one looks on by a link, and hears of no hands", async () => {
  const session = await begin();
  const world = await session.enter({ clientId: "ann" });
  drain(world);
  const link = await session.share("view", { seconds: 600 });
  const guest = await client.openShare(link.token);
  const looking = await guest.enter({ role: "viewer" });
  const [chunk] = await take(looking, 1);
  expect(chunk!.frames[0]!.isKeyframe).toBe(true);
  expect([looking.role, looking.inControl, world.inControl]).toEqual(["viewer", false, true]);
  expect((await session.shareLinks()).map(({ shareId }) => shareId)).toEqual([link.shareId]);
  looking.leave();
  await session.revoke(link);
  await expect(client.openShare(link.token)).rejects.toMatchObject({ reason: "SHARE_LINK_REVOKED" });
});

test("the end is told to whoever is in it", async () => {
  const session = await begin();
  const world = await session.enter();
  const chunks = drain(world);
  await once<Chunk>((listener) => world.on("chunk", listener));
  const waiting = world.say("never", { when: atChunk(9_999) });
  const closed = once<Error>((listener) => world.on("closed", listener));
  expect((await session.end()).state).toBe("ended");
  expect(await closed).toMatchObject({ reason: "REQUESTED" });
  expect(world.end).toBeInstanceOf(SessionEnded);
  await waiting.then(null, () => {});
  expect(["lost", "rejected"]).toContain(waiting.status);
  expect(chunks.length).toBeGreaterThan(0);
  const states: string[] = [];
  for await (const each of client.sessions({ states: ["ended"] })) if (each.sessionId === session.id) states.push(each.state);
  expect(states).toEqual(["ended"]);
  await session.delete();
});

test("a parked session is woken by entering it", async () => {
  const session = await begin();
  const world = await session.enter();
  const chunks = drain(world);
  await world.say("it rains");
  const closed = once<Error>((listener) => world.on("closed", listener));
  expect((await session.park()).state).toBe("parked");
  expect(await closed).toMatchObject({ reason: "PARKED" });
  const again = await session.enter();
  const [chunk] = await take(again, 1);
  expect(chunk!.index).toBe(again.nextChunkIndex);
  expect(chunk!.index).toBeGreaterThan(chunks.at(-1)!.index);
});

/** Every slot: those of sessions that are over come free a moment later. */
function beginAll(): Promise<Session[]> {
  return Promise.all([1, 2, 3].map((seed) => begin({ prompt: "a quiet street at dusk", seed, waitS: 20 })));
}

test("whoever waits is told how far they are", async () => {
  const sessions = await beginAll();
  await expect(client.create({ prompt: "one too many" })).rejects.toMatchObject({ reason: "CAPACITY_EXHAUSTED" });
  const positions: number[] = [];
  const before = Date.now();
  const waiting = begin({
    prompt: "one more",
    waitS: 30,
    onQueue: ({ position, givesUpAt, limits }) => {
      positions.push(position);
      expect(Math.abs(givesUpAt!.getTime() - before - 30_000)).toBeLessThan(10_000);
      expect(limits).toMatchObject({ concurrentSessions: null });
      void sessions[0]!.end();
    },
  });
  expect((await waiting).record?.state).toBe("ready");
  expect(positions[0]).toBe(1);
});

test("whoever leaves the queue is let go", async () => {
  await beginAll();
  const leaving = new AbortController();
  const waiting = client.create({ prompt: "x", waitS: 30, signal: leaving.signal, onQueue: () => leaving.abort() });
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
});

test("after a lost connection the same world goes on, without a frame lost or twice", async () => {
  const line = await Line.to(inject("url"));
  const session = await connect(line.url).create({ prompt: "a harbour at dawn", waitS: 20 });
  begun.push(session);
  const world = await session.enter({ clientId: "ann" });
  const chunks = drain(world);
  while (chunks.length < 3) await once<Chunk>((listener) => world.on("chunk", listener));
  const [reconnecting, attached] = [
    once<{ attempt: number }>((listener) => world.on("reconnecting", listener)),
    once<{ resumed: boolean }>((listener) => world.on("attached", listener)),
  ];
  line.cut();
  expect(await reconnecting).toMatchObject({ attempt: 0 });
  expect(world.state).toBe("reconnecting");
  const meanwhile = world.say("a gull cries"); // said while nobody hears it
  expect(await attached).toMatchObject({ resumed: true });
  expect(await meanwhile).toMatchObject({ kind: "applied" });
  while (chunks.at(-1)!.epoch === chunks[0]!.epoch) await once<Chunk>((listener) => world.on("chunk", listener));
  const shown = chunks.filter(({ isRepeat }) => !isRepeat).flatMap(({ frames }) => frames.map(({ index }) => index));
  expect(new Set(shown).size).toBe(shown.length);
  const again = chunks.find(({ epoch }) => epoch > chunks[0]!.epoch)!;
  expect(again.frames[0]!.isKeyframe).toBe(true);
  expect(again.index).toBe(world.nextChunkIndex);
  expect(world.numAttachments).toBe(2);
  line.close();
});

test("whoever comes back learns that a control got lost, and what became of another", async () => {
  const line = await Line.to(inject("url"));
  const session = await connect(line.url).create({ prompt: "a harbour at dawn", waitS: 20 });
  begun.push(session);
  const world = await session.enter({ clientId: "ann" });
  drain(world);
  const waiting = world.say("the tide turns", { when: atChunk(9_999) });
  await waiting.accepted;
  line.dead = true;
  const swallowed = world.say("a bell rings");
  await new Promise((resolve) => setTimeout(resolve, 200)); // until it was written to nobody
  line.dead = false;
  line.cut();
  await expect(swallowed).rejects.toMatchObject({ name: "ControlRejected", reason: "CONTROL_LOST" });
  expect([swallowed.status, waiting.status]).toEqual(["rejected", "accepted"]);
  await world.cancel(waiting);
  expect(await waiting).toMatchObject({ kind: "superseded", reason: "cancelled" });
  line.close();
});

test("a line that is dead without a word is noticed", async () => {
  const line = await Line.to(inject("url"));
  const session = await connect(line.url).create({ prompt: "a harbour at dawn", waitS: 20 });
  begun.push(session);
  const world = await session.enter();
  drain(world);
  await world.say("a ship comes in");
  const reconnecting = once<{ error: Error }>((listener) => world.on("reconnecting", listener));
  line.dead = true;
  expect((await reconnecting).error.message).toContain("dead");
  line.dead = false;
  line.cut();
  await once<unknown>((listener) => world.on("attached", listener));
  expect(await world.say("the ship leaves")).toMatchObject({ kind: "applied" });
  line.close();
});

test("without resuming, a lost connection is the end of the world and not of the session", async () => {
  const line = await Line.to(inject("url"));
  const session = await connect(line.url).create({ prompt: "a harbour at dawn", waitS: 20 });
  begun.push(session);
  const world = await session.enter({ resume: false });
  const closed = once<Error>((listener) => world.on("closed", listener));
  line.cut();
  expect((await closed).name).toBe("ConnectionLost");
  expect((await client.session(session.id).state()).state).not.toBe("ended");
  line.close();
});
