/**
 * Plays over both faces by turns, in one Chromium. The line to the service is somebody else's affair. One JSON object on
 * standard output; the key is read from NACRE_API_KEY.
 *
 *     node measure.mjs URL '{"rounds": 3, "seconds": 30, "buffer_chunks": 8}'
 */

import { readFileSync } from "node:fs";
import { launch, openPage } from "../../tests/browser/browser.mjs";

const FACES = ["websocket", "webrtc"];
const PAGE = "<!doctype html><title>A line that loses packets</title><video muted autoplay playsinline></video>";
/** Chromium lets a page of a plain address decode pictures, or call an address of a private network, where told to. */
const CALLS = ["LocalNetworkAccessChecks", "LocalNetworkAccessChecksWebSockets", "BlockInsecurePrivateNetworkRequests"];
/** Beside the play: to connect, to be shown the first picture, to end. */
const SLACK_MS = 60_000;

const [url, settings] = process.argv.slice(2);
const { rounds, seconds, buffer_chunks: bufferChunks } = JSON.parse(settings);
const apiKey = process.env.NACRE_API_KEY;
// What the page is made of comes from here, so that no lost packet holds its beginning up.
const FILES = [
  ["lossy.html", "text/html", PAGE],
  ["nacre.js", "text/javascript", readFileSync(new URL("../../sdk/js/dist/nacre.js", import.meta.url), "utf8")],
  ["page.mjs", "text/javascript", readFileSync(new URL("page.mjs", import.meta.url), "utf8")],
];

const browser = await launch([`--disable-features=${CALLS}`, `--unsafely-treat-insecure-origin-as-secure=${url}`]);
const told = { browser: browser.version(), plays: [], faults: [] };
for (let round = 0; round < rounds; round += 1) for (const face of FACES) await measure(face);
await browser.close();
console.log(JSON.stringify(told));

async function measure(face) {
  const { page, context, faults } = await openPage(browser);
  for (const [name, contentType, body] of FILES)
    await page.route(`${url}/${name}`, (route) => route.fulfill({ contentType, body }));
  await page.goto(`${url}/lossy.html`);
  const options = { face, apiKey, seconds, bufferChunks };
  const play = page.evaluate(async (given) => (await import("/page.mjs")).play(given), options);
  try {
    told.plays.push(await within(1_000 * seconds + SLACK_MS, play));
  } catch (failure) {
    faults.push(String(failure));
  }
  told.faults.push(...faults.map((fault) => `${face}: ${fault}`));
  await context.close();
}

function within(limitMs, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${limitMs / 1000} s`)), limitMs);
  });
  promise.catch(() => {}); // of one that is no longer waited for
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
