/**
 * Figures of the page as its user has them. One JSON object on standard output.
 *
 *     node measure.mjs URL '{"starts": 5, "presses": 40, "minutes": 0}'
 *
 * Times are the browser's own (performance.now), from the event to the animation frame in which the canvas was painted.
 */

import { launch, openPage, playing } from "../../tests/browser/browser.mjs";

const [url, settings] = process.argv.slice(2);
const { starts, presses, minutes } = JSON.parse(settings);
const browser = await launch();
const figures = {
  usable_ms: [],
  first_frame_ms: [],
  key_to_frame_ms: [],
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
    const key = press % 2 ? "ArrowLeft" : "ArrowRight";
    await page.keyboard.down(key);
    await page.waitForTimeout(253 + (press % 7));
    await page.keyboard.up(key);
    await page.waitForTimeout(170);
  }
  await page.waitForTimeout(1500);
  Object.assign(figures, await page.evaluate(() => globalThis.measured()));
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
  app.view.on("frame", (frame) => {
    painted.set(frame.frameIndex, frame.paintedMs);
    skew_ms.push(Math.abs(frame.skewMs));
  });
  addEventListener("keydown", (event) => event.repeat || pressed.push({ atMs: event.timeStamp, receipt: null }), true);
  app.world.on("receipt", (receipt) => {
    const last = pressed.at(-1);
    if (last && last.receipt === null && receipt.kind === "look") last.receipt = receipt;
  });
  globalThis.measured = () => ({
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

/** What the page's script holds, after its rubbish was collected: at the beginning, every minute, and at the end. */
async function watchMemory(page) {
  if (!minutes) return;
  const cdp = await page.context().newCDPSession(page);
  for (let minute = 0; minute <= minutes; minute += 1) {
    await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize } = await cdp.send("Runtime.getHeapUsage");
    figures.memory.push({ minute, bytes: usedSize });
    if (minute < minutes) await page.waitForTimeout(60_000);
  }
}
