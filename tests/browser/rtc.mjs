/**
 * A page of somebody's own that plays over WebRTC, in real Chromium. Prints what it saw as one line of JSON.
 *
 *     node rtc.mjs URL FOLDER        FOLDER gets a picture
 */

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { launch, openPage } from "./browser.mjs";

const SDK = readFileSync(new URL("../../sdk/js/dist/nacre.js", import.meta.url), "utf8");
const PAGE = "<!doctype html><title>WebRTC</title><video muted autoplay playsinline></video>";
const PLAY_MS = 60_000;

const [url, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await launch();
const { page, faults } = await openPage(browser);
await page.route(`${url}/rtc.html`, (route) => route.fulfill({ contentType: "text/html", body: PAGE }));
await page.route(`${url}/nacre.js`, (route) => route.fulfill({ contentType: "text/javascript", body: SDK }));
await page.goto(`${url}/rtc.html`);
const timer = setTimeout(() => browser.close(), PLAY_MS);
let seen = {};
try {
  seen = await page.evaluate(play);
  await page.locator("video").screenshot({ path: join(folder, "rtc.png") });
} catch (failure) {
  faults.push(String(failure));
}
clearTimeout(timer);
console.log(JSON.stringify({ ...seen, faults }));
await browser.close();

/** Runs in the page. */
async function play() {
  const { connect } = await import("/nacre.js");
  const client = connect(undefined, { transport: "webrtc" });
  const session = await client.create({ prompt: "a quiet street at dusk", seed: 7 });
  const world = await session.enter();
  const video = document.querySelector("video");
  video.srcObject = world.media;
  const announced = new Map();
  const chunks = [];
  const reading = (async () => {
    for await (const chunk of world) {
      chunks.push(chunk.index);
      for (const frame of chunk.frames) announced.set(frame.rtpTimestamp, frame.index);
    }
  })();
  const canvas = new OffscreenCanvas(16, 10);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const painted = [];
  const onFrame = (now, { rtpTimestamp }) => {
    context.drawImage(video, 0, 0, 16, 10);
    painted.push({ rtpTimestamp, pixels: Array.from(context.getImageData(0, 0, 16, 10).data) });
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
  const listener = new AudioContext();
  const analyser = listener.createAnalyser();
  listener.createMediaStreamSource(world.media).connect(analyser);
  await listener.resume();
  let loudest = 0;
  const hear = setInterval(() => {
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, ...samples.map(Math.abs));
  }, 50);
  const until = async (isSo) => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await until(() => painted.length >= 20);
  const look = world.look({ yaw: 1 });
  const applied = await look;
  const turnedFrom = painted.length;
  await until(() => painted.length >= turnedFrom + 40);
  clearInterval(hear);
  const difference = (one, other) => one.pixels.reduce((sum, value, at) => sum + Math.abs(value - other.pixels[at]), 0);
  const last = painted.at(-1);
  const before = painted[Math.max(0, turnedFrom - 15)];
  const state = world.state;
  await session.end();
  await reading.catch(() => {});
  return {
    numChunks: chunks.length,
    isGapless: chunks.every((index, at) => at === 0 || index === chunks[at - 1] + 1),
    numPainted: painted.length,
    numKnown: painted.filter(({ rtpTimestamp }) => announced.has(rtpTimestamp)).length,
    change: difference(before, last) / last.pixels.length,
    appliedChunk: applied.chunkIndex,
    loudest,
    state,
    end: String(world.end?.name ?? world.end),
    size: [video.videoWidth, video.videoHeight],
  };
}
