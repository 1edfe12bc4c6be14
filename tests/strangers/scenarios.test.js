// What a client from elsewhere does with the running service. NACRE_ADDRESS says where it is, NACRE_CONTRACT how the
// contract is learned: "reflection", or the folders of the proto files with colons between;
// NACRE_KEY opens it, where it asks.
'use strict';

const assert = require('node:assert/strict');
const { test, before, beforeEach, afterEach } = require('node:test');
const { status } = require('@grpc/grpc-js');
const { fromFiles, fromReflection } = require('./contract');
const { Stranger } = require('./client');
const { openLine } = require('./line');

const ADDRESS = process.env.NACRE_ADDRESS;
const CONTRACT = process.env.NACRE_CONTRACT;
const KEY = process.env.NACRE_KEY;
const AUTHORIZED = KEY ? { authorization: `Bearer ${KEY}` } : {};
const NUM_SLOTS = Number(process.env.NACRE_SLOTS);
const WORLD = { prompt: 'a quiet street at dusk', seed: '7' };
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

let definition;
let stranger;
let created;

before(async () => {
  definition = CONTRACT === 'reflection' ? await fromReflection(ADDRESS) : fromFiles(CONTRACT.split(':'));
});

beforeEach(() => {
  created = [];
  stranger = new Stranger(definition, ADDRESS, AUTHORIZED);
});

afterEach(async () => {
  // Those that are parked meanwhile hold no slot.
  for (const session_id of created) await stranger.ask('EndSession', { session_id }).catch(() => {});
  stranger.close();
});

async function create(request = { world: WORLD }, options = {}) {
  const answer = await stranger.ask('CreateSession', request, options);
  created.push(answer.session.session_id);
  return { session_id: answer.session.session_id, resume_token: answer.resume_token, answer };
}

function play({ session_id, resume_token }, by = stranger, options = {}) {
  return by.play({ session_id, resume_token }, options);
}

const refused = async (promise) => {
  const refusal = await promise.then(() => undefined, (error) => error);
  assert.ok(refusal && refusal.details, `was not refused: ${refusal && refusal.stack}`);
  const { ErrorInfo, RequestInfo } = refusal.details;
  assert.equal(ErrorInfo.domain, 'nacre');
  assert.equal(RequestInfo.request_id, ErrorInfo.metadata.request_id);
  assert.equal(refusal.status.code, refusal.code);
  return { code: refusal.code, reason: ErrorInfo.reason, ...refusal.details };
};

async function eventually(ask) {
  for (;;) {
    const answer = await ask().catch((error) => error);
    if (!(answer instanceof Error)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const isContiguous = (numbers) => numbers.every((number, idx) => idx === 0 || number === numbers[idx - 1] + 1);

test('capabilities say what the service can do', async () => {
  const { capabilities, requestId } = await stranger.ask('GetCapabilities', {}, { metadata: { 'x-request-id': 'cap-1' } });
  assert.ok(capabilities.width_px > 0 && capabilities.frame_rate > 0);
  assert.ok(capabilities.controls.includes('CONTROL_KIND_MOVE'));
  assert.equal(requestId, 'cap-1');
});

test('a world plays, and every control has an outcome', async () => {
  const made = await create({ world: WORLD, idempotency_key: 'stranger-1' + Date.now() });
  assert.equal(made.answer.session.world.seed, '7');
  const stream = play(made);
  const attached = await stream.until((each) => each.attached);
  assert.deepEqual([attached.video_codec, attached.audio_codec], ['VIDEO_CODEC_H264', 'AUDIO_CODEC_OPUS']);
  assert.ok(stream.requestId);
  stream.send({ control: { control_id: 'walk', move: { forward: 1 } } });
  stream.send({ control: { control_id: 'rain', directive: { text: 'it starts to rain' } } });
  await stream.ack('walk', 'accepted');
  const { applied } = await stream.ack('rain', 'applied');
  assert.equal(applied.frame_index, applied.chunk_index); // one frame to a chunk
  await stream.until(({ chunks }) => chunks.length >= Math.max(5, Number(applied.chunk_index) + 1));
  assert.ok(isContiguous(stream.chunks.map((chunk) => Number(chunk.chunk_index))));
  assert.deepEqual(stream.chunks.map((chunk) => Number(chunk.sequence)), [...stream.chunks.keys()]);
  const first = stream.chunks[0].frames[0];
  assert.ok(first.is_keyframe);
  assert.match(first.data.subarray(0, 4).toString('hex'), /^000001|^00000001/);
  assert.ok(stream.chunks.some((chunk) => chunk.audio && chunk.audio.packets.length));
  await stranger.ask('EndSession', { session_id: made.session_id });
  assert.equal((await stream.until((each) => each.ended)).session.end_reason, 'END_REASON_REQUESTED');
  assert.equal(await stream.over(), undefined);
});

test('a control that is refused says why, and the stream goes on', async () => {
  const stream = play(await create());
  await stream.until((each) => each.attached);
  stream.send({ control: { control_id: 'too-far', move: { forward: 7 } } });
  const { error } = (await stream.ack('too-far', 'rejected')).rejected;
  assert.deepEqual([error.reason, error.field], ['ERROR_REASON_FIELD_INVALID', 'control.move.forward']);
  assert.equal(error.request_id, stream.requestId);
  stream.send({ control: { control_id: 'again', perspective: { perspective: 'PERSPECTIVE_THIRD_PERSON' } } });
  await stream.ack('again', 'rejected');
  const { length } = stream.chunks;
  await stream.until(({ chunks }) => chunks.length > length + 1);
});

test('errors have details', async () => {
  const missing = await refused(
    stranger.ask('GetSession', { session_id: 's-none' }, { metadata: { 'x-request-id': 'find-me' } }),
  );
  assert.deepEqual([missing.code, missing.reason], [status.NOT_FOUND, 'SESSION_NOT_FOUND']);
  assert.equal(missing.RequestInfo.request_id, 'find-me');

  const empty = await refused(stranger.ask('CreateSession', { world: {} }));
  assert.deepEqual([empty.code, empty.reason], [status.INVALID_ARGUMENT, 'WORLD_MISSING']);
  assert.equal(empty.BadRequest.field_violations[0].field, 'world.prompt');
  assert.equal(empty.ErrorInfo.metadata.allowed, 'world.prompt,world.scene,world.image');

  const data = Buffer.concat([PNG, Buffer.alloc(9 << 20)]);
  const large = await refused(stranger.ask('CreateSession', { world: { image: { data } } }));
  assert.deepEqual([large.code, large.reason], [status.RESOURCE_EXHAUSTED, 'MESSAGE_TOO_LARGE']);
  assert.equal(large.QuotaFailure.violations[0].subject, 'message');

  const worker = await refused(stranger.ask('DrainWorker', { worker_id: 'w-none' }));
  assert.deepEqual([worker.code, worker.reason], [status.NOT_FOUND, 'WORKER_NOT_FOUND']);
});

test('nobody comes in without a key, and with a token as far as it reaches', async () => {
  const nobody = new Stranger(definition, ADDRESS);
  const closed = await refused(nobody.ask('CreateSession', { world: WORLD }));
  assert.deepEqual([closed.code, closed.reason], [status.UNAUTHENTICATED, 'UNAUTHENTICATED']);
  const stream = nobody.play({ session_id: 's-1', resume_token: 'guess' });
  assert.equal((await refused(stream.until((each) => each.attached))).reason, 'UNAUTHENTICATED');
  nobody.close();
  const { token } = await stranger.ask('MintToken', { role: 'ROLE_VIEWER' });
  const viewer = new Stranger(definition, ADDRESS, { authorization: `Bearer ${token}` });
  assert.ok((await viewer.ask('GetCapabilities', {})).capabilities.model);
  const denied = await refused(viewer.ask('CreateSession', { world: WORLD }));
  assert.deepEqual([denied.code, denied.reason], [status.PERMISSION_DENIED, 'PERMISSION_MISSING']);
  viewer.close();
});

test('a wrong resume token opens nothing', async () => {
  const made = await create();
  const stream = play({ ...made, resume_token: 'guess' });
  const refusal = await refused(stream.until((each) => each.attached));
  assert.deepEqual([refusal.code, refusal.reason], [status.PERMISSION_DENIED, 'RESUME_TOKEN_INVALID']);
});

test('when every slot is taken, the caller is told when to come again', async () => {
  for (let idx = 0; idx < NUM_SLOTS; idx += 1) await create();
  const full = await refused(stranger.ask('CreateSession', { world: WORLD }));
  assert.deepEqual([full.code, full.reason], [status.RESOURCE_EXHAUSTED, 'CAPACITY_EXHAUSTED']);
  const { seconds, nanos } = full.RetryInfo.retry_delay; // by how fast places came free lately
  assert.ok(Number(seconds) + nanos > 0);
  assert.equal(full.QuotaFailure.violations[0].subject, 'service');
});

test('a deadline ends the stream and not the session', async () => {
  const made = await create();
  const stream = play(made, stranger, { deadline: Date.now() + 600 });
  await stream.until(({ chunks }) => chunks.length);
  assert.equal((await stream.over()).code, status.DEADLINE_EXCEEDED);
  const again = play(made);
  const attached = await again.until((each) => each.attached);
  assert.ok(Number(attached.next_chunk_index) > 0);
  await again.until(({ chunks }) => chunks.length > 1);
});

test('what is cancelled frees its slot', async () => {
  const made = [];
  for (let idx = 0; idx < NUM_SLOTS; idx += 1) made.push(await create());
  const streams = made.map((each) => play(each));
  for (const stream of streams) await stream.until(({ chunks }) => chunks.length);
  for (const stream of streams) stream.call.cancel();
  for (const stream of streams) assert.equal((await stream.over()).code, status.CANCELLED);
  // Nobody plays them: after the grace time they are kept without a slot, and there is room for others.
  const another = await eventually(() => create());
  const stream = play(another);
  await stream.until(({ chunks }) => chunks.length > 1);
});

test('a call that is cancelled before its answer leaves nothing behind', async () => {
  for (let idx = 0; idx < 4; idx += 1) {
    const options = { cancelAfterMs: idx };
    await stranger.ask('CreateSession', { world: WORLD }, options).then(
      (answer) => created.push(answer.session.session_id),
      (error) => assert.ok([status.CANCELLED, status.RESOURCE_EXHAUSTED].includes(error.code), error.stack),
    );
  }
  for (const session_id of created.splice(0)) await stranger.ask('EndSession', { session_id });
  for (let idx = 0; idx < NUM_SLOTS; idx += 1) await eventually(() => create());
});

test('a session goes on after its connection broke', async () => {
  const made = await create();
  const line = await openLine(ADDRESS);
  const near = new Stranger(definition, line.address, AUTHORIZED);
  const stream = play(made, near);
  stream.send({ control: { control_id: 'walk', move: { forward: 1 } } });
  await stream.ack('walk', 'applied');
  await stream.until(({ chunks }) => chunks.length > 2);
  line.cut();
  assert.equal((await stream.over()).code, status.UNAVAILABLE);
  near.close();
  const again = await eventually(async () => {
    const next = play(made);
    await next.until((each) => each.attached);
    return next;
  });
  await again.until(({ chunks }) => chunks.length > 2);
  // What was on its way when the line was cut is lost; nothing comes twice.
  const numbers = [...stream.chunks, ...again.chunks].map((chunk) => Number(chunk.chunk_index));
  assert.equal(new Set(numbers).size, numbers.length);
  assert.ok(isContiguous(again.chunks.map((chunk) => Number(chunk.chunk_index))));
  assert.ok(again.chunks[0].frames[0].is_keyframe);
  again.send({ control: { control_id: 'walk', move: { forward: 0 } } });
  const { error } = (await again.ack('walk', 'rejected')).rejected;
  assert.equal(error.reason, 'ERROR_REASON_CONTROL_DUPLICATE');
});
