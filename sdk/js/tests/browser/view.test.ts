import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";

import type * as nacre from "../../src/index.js";
import { Chromium, hasChromium } from "./chromium.js";

declare global {
  interface Window {
    nacre: typeof nacre;
    session: nacre.Session;
    world: nacre.World;
    view: nacre.WorldView;
    input: nacre.WorldInput;
    painted: nacre.PaintedFrame[];
    receipts: string[];
  }
}

describe.skipIf(!hasChromium)("in Chromium", () => {
  let chromium: Chromium;
  let page: Page;

  beforeAll(async () => {
    chromium = await Chromium.start();
  });
  afterEach(async () => {
    await page.evaluate(() => window.session?.end());
    await page.close();
    expect(chromium.problems.splice(0)).toEqual([]);
  });
  afterAll(() => chromium?.close());

  async function play(options: nacre.EnterOptions = {}): Promise<void> {
    page = await chromium.page();
    await page.evaluate(
      async ([url, enter]) => {
        const { connect, WorldInput, WorldView } = window.nacre;
        const canvas = document.querySelector("canvas")!;
        window.session = await connect(url).create({ prompt: "a quiet street at dusk", seed: 3 });
        window.world = await window.session.enter(enter);
        window.painted = [];
        window.receipts = [];
        window.world.on("receipt", ({ kind, text, status }) => status === "sent" && window.receipts.push(`${kind}: ${text}`));
        window.view = new WorldView(canvas);
        window.view.on("frame", (frame) => window.painted.push(frame));
        window.view.show(window.world);
        window.input = new WorldInput(window.world, { element: canvas });
      },
      [inject("url"), options] as const,
    );
    await painted(10);
  }

  const painted = (count: number) => page.waitForFunction((least) => window.painted.length >= least, count);

  /** How much the picture varies. */
  const contrast = () =>
    page.evaluate(() => {
      const canvas = document.querySelector("canvas")!;
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      const levels = Array.from({ length: data.length / 4 }, (_, idx) => data[idx * 4]!);
      return Math.max(...levels) - Math.min(...levels);
    });

  test("pictures are decoded and painted in order", async () => {
    await play();
    const can = await page.evaluate(() => window.nacre.canShow());
    const { stats, indices } = await page.evaluate(() => ({
      stats: window.view.stats(),
      indices: window.painted.map(({ frameIndex }) => frameIndex),
    }));
    console.log("can show", can, stats);
    expect(stats.video).toBe(can.video[0]);
    expect(indices).toEqual([...indices].sort((a, b) => a - b));
    expect(stats.framesPainted).toBeGreaterThanOrEqual(10);
    expect(stats.clock).toBe("performance");
    expect(await contrast()).toBeGreaterThan(20);
  });

  test.each([
    ["vp8", "opus"],
    ["rgb", "pcm"],
  ] as const)("%s and %s as well", async (video, audio) => {
    await play({ video, audio });
    expect(await page.evaluate(() => window.view.stats())).toMatchObject({ video, audio });
    expect(await contrast()).toBeGreaterThan(20);
  });

  test.each(["opus", "pcm"] as const)("the sound of %s is heard, and is the clock", async (audio) => {
    await play({ audio });
    expect(await page.evaluate(() => window.view.sound)).toBe(false);
    await page.evaluate(() => document.querySelector("canvas")!.addEventListener("pointerup", () => void window.view.setSound(true)));
    await page.mouse.click(320, 200);
    await page.waitForFunction(() => window.view.sound);
    const before = await page.evaluate(() => window.painted.length);
    await painted(before + 30);
    const heard = await page.evaluate(async () => {
      let peak = 0;
      const samples = new Float32Array(window.view.analyser!.fftSize);
      for (let turn = 0; turn < 20; turn += 1) {
        window.view.analyser!.getFloatTimeDomainData(samples);
        peak = Math.max(peak, ...samples.map(Math.abs));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return { peak, stats: window.view.stats() };
    });
    console.log(audio, heard);
    // This model hums far below what an ear would notice, and Opus takes most of that away.
    expect(heard.peak).toBeGreaterThan(1e-4);
    expect(heard.stats.clock).toBe("audio");
    await page.evaluate(() => window.view.setSound(false));
    const muted = await page.evaluate(() => window.painted.length);
    await painted(muted + 5);
    expect(await page.evaluate(() => window.view.stats().clock)).toBe("performance");
  });

  test("keys are held and let go, and nothing stays held without the page", async () => {
    await play();
    await page.keyboard.down("w");
    await page.keyboard.down("ArrowRight");
    await page.keyboard.up("ArrowRight");
    await page.evaluate(() => window.dispatchEvent(new Event("blur")));
    await page.keyboard.up("w");
    await page.waitForFunction(() => window.receipts.length >= 4);
    expect(await page.evaluate(() => window.receipts)).toEqual([
      "move: forward 1, strafe 0",
      "look: yaw 1, pitch 0",
      "move: forward 0, strafe 0",
      "look: yaw 0, pitch 0",
    ]);
    await page.locator("#text").pressSequentially("wasd");
    expect(await page.evaluate(() => window.receipts.length)).toBe(4);
    expect(await page.locator("#text").inputValue()).toBe("wasd");
    await page.waitForFunction(() => window.view.stats().controlToFrameMs !== null);
  });

  test("a mouse turns while it is locked, and comes to rest", async () => {
    await play();
    await page.mouse.click(320, 200);
    await page.waitForFunction(() => window.input.isLocked);
    for (let step = 1; step <= 10; step += 1) await page.mouse.move(320 + step * 20, 200);
    await page.waitForFunction(() => window.receipts.length >= 2 && window.input.axes.yaw === 0);
    const receipts = await page.evaluate(() => window.receipts);
    expect(receipts.every((each) => each.startsWith("look: "))).toBe(true);
    expect(receipts.some((each) => /yaw (0\.\d+|1),/.test(each))).toBe(true);
    expect(receipts.at(-1)).toBe("look: yaw 0, pitch 0");
  });

  test("a rewind is shown from where it went back to", async () => {
    await play();
    await page.evaluate(() => window.session.rewind({ chunkIndex: 2 }));
    await page.waitForFunction(() => window.painted.some(({ frameIndex }, idx, all) => idx > 0 && frameIndex < all[idx - 1]!.frameIndex));
    const anew = await page.evaluate(() => {
      const idx = window.painted.findIndex(({ frameIndex }, at, all) => at > 0 && frameIndex < all[at - 1]!.frameIndex);
      return window.painted[idx]!.frameIndex;
    });
    expect(anew).toBeGreaterThanOrEqual(2);
    expect(anew).toBeLessThan(8);
  });

  test("another world in the same canvas, and the first one's end is no matter to it", async () => {
    await play();
    await page.evaluate(async () => {
      const old = window.session;
      window.session = await old.fork();
      window.world = await window.session.enter();
      window.view.show(window.world);
      window.painted.length = 0;
      await old.end();
    });
    await painted(5);
    expect(await page.evaluate(() => window.view.world === window.world)).toBe(true);
  });
});
