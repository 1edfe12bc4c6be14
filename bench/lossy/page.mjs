/** In the page: one play over one face. Times are performance.now(), in milliseconds. */

import { connect, WorldView } from "/nacre.js";

const WORLD = { prompt: "a quiet street at dusk", seed: 7 };
/** Between two turns: every phase of a chunk has its turn. */
const TURN_MS = 640;
const PHASES_MS = 80;
const PHASE_STEP_MS = 37;
/** For what the last turns led to. */
const LAST_MS = 2_000;

/** `face`: "websocket" or "webrtc". Tells when every picture was painted, and when every turn was asked for. */
export async function play({ face, apiKey, seconds, bufferChunks }) {
  const session = await connect(undefined, { transport: face, apiKey }).create(WORLD);
  const world = await session.enter(face === "webrtc" ? {} : { bufferChunks });
  const chunks = [];
  world.on("chunk", ({ isLate }) => chunks.push(isLate));
  const screen = face === "webrtc" ? watchVideo(world) : watchCanvas(world);
  while (screen.painted().length === 0) await pause(20);
  const began = { beganMs: performance.now(), before: chunks.length };
  const turns = await steer(world, 1_000 * seconds);
  const ended = { endedMs: performance.now(), after: chunks.length };
  await pause(LAST_MS);
  const told = {
    face,
    began_ms: began.beganMs,
    ended_ms: ended.endedMs,
    frame_rate: world.capabilities.frameRate,
    painted: screen.painted(),
    turns: turns.map(({ atMs, receipt }) => [atMs, receipt.outcome?.frameIndex ?? null]),
    num_chunks: ended.after - began.before,
    num_late_chunks: chunks.slice(began.before, ended.after).filter((isLate) => isLate).length,
    num_attachments: world.numAttachments,
    codec: world.format.video,
  };
  screen.close();
  await session.end();
  return told;
}

/** Left and right by turns. */
async function steer(world, forMs) {
  const turns = [];
  const untilMs = performance.now() + forMs;
  for (let turn = 0; performance.now() < untilMs; turn += 1) {
    turns.push({ atMs: performance.now(), receipt: world.look({ yaw: turn % 2 ? -0.5 : 0.5 }) });
    await pause(TURN_MS + ((turn * PHASE_STEP_MS) % PHASES_MS));
  }
  return turns;
}

/** As the service's own page shows a world. */
function watchCanvas(world) {
  const canvas = document.body.appendChild(document.createElement("canvas"));
  const view = new WorldView(canvas);
  const painted = [];
  view.on("frame", ({ paintedMs, frameIndex }) => painted.push([paintedMs, frameIndex]));
  view.show(world);
  return { painted: () => painted, close: () => view.close() };
}

/** As the browser shows media. A picture's number comes with its chunk's message, which may come after the picture. */
function watchVideo(world) {
  const video = document.querySelector("video");
  const numbers = new Map();
  const painted = [];
  const show = () => (video.srcObject = world.media);
  world.on("attached", show);
  show();
  (async () => {
    for await (const { frames } of world) for (const { rtpTimestamp, index } of frames) numbers.set(rtpTimestamp, index);
  })().catch(() => {});
  const onFrame = (_, { rtpTimestamp }) => {
    painted.push([performance.now(), rtpTimestamp]);
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
  const known = () => painted.map(([atMs, rtpTimestamp]) => [atMs, numbers.get(rtpTimestamp) ?? null]);
  return { painted: known, close: () => (video.srcObject = null) };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
