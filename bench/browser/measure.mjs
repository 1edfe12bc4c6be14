/**
 * Figures of the page as its user has them. One JSON object on standard output.
 *
 *     node measure.mjs URL '{"starts": 5, "presses": 40, "minutes": 0}'
 *
 * Times are the browser's own (performance.now), from the event to the animation frame in which the canvas was painted.
 * What is pressed and what was seen of it are told one by one: a press that nobody saw is none that was quick.
 */

import { readFileSync } from "node:fs";
import { launch, openPage, playing } from "../../tests/browser/browser.mjs";

const MINUTES_WORDS = ["it starts to rain", "the rain stops", "night falls", "the sun rises"];

const [url, settings] = process.argv.slice(2);
const { starts, presses, minutes } = JSON.parse(settings);
const browser = await launch();
const figures = {
  usable_ms: [],
  first_frame_ms: [],
  key_to_frame_ms: [],
  num_pressed: 0,
  skew_ms: [],
  memory: [],
  stats: null,
  faults: [],
};

for (let round = 0; round < starts; round += 1) await measureStart();
await measurePlay();
await browser.close();
console.log(JSON.stringify(figures));

async function measureStart() {
  const { page, context, faults } = await openPage(browser);
  await page.goto(url);
  await page.waitForSelector(".starter");
  figures.usable_ms.push(await page.evaluate(() => performance.getEntriesByName("nacre:usable")[0].startTime));
  await page.click(".starter >> nth=0");
  await playing(page);
  figures.first_frame_ms.push(
    await page.evaluate(() => {
      const at = (name) => performance.getEntriesByName(name)[0].startTime;
      return at("nacre:painted") - at("nacre:pressed");
    }),
  );
  await page.click("[aria-label='Leave this world']");
  await page.waitForSelector(".starter");
  figures.faults.push(...faults);
  await context.close();
}

/** Turns left and right at every phase of a chunk: the receipt names the first frame, the view tells when it was painted. */
async function measurePlay() {
  const { page, context, faults } = await openPage(browser);
  await page.goto(url);
  await page.click(".starter >> nth=0");
  await playing(page);
  await page.evaluate(watch);
  for (let press = 0; press < presses; press += 1) {
    await turn(page, press);
    await page.waitForTimeout(170);
  }
  await page.waitForTimeout(1500);
  Object.assign(figures, await page.evaluate(() => globalThis.measured()));
  await page.evaluate(() => globalThis.unwatch());
  await watchMemory(page);
  figures.faults.push(...faults);
  await context.close();
}

/** In the page: which frame was painted when, and which key was pressed when. */
function watch() {
  const painted = new Map();
  const skew_ms = [];
  const pressed = [];
  const { app } = globalThis.nacre;
  const onKey = (event) => event.repeat || pressed.push({ atMs: event.timeStamp, receipt: null });
  addEventListener("keydown", onKey, true);
  const offs = [
    app.view.on("frame", (frame) => {
      painted.set(frame.frameIndex, frame.paintedMs);
      skew_ms.push(Math.abs(frame.skewMs));
    }),
    app.world.on("receipt", (receipt) => {
      const last = pressed.at(-1);
      if (last && last.receipt === null && receipt.kind === "look") last.receipt = receipt;
    }),
    () => removeEventListener("keydown", onKey, true),
  ];
  // What is noted here would be counted as the page's own memory.
  globalThis.unwatch = () => {
    for (const off of offs) off();
    painted.clear();
    pressed.length = skew_ms.length = 0;
  };
  globalThis.measured = () => ({
    num_pressed: pressed.length,
    key_to_frame_ms: pressed.flatMap(({ atMs, receipt }) => {
      const frame = receipt?.outcome?.frameIndex;
      if (frame === undefined) return [];
      const first = [...painted].filter(([index]) => index >= frame).map(([, at]) => at);
      return first.length ? [Math.min(...first) - atMs] : [];
    }),
    skew_ms,
    stats: app.view.stats(),
  });
}

async function turn(page, press) {
  const key = press % 2 ? "ArrowLeft" : "ArrowRight";
  await page.keyboard.down(key);
  await page.waitForTimeout(253 + (press % 7));
  await page.keyboard.up(key);
}

/** Of the page while somebody plays: at the beginning, every minute, and at the end, each time after its rubbish was
 * collected. A minute has a key every ten seconds and one sentence. */
async function watchMemory(page) {
  if (!minutes) return;
  const cdp = await page.context().newCDPSession(page);
  const renderer = await rendererOf(page);
  for (let minute = 0; minute <= minutes; minute += 1) {
    await cdp.send("HeapProfiler.collectGarbage");
    figures.memory.push({ minute, ...(await heldBy(cdp)), process_bytes: anonymousBytes(renderer) });
    if (minute < minutes) await playOn(page, minute);
  }
}

async function playOn(page, minute) {
  const until = performance.now() + 60_000;
  await page.fill(".say", MINUTES_WORDS[minute % MINUTES_WORDS.length]);
  await page.keyboard.press("Enter");
  for (let press = 0; performance.now() + 10_000 < until; press += 1) {
    await turn(page, press);
    await page.waitForTimeout(9_700);
  }
  await page.waitForTimeout(Math.max(0, until - performance.now()));
}

/** What the script's heap holds, and what lies outside of it on its behalf: the page's nodes, and buffers of media. */
async function heldBy(cdp) {
  const { usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 } = await cdp.send("Runtime.getHeapUsage");
  return { bytes: usedSize + embedderHeapUsedSize + backingStorageSize, script_bytes: usedSize };
}

/** The process that draws the page: the only one with a page in it that has had work to do for so long. */
async function rendererOf(page) {
  const session = await page.context().browser().newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  return renderers.reduce((most, each) => (each.cpuTime > most.cpuTime ? each : most)).id;
}

/** Memory of a process that is no file's (proc(5), status); null where it cannot be read. */
function anonymousBytes(pid) {
  try {
    return 1024 * Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
  } catch {
    return null;
  }
}
