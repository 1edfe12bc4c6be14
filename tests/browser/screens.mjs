/**
 * Pictures of every state of the page, to be looked at:
 *
 *     node screens.mjs URL FOLDER [SIZE...]
 */

import { frames, playing } from "./browser.mjs";
import { onEverySize } from "./screen_sizes.mjs";

await onEverySize(async ({ line, url, open }) => {
  const { page, shot } = await open();
  await through(page, shot, line, url);
});

async function through(page, shot, line, url) {
  await page.goto(url);
  await page.waitForSelector(".starter");
  await page.waitForTimeout(600);
  await shot("1-start");
  await page.click("[role=tab]:has-text('A picture')");
  await shot("2-start-picture");
  await page.click(".starter >> nth=1");
  await shot("3-opening");
  await playing(page);
  await frames(page, 20);
  await page.keyboard.down("w");
  await frames(page, 12);
  await page.keyboard.up("w");
  await page.fill(".say", "a kitten runs up");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".caption.applied");
  await frames(page, 15);
  await shot("4-playing");
  await page.click("[aria-label='Receipts and figures']");
  await frames(page, 8);
  await shot("5-panel");
  await page.click("[aria-label='Receipts and figures']");
  await page.click("[aria-label='Back by ten seconds']");
  await page.waitForSelector(".lane");
  await frames(page, 25);
  await page.focus(".film");
  for (let step = 0; step < 3; step += 1) await page.keyboard.press("ArrowLeft");
  await shot("6-timeline");
  await page.keyboard.press("Escape");
  await page.click("[aria-label=Share]");
  await page.click("dialog button:has-text('Make a link')");
  await page.waitForSelector("dialog .links li");
  await shot("7-share");
  await page.keyboard.press("Escape");
  await page.click("[aria-label=Keys]");
  await shot("8-keys");
  await page.keyboard.press("Escape");
  await page.click("[aria-label=Settings]");
  await shot("9-settings");
  await page.keyboard.press("Escape");
  await page.evaluate(tellOfABusyService);
  await shot("13-busy");
  await page.evaluate(tellOfAnEnd);
  await page.waitForSelector(".note[data-kind=end]");
  await shot("14-ending");
  line.cut();
  await page.waitForSelector(".cover:has-text('The connection was lost.')");
  await shot("10-lost");
  line.mend();
  await page.waitForSelector(".live[data-state=live]");
  await page.evaluate(() => void globalThis.nacre.app.world.session.end());
  await page.waitForSelector(".cover:has-text('Go on from here')");
  await shot("11-ended");
  await page.click("text=Another world");
  await page.waitForSelector(".gallery .card");
  await page.locator(".gallery").scrollIntoViewIfNeeded();
  await page.waitForTimeout(300);
  await shot("12-gallery");
  await page.evaluate(fillTheHouse);
  await page.evaluate(() => scrollTo(0, 0));
  await page.click(".starter >> nth=0");
  await page.waitForSelector(".in-line");
  await shot("15-queue");
  await page.click("text=Cancel");
  await page.evaluate(() => globalThis.held.forEach((each) => void each.end()));
}

// In the page, as if the service had said so: it cannot be brought to it at the right moment.

function tellOfABusyService() {
  const { stream } = globalThis.nacre.app.world;
  stream.told.quality = { chunkIndex: 0, denoiseShare: 0.75, rate: 1 };
  stream.events.emit("quality", stream.told.quality);
}

function tellOfAnEnd() {
  globalThis.nacre.app.world.stream.events.emit("goAway", { reason: "time_limit", timeLeftS: 42 });
}

async function fillTheHouse() {
  const { client } = globalThis.nacre.app.options;
  const words = ["one", "two"];
  globalThis.held = await Promise.all(words.map((prompt) => client.create({ prompt, waitS: 30 })));
  void client.create({ prompt: "three", waitS: 30 }).catch(() => {});
}
